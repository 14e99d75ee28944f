"""Random numbers of the GPU: the published generator, names that never meet, the right laws."""

import random

import numpy as np
import pytest
from helpers import philox_reference as reference
from helpers.emulation import devices
from helpers.laws import assert_same_law
from onepass.pipeline.grid import cells_of
from onepass.simulation.cuda import philox
from onepass.simulation.cuda.device import as_bytes
from onepass.simulation.cuda.normals import DeviceBatches, philox_words
from onepass.simulation.cuda.source import normals_source
from onepass.simulation.streams import SeedError, replica_streams
from scipy import stats

# A kernel of the tests' own: sums and products of what the header draws.
CHI_SQUARES = """
struct Draws { double *out; double degrees; };
KERNEL chi_squares(const Draws *all, long long count) {
    for (long long start = BLOCK * (long long)THREADS; start < count; start += BLOCKS * (long long)THREADS) {
        EACH_THREAD(t) if (start + t < count) {
            all->out[start + t] = chi_square(stream_of(11, start + t, 5), entry_index(3), all->degrees);
        }
    }
}
"""


@pytest.mark.parametrize(("name", "block"), philox.KNOWN_ANSWERS)
def test_the_reference_gives_the_published_answers(name, block):
    assert tuple(reference.words(*name)) == block


@pytest.mark.parametrize("device", devices())
def test_the_kernel_gives_the_published_answers_and_those_of_the_reference(device):
    draw = random.Random(1)
    names = [name for name, _ in philox.KNOWN_ANSWERS] + [tuple(draw.getrandbits(64) for _ in "klh") for _ in range(50)]
    found = philox_words(device(), names)
    assert found[:3] == [block for _, block in philox.KNOWN_ANSWERS]
    assert found == [tuple(reference.words(*name)) for name in names]


def test_no_two_names_share_a_counter():
    """The parts of a name can be read off its counter, at the ends of their ranges too: one counter, one name."""
    draw = random.Random(2)
    widths = (philox.REPLICAS, philox.STEPS, 4, philox.INDICES)
    names = {tuple(draw.choice([0, 1, w - 1, draw.randrange(w)]) for w in widths) for _ in range(20_000)}
    counters = set()
    for replica, step, purpose, index in names:
        low, high = reference.counter(replica, step, purpose, index)
        assert (high >> 40, high % philox.STEPS, low >> 62, low % philox.INDICES) == (replica, step, purpose, index)
        assert max(low, high) < 2**64
        counters.add((low, high))
    assert len(counters) == len(names)


def test_runs_beyond_the_counter_are_refused_by_name():
    philox.check(1000, 10**9, 10**12, 40)
    for arguments, name in [
        ((2**24, 1, 1, 2), "replicas is 16777216"),
        ((1, 2**40, 1, 2), "steps is"),
        ((1, 1, 2**60, 2), "batch_size is"),
    ]:
        with pytest.raises(philox.CounterError, match=name):
            philox.check(*arguments)


def test_keys_hold_the_whole_seed():
    """Seeds that agree in their low 32 or 64 bits, or in all but one bit of a cell's identity, have other keys."""
    seeds = [0, 2**32, 2**64, 2**96, 2**128, [0], [0, 2**32 + 1], [0, 2**127 + 1], [1, 2**127 + 1]]
    keys = {philox.key(seed) for seed in seeds}
    assert len(keys) == len(seeds) - 1, "only 0 and [0] are one seed"
    assert len({key % 2**32 for key in keys}) == len({key >> 32 for key in keys}) == len(keys)
    with pytest.raises(SeedError, match="seed is -1"):
        philox.key(-1)


def test_no_two_cells_share_a_key(configuration):
    """Two grids of the default configuration, and 10⁵ seeds; random 64-bit keys of as many agree with odds of 3e-10."""
    grids = [cells_of(name, configuration.experiments[name]) for name in ("he3", "square")]
    seeds = [cell.entropy for grid in grids for cell in grid] + list(range(100_000))
    assert len({philox.key(seed) for seed in seeds}) == len(seeds)


