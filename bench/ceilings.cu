// The ceilings of a device: multiply-adds in registers; and a kernel that only waits. Timed as the kernels of pysig
// are.
using R = BENCH_REAL;

// `rounds` times 64 multiply-adds per thread, in 16 chains: more than the latency of a multiply-add needs.
extern "C" __global__ void __launch_bounds__(256) bench_madds(R* out, long long rounds) {
    R sum[16];
    const R factor = R(0.999), term = R(threadIdx.x) * R(1e-3);
    for (int k = 0; k < 16; ++k) sum[k] = R(k);
    for (long long round = 0; round < rounds; ++round) {
#pragma unroll
        for (int again = 0; again < 4; ++again) {
#pragma unroll
            for (int k = 0; k < 16; ++k) sum[k] = sum[k] * factor + term;
        }
    }
    R total = 0;
    for (int k = 0; k < 16; ++k) total += sum[k];
    out[blockIdx.x * (long long)(blockDim.x) + threadIdx.x] = total;
}

// Keeps the card busy while calls queue up behind it.
extern "C" __global__ void bench_wait(long long cycles) {
    const long long start = clock64();
    while (clock64() - start < cycles) {
    }
}
