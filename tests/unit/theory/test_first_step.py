"""What the first step gains, against the mean process."""

import onepass
import pytest
from onepass.theory.first_step import first_step_gain

HE3 = onepass.Model("He3(x1)", "He3")


@pytest.mark.parametrize("protocol", ["projected_square", "projected_correlation", "spherical_square"])
def test_the_first_step_gains_what_the_mean_process_gains(protocol):
    """Up to the order of the fluctuations of the norm, which the one keeps in the mean and the other leaves out."""
    own, d, n_b, rate = onepass.Protocol.named(protocol), 1000, 10**6, 1e-3
    step = onepass.solve_dynamics(
        HE3, own, dimension=d, batch_size=n_b, learning_rate=rate, steps=1, initial=("overlap", d**-0.5), records=1
    )
    expected = float(step.overlap.values.ravel()[-1] / step.overlap.values.ravel()[0]) - 1
    assert first_step_gain(HE3, own, d, n_b, rate, d**-0.5) == pytest.approx(expected, rel=1e-3)
    assert first_step_gain(HE3, own, d, 1, rate, d**-0.5) < 0 < expected
