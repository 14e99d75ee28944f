"""The overlap chain against d-dimensional SGD: the same law, tested on overlaps and Gram matrices."""

import numpy as np
import onepass
import pytest
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


def test_the_adaptive_schedule_agrees_in_law():
    """Chain against sgd through the change of loss: KS and z as above; and against a schedule that decays otherwise."""
    setting = ("He3(x1)", "He3", 2, 8, "projected_adaptive", 0.25)
    chain, sgd = (final(engine, *setting, seed=seed, start=0.6) for engine, seed in (("chain", 21), ("sgd", 22)))
    for name in chain:
        assert ks_2samp(chain[name], sgd[name]).pvalue > ALARM / 3
