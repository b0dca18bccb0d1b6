// A matrix times one vector, y = W x, fused with what stands before and behind it in a decoder: RMSNorm in front, SwiGLU, bias, the residual
// sum or the search for the largest behind.
//
// Bounded by memory: each weight is read once, 16 bytes a lane. A block takes a share of the rows; a unit is one row's stretch of
// CHUNK columns, and a warp takes unit after unit. From sm_80 on, units come through a ring in shared memory, of which each lane reads only
// what it copied itself, so nobody has to wait for others; the ring is filled before the kernel waits for its input, which does not touch weights.

#define THREADS 512
#define WARPS (THREADS / WARP)
#define LOADS 4
#define CHUNK (LOADS * WARP * 8)

#if __CUDA_ARCH__ >= 800
#define RING 1
#else
#define RING 0
#endif

enum Front { PLAIN, NORM };
enum Back { STORE, RESIDUAL, SWIGLU, LARGEST };

struct Pieces {
    const u16* weight;      // [rows, K]; SWIGLU: gates, then as many ups
    const u16* bias;        // [rows] or null
    const float* x;         // [K]
    const u16* gain;        // [K], NORM
    float* y;               // [rows]; SWIGLU: [rows / 2]
    float* largest;         // [blocks], LARGEST
    int* place;             // [blocks], LARGEST
    int rows;               // SWIGLU: of gates
    float epsilon;          // NORM
};

__device__ __forceinline__ uint4 stream(const void* address) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(address));
    return v;
}

__device__ __forceinline__ void copy_async(void* to, const void* from) {
#if RING
    u32 shared = (u32)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(shared), "l"(from) : "memory");
