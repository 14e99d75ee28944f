"""d-dimensional SGD on a device: the law of the CPU's, in whatever memory there is; and what only a GPU can show."""

import numpy as np
import onepass
import pytest
from helpers import runs
from helpers.emulation import Emulator, devices, needs_compiler, needs_gpu
from helpers.laws import assert_same_law, last_numbers, numbers
from onepass.simulation import sgd
from onepass.simulation.chunks import Chunks
from onepass.simulation.cuda import backend, chain, philox
from onepass.simulation.cuda.normals import DeviceBatches
from onepass.simulation.streams import replica_streams

MODEL = onepass.Model("x1 + x1*x2", "tanh", students=2, second_layer=(1.0, -0.5), noise=0.2)
KINKED = onepass.Model("abs(x1) - step(x2)", "relu", students=2, noise=0.2)
SMOOTH = onepass.Model("exp(-x1**2)/(2 + cos(x2))", "erf(x/sqrt(2))", students=2, noise=0.2)
RECORDS = np.array([0, 12])


def parameters(protocol="projected_square", **changes):
    values = {"dimension": 20, "batch_size": 30, "learning_rate": 0.5, "steps": 12} | changes
    return runs.parameters(MODEL, protocol, **values)


def starts(replicas, model=MODEL):
    return runs.starts(model, replicas, dimension=20, seed=1)


def on(device, set_up, replicas=500, key=7):
    return sgd.run(MODEL, set_up, starts(replicas), [], RECORDS, device=device, key=key)


@pytest.mark.parametrize("protocol", ["projected_square", "spherical_square", "projected_adaptive"])
@pytest.mark.parametrize("device", devices())
def test_the_law_is_that_of_numpy(device, protocol):
    """By 500 replicas."""
    set_up = parameters(protocol)
    expected = sgd.run(MODEL, set_up, starts(500), replica_streams(2, 500), RECORDS)
    found, expected = (numbers(run[0][:, -1], run[1][:, -1]) for run in (on(device(), set_up), expected))
    assert_same_law(found, expected, cases=3)


@needs_compiler
def test_memory_that_runs_out_halves_the_chunk(caplog):
    """An allocator that gives 40 kB at once, and says it has a gigabyte: the same runs, and a line of log each time."""
    set_up = parameters(batch_size=400, steps=3)
    whole = on(Emulator(), set_up, replicas=4)
    parts = on(Emulator(room=40_000), set_up, replicas=4)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert [record.getMessage() for record in caplog.records] == [
        "out of GPU memory with 400 at a time, going on with 200: no room for 256000 bytes",
        "out of GPU memory with 200 at a time, going on with 100: no room for 128000 bytes",
        "out of GPU memory with 100 at a time, going on with 50: no room for 64000 bytes",
    ], "the smaller chunk is kept"


@needs_compiler
def test_memory_for_not_even_one_sample_is_an_error(monkeypatch):
    device = Emulator(room=100)
    monkeypatch.setattr(backend, "_probe", lambda: (device, ""))
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    with pytest.raises(
        backend.BackendError, match=r"memory of C\+\+ compiler does not hold one replica and one sample"
    ):
        onepass.simulate(
            MODEL, onepass.Protocol(), dimension=20, batch_size=3, learning_rate=0.1, steps=2, replicas=3,
            engine="sgd", backend="cupy",
        )  # fmt: skip


@needs_compiler
def test_chunks_of_the_device_follow_its_free_memory(monkeypatch):
    """Inputs take a quarter of what is free, replicas side by side half of it."""
    device, sizes = Emulator(free=4 * 8 * 20 * 2 * 100), []
    inputs = DeviceBatches.inputs
    monkeypatch.setattr(DeviceBatches, "inputs", lambda *args: sizes.append(args[-1]) or inputs(*args))
    on(device, parameters(batch_size=1000, steps=1, noise=0.0), replicas=2)
    assert max(sizes) == 100
    assert sum(sizes) == 1000


@needs_compiler
def test_what_leaves_the_device_does_not_know_the_dimension():
    """Overlaps and norms: a few numbers a replica and step. Whatever else came back would be an error (`Array`)."""
    moved = []
    for dimension in (20, 200):
        device = Emulator()
        on(device, parameters("projected_adaptive", dimension=dimension), replicas=3)
        moved.append(device.xp.moved)
    assert 0 < moved[0] == moved[1] < 12 * 3 * 20 * 8


