"""Inputs with a few directions of another variance, near those of the teacher."""

from dataclasses import dataclass

from onepass.inputs.kind import LARGEST, Inputs, InputsError, number, short


@dataclass(frozen=True)
class Spike(Inputs):
    """Variance 1 but for k directions, one for each of the teacher's, of ``1 + strength d^power``, at a cosine
    ``alignment`` to it."""

    strength: float = 1.0
    alignment: float = 1.0
    power: float = 0.0

    def __post_init__(self) -> None:
        number("inputs: spike: strength", self.strength, -1, LARGEST)
        number("inputs: spike: alignment", self.alignment, 0, 1)
        number("inputs: spike: power", self.power, 0, 3)
        if self.power and self.strength < 0:
            raise InputsError(f"inputs: spike: strength {self.strength:g} grows with d; allowed: from 0, or power 0")
        for key in ("strength", "alignment", "power"):
            object.__setattr__(self, key, float(getattr(self, key)))

    @property
    def _name(self) -> str:
        grows = f"d{short(self.power)}" if self.power else ""
        return f"spike{short(self.strength)}{grows}a{short(self.alignment)}"

    @property
    def remarks(self) -> list[str]:
        hidden = self.strength == -1 and self.alignment > 0
        return ["inputs: the spike has variance 0: the teacher's part along it cannot be seen"] if hidden else []

    def _blocks(self, dimension: int, teachers: int):
        if dimension < 2 * teachers:
            raise InputsError(f"inputs {self.name}: dimension {dimension}; allowed: at least {2 * teachers}")
        aligned = self.alignment**2
        variances = [1 + self.strength * float(dimension) ** self.power, 1.0]
        return [teachers, dimension - teachers], variances, [aligned, 1 - aligned]