#endif
}
__device__ __forceinline__ void close_group() {
#if RING
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int LEFT> __device__ __forceinline__ void wait_groups() {
#if RING
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
#endif
}

// Shared memory: x in two planes of four floats (so that a quarter of a warp reads 128 bytes in a row), a float a unit, the ring.
template <int K, Front FRONT, Back BACK, int DEPTH> __device__ __forceinline__ void gemv(const Pieces p) {
    constexpr int CHUNKS = (K + CHUNK - 1) / CHUNK;
    constexpr int PLANE = K / 8;
    constexpr int FACTOR = BACK == SWIGLU ? 2 : 1;
    extern __shared__ float4 shared[];
    __shared__ float room[WARPS];
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const int first = (int)((long long)p.rows * blockIdx.x / gridDim.x), last = (int)((long long)p.rows * (blockIdx.x + 1) / gridDim.x);
    const int units = (last - first) * FACTOR * CHUNKS;
    const int most = ((p.rows + gridDim.x - 1) / gridDim.x) * FACTOR * CHUNKS;
    float4* planes = shared;
    float* partial = (float*)(shared + 2 * PLANE);
    uint4* ring = (uint4*)(partial + (most + 3) / 4 * 4) + warp * DEPTH * LOADS * WARP + lane;

    auto address = [&](int unit, int load) {
        const int row = unit / CHUNKS, column = unit % CHUNKS * CHUNK + (load * WARP + lane) * 8;
        const long long matrix_row = BACK == SWIGLU ? first + row / 2 + (long long)(row % 2) * p.rows : first + row;
        return p.weight + matrix_row * K + column;
    };
    auto inside = [&](int unit, int load) { return K % CHUNK == 0 || unit % CHUNKS * CHUNK + (load * WARP + lane) * 8 < K; };
    auto fetch = [&](int unit, int slot) {
        if (RING && unit < units)
            for (int load = 0; load < LOADS; ++load)
                if (inside(unit, load)) copy_async(ring + (slot * LOADS + load) * WARP, address(unit, load));
        close_group();
    };

    let_next_start();
#pragma unroll
    for (int i = 0; i < DEPTH; ++i) fetch(warp + i * WARPS, i);
    wait_for_previous();

    float squares = 0;
    for (int i = threadIdx.x; i < 2 * PLANE; i += THREADS) {
        float4 v = __ldcg((const float4*)p.x + i);
        if (FRONT == NORM) {
            squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            uint2 g = ((const uint2*)p.gain)[i];
            float2 low = widen(g.x), high = widen(g.y);
            v = make_float4(v.x * low.x, v.y * low.y, v.z * high.x, v.w * high.y);
        }
        planes[(i & 1) * PLANE + i / 2] = v;
    }
    float scale = 1.0f;
    if (FRONT == NORM) scale = rsqrtf(block_sum<THREADS>(squares, room) / K + p.epsilon);
    else __syncthreads();

    int slot = 0;
    for (int unit = warp; unit < units; unit += WARPS) {
        uint4 w[LOADS];
        if (RING) {
            wait_groups<DEPTH - 1>();
#pragma unroll
            for (int load = 0; load < LOADS; ++load) w[load] = ring[(slot * LOADS + load) * WARP];
        } else {
#pragma unroll
            for (int load = 0; load < LOADS; ++load)
                if (inside(unit, load)) w[load] = stream(address(unit, load));
        }
        float sum = 0;
#pragma unroll
        for (int load = 0; load < LOADS; ++load) {
            if (!inside(unit, load)) continue;
            const int eighth = unit % CHUNKS * (CHUNK / 8) + load * WARP + lane;
            sum = dot8(w[load], planes[eighth], planes[PLANE + eighth], sum);
        }
        fetch(unit + DEPTH * WARPS, slot);
        slot = slot + 1 == DEPTH ? 0 : slot + 1;
        sum = warp_sum(sum);
        if (lane == 0) partial[unit] = sum;
    }
    wait_groups<0>();
    __syncthreads();

    auto total = [&](int row) {
        float sum = 0;
        for (int chunk = 0; chunk < CHUNKS; ++chunk) sum += partial[row * CHUNKS + chunk];
        return sum * scale;
    };
    float largest = -INFINITY;
    int place = 0x7fffffff;
    for (int row = threadIdx.x; row < last - first; row += THREADS) {
        const int n = first + row;
        if (BACK == SWIGLU) {
            float gate = total(2 * row), up = total(2 * row + 1);
            if (p.bias) gate += widen_one(p.bias[n]), up += widen_one(p.bias[p.rows + n]);
            p.y[n] = silu(gate) * up;
            continue;
        }
        float y = total(row);
        if (p.bias) y += widen_one(p.bias[n]);
        if (BACK == RESIDUAL) y += __ldcg(p.y + n);
        p.y[n] = y;
        if (BACK == LARGEST && y > largest) largest = y, place = n;
    }
    if (BACK == LARGEST) {
        __shared__ int places[WARPS];
        for (int step = WARP / 2; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(FULL, largest, step);
            const int there = __shfl_xor_sync(FULL, place, step);
            if (other > largest || (other == largest && there < place)) largest = other, place = there;
        }
        __syncthreads();
        if (lane == 0) room[warp] = largest, places[warp] = place;
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int other = 1; other < WARPS; ++other)
                if (room[other] > largest || (room[other] == largest && places[other] < place)) largest = room[other], place = places[other];
            p.largest[blockIdx.x] = largest;
            p.place[blockIdx.x] = place;
        }
    }
}

#define GEMV(NAME, K, FRONT, BACK, DEPTH) \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) NAME(const Pieces p) { gemv<K, FRONT, BACK, DEPTH>(p); }

GEMV(gemv_qkv, HIDDEN, NORM, STORE, DEPTH_QKV)
GEMV(gemv_out, Q_WIDTH, PLAIN, RESIDUAL, DEPTH_OUT)
GEMV(gemv_gate_up, HIDDEN, NORM, SWIGLU, DEPTH_GATE_UP)
GEMV(gemv_down, INTERMEDIATE, PLAIN, RESIDUAL, DEPTH_DOWN)
GEMV(gemv_head, HIDDEN, NORM, LARGEST, DEPTH_HEAD)
