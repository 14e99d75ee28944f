"""The overlap chain: SGD exactly in law at a cost free of d, and its form for very large batches."""
