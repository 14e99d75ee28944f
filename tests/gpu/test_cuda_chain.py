"""The chain's kernels: the numbers of the array form, the same bits in every launch, what the host does around them.

On every machine with a C++ compiler they run on the CPU, from the same source (`emulation`); on one with a GPU there
as well.
"""

from math import inf

import numpy as np
import onepass
import pytest
from helpers.cases import HE3, MODELS, RATES, WIDE, WIDER, named, parameters
from helpers.emulation import Emulator, devices, needs_compiler
from helpers.philox_reference import Replay
from helpers.runs import starts
from onepass.simulation.chain import overlap_chain
from onepass.simulation.cuda import backend, chain
from onepass.simulation.cuda.device import STEPS_OF_GRAPH
from onepass.simulation.cuda.source import Layout


@pytest.mark.parametrize(
    ("batch_size", "protocol"),
    [
        (1, "projected_square"),
        (1, "spherical_correlation"),
        (3, "spherical_square"),
        (3, "projected_correlation"),
        (1100, "projected_square"),
        (1100, "projected_correlation"),
        (1100, "spherical_square"),
    ],
)
@pytest.mark.parametrize("model", MODELS, ids=named)
@pytest.mark.parametrize("device", devices())
def test_steps_equal_the_array_form_on_the_same_numbers(device, model, batch_size, protocol, monkeypatch):
    """`overlap_chain.step`, given the numbers that the kernels draw: equal up to the rounding of sums.

    With fewer samples than students the second moments are singular, and their factors as good as the root of rounding.
    """
    close = {"rtol": 1e-8, "atol": 1e-10} if batch_size > model.students else {"rtol": 1e-6, "atol": 1e-7}
    set_up = parameters(model, protocol, batch_size=batch_size, learning_rate=RATES[model] * min(1, batch_size / 20))
    factors, key = starts(model, 2), 2**63 + 12345
    overlaps, grams, last, recovered = chain.run(model, set_up, factors, key, np.arange(6), device())
    for replica in range(2):
        expected = [factors[replica]]
        for step in range(set_up.steps):
            replay = Replay(model, batch_size, key, replica, step)
            monkeypatch.setattr(overlap_chain, "bartlett", lambda rng, *given: rng.bartlett(*given))
            expected.append(overlap_chain.step(model, set_up, expected[-1], replay))
        expected = np.array(expected)
        assert abs(expected[-1] - expected[0]).max() > 1e-3
        np.testing.assert_allclose(overlaps[replica], expected[..., : model.teachers], **close)
        np.testing.assert_allclose(grams[replica], expected @ expected.swapaxes(1, 2), **close)
    assert last.tolist() == [5, 5]
    assert not recovered.any()


@needs_compiler
@pytest.mark.parametrize("model", [HE3, WIDE, WIDER], ids=named)
def test_every_launch_gives_the_same_bits(model):
    """Blocks few or many, threads and blocks in either order, many steps a launch or two launches a step, replicas in
    groups or at once, more replicas: nothing of it is in the numbers."""
    threshold = 0.9 if model is HE3 else inf
    set_up = parameters(model, "projected_adaptive", batch_size=1600, steps=4, threshold=threshold)
    factors, records = starts(model, 5), np.arange(5)
    assert -(-set_up.batch_size // Layout(model.students, model.teachers).slice(set_up.batch_size)) > 2

    def run(count=5, **emulated):
        device = Emulator(**emulated)
        return chain.run(model, set_up, factors[:count], 99, records, device), device.xp.launches

    expected, launches = run(multiprocessors=0)
    assert set(launches) == {"chain_open", "chain_steps"}
    for emulated in [
        {"multiprocessors": 100},
        {"multiprocessors": 100, "blocks": 3},
        {"multiprocessors": 100, "blocks": 2, "backwards": True},
        {"multiprocessors": 0, "blocks": 2},
        {"multiprocessors": 0, "backwards": True},
        {"free": 1},
    ]:
        found, launches = run(**emulated)
        assert ("chain_sums" in launches) == (emulated.get("multiprocessors", 1) > 0)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=str(emulated))
    fewer, _ = run(count=2, multiprocessors=100)
    for a, b in zip(fewer, expected, strict=True):
        np.testing.assert_array_equal(a, b[:2])


@pytest.mark.parametrize("device", devices())
def test_students_aligned_with_each_other_and_with_the_teacher(device):
    model = onepass.Model("He3(x1)", "He3", students=3)
    factors = np.zeros((4, 3, 4))
    factors[:, :, 0] = 1
    set_up = parameters(HE3, dimension=100, batch_size=2, learning_rate=1e-4, steps=50, noise=0.0)
    overlaps, grams, *_ = chain.run(model, set_up, factors, 1, np.array([0, 50]), device())
    assert np.isfinite(overlaps).all()
    np.testing.assert_allclose(grams.diagonal(axis1=-2, axis2=-1), 1, atol=1e-9)


