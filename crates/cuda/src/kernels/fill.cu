// Memory filled with numbers drawn from a seed: weights of models that only measure, and inputs of checks.

// Uniform in [-bound, bound), the same for the same seed (the finaliser of MurmurHash3 over the index).
__device__ __forceinline__ float drawn(u32 seed, long long i, float bound) {
    u32 h = (u32)i * 0x9e3779b9u ^ (u32)(i >> 32) ^ seed;
    h ^= h >> 16, h *= 0x85ebca6bu, h ^= h >> 13, h *= 0xc2b2ae35u, h ^= h >> 16;
    return ((float)(h >> 8) * (1.0f / 8388608.0f) - 1.0f) * bound;
}

extern "C" __global__ void fill_drawn(u16* to, long long count, u32 seed, float bound) {
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x)
        to[i] = narrow(drawn(seed, i, bound));
}

extern "C" __global__ void fill_with(u16* to, long long count, float value) {
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x) to[i] = narrow(value);
}
