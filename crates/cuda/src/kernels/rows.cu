// Prompts: the steps between the matrix products, for many rows at once. Products are cuBLASLt's.

// Rows of the table, widened. A block a row.
extern "C" __global__ void embed_rows(const int* tokens, const u16* table, float* x) {
    const u32* row = (const u32*)(table + (long long)tokens[blockIdx.x] * HIDDEN);
    float2* out = (float2*)(x + (long long)blockIdx.x * HIDDEN);
    for (int i = threadIdx.x; i < HIDDEN / 2; i += blockDim.x) out[i] = widen(row[i]);
}

// y = x / sqrt(mean(x²) + epsilon) · gain, narrowed. A block of 256 threads a row.
extern "C" __global__ void __launch_bounds__(256) norm_rows(const float* x, const u16* gain, u16* y, float epsilon) {
    __shared__ float room[256 / WARP];
    const float4* row = (const float4*)(x + (long long)blockIdx.x * HIDDEN);
    float squares = 0;
    for (int i = threadIdx.x; i < HIDDEN / 4; i += 256) {
        const float4 v = row[i];
        squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
    }
    const float scale = rsqrtf(block_sum<256>(squares, room) / HIDDEN + epsilon);
    uint2* out = (uint2*)(y + (long long)blockIdx.x * HIDDEN);
    for (int i = threadIdx.x; i < HIDDEN / 4; i += 256) {
        const float4 v = row[i];
        const uint2 g = ((const uint2*)gain)[i];
        const float2 low = widen(g.x), high = widen(g.y);
        out[i] = make_uint2(narrow_pair(v.x * scale * low.x, v.y * scale * low.y), narrow_pair(v.z * scale * high.x, v.w * scale * high.y));
    }
}

// Adds the bias, turns queries (kept, narrowed, to `q`) and keys, and puts keys and values into the cache. A block a row.
extern "C" __global__ void turn_rows(const float* qkv, const u16* bias, const float* cos, const float* sin, u16* q, u16* keys, u16* values,
                                     int position, int capacity) {
    constexpr int HALF = HEAD_DIM / 2, WIDTH = Q_WIDTH + 2 * KV_HEADS * HEAD_DIM;
    const int at = position + blockIdx.x;
    const float* row = qkv + (long long)blockIdx.x * WIDTH;
    const float* c = cos + (long long)at * HALF;
    const float* s = sin + (long long)at * HALF;
    auto value = [&](int i) { return row[i] + (bias ? widen_one(bias[i]) : 0.0f); };
    for (int i = threadIdx.x; i < (HEADS + KV_HEADS) * HALF; i += blockDim.x) {
        const int head = i / HALF, d = i % HALF;
        const float low = value(head * HEAD_DIM + d), high = value(head * HEAD_DIM + d + HALF);
        u16* out = head < HEADS ? q + (long long)blockIdx.x * Q_WIDTH + head * HEAD_DIM
                                : keys + ((long long)(head - HEADS) * capacity + at) * HEAD_DIM;
        out[d] = narrow(low * c[d] - high * s[d]);
        out[d + HALF] = narrow(high * c[d] + low * s[d]);
    }
    for (int i = threadIdx.x; i < KV_HEADS * HEAD_DIM; i += blockDim.x)
        values[((long long)(i / HEAD_DIM) * capacity + at) * HEAD_DIM + i % HEAD_DIM] = narrow(value(Q_WIDTH + KV_HEADS * HEAD_DIM + i));
}

// silu(gate) · up, narrowed; rows are [gates, ups]. Two columns a thread.
extern "C" __global__ void swiglu_rows(const u16* gate_up, const u16* bias, u16* y, int rows) {
    constexpr int HALF = INTERMEDIATE / 2;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < (long long)rows * HALF; i += (long long)gridDim.x * blockDim.x) {
        const long long row = i / HALF, column = i % HALF;
        const u32* from = (const u32*)gate_up + row * INTERMEDIATE;
        float2 gate = widen(from[column]), up = widen(from[HALF + column]);
        if (bias) {
            const float2 a = widen(((const u32*)bias)[column]), b = widen(((const u32*)bias)[HALF + column]);
            gate.x += a.x, gate.y += a.y, up.x += b.x, up.y += b.y;
        }
        ((u32*)y)[i] = narrow_pair(silu(gate.x) * up.x, silu(gate.y) * up.y);
    }
}

// x += bias, a row each.
extern "C" __global__ void bias_rows(float* x, const u16* bias, int rows) {
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < (long long)rows * HIDDEN; i += (long long)gridDim.x * blockDim.x)
        x[i] += widen_one(bias[i % HIDDEN]);
}

