// The small ends of a decode step: the token's embedding before the first block, and the choice of the next token behind the head.

// What a step knows of the sequence; on the device, so that one graph serves every position.
struct State {
    int token;      // to be run
    int position;   // where it stands
    int count;      // tokens chosen so far
    int pad;
};

// x = the token's row, widened. One block.
extern "C" __global__ void embed(const State* state, const u16* table, float* x) {
    let_next_start();
    wait_for_previous();
    const u32* row = (const u32*)(table + (long long)__ldcg(&state->token) * HIDDEN);
    for (int i = threadIdx.x; i < HIDDEN / 2; i += blockDim.x) {
        float2 pair = widen(row[i]);
        ((float2*)x)[i] = pair;
    }
}

// The first of the largest logits becomes the token of the next step and is written down. By one warp.
__device__ __forceinline__ void pick(State* state, const float* largest, const int* place, int blocks, int* chosen, int room) {
    float top = -INFINITY;
    int where = 0x7fffffff;
    for (int i = threadIdx.x; i < blocks; i += WARP) {
        float value = __ldcg(largest + i);
        int at = __ldcg(place + i);
        if (value > top || (value == top && at < where)) top = value, where = at;
    }
    for (int step = WARP / 2; step > 0; step /= 2) {
        const float other = __shfl_xor_sync(FULL, top, step);
        const int there = __shfl_xor_sync(FULL, where, step);
        if (other > top || (other == top && there < where)) top = other, where = there;
    }
    if (threadIdx.x == 0) {
        // No logit is a number: the id 0, as the host would have it that then reports it.
        if (where == 0x7fffffff) where = 0;
        if (state->count < room) chosen[state->count] = where;
        state->token = where;
        state->position += 1;
        state->count += 1;
    }
}

extern "C" __global__ void choose(State* state, const float* largest, const int* place, int blocks, int* chosen, int room) {
    let_next_start();
    wait_for_previous();
    pick(state, largest, place, blocks, chosen, room);
}
