// What all kernels share: 16-bit floats without any header of the toolkit, sums over warps and blocks, and the edges between kernels.
//
// Defined when this is compiled: BF16 (1: 16-bit values are bfloat16, 0: IEEE half), and the shape of the model that the kernels are for.

typedef unsigned short u16;
typedef unsigned int u32;

#define WARP 32
#define FULL 0xffffffffu
#define INFINITY __int_as_float(0x7f800000)

// The two values of a word, the lower first, as floats. Exact.
__device__ __forceinline__ float2 widen(u32 pair) {
#if BF16
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
#else
    float2 wide;
    asm("{.reg .b16 lo, hi; mov.b32 {lo, hi}, %2; cvt.f32.f16 %0, lo; cvt.f32.f16 %1, hi;}" : "=f"(wide.x), "=f"(wide.y) : "r"(pair));
    return wide;
#endif
}

__device__ __forceinline__ float widen_one(u16 value) { return widen((u32)value).x; }

// To the nearest 16-bit value, ties to even.
__device__ __forceinline__ u16 narrow(float value) {
#if BF16
    u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16)((bits >> 16) | 0x40u);
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
#else
    u16 half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    return half;
#endif
}

__device__ __forceinline__ u32 narrow_pair(float low, float high) { return (u32)narrow(low) | ((u32)narrow(high) << 16); }

// Eight 16-bit values times eight floats, added to `sum`.
__device__ __forceinline__ float dot8(uint4 w, float4 a, float4 b, float sum) {
    float2 p = widen(w.x), q = widen(w.y), r = widen(w.z), s = widen(w.w);
    sum = fmaf(p.x, a.x, sum); sum = fmaf(p.y, a.y, sum); sum = fmaf(q.x, a.z, sum); sum = fmaf(q.y, a.w, sum);
    sum = fmaf(r.x, b.x, sum); sum = fmaf(r.y, b.y, sum); sum = fmaf(s.x, b.z, sum); sum = fmaf(s.y, b.w, sum);
    return sum;
}

__device__ __forceinline__ float warp_sum(float value) {
    for (int step = WARP / 2; step > 0; step /= 2) value += __shfl_xor_sync(FULL, value, step);
    return value;
}

// The sum over a block of THREADS threads, for every thread. `room` has a float for each warp.
template <int THREADS> __device__ __forceinline__ float block_sum(float value, float* room) {
    value = warp_sum(value);
    if (threadIdx.x % WARP == 0) room[threadIdx.x / WARP] = value;
    __syncthreads();
    float sum = 0;
    for (int warp = 0; warp < THREADS / WARP; ++warp) sum += room[warp];
    return sum;
}

__device__ __forceinline__ float silu(float x) { return x / (1.0f + __expf(-x)); }

// Programmatic edges (sm_90): the next kernel may start now, and this one waits here until the one before it has ended. Each kernel of
// a step has both, so that one that has ended implies that all before it have. Without such an edge both do nothing.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
__device__ __forceinline__ void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
