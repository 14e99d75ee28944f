"""The overlap chain against d-dimensional SGD: the same law, tested on overlaps and Gram matrices."""

import numpy as np
import onepass
import pytest
from helpers.runs import parameters
from scipy.stats import ks_2samp

REPLICAS = 500
SETTINGS = [
    (target, activation, students, batch, protocol, rate)
    for target, activation, students, rate in [
        ("He3(x1)", "He3", 1, 0.02),
        ("He2(x1) + x1*x2", "square", 2, 0.15),
        ("x1 + x1*x2", "tanh", 4, 1.5),
    ]
    for batch in (1, 2, 40)
    for protocol in ("projected_square", "projected_correlation", "spherical_square", "spherical_correlation")
]
ALARM = 1e-3  # chance that correct code fails this file, shared by all comparisons


def final(engine, target, activation, students, batch, protocol, rate, dimension=24, seed=11, start=0.3):
    model = onepass.Model(
        target=target,
        activation=activation,
        students=students,
        second_layer=tuple(1.0 - 0.3 * j for j in range(students)),
        noise=0.2,
    )
    runs = onepass.simulate(
        model,
        onepass.Protocol.named(protocol),
        dimension=dimension,
        batch_size=batch,
        learning_rate=rate * min(1, batch / 8),
        steps=12,
        replicas=REPLICAS,
        engine=engine,
        seed=seed,
        threshold=None,
        initial=("overlap", start),
        records=0,
    )
    last = runs.isel(step=-1)
    return {
        "first overlap": last.overlap.values[:, 0, 0],
        "norm of M": np.linalg.norm(last.overlap.values, axis=(1, 2)),
        "sum of Q": last.student_gram.values.sum(axis=(1, 2)),
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s[1]}-p{s[2]}-n{s[3]}-{s[4]}")
def test_chain_and_sgd_agree_in_law(setting):
    """Two-sample KS, 500 replicas each, 108 comparisons at 1e-3 together (Bonferroni)."""
    chain = final("chain", *setting, seed=11)
    sgd = final("sgd", *setting, seed=12)
    for name in chain if setting[2] > 1 else ["first overlap"]:
        p_value = ks_2samp(chain[name], sgd[name]).pvalue
        assert p_value > ALARM / (3 * len(SETTINGS)), f"{name}: KS p = {p_value:.2g}"
        # z-test of the means, at the same rate
        a, b = chain[name], sgd[name]
        z = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / REPLICAS)
        assert abs(z) < 5.0, f"{name}: means differ by {z:.1f} standard errors"


def test_a_wrong_dimension_is_noticed():
    """The comparison has power: a chain of half the dimension fails it (chance of not failing < 1e-6)."""
    setting = ("He3(x1)", "He3", 1, 8, "projected_correlation", 0.06)
    chain = final("chain", *setting, dimension=12)
    sgd = final("sgd", *setting, dimension=24, seed=12)
    assert ks_2samp(chain["first overlap"], sgd["first overlap"]).pvalue < ALARM / (3 * len(SETTINGS))


def test_sphere_starts_have_the_law_of_uniform_vectors():
    """KS of the initial overlaps and Gram entries against normalised Gaussian vectors; false alarms 1e-4 each."""
    from onepass.simulation.initial import initial_factor

    p, k, d, n = 3, 2, 9, 4000
    rng = np.random.default_rng(5)
    factors = np.array([initial_factor("sphere", p, k, d, rng) for _ in range(n)])
    vectors = rng.standard_normal((n, p, d))
    vectors *= np.where(vectors[..., :k].sum(-1, keepdims=True) < 0, -1, 1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    for j, r in [(0, 0), (2, 1)]:
        assert ks_2samp(factors[:, j, r], vectors[:, j, r]).pvalue > 1e-4
    gram, direct = factors @ factors.swapaxes(1, 2), vectors @ vectors.swapaxes(1, 2)
    for i, j in [(0, 1), (1, 2)]:
        assert ks_2samp(gram[:, i, j], direct[:, i, j]).pvalue > 1e-4


def test_the_adaptive_schedule_agrees_in_law():
    """Chain against sgd through the change of loss: KS and z as above; and against a schedule that decays otherwise."""
    setting = ("He3(x1)", "He3", 2, 8, "projected_adaptive", 0.25)
    chain, sgd = (final(engine, *setting, seed=seed, start=0.6) for engine, seed in (("chain", 21), ("sgd", 22)))
    for name in chain:
        assert ks_2samp(chain[name], sgd[name]).pvalue > ALARM / 3


def test_the_adaptive_schedule_drops_once_and_decays():
    """Above 60 % of the first risk nothing changes; below it the rate falls by 0.1 once and by 0.995 every step."""
    from onepass.simulation import sgd

    model = onepass.Model("He3(x1)", "He3")
    settings = parameters(model, "projected_adaptive", dimension=8, batch_size=1, learning_rate=1.0)
    at = [np.array([[[m, np.sqrt(1 - m**2), 0, 0, 0, 0, 0, 0]]]) for m in (0.5, 0.6, 0.9, 0.9, 0.5)]
    schedule = sgd._AdaptiveSchedule(model, settings, at[0])
    rate, correlation, rates = np.ones(1), np.ones(1, dtype=bool), []
    for students in at:
        schedule.update(students, np.array([0]), rate, correlation)
        rates.append((float(rate[0]), bool(correlation[0])))
    expected = [(1, True), (1, True), (0.0995, False), (0.0995 * 0.995, False), (0.0995 * 0.995, False)]
    np.testing.assert_allclose(rates, expected)
