"""What a covariance of the inputs does to sample complexity: effective dimensions in the place of d.

Derived here, for one student of one direction with the correlation loss. Where inputs are isotropic, weak recovery
takes ``N ∝ d^(ℓ−1)`` samples from a squared correlation of fields of 1/d at the start. Two squared correlations
take its place. That of weights of any direction is 1/d_eff, ``d_eff = tr Σ · w*ᵀΣw* / w*ᵀΣ²w*``. But steps along
inputs, whatever their labels, turn weights into directions of large variance, until they have the law of an input:
then it is 1/d_diff, ``d_diff = tr Σ² · w*ᵀΣw* / w*ᵀΣ³w*``. That the exponent stays ℓ − 1 is argued, not proved; the
figure `effective_dimension` measures it. Where noise is kept small the start remains what it is; at the best rate
noise turns the weights first. A teacher along the leading direction of variances ``i^−a`` has d_eff ∝ d^(1−a) and
d_diff ∝ d^(1−2a), log d at a = 1/2, and bounded beyond.

Where the gradient's own noise knows the label it turns weights towards the teacher as well: `labelled_dimension`.
"""

from onepass.inputs.kind import Covariance
from onepass.theory.exponents import saddle_exponent

CLAIMS = {  # of papers, in words of their abstracts; by arXiv number
    "2503.23642": "bounds on the samples of vanilla SGD by an effective dimension of the covariance in the place of d",
    "2309.03843": "a suitably large spike along the target makes the samples independent of the information exponent; "
    "spherical gradient dynamics may fail even for a spike along the target",
}


def sample_exponent(information_exponent: int) -> float:
    """Power of the effective dimension in the samples of one-pass SGD, at batches that do not limit it."""
    return saddle_exponent(information_exponent)


def labelled_dimension(covariance: Covariance, information_exponent: int) -> float:
    """The dimension whose power `sample_exponent` is that of the samples, noise as labels make it; d if isotropic.

    *Derived here*, for He_ℓ, projected steps of the correlation loss, k = p = 1, while fields correlate little. With
    ``G = w*ᵀΣ²w*`` and ``H = w*ᵀΣ³w*`` of a teacher whose field has unit variance, and ``C = E[σ'² y²]``, the
    covariance c of the fields of label and student follows

        dc = γ β G c^(ℓ−1) dt + γ √(C (H + 2ℓ G²)) dB − ½ γ² C tr Σ c dt .

    Gradients lie along ``Σ w*`` in the mean. Their noise there is not H but ``H + 2ℓ G²``, for ``E[He_ℓ² x²] = (2ℓ + 1)
    ℓ!``: inputs with large labels are far along the teacher. Projection takes from c what noise adds to the norm. At
    the rate whose noise leaves c just able to climb, from ``c² = (H + 2ℓ G²) / tr Σ``, time is the least, and
    ``N ∝ (tr Σ)^(ℓ−1) / (G² (H + 2ℓ G²)^(ℓ−2))``. This is ``(tr Σ / G²)^(ℓ−1)`` to a factor, where H is not far above
    G²; with the teacher along one of a few eigenvectors also ``d_diff^(ℓ−1)``.
    """
    ell, power = information_exponent, sample_exponent(information_exponent)
    square, label = covariance.gain**2, covariance.label_variance
    cubes = zip(covariance.variances, covariance.shares, strict=True)
    third = sum(variance**3 * share for variance, share in cubes) / label
    ratio = (2 * ell + 1) * square / (third + 2 * ell * square)
    return covariance.trace / square * ratio ** (max(ell - 2, 0) / power)


def spiked_exponent(information_exponent: int, power: float, noisy: bool = True) -> float:
    """Power of d in the samples, for a spike of variance ``1 + s d^power`` at a fixed angle, below 90°, to the teacher.

    *Derived here*, see `labelled_dimension`: at the best rate (`noisy`) the dimension is ``d^(1 − 2 power)``, bounded
    from a half on, where inputs themselves correlate with the label. At rates so small that weights stay where they
    started it is the effective dimension, ``d^(1 − power)``.
    """
    return sample_exponent(information_exponent) * max(1 - (2 if noisy else 1) * power, 0.0)