@pytest.mark.parametrize("device", devices())
def test_a_diverging_replica_is_an_error_that_names_it(device):
    with pytest.raises(FloatingPointError, match="replica 0 diverged at step 0"):
        chain.run(HE3, parameters(HE3, learning_rate=1e200), starts(HE3, 3), 1, np.array([0, 5]), device())


@pytest.mark.parametrize("device", devices())
def test_a_recovered_start_takes_no_step(device):
    _, _, last, recovered = chain.run(HE3, parameters(HE3, threshold=0.2), starts(HE3, 3), 1, np.arange(6), device())
    assert last.tolist() == [0, 0, 0]
    assert recovered.all()


@needs_compiler
@pytest.mark.parametrize("many", [True, False], ids=["many steps a launch", "a graph of steps"])
def test_the_state_stays_on_the_device(many, monkeypatch):
    """What comes back are the records, once, and one counter a burst of steps; the host waits for nothing else."""
    monkeypatch.setattr(chain._Group, "_many", lambda self: many)
    device = Emulator()
    chain.run(HE3, parameters(HE3, steps=1000), starts(HE3, 7), 1, np.array([0, 1000]), device)
    results = 7 * (2 * 2 * 8 + chain.REPLICA.itemsize)
    assert device.xp.moved == results + 2 * 4, "two looks at the counter: before and after the only burst"
    assert device.xp.waits == (4 if many else 6), "two looks, two results; before a capture and after the burst"
    if many:
        assert device.xp.launches == ["chain_open", "chain_steps"]


@needs_compiler
def test_bursts_end_with_the_budget():
    """Two launches a step, of which none but what fills the last graph comes after the last step."""
    device = Emulator(multiprocessors=100)
    set_up = parameters(HE3, batch_size=1100, steps=150)
    assert chain.run(HE3, set_up, starts(HE3, 2), 1, np.array([0, 150]), device)[2].tolist() == [150, 150]
    assert device.xp.launches.count("chain_sums") <= 150 + STEPS_OF_GRAPH


@needs_compiler
def test_memory_that_runs_out_halves_the_replicas(caplog):
    """No array above 1 kB in what is told to be a gigabyte: groups of replicas shrink until they fit; same numbers."""
    set_up, records = parameters(HE3, steps=3), np.arange(4)
    factors = starts(HE3, 40)
    whole = chain.run(HE3, set_up, factors, 1, records, Emulator())
    parts = chain.run(HE3, set_up, factors, 1, records, Emulator(room=1000))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [r.getMessage() for r in caplog.records] == [
        "out of GPU memory with 40 at a time, going on with 20: no room for 2240 bytes",
        "out of GPU memory with 20 at a time, going on with 10: no room for 1120 bytes",
    ]


def test_models_too_wide_for_a_block_are_refused():
    device = Emulator()
    chain.check(onepass.Model("x1", "tanh", students=70), parameters(HE3), 1, device)
    with pytest.raises(chain.WidthError, match=r"200 students and 1 teachers need .* use backend 'numpy'"):
        chain.check(onepass.Model("x1", "tanh", students=200), parameters(HE3), 1, device)


@needs_compiler
def test_simulate_takes_the_device(monkeypatch, caplog):
    """`auto` from the crossover on, `cupy` always; files say where; models too wide go back to the CPU."""
    device = Emulator()
    monkeypatch.setattr(backend, "_probe", lambda: (device, ""))
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    common = {"dimension": 64, "batch_size": 50, "learning_rate": 1e-3, "steps": 3, "replicas": 4, "seed": 1}
    protocol = onepass.Protocol()
    for choice, taken in [
        ({"backend": "auto", "gpu_from": 400}, True),
        ({"backend": "auto", "gpu_from": 401}, False),
        ({"backend": "cupy"}, True),
        ({"backend": "numpy"}, False),
        ({"backend": "cupy", "engine": "sgd"}, True),
    ]:
        runs = onepass.simulate(HE3, protocol, **common, **choice)
        assert (runs.backend, runs.device) == (("cupy", "C++ compiler") if taken else ("numpy", "cpu"))
        assert np.isfinite(runs.overlap).all()
    monkeypatch.setattr(device, "shared_bytes", 1000)
    assert onepass.simulate(HE3, protocol, **common, gpu_from=1).backend == "numpy"
    assert "1 students and 1 teachers need 3128 bytes of shared memory a block; C++ compiler has 1000" in caplog.text
    with pytest.raises(chain.WidthError):
        onepass.simulate(HE3, protocol, **common, backend="cupy")
