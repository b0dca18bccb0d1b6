// Attention of one new token over the KV cache, grouped queries: rotary positions, the new key and value into the cache, and the softmax-weighted
// sum of values, in one pass that never holds the scores (Milakov and Gimelshein 2018; Dao et al. 2022). Positions are shared out among SPLITS blocks
// for each key head (at most 32); the block that ends last joins their parts.
//
// Cache: [kv_heads, capacity, HEAD_DIM] of 16-bit values for keys and for values.

#define GROUP (HEADS / KV_HEADS)
#define ROW_LANES (HEAD_DIM / 8)
#define ROWS_AT_ONCE (WARP / ROW_LANES)
#define ATTEND_THREADS 256
#define ATTEND_WARPS (ATTEND_THREADS / WARP)
#define PART (HEAD_DIM + 2)
// Rows that a lane reads before the kernel waits for its input: earlier positions are in the cache already.
#define AHEAD 2
#define STRIDE (ATTEND_WARPS * ROWS_AT_ONCE)

__device__ __forceinline__ void unpack8(uint4 v, float* out) {
    float2 a = widen(v.x), b = widen(v.y), c = widen(v.z), d = widen(v.w);
    out[0] = a.x, out[1] = a.y, out[2] = b.x, out[3] = b.y, out[4] = c.x, out[5] = c.y, out[6] = d.x, out[7] = d.y;
}

// The weight by which a part with the maximum `of` enters one with the maximum `into`.
__device__ __forceinline__ float share(float of, float into) { return of == -INFINITY ? 0.0f : __expf(of - into); }

