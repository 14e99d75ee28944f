"""The simulators on a GPU: which one is used, its kernels, and random numbers named by counters."""
