"""The mean process: its compiled steps, its expansion by hand, and where it has no norm."""

from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.processes import CORRELATION, HE2, HE3, PROTOCOLS, SQUARE, TWO, WARM
from onepass.simulation.simulate import DivergenceError
from onepass.theory import mean_process
from onepass.theory.dynamics import solve_dynamics


def test_compiled_steps_equal_those_of_other_models(monkeypatch):
    """Models of every kind take the same steps, whoever computes their means."""
    settings = {"dimension": 100, "batch_size": 30, "learning_rate": 0.05, "steps": 12, "records": 5}
    cases = [(TWO, WARM, p) for p in PROTOCOLS] + [
        (HE3, ("overlap", 0.4), onepass.Protocol("correlation", "spherical"))
    ]
    cases.append((HE2, ("overlap", 0.5), onepass.Protocol("correlation", schedule="adaptive")))
    for model, initial, protocol in cases:
        fast = solve_dynamics(model, protocol, initial=initial, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(mean_process, "compiled_rule", lambda model: None)
            slow = solve_dynamics(model, protocol, initial=initial, **settings)
        for name in ("overlap", "student_gram", "risk"):
            np.testing.assert_allclose(slow[name], fast[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["He2", "He3"])
@pytest.mark.parametrize("m", [0.05, 0.6])
def test_step_of_m_has_the_expansion_worked_out_by_hand(name, m):
    """Terms of γ, γ² d/n_b and γ² φBC of the known expansions, and what restoring the norm adds to second order."""
    noise, gamma, d = 0.2, 1e-7, 10**12
    first, high, batch, psi, gf = {
        "He2": (4 * m - 4 * m**3, 24 * m - 24 * m**3 + 2 * noise * m, 8 * m - 8 * m**3, 0.0, 4 * m**2 - 4),
        "He3": (
            18 * m**2 - 18 * m**4,
            1728 * m + 648 * m**3 - 3348 * m**4 + 972 * m**5 + 9 * noise * m,
            162 * m - 324 * m**4 + 162 * m**5,
            18 * m**2 - 18 * m,
            18 * (m**3 - 1),
        ),
    }[name]
    model = onepass.Model(f"{name}(x1)", name, noise=noise)

    def change(**options):
        settings = {"learning_rate": gamma, "steps": 1, "initial": ("overlap", m), "dimension": d} | options
        return float(solve_dynamics(model, SQUARE, **settings).overlap.diff("step")[0, 0, 0])

    full, wide, alone = change(batch_size=d), change(batch_size=d // 3), change(batch_size=d, intra_batch=False)
    assert full / gamma == pytest.approx(first, rel=1e-3)
    assert (wide - full) / gamma**2 == pytest.approx(-2 * high, rel=3e-3)
    assert (full - alone) / gamma**2 == pytest.approx(-batch, rel=0.02, abs=0.02)
    norm = 1.5 * m * gf**2 - psi * gf
    assert (full - gamma * first) / gamma**2 == pytest.approx(-high - batch + norm, rel=3e-3, abs=0.02)


def test_recovery_of_the_correlation_loss_takes_the_logarithm_of_d():
    """He2, n_b = 3d, γ = 0.1, from an overlap of 1/√d: steps until the excess risk is below 1.9 of its first 2."""
    times = []
    for d in 2 ** np.arange(5, 33, 3):
        settings = {"dimension": d, "batch_size": 3 * d, "learning_rate": 0.1, "steps": 40, "records": 200}
        run = solve_dynamics(HE2, CORRELATION, initial=("overlap", 1 / sqrt(d)), **settings)
        times.append(int(run.step[int((run.risk.values < 1.9).argmax())]))
    assert times == [1, 5, 8, 11, 14, 17, 21, 24, 27, 30]


def test_a_step_without_a_norm_is_reported():
    """Without the intra-batch term the mean squared norm after a step can be negative."""
    settings = {"dimension": 10**6, "batch_size": 10**9, "learning_rate": 0.2, "steps": 5, "initial": ("overlap", 0.1)}
    with pytest.raises(DivergenceError, match=r"after step 0 with learning rate 0\.2"):
        solve_dynamics(HE2, SQUARE, intra_batch=False, **settings)
