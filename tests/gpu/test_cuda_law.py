"""The chain's kernels have the law of the compiled chain; and kernels with a fault have another."""

import numpy as np
import onepass
import pytest
from helpers.cases import HE3, RATES, TWO, WIDE, named, parameters
from helpers.emulation import Emulator, devices, needs_compiler
from helpers.laws import assert_other_law, assert_same_law, numbers
from helpers.runs import starts
from onepass.simulation.chain import overlap_chain
from onepass.simulation.cuda import chain, philox, source
from onepass.simulation.cuda.source import chain_source
from onepass.simulation.streams import replica_streams

REPLICAS = 800
OUTSIDE = onepass.Model("tanh(x1)", "cos(x)", students=2, noise=0.2)  # gradients at right angles, of bounded samples
LAWS = [
    (model, registers, batch_size, update, loss)
    for model, registers, batch_sizes in [
        (HE3, 40, (1, 40)),
        (TWO, 40, (1, 40)),
        (WIDE, 40, (2, 40)),
        (WIDE, 0, (40,)),  # 0: sums in tiles of shared memory
    ]
    for batch_size in batch_sizes
    for update in ("projected", "spherical")
    for loss in ("square", "correlation", "adaptive")
]


def states(device, set_up, model, factors):
    """Numbers of the last states, of the kernels and of the compiled chain."""
    records, streams = np.array([0, set_up.steps]), replica_streams(21, len(factors))
    if model is OUTSIDE:  # one step of its array form is done before the model is compiled
        last = np.array([overlap_chain.step(model, set_up, *pair) for pair in zip(factors, streams, strict=True)])
        expected = last[..., : model.teachers], last @ last.swapaxes(1, 2)
    else:
        expected = (part[:, -1] for part in overlap_chain.run(model, set_up, factors, streams, records)[:2])
    found = (part[:, -1] for part in chain.run(model, set_up, factors, philox.key(22), records, device)[:2])
    return numbers(*found), numbers(*expected)


def law(model, batch_size, update, loss):
    rate = RATES[model] * min(1, batch_size / 8)
    return parameters(model, f"{update}_{loss}", batch_size=batch_size, steps=12, learning_rate=rate)


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("case", LAWS, ids=lambda law: f"{named(law[0])}-{law[1]}-n{law[2]}-{law[3]}-{law[4]}")
def test_the_law_is_that_of_the_compiled_chain(device, case, monkeypatch):
    model, registers, *rest = case
    monkeypatch.setattr(source, "REGISTER_SUMS", registers)
    assert_same_law(*states(device(), law(model, *rest), model, starts(model, REPLICAS)), cases=len(LAWS))


def noisy():
    """A step that is noise alone, from students at right angles to everything: what is outside the span decides."""
    factors = np.zeros((REPLICAS, 2, 3))
    factors[:, :, 1:] = np.eye(2)
    return parameters(HE3, "projected_correlation", batch_size=1000, steps=1, learning_rate=1000.0), factors


@pytest.mark.parametrize("device", devices())
def test_the_part_outside_the_span_has_the_law_of_the_array_form(device):
    set_up, factors = noisy()
    assert_same_law(*states(device(), set_up, OUTSIDE, factors))


FAULTS = {
    "variance of the normals": (TWO, "projected", "*first *= radius;", "*first *= 1.05 * radius;"),
    "replicas share numbers": (HE3, "projected", "replica << 40 | step", "step"),
    "steps share numbers": (HE3, "projected", "replica << 40 | step", "replica << 40"),
    "samples share numbers": (WIDE, "projected", "sample * PAIRS + pair", "sample / 2 * PAIRS + pair"),
    "sign of the rate": (TWO, "projected", "factor[e] += replica.rate", "factor[e] -= replica.rate"),
    "sign of the spherical term": (TWO, "spherical", "] - column[e / WIDTH] *", "] + column[e / WIDTH] *"),
    "second moment over n_b once": (HE3, "projected", "share * share * sum", "share * sum"),
    "no label noise": (WIDE, "projected", "target(u) + deviation * u[WIDTH]", "target(u)"),
    "label noise of the inputs": (WIDE, "projected", "deviation * u[WIDTH]", "deviation * u[0]"),
    "the correlation loss for the square": (TWO, "projected", "if (replica.loss == LOSS_SQUARE)", "if (false)"),
    "degrees of freedom": (WIDE, "projected", "run.degrees);", "run.degrees - 10);"),
    "Wishart matrix without its corners": (OUTSIDE, "", "if (i < rank && j < i)", "if (i < 0)"),
}


@needs_compiler
@pytest.mark.parametrize("fault", FAULTS)
def test_a_kernel_with_a_fault_has_another_law(fault, monkeypatch):
    """The comparisons have power."""
    model, update, right, wrong = FAULTS[fault]
    set_up, factors = noisy() if model is OUTSIDE else (law(model, 40, update, "square"), starts(model, REPLICAS))
    source = chain_source(model)
    assert right in source
    monkeypatch.setattr(chain, "chain_source", lambda _: source.replace(right, wrong))
    assert_other_law(*states(Emulator(), set_up, model, factors), cases=len(LAWS))


@pytest.mark.parametrize("device", devices())
def test_the_adaptive_schedule_has_the_law_of_the_compiled_chain(device):
    """Through the change of loss, where most of the risk is gone; without it, another law."""
    changing, constant = (
        parameters(HE3, f"projected_{name}", batch_size=100, steps=80, learning_rate=0.02, noise=0.0)
        for name in ("adaptive", "correlation")
    )
    factors, records = starts(HE3, 400, ("overlap", 0.5)), np.array([0, 80])
    adaptive, plain = (
        overlap_chain.run(HE3, set_up, factors, replica_streams(41, 400), records) for set_up in (changing, constant)
    )
    found = chain.run(HE3, changing, factors, philox.key(42), records, device())
    found, adaptive, plain = (numbers(run[0][:, -1], run[1][:, -1]) for run in (found, adaptive, plain))
    assert_same_law(found, adaptive)
    assert_other_law(found, plain)


@pytest.mark.parametrize("device", devices())
def test_recovery_times_have_the_law_of_the_compiled_chain(device):
    """Early stops at the threshold, held states and censored runs."""
    set_up = parameters(HE3, steps=400, batch_size=24, learning_rate=0.01, threshold=0.7, noise=0.0)
    factors, records = starts(HE3, 600, ("overlap", 0.25)), np.array([0, 10, 40, 400])
    expected = overlap_chain.run(HE3, set_up, factors, replica_streams(31, 600), records)
    overlaps, grams, last, recovered = chain.run(HE3, set_up, factors, philox.key(32), records, device())
    assert 0.05 < recovered.mean() < 0.95
    assert_same_law(
        {"recovery steps": last[recovered], "recovered": recovered.astype(float)},
        {"recovery steps": expected[2][expected[3]], "recovered": expected[3].astype(float)},
    )
    assert (last[~recovered] == 400).all()
    assert ((abs(overlaps[:, -1, 0, 0]) >= 0.7) == recovered).all()
    early = last < 40
    assert early.any()
    np.testing.assert_array_equal(overlaps[early, 2], overlaps[early, 3])
    np.testing.assert_allclose(grams[:, :, 0, 0], 1, rtol=1e-12)