// Causal attention of `rows` queries, the first of them at `position`, over the cache. A block takes TILE queries of a head and goes over keys
// TILE at a time; scores are held for one tile only. f32 arithmetic: it runs everywhere and is exact, and it is not the matrix units' speed.
#define TILE 64
#define TILE_THREADS 256
#define PITCH (HEAD_DIM + 4)
extern "C" __global__ void __launch_bounds__(TILE_THREADS)
attend_rows(const u16* q, const u16* keys, const u16* values, u16* out, int rows, int position, int capacity) {
    extern __shared__ float tile[];
    float* qs = tile;                       // [TILE][PITCH]
    float* ks = qs + TILE * PITCH;          // [TILE][PITCH], keys and then values
    float* ps = ks + TILE * PITCH;          // [TILE][TILE + 4]
    const int head = blockIdx.y, base = blockIdx.x * TILE;
    const u16* head_keys = keys + (long long)(head / GROUP) * capacity * HEAD_DIM;
    const u16* head_values = values + (long long)(head / GROUP) * capacity * HEAD_DIM;
    // A thread has 4 rows and every 16th column: of the scores 4, of the result HEAD_DIM / 16.
    const int r = threadIdx.x / 16 * 4, c = threadIdx.x % 16;
    constexpr int WIDE = HEAD_DIM / 16;
    float sum[4][WIDE] = {}, top[4], mass[4] = {};
    for (int i = 0; i < 4; ++i) top[i] = -INFINITY;

    auto load = [&](float* to, const u16* from, int first, int end, long long stride) {
        for (int i = threadIdx.x; i < TILE * ROW_LANES; i += TILE_THREADS) {
            const int line = i / ROW_LANES, d = i % ROW_LANES * 8;
            float wide[8] = {};
            if (first + line < end) unpack8(*(const uint4*)(from + (first + line) * stride + d), wide);
            for (int j = 0; j < 8; ++j) to[line * PITCH + d + j] = wide[j];
        }
    };
    load(qs, q + head * HEAD_DIM, base, rows, Q_WIDTH);
    const int end = position + min(base + TILE, rows);
    for (int at = 0; at < end; at += TILE) {
        __syncthreads();
        load(ks, head_keys, at, end, HEAD_DIM);
        __syncthreads();
        float score[4][4] = {};
        for (int d = 0; d < HEAD_DIM; d += 4) {
            float4 a[4], b[4];
            for (int i = 0; i < 4; ++i) a[i] = *(const float4*)(qs + (r + i) * PITCH + d), b[i] = *(const float4*)(ks + (c + 16 * i) * PITCH + d);
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j)
                    score[i][j] = fmaf(a[i].x, b[j].x, fmaf(a[i].y, b[j].y, fmaf(a[i].z, b[j].z, fmaf(a[i].w, b[j].w, score[i][j]))));
        }
        const float scale = rsqrtf((float)HEAD_DIM);
        for (int i = 0; i < 4; ++i) {
            float higher = top[i];
            for (int j = 0; j < 4; ++j) {
                score[i][j] = at + c + 16 * j <= position + base + r + i ? score[i][j] * scale : -INFINITY;
                higher = fmaxf(higher, score[i][j]);
            }
            for (int step = 8; step > 0; step /= 2) higher = fmaxf(higher, __shfl_xor_sync(FULL, higher, step));
            const float old = share(top[i], higher);
            float now = 0;
            for (int j = 0; j < 4; ++j) {
                const float weight = share(score[i][j], higher);
                now += weight;
                ps[(r + i) * (TILE + 4) + c + 16 * j] = weight;
            }
            for (int step = 8; step > 0; step /= 2) now += __shfl_xor_sync(FULL, now, step);
            mass[i] = mass[i] * old + now;
            top[i] = higher;
            for (int j = 0; j < WIDE; ++j) sum[i][j] *= old;
        }
        __syncthreads();
        load(ks, head_values, at, end, HEAD_DIM);
        __syncthreads();
        for (int k = 0; k < TILE; ++k) {
            float weight[4], value[WIDE];
            for (int i = 0; i < 4; ++i) weight[i] = ps[(r + i) * (TILE + 4) + k];
            for (int j = 0; j < WIDE; ++j) value[j] = ks[k * PITCH + c + 16 * j];
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < WIDE; ++j) sum[i][j] = fmaf(weight[i], value[j], sum[i][j]);
        }
    }
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < WIDE; ++j)
            if (base + r + i < rows) out[(long long)(base + r + i) * Q_WIDTH + head * HEAD_DIM + c + 16 * j] = narrow(sum[i][j] / mass[i]);
}
