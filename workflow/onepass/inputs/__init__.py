"""Inputs: the covariance of what is seen, as blocks of equal variance, and where the teacher lies in them.

In the basis of their principal axes inputs are Gaussian of a diagonal covariance Σ. Directions of one variance make a
block, in which inputs are isotropic. Each row of the teacher has the same share τ_b of its squared norm in block b.
"""
