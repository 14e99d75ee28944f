// One source for two machines: a GPU, and a plain C++ compiler that runs the blocks of a launch one after another.
//
// Kernels are written in phases: each `EACH_THREAD(t) { ... }` is what thread t of a block does until the next
// SYNC(). Nothing but shared memory passes from one phase to the next, so the plain loop over t that stands for it on
// a host computes the same numbers, in whatever order it goes through the threads.

#ifdef __CUDACC__

typedef unsigned int uint32;
typedef unsigned long long uint64;

#define DEVICE static __device__ __forceinline__
#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS)
#define SHARED(name) extern __shared__ double name[]
#define EACH_THREAD(t) for (int t = threadIdx.x, t##_once = 1; t##_once; t##_once = 0)
#define SYNC() __syncthreads()
#define BLOCK blockIdx.x
#define BLOCKS gridDim.x
#define UNROLL _Pragma("unroll")
#define UNROLL_8 _Pragma("unroll 8")

DEVICE void count_down(int *counter) { atomicSub(counter, 1); }

DEVICE double double_from_bits(uint32 high, uint32 low) { return __hiloint2double((int)high, (int)low); }

#else

#include <cmath>
#include <cstdint>
#include <cstring>

typedef uint32_t uint32;
typedef uint64_t uint64;
using std::erf;
using std::isfinite;

// What a launch on a GPU sets; here whoever drives the library does. `backwards` turns the order of the threads.
extern "C" {
long long emulated_block, emulated_blocks;
int emulated_backwards;
}

#define DEVICE static inline
#define KERNEL extern "C" void
#define SHARED(name) static thread_local double name[SHARED_DOUBLES]
#define EACH_THREAD(t) \
    for (int t##_count = 0, t = emulated_backwards ? THREADS - 1 : 0; t##_count < THREADS; \
         ++t##_count, t += emulated_backwards ? -1 : 1)
#define SYNC() ((void)0)
#define BLOCK emulated_block
#define BLOCKS emulated_blocks
#define UNROLL
#define UNROLL_8

DEVICE void count_down(int *counter) { --*counter; }

DEVICE double double_from_bits(uint32 high, uint32 low) {
    uint64 bits = (uint64)high << 32 | low;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE void sincospi(double x, double *sine, double *cosine) {
    const double pi = 3.14159265358979323846;
    *sine = std::sin(pi * x);
    *cosine = std::cos(pi * x);
}

#endif

DEVICE double sign(double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); }
DEVICE double step(double x) { return x > 0.0 ? 1.0 : 0.0; }
DEVICE double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
DEVICE double sigmoid(double x) { return (1.0 + tanh(x / 2.0)) / 2.0; }
DEVICE double silu(double x) { return x * (1.0 + tanh(x / 2.0)) / 2.0; }
DEVICE double gelu(double x) { return x * (1.0 + erf(x / sqrt(2.0))) / 2.0; }
DEVICE double elu(double x) { return fmax(x, 0.0) + (exp(fmin(x, 0.0)) - 1.0); }

#ifndef __CUDACC__
// A launch of `blocks` blocks of a kernel.
extern "C" void emulate(void (*kernel)(const void *, long long), const void *run, long long count, long long blocks,
                        int backwards) {
    emulated_blocks = blocks;
    emulated_backwards = backwards;
    for (long long n = 0; n < blocks; ++n) {
        emulated_block = backwards ? blocks - 1 - n : n;
        kernel(run, count);
    }
}
#endif