def test_the_key_is_none_of_the_numbers_of_the_host():
    """Starts are drawn on the host from the same seed: from other children of it."""
    states = {int(stream.bit_generator.seed_seq.generate_state(1, np.uint64)[0]) for stream in replica_streams(3, 1000)}
    assert philox.key(3) not in states


@pytest.mark.parametrize("dimension", [1, 2, 5])
@pytest.mark.parametrize("device", devices())
def test_inputs_are_those_of_the_reference_in_whatever_chunks(device, dimension):
    batches = DeviceBatches(77, np.arange(3, 6), dimension, device())
    host = batches.device.host
    whole = host(batches.inputs(9, 0, 700))
    parts = [host(batches.inputs(9, start, 100)) for start in range(0, 700, 100)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    pairs = -(-dimension // 2)
    for place, replica in enumerate((3, 4, 5)):
        index = np.arange(700)[:, None] * pairs + np.arange(pairs)
        expected = reference.normal_pairs(77, replica, 9, reference.INPUTS, index).reshape(700, -1)[:, :dimension]
        np.testing.assert_allclose(whole[place], expected, rtol=1e-11, atol=1e-13)
    batches.keep(np.array([2]))
    np.testing.assert_array_equal(host(batches.inputs(9, 0, 700)), whole[2:])
    labels = host(batches.labels(9, 0, 700))
    assert labels.shape == (1, 700)
    assert abs(np.corrcoef(labels[0], whole[2, :, 0])[0, 1]) < 5 / np.sqrt(700)


@pytest.mark.parametrize("device", devices())
def test_inputs_at_the_ends_of_the_counter_are_those_of_the_reference(device):
    """Nothing of a name is cut to 32 bits on the way to the kernel and in it."""
    replica, step, sample = philox.REPLICAS - 1, philox.STEPS - 1, 2**53 - 3
    batches = DeviceBatches(2**64 - 1, np.array([replica]), 5, device())
    found = batches.device.host(batches.inputs(step, sample, 2))[0]
    index = (sample + np.arange(2))[:, None] * 3 + np.arange(3)
    expected = reference.normal_pairs(2**64 - 1, replica, step, reference.INPUTS, index).reshape(2, 6)[:, :5]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("device", devices())
def test_normals_have_their_law(device):
    """600 000 numbers, their moments and products of neighbours: 5 standard errors, false alarms below 1e-4 in all."""
    batches = DeviceBatches(5, np.arange(2), 3, device())
    x = batches.device.host(batches.inputs(0, 0, 100_000))
    assert_same_law({"normals": x.ravel()}, {"normals": stats.norm.cdf})
    for power, mean, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((x**power).mean() - mean) < 5 * np.sqrt(variance / x.size)
    for a, b in [(x[..., 0], x[..., 1]), (x[..., 1], x[..., 2]), (x[0], x[1]), (x[:, 1:], x[:, :-1])]:
        assert abs((a * b).mean()) < 5 / np.sqrt(a.size)
        assert abs((a**2 * b**2).mean() - 1) < 5 * np.sqrt(8 / a.size)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 17, 10_000, 2**45])
@pytest.mark.parametrize("device", devices())
def test_chi_squares_have_their_law(device, degrees):
    """By 50 000 draws."""
    device, count = device(), 50_000
    out = device.xp.empty(count)
    about = np.array([(device.address(out), degrees)], dtype=[("out", "u8"), ("degrees", "f8")])
    kernel = device.kernels(normals_source() + CHI_SQUARES, ("chi_squares",), 256, 8)["chi_squares"]
    kernel(10, as_bytes(device, about), count)
    assert_same_law({"draws": device.host(out)}, {"draws": stats.chi2(degrees).cdf}, cases=7)
