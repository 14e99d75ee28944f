"""Blocks of inputs given one by one."""

from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np

from onepass.inputs.kind import LARGEST, MOST_BLOCKS, Inputs, InputsError, number, short

ROUNDING = 1e-9  # of fractions and shares that are to sum to 1


class Block(NamedTuple):
    """One block: its dimension, a fraction of d or (a whole number) a count, its variance, its share of the teacher."""

    dimension: float | int
    variance: float
    teacher: float

    @property
    def is_count(self) -> bool:
        """Whether the dimension is a count."""
        return isinstance(self.dimension, Integral)


@dataclass(frozen=True)
class Blocks(Inputs):
    """Blocks one by one. Fractions are of what counts leave of d."""

    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.blocks) <= MOST_BLOCKS:
            raise InputsError(f"inputs: {len(self.blocks)} blocks; allowed: from 1 to {MOST_BLOCKS}")
        for i, block in enumerate(self.blocks, 1):
            place = f"inputs: block {i}: "
            number(f"{place}variance", block.variance, 0, LARGEST)
            number(f"{place}teacher", block.teacher, 0, 1)
            if block.is_count and not isinstance(block.dimension, bool):
                number(f"{place}dimension", block.dimension, 1, 2**53)
            else:
                number(f"{place}dimension", block.dimension, 0, 1, "a fraction of d above 0, up to 1.0, or a count")
                if block.dimension == 0:
                    raise InputsError(f"{place}dimension is 0; allowed: a fraction of d above 0, or a count")
        object.__setattr__(self, "blocks", tuple(_plain(block) for block in self.blocks))
        fractions = [block.dimension for block in self.blocks if not block.is_count]
        if fractions and abs(sum(fractions) - 1) > ROUNDING:
            raise InputsError(f"inputs: fractions of d {_listed(fractions)} sum to {sum(fractions):g}; allowed: 1")
        shares = [block.teacher for block in self.blocks]
        if abs(sum(shares) - 1) > ROUNDING:
            raise InputsError(
                f"inputs: teacher {_listed(shares)} sums to {sum(shares):g}; allowed: shares that sum to 1"
            )

    @property
    def _name(self) -> str:
        blocks = (f"{b.dimension!r}v{short(b.variance)}t{short(b.teacher)}" for b in self.blocks)
        return "_".join(["blocks", *blocks])

    @property
    def remarks(self) -> list[str]:
        return [
            f"inputs: block {i} has variance 0 and {block.teacher:g} of the teacher: this part of it cannot be seen"
            for i, block in enumerate(self.blocks, 1)
            if block.variance == 0 and block.teacher > 0
        ]

    def _blocks(self, dimension: int, teachers: int):
        counts = sum(block.dimension for block in self.blocks if block.is_count)
        left = dimension - counts
        fractions = [block.dimension for block in self.blocks if not block.is_count]
        if left < len(fractions) or (left and not fractions):
            allowed = f"at least {counts + len(fractions)}" if fractions else f"{counts}, the sum of the blocks"
            raise InputsError(f"inputs {self.name}: dimension {dimension}; allowed: {allowed}")
        ends = iter(np.rint(left * np.cumsum([0.0, *fractions])).astype(int))
        start, sizes = next(ends), []
        for block in self.blocks:
            if block.is_count:
                sizes.append(int(block.dimension))
                continue
            end = next(ends)
            sizes.append(int(end - start))
            if end <= start:
                raise InputsError(
                    f"inputs {self.name}: a fraction {block.dimension:g} of dimension {dimension} holds no direction"
                )
            start = end
        return sizes, [block.variance for block in self.blocks], [block.teacher for block in self.blocks]


def _plain(block: Block) -> Block:
    size = int(block.dimension) if block.is_count else float(block.dimension)
    return Block(size, float(block.variance), float(block.teacher))


def _listed(values: list[float]) -> str:
    return " + ".join(f"{value:g}" for value in values)
