"""Philox4x32-10 and what `cuda/philox.cuh` makes of it, in NumPy: the numbers that the kernels must draw."""

import numpy as np
from onepass.simulation.cuda.source import Layout

INPUTS, LABELS, OUTSIDE = 0, 1, 2


def counter(replica, step, purpose, index):
    """Low and high 64 bits of the counter of a draw."""
    return purpose << 62 | index, replica << 40 | step


def words(key, low, high):
    """Blocks (…, 4) of 32-bit words, for arrays of the two halves of the counter."""
    low, high = np.broadcast_arrays(np.asarray(low, dtype=np.uint64), np.asarray(high, dtype=np.uint64))
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    c = [low & mask, low >> shift, high & mask, high >> shift]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [
            (second >> shift) ^ c[1] ^ np.uint64(k[0]),
            second & mask,
            (first >> shift) ^ c[3] ^ np.uint64(k[1]),
            first & mask,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=-1)


def uniform(high, low):
    return 1 - ((high & np.uint64(0xFFFFF)) * 2.0**32 + low) / 2.0**52


def normal_pairs(key, replica, step, purpose, index):
    """Two normals (…, 2) for each index."""
    low, high = counter(replica, step, purpose, 0)
    block = words(key, np.uint64(low) | np.asarray(index, dtype=np.uint64), high)
    radius = np.sqrt(-2 * np.log(uniform(block[..., 1], block[..., 0])))
    angle = np.pi * (2 * uniform(block[..., 3], block[..., 2]) - 1)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


class Replay:
    """Stands for the generator in `overlap_chain.step`: the numbers that a replica draws in one step on a GPU."""

    def __init__(self, model, batch_size, key, replica, step):
        self.name = (key, replica, step)
        pairs = Layout(model.students, model.teachers).width // 2 + 1
        width = model.students + model.teachers
        index = np.arange(batch_size)[:, None] * pairs + np.arange(pairs)
        normals = normal_pairs(*self.name, INPUTS, index).reshape(batch_size, 2 * pairs)
        self.inputs, self.labels, self.position = normals[:, :width], normals[:, width], 0

    def standard_normal(self, shape):
        if isinstance(shape, tuple):
            self.position += shape[0]
            return self.inputs[self.position - shape[0] : self.position]
        return self.labels[self.position - shape : self.position]

    def bartlett(self, factor, rank, degrees):
        """In place of `wishart.bartlett`."""
        p = len(factor)
        for i in range(rank):
            for j in range(i):
                factor[i, j] = normal_pairs(*self.name, OUTSIDE, (i * p + j) << 24)[0]
            factor[i, i] = np.sqrt(self.chi_square((i * p + i) << 24, degrees - i))

    def chi_square(self, index, degrees):
        if degrees < 2.5:
            x, y = normal_pairs(*self.name, OUTSIDE, index)
            return x**2 if degrees < 1.5 else x**2 + y**2
        shape = degrees / 2 - 1 / 3
        while True:
            x = normal_pairs(*self.name, OUTSIDE, index)[0]
            low, high = counter(self.name[1], self.name[2], OUTSIDE, index + 1)
            block = words(self.name[0], low, high)
            cubic = (1 + x / np.sqrt(9 * shape)) ** 3
            index += 2
            if cubic > 0 and np.log(uniform(block[1], block[0])) < x**2 / 2 + shape * (1 - cubic + np.log(cubic)):
                return 2 * shape * cubic