@pytest.mark.parametrize("model", [MODEL, KINKED, SMOOTH], ids=lambda model: model.activation)
@pytest.mark.parametrize("device", devices())
def test_batches_made_on_the_host_give_the_sums_of_numpy(device, model):
    """The same inputs and label noise on both: equal up to rounding, whatever the formulas are made of."""

    class Uploaded(sgd.HostBatches):
        """Of the host, to the device."""

        inputs, labels = (
            lambda self, *where, draw=draw: device.xp.asarray(draw(self, *where))
            for draw in (sgd.HostBatches.inputs, sgd.HostBatches.labels)
        )

    device, set_up = device(), parameters("projected_adaptive", batch_size=700, threshold=0.9)
    found, expected = (
        sgd._run_group(model, set_up, starts(5), batches(replica_streams(3, 5), 20), np.arange(13), Chunks(256, place))
        for batches, place in ((Uploaded, device), (sgd.HostBatches, None))
    )
    assert abs(found[0][:, -1] - found[0][:, 0]).max() > 0.01
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


# --- only on a GPU --------------------------------------------------------------------------------------------------


@pytest.fixture
def device():
    return backend.device_for("cupy", 0, 0)


class TestOnAGpu:
    pytestmark = needs_gpu

    @pytest.mark.parametrize("engine", ["chain", "sgd"])
    def test_the_backends_agree_in_law(self, engine):
        """From `simulate`, by 500 replicas."""
        common = {
            "dimension": 24, "batch_size": 40, "learning_rate": 0.3, "steps": 12, "replicas": 500, "engine": engine,
            "threshold": None, "initial": ("overlap", 0.3), "records": 0,
        }  # fmt: skip
        numpy, cupy = (
            onepass.simulate(MODEL, onepass.Protocol(), backend=name, seed=seed, **common)
            for name, seed in (("numpy", 1), ("cupy", 2))
        )
        assert cupy.device != "cpu"
        assert_same_law(last_numbers(cupy), last_numbers(numpy), cases=2)

    @pytest.mark.parametrize("engine", ["chain", "sgd"])
    def test_a_run_repeats_itself(self, engine):
        common = {"dimension": 24, "batch_size": 40, "learning_rate": 0.3, "steps": 5, "replicas": 20, "seed": 3}
        first, second = (
            onepass.simulate(MODEL, onepass.Protocol(), engine=engine, backend="cupy", **common) for _ in "ab"
        )
        assert (first.overlap == second.overlap).all()

    def test_the_chain_has_the_same_bits_in_every_launch(self, device, monkeypatch):
        """Two launches a step in a graph, and many steps a launch."""
        set_up = parameters(batch_size=5000, steps=40)
        results = []
        for many in (True, False):
            monkeypatch.setattr(chain._Group, "_many", lambda self, many=many: many)
            results.append(chain.run(MODEL, set_up, starts(6), philox.key(1), np.arange(41), device))
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize("model", [MODEL, onepass.Model("x1*x2*x3", "tanh", students=8)], ids=["p2", "p8"])
    def test_the_numbers_are_those_of_the_emulation(self, device, model):
        """The same source and the same draws: equal but for the last digits of logarithms and fused products."""
        set_up = parameters(batch_size=3000, steps=4)
        factors = np.zeros((3, model.students, model.students + model.teachers))
        factors[:, :, model.teachers :] = np.eye(model.students)
        found, expected = (chain.run(model, set_up, factors, 11, np.arange(5), place) for place in (device, Emulator()))
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-7, atol=1e-9)

    def test_memory_that_runs_out_on_the_device(self, device, caplog):
        """A pool that CuPy is told to keep small."""
        pool = device.xp.get_default_memory_pool()
        set_up = parameters(dimension=2000, batch_size=4000, steps=2, noise=0.0)
        pool.free_all_blocks()
        pool.set_limit(size=pool.used_bytes() + 2**25)
        try:
            found = on(device, set_up, replicas=2)
        finally:
            pool.set_limit(size=0)
        assert "going on with" in caplog.text
        np.testing.assert_allclose(found[0], on(device, set_up, replicas=2)[0], rtol=1e-9)

    def test_the_state_stays_on_the_device(self, device, monkeypatch):
        """Bytes that come back from a chain do not know the number of steps."""
        moved = []
        host = type(device).host

        def watched(self, array):
            moved[-1] += array.nbytes
            return host(self, array)

        monkeypatch.setattr(type(device), "host", watched)
        for steps in (10, 1000):
            moved.append(0)
            chain.run(MODEL, parameters(steps=steps), starts(4), 1, np.array([0, steps]), device)
        assert moved[0] == moved[1]