// qkv: [Q_WIDTH + 2 KV_WIDTH]; cos, sin: [capacity, HEAD_DIM / 2]; parts: [HEADS, SPLITS, PART]; out: [Q_WIDTH]; ended: [KV_HEADS], zero.
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
attend(const State* state, const float* qkv, const float* cos, const float* sin, u16* keys, u16* values, float* parts, float* out, u32* ended,
       int capacity) {
    __shared__ __align__(16) float q[GROUP][HEAD_DIM];
    __shared__ float merged[ATTEND_WARPS][GROUP][PART];
    __shared__ bool is_last;
    const int head = blockIdx.y, split = blockIdx.x, splits = gridDim.x;
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    __shared__ uint4 fresh[2][HEAD_DIM / 8];
    let_next_start();
    // The state is of the step before, which has ended.
    const int position = state->position, length = position + 1;
    const int share_of = (length + splits - 1) / splits;
    const int from = split * share_of, to = min(from + share_of, length);
    u16* head_keys = keys + (long long)head * capacity * HEAD_DIM;
    u16* head_values = values + (long long)head * capacity * HEAD_DIM;
    const int row_lane = lane % ROW_LANES, row = threadIdx.x / ROW_LANES;
    uint4 ahead_keys[AHEAD], ahead_values[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; ++i) {
        const int at = from + row + i * STRIDE;
        if (at >= to || at == position) continue;
        ahead_keys[i] = *(const uint4*)(head_keys + (long long)at * HEAD_DIM + row_lane * 8);
        ahead_values[i] = *(const uint4*)(head_values + (long long)at * HEAD_DIM + row_lane * 8);
    }
    wait_for_previous();

    const float* c = cos + (long long)position * (HEAD_DIM / 2);
    const float* s = sin + (long long)position * (HEAD_DIM / 2);
    for (int i = threadIdx.x; i < GROUP * HEAD_DIM / 2; i += ATTEND_THREADS) {
        const int g = i / (HEAD_DIM / 2), d = i % (HEAD_DIM / 2);
        const float* from_q = qkv + (head * GROUP + g) * HEAD_DIM;
        const float low = __ldcg(from_q + d), high = __ldcg(from_q + d + HEAD_DIM / 2);
        const float scale = rsqrtf((float)HEAD_DIM);
        q[g][d] = (low * c[d] - high * s[d]) * scale;
        q[g][d + HEAD_DIM / 2] = (high * c[d] + low * s[d]) * scale;
    }
    if (position >= from && position < to) {
        const float* k = qkv + Q_WIDTH + head * HEAD_DIM;
        const float* v = k + KV_HEADS * HEAD_DIM;
        u16* fresh_key = (u16*)fresh[0];
        u16* fresh_value = (u16*)fresh[1];
        // The last threads, as the first are busy with queries.
        for (int d = ATTEND_THREADS - 1 - threadIdx.x; d < HEAD_DIM; d += ATTEND_THREADS) {
            values[((long long)head * capacity + position) * HEAD_DIM + d] = fresh_value[d] = narrow(__ldcg(v + d));
            if (d >= HEAD_DIM / 2) continue;
            const float low = __ldcg(k + d), high = __ldcg(k + d + HEAD_DIM / 2);
            head_keys[(long long)position * HEAD_DIM + d] = fresh_key[d] = narrow(low * c[d] - high * s[d]);
            head_keys[(long long)position * HEAD_DIM + d + HEAD_DIM / 2] = fresh_key[d + HEAD_DIM / 2] = narrow(high * c[d] + low * s[d]);
        }
    }
    __syncthreads();

    float sum[GROUP][8], top[GROUP], mass[GROUP];
#pragma unroll
    for (int g = 0; g < GROUP; ++g) {
        top[g] = -INFINITY, mass[g] = 0;
#pragma unroll
        for (int i = 0; i < 8; ++i) sum[g][i] = 0;
    }
    auto take = [&](int at, uint4 packed_key, uint4 packed_value) {
        const bool there = at < to;
        if (at == position) packed_key = fresh[0][row_lane], packed_value = fresh[1][row_lane];
        if (!there) packed_key = packed_value = make_uint4(0, 0, 0, 0);
        float key[8], value[8];
        unpack8(packed_key, key);
        unpack8(packed_value, value);
#pragma unroll
        for (int g = 0; g < GROUP; ++g) {
            float score = 0;
#pragma unroll
            for (int i = 0; i < 8; ++i) score = fmaf(q[g][row_lane * 8 + i], key[i], score);
#pragma unroll
            for (int step = ROW_LANES / 2; step > 0; step /= 2) score += __shfl_xor_sync(FULL, score, step);
            if (!there) score = -INFINITY;
            const float higher = fmaxf(top[g], score);
            const float old = share(top[g], higher), now = share(score, higher);
            top[g] = higher;
            mass[g] = mass[g] * old + now;
#pragma unroll
            for (int i = 0; i < 8; ++i) sum[g][i] = fmaf(now, value[i], sum[g][i] * old);
        }
    };
    const int begin = from + warp * ROWS_AT_ONCE;
#pragma unroll
    for (int i = 0; i < AHEAD; ++i)
        if (begin + i * STRIDE < to) take(from + row + i * STRIDE, ahead_keys[i], ahead_values[i]);
#pragma unroll 1
    for (int base = AHEAD * STRIDE; begin + base < to; base += STRIDE) {
        const int at = from + row + base;
        const long long offset = (long long)min(at, to - 1) * HEAD_DIM + row_lane * 8;
        take(at, *(const uint4*)(head_keys + offset), *(const uint4*)(head_values + offset));
    }
    // Rows of a warp, then warps of the block.
#pragma unroll
    for (int g = 0; g < GROUP; ++g) {
#pragma unroll
        for (int step = ROW_LANES; step < WARP; step *= 2) {
            const float other_top = __shfl_xor_sync(FULL, top[g], step), other_mass = __shfl_xor_sync(FULL, mass[g], step);
            const float higher = fmaxf(top[g], other_top);
            const float old = share(top[g], higher), now = share(other_top, higher);
#pragma unroll
            for (int i = 0; i < 8; ++i) {
                const float other = __shfl_xor_sync(FULL, sum[g][i], step);
                sum[g][i] = sum[g][i] * old + other * now;
            }
            mass[g] = mass[g] * old + other_mass * now;
            top[g] = higher;
        }
        if (lane < ROW_LANES) {
#pragma unroll
            for (int i = 0; i < 8; ++i) merged[warp][g][row_lane * 8 + i] = sum[g][i];
            if (row_lane == 0) merged[warp][g][HEAD_DIM] = top[g], merged[warp][g][HEAD_DIM + 1] = mass[g];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < GROUP * HEAD_DIM; i += ATTEND_THREADS) {
        const int g = i / HEAD_DIM, d = i % HEAD_DIM;
        float higher = -INFINITY, total = 0, weight = 0;
        for (int w = 0; w < ATTEND_WARPS; ++w) higher = fmaxf(higher, merged[w][g][HEAD_DIM]);
        for (int w = 0; w < ATTEND_WARPS; ++w) {
            const float now = share(merged[w][g][HEAD_DIM], higher);
            total = fmaf(now, merged[w][g][d], total);
            weight = fmaf(now, merged[w][g][HEAD_DIM + 1], weight);
        }
        if (splits == 1) {
            out[(head * GROUP + g) * HEAD_DIM + d] = total / weight;
            continue;
        }
        float* part = parts + ((long long)(head * GROUP + g) * splits + split) * PART;
        part[d] = total;
        if (d == 0) part[HEAD_DIM] = higher, part[HEAD_DIM + 1] = weight;
    }
    if (splits == 1) return;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) is_last = atomicInc(ended + head, splits - 1) == splits - 1;
    __syncthreads();
    if (!is_last) return;
    __threadfence();
    // A lane a split, so that nothing is waited for twice.
    __shared__ float weights[GROUP][WARP];
    for (int g = warp; g < GROUP; g += ATTEND_WARPS) {
        const float* part = parts + ((long long)(head * GROUP + g) * splits + min(lane, splits - 1)) * PART;
        const float mine_top = lane < splits ? __ldcg(part + HEAD_DIM) : -INFINITY, mine_mass = __ldcg(part + HEAD_DIM + 1);
        float higher = mine_top;
        for (int step = WARP / 2; step > 0; step /= 2) higher = fmaxf(higher, __shfl_xor_sync(FULL, higher, step));
        const float now = share(mine_top, higher);
        weights[g][lane] = now / warp_sum(now * mine_mass);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < GROUP * HEAD_DIM; i += ATTEND_THREADS) {
        const int g = i / HEAD_DIM, d = i % HEAD_DIM;
        const float* part = parts + (long long)(head * GROUP + g) * splits * PART + d;
        float total = 0;
#pragma unroll 8
        for (int w = 0; w < splits; ++w) total = fmaf(weights[g][w], __ldcg(part + w * PART), total);
        out[(head * GROUP + g) * HEAD_DIM + d] = total;
    }
}
