"""What a covariance of the inputs does to sample complexity: effective dimensions in the place of d.

Derived here, for one student of one direction with the correlation loss. Where inputs are isotropic, weak recovery
takes ``N ∝ d^(ℓ−1)`` samples from a squared correlation of fields of 1/d at the start. Two squared correlations
take its place. That of weights of any direction is 1/d_eff, ``d_eff = tr Σ · w*ᵀΣw* / w*ᵀΣ²w*``. But steps along
inputs, whatever their labels, turn weights into directions of large variance, until they have the law of an input:
then it is 1/d_diff, ``d_diff = tr Σ² · w*ᵀΣw* / w*ᵀΣ³w*``. That the exponent stays ℓ − 1 is argued, not proved; the
figure `effective_dimension` measures it. Where noise is kept small the start remains what it is; at the best rate
noise turns the weights first. A teacher along the leading direction of variances ``i^−a`` has d_eff ∝ d^(1−a) and
d_diff ∝ d^(1−2a), log d at a = 1/2, and bounded beyond.
"""

from onepass.theory.exponents import saddle_exponent

CLAIMS = {  # of papers, in words of their abstracts; by arXiv number
    "2503.23642": "bounds on the samples of vanilla SGD by an effective dimension of the covariance in the place of d",
    "2309.03843": "a suitably large spike along the target makes the samples independent of the information exponent; "
    "spherical gradient dynamics may fail even for a spike along the target",
}


def sample_exponent(information_exponent: int) -> float:
    """Power of the effective dimension in the samples of one-pass SGD, at batches that do not limit it."""
    return saddle_exponent(information_exponent)
