"""The chain's kernels for one model: widths of its blocks of threads, and the text that a compiler gets.

The text is whole in itself, without includes: formulas and widths of the model, then the files of ``cuda/``. CUDA's
compiler takes it (`device`), and so does any C++ compiler (the tests).
"""

from dataclasses import dataclass
from pathlib import Path

from onepass.formulas.printing import c_source
from onepass.model import Model
from onepass.protocol import Loss, Schedule, Update

# Read as this module is: an edit while a job works must not reach it.
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.cuh")}
CHAIN = ("platform", "philox", "chain", "chain_step")
NORMALS = ("platform", "philox", "normals")
REGISTER_SUMS = 40  # up to so many sums, every thread keeps all of them in registers
NORMALS_THREADS = 256
TILE = 32  # samples in shared memory at once where the sums are more


@dataclass(frozen=True)
class Layout:
    """Widths of a launch that the model alone decides: they fix the order of sums, and so every bit of a result."""

    students: int
    teachers: int

    @property
    def width(self) -> int:
        """Coordinates of a sample that the chain draws, p + k."""
        return self.students + self.teachers

    @property
    def sums(self) -> int:
        """Batch sums of a step: ``Σ c uᵀ`` and the lower half of ``Σ c cᵀ``."""
        return self.students * self.width + self.students * (self.students + 1) // 2

    @property
    def rows(self) -> int:
        """Samples of a tile in shared memory; 0 where every thread has sums of its own."""
        return 0 if self.sums <= REGISTER_SUMS else TILE

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 256 if self.rows else 128

    @property
    def shared_doubles(self) -> int:
        """Doubles of shared memory of a block: see `Shared` in ``cuda/chain.cuh``."""
        p, stride = self.students, (self.width + 1 + 2 * self.students) | 1
        lanes = max(1, self.threads // self.sums)
        batch = self.rows * stride if self.rows else self.threads * self.sums
        work = max(batch, lanes * self.sums, 3 * p * p, self.threads)
        return p * self.width + 2 * p + self.sums + work

    def slice(self, batch_size: int) -> int:
        """Samples that a block adds up alone: a thousand slices a batch, if they are neither tiny nor huge."""
        least, most = (TILE, 64 * TILE) if self.rows else (4 * self.threads, 256 * self.threads)
        unit = TILE if self.rows else self.threads
        return min(max(-(-batch_size // (1000 * unit)) * unit, least), most)


def chain_source(model: Model) -> str:
    """C++ of the chain's kernels for a model, fit for NVRTC and for a C++ compiler of the host."""
    layout = Layout(model.students, model.teachers)
    constants = {
        "STUDENTS": layout.students,
        "TEACHERS": layout.teachers,
        "THREADS": layout.threads,
        "ROWS": layout.rows,
        "SHARED_DOUBLES": layout.shared_doubles,
        **{f"{kind.__name__}_{one.name}".upper(): int(one) for kind in (Loss, Update, Schedule) for one in kind},
    }
    formulas = (
        c_source(model.target_formula, "target"),
        c_source(model.activation_formula, "activation"),
        c_source(model.activation_formula, "derivative", derivative=True),
    )
    return _assembled(CHAIN, constants, formulas)


def normals_source() -> str:
    """C++ of the kernel that fills arrays with normals."""
    return _assembled(NORMALS, {"THREADS": NORMALS_THREADS, "SHARED_DOUBLES": 1})


def _assembled(files, constants: dict[str, int], formulas=()) -> str:
    texts = [TEXTS[name] for name in files]
    widths = [f"#define {name} {value}" for name, value in constants.items()]
    whole = "\n".join([*widths, texts[0], *formulas, *texts[1:]])  # the first file declares what formulas use
    return whole.encode("ascii", "replace").decode()  # CuPy writes it to a file in whatever encoding the machine has
