"""Algorithms that touch a batch by fields and combinations alone: written once, run in d dimensions or exactly without.

An algorithm reads the fields ``Z Vᵀ`` of vectors that it holds and forms combinations ``Cᵀ Z / n_b`` with weights that
it computed from them. `dense.DenseInputs` has batches that hold Z, the d-dimensional reference; `lazy.LazyInputs` has
batches of the same methods that draw what is asked for, in a few coordinates: the same law at a cost without d.
"""
