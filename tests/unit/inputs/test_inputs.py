"""Inputs: what blocks a description means, its name, and that those which do not exist are refused by name."""

import logging

import numpy as np
import onepass
import pytest
from onepass.gaussian.any_norm import risk_at
from onepass.inputs.described import inputs_of
from onepass.simulation.algorithms.blocks import BlockInputs
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.initial import initial_factors

NAMES = [
    "isotropic",
    "blocks_0.5v2t0.1_0.5v1t0.9",
    "blocks_3v1e-05t0.5_1.0v1t0.5_unit",
    "spectrum0.5x24",
    "spectrum1.2x6t0.5_first_unit",
    "spike9a0.5",
    "spike0.5d0.75a1_unit",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_back(name):
    inputs = inputs_of(name)
    assert inputs.name == name
    assert inputs_of(inputs) is inputs
    assert len({inputs, inputs_of(name)}) == 1


def test_mappings_are_what_their_names_say():
    blocks = [{"dimension": 0.5, "variance": 2, "teacher": 0.1}, {"dimension": 0.5, "variance": 1, "teacher": 0.9}]
    for mapping, name in (
        ({"blocks": blocks}, NAMES[1]),
        ({"spectrum": {"power": 1.2, "blocks": 6, "teacher": 0.5, "scale": "first"}, "normalised": False}, NAMES[4]),
        ({"spike": {"strength": 9, "alignment": 0.5}}, NAMES[5]),
    ):
        assert inputs_of(mapping) == inputs_of(name)


def test_blocks_have_fractions_of_what_counts_leave():
    covariance = inputs_of("blocks_3v4t0_0.25v2t0.5_0.75v1t0.5").at(13, 1)
    assert covariance.dimensions == (3, 2, 8)
    assert covariance.variances == (4, 2, 1)
    assert covariance.trace == 24
    assert covariance.label_variance == 1.5


def test_a_spectrum_keeps_its_trace_and_its_teacher_whatever_the_blocks():
    i = np.arange(1, 301.0)
    for blocks in (1, 5, 300):
        covariance = inputs_of(f"spectrum0.7x{blocks}t0.4").at(300, 1)
        assert sum(covariance.dimensions) == 300
        assert covariance.trace == pytest.approx(300)
        assert sum(covariance.shares) == pytest.approx(1)
    variances = i**-0.7 * 300 / (i**-0.7).sum()
    expected = 300 * ((variances * i**-0.4).sum() / (variances**2 * i**-0.4).sum())
    exact = inputs_of("spectrum0.7x1000t0.4").at(300, 1)
    fine = inputs_of("spectrum0.7x24t0.4").at(300, 1)
    assert fine.effective_dimension == pytest.approx(expected, rel=0.01)
    assert exact.effective_dimension == pytest.approx(expected, rel=1e-3)
    assert inputs_of("spectrum1.5x3_first").at(10, 1).trace == pytest.approx((i[:10] ** -1.5).sum())


def test_sums_over_long_blocks_are_sums():
    found = inputs_of("spectrum1.3x2_first").at(4_000_000, 1)
    i = np.arange(1, 4_000_001.0)
    assert found.dimensions == (2000, 3_998_000)
    np.testing.assert_allclose(
        np.multiply(found.variances, found.dimensions), [(i[:2000] ** -1.3).sum(), (i[2000:] ** -1.3).sum()], rtol=1e-12
    )


def test_blocks_of_a_spectrum_hold_all_teachers():
    assert min(inputs_of("spectrum1x50").at(200, 3).dimensions) >= 3


def test_the_effective_dimension():
    assert inputs_of("isotropic").at(50, 1).effective_dimension == 50
    spiked = inputs_of("spike9a1").at(50, 1)
    assert spiked.dimensions == (1, 49)
    assert spiked.effective_dimension == pytest.approx(59 / 10)  # tr Σ / ‖Σ‖


def test_a_teacher_of_unit_rows_is_a_scaled_target():
    model = onepass.Model("He2(x1) + x1*x2", "tanh", inputs="spike8a1_unit")
    same = model.normalised(20)
    x = np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_allclose(same.target_formula.array(np)(x), model.target_formula.array(np)(3 * x))
    assert same.inputs.name == "spike8a1"
    assert onepass.Model("x1", "tanh", inputs="spike8a1").normalised(20).target == "x1"


def fractions(*blocks):
    return {"blocks": [dict(zip(("dimension", "variance", "teacher"), block, strict=True)) for block in blocks]}


BAD = [
    ("gaussian", "inputs 'gaussian' are unknown; allowed: isotropic"),
    ("spike9.0a0.5", "did you mean 'spike9a0.5'"),
    ({"spikes": {}}, "allowed: isotropic, or one of blocks, spectrum, spike"),
    ({"spike": {"strength": 1}, "scale": 1}, "are unknown"),
    ({"spike": {"size": 1}}, "allowed: a mapping of strength, alignment, power"),
    ({"spike": {"strength": -2}}, "strength is -2; allowed: a number from -1"),
    ({"spike": {"alignment": 1.5}}, "alignment is 1.5; allowed: a number from 0 to 1"),
    ({"spike": {}, "normalised": 1}, "normalised is 1; allowed: true or false"),
    ({"spectrum": {"power": float("nan")}}, "power is nan"),
    ({"spectrum": {"power": 1.0, "scale": "first"}}, "power 1 with scale 'first' has a trace that diverges with d"),
    ({"spectrum": {"blocks": 0}}, "blocks is 0; allowed: a whole number"),
    ({"blocks": []}, "0 blocks; allowed: from 1"),
    ({"blocks": "halves"}, "allowed: a list of blocks"),
    ({"blocks": [{"dimension": 1.0}]}, "allowed: a mapping of dimension, variance, teacher"),
    (fractions((0.5, 1, 0.5), (0.4, 1, 0.5)), "fractions of d 0.5 [+] 0.4 sum to 0.9; allowed: 1"),
    (fractions((0.5, 1, 0.5), (0.5, 1, 0.6)), "teacher 0.5 [+] 0.6 sums to 1.1; allowed: shares that sum to 1"),
    (fractions((1.0, -1, 1)), "block 1: variance is -1; allowed: a number from 0"),
    (fractions((True, 1, 1)), "block 1: dimension is True"),
    (fractions((0.0, 1, 1)), "block 1: dimension is 0; allowed: a fraction of d above 0"),
    (fractions((0, 1, 1)), "block 1: dimension is 0"),
]


@pytest.mark.parametrize(("described", "message"), BAD, ids=str)
def test_inputs_that_do_not_exist_are_refused(described, message):
    with pytest.raises(ValueError, match=message):
        onepass.Model("He2(x1)", "tanh", inputs=described)


@pytest.mark.parametrize(
    ("name", "dimension", "teachers", "message"),
    [
        ("blocks_4v1t0.5_4v2t0.5", 9, 1, "dimension 9; allowed: 8, the sum of the blocks"),
        ("blocks_4v1t0.5_1.0v2t0.5", 4, 1, "dimension 4; allowed: at least 5"),
        ("blocks_0.01v1t0_0.99v2t1", 20, 1, "a fraction 0.01 of dimension 20 holds no direction"),
        ("blocks_1v1t0.5_1.0v2t0.5", 20, 2, "a block of 1 does not hold 2 teacher directions; allowed: blocks of 2"),
        ("blocks_0.5v0t1_0.5v2t0", 20, 1, "the teacher lies where inputs have variance 0"),
        ("spike1a1", 3, 2, "dimension 3; allowed: at least 4"),
    ],
)
def test_inputs_that_a_dimension_does_not_hold_are_refused(name, dimension, teachers, message):
    with pytest.raises(ValueError, match=message):
        inputs_of(name).at(dimension, teachers)


SETTINGS = {"dimension": 20, "batch_size": 4, "learning_rate": 0.1, "steps": 4, "replicas": 3}
SPIKED = onepass.Model("He2(x1)", "tanh", students=2, inputs="spike3a0.5")


def test_runs_hold_overlaps_by_block_and_the_covariances_of_fields():
    for engine in ("chain", "sgd"):
        runs = onepass.simulate(SPIKED, onepass.Protocol(), engine=engine, **SETTINGS)
        assert runs.attrs["inputs"] == "spike3a0.5"
        assert runs.block_overlap.dims == ("replica", "step", "block", "student", "teacher")
        assert runs.block_gram.dims == ("replica", "step", "block", "student", "other_student")
        assert runs.block_dimension.values.tolist() == [1, 19]
        assert runs.block_variance.values.tolist() == [4, 1]
        norms = np.diagonal(runs.block_gram.sum("block").values, axis1=-2, axis2=-1)
        np.testing.assert_allclose(norms, 1)  # the trace of Q on the sphere
        for whole, parts in ((runs.overlap, runs.block_overlap), (runs.student_gram, runs.block_gram)):
            np.testing.assert_allclose(whole, (parts * runs.block_variance).sum("block").transpose(*whole.dims))
    assert "fields" in runs.overlap.long_name


def test_isotropic_runs_are_what_they_were():
    runs = [onepass.simulate(onepass.Model("He2(x1)", "tanh", inputs=inputs), onepass.Protocol(), **SETTINGS)
            for inputs in ("isotropic", onepass.Model("x1", "tanh").inputs)]  # fmt: skip
    assert runs[0].identical(runs[1])
    assert "block" not in runs[0].dims
    assert "inputs" not in runs[0].attrs


def test_recovery_goes_by_the_correlation_of_fields():
    """Not by their covariance, which a strong spike makes large at once."""
    model, own = onepass.Model("He2(x1)", "He2", inputs="spike99a0.1"), {"initial": ("overlap", 0.5), "threshold": 0.9}
    runs = onepass.simulate(model, onepass.Protocol("correlation"), **{**SETTINGS, "learning_rate": 1e-9}, **own)
    assert (runs.overlap[:, 0] > 0.9).all()
    assert not runs.recovered.any()


def test_what_knows_isotropic_inputs_alone_says_so():
    protocol = onepass.Protocol("correlation")
    for engine in ("gaussian", "leap"):
        with pytest.raises(
            ValueError, match=f"engine '{engine}' does not know protocol 'projected_correlation' with inp"
        ):
            onepass.simulate(SPIKED, protocol, engine=engine, **SETTINGS)
    with pytest.raises(ValueError, match="for isotropic inputs alone"):
        onepass.simulate(SPIKED, protocol, initial=("overlaps", np.zeros((2, 1)), np.eye(2)), **SETTINGS)


@pytest.mark.parametrize("dense", [False, True])
def test_the_adaptive_schedule_goes_by_the_risk_of_fields(dense):
    model = onepass.Model("He2(x1)", "He2", inputs="blocks_0.5v4t0.5_0.5v0.1t0.5").normalised(20)
    algorithm = ComposedSGD(model, onepass.Protocol("correlation", schedule="adaptive"), 0.01, 20)
    inputs = BlockInputs(model.inputs.at(20, 1), 1, 1, 1, dense)
    rows = inputs.placed(initial_factors(model, ("overlap", 0.3), 20, [np.random.default_rng(0)]))
    start = algorithm.start(rows, model.output_weights[None])
    covariances = (np.einsum("b,rb...->r...", [4.0, 0.1], of_blocks) for of_blocks in inputs.by_block(rows))
    risk = risk_at(model, *covariances, start.layer).value[0]

    def stepped(*numbers):
        batch = inputs.batch(Draws([np.random.default_rng(1)]), 4)
        return algorithm.step(start._replace(numbers=np.array([numbers])), batch, np.zeros((1, 4))).numbers[0]

    np.testing.assert_allclose(stepped(0.01, 0.0, np.nan), [0.01, 0, 0.6 * risk])
    assert stepped(0.01, 0.0, risk * (1 - 1e-9))[1] == 0
    assert stepped(0.01, 0.0, risk * (1 + 1e-9))[1] == 1


def test_a_teacher_that_cannot_be_seen_is_told(caplog):
    inputs = fractions((0.5, 0, 0.5), (0.5, 2, 0.5))
    with caplog.at_level(logging.WARNING, "onepass"):
        onepass.simulate(onepass.Model("He2(x1)", "tanh", inputs=inputs), onepass.Protocol(), **SETTINGS)
    assert "block 1 has variance 0 and 0.5 of the teacher: this part of it cannot be seen" in caplog.text


def test_tuned_rates_know_inputs():
    model = onepass.Model("He2(x1)", "He2", inputs="spike3a0.9")
    found = onepass.tune(model, onepass.Protocol("correlation"), dimension=32, batch_size=8, first_rate=0.002,
                         first_steps=20_000, replicas=16, initial=("overlap", 32**-0.5), engine="chain")  # fmt: skip
    assert found.best_recovered.mean() > 0.5
