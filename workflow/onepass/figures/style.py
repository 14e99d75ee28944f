"""How figures look and how they reach the disk, in one place."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import product
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from onepass.choices import Direction, Lookahead, Loss, Momentum, ProtocolError, Schedule, Velocity
from onepass.files import atomic
from onepass.protocol import Protocol

WIDTH = 7.0  # inches: both columns of a page
DPI = 200
LINE = 30  # characters of a label, where it is long: a panel of two beside each other has room for them
INK = "0.15"
MUTED = "0.45"
COORDINATES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # colours of a target's, in turn

# What only windows have, or must be settled before anything is drawn, stays the user's.
_USERS = (
    "backend",
    "date.",
    "figure.max_open",
    "figure.raise",
    "interactive",
    "savefig.directory",
    "timezone",
    "tool",
    "webagg",
)
_RC = {
    **{key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith(_USERS)},
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    # Shipped with matplotlib, hence the same on every machine.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "ytick.minor.size": 1.5,
    "xtick.minor.size": 1.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # whole glyphs that editors and journals accept, not bitmaps
    "figure.dpi": DPI,
}


class Look(NamedTuple):
    """Label, colour (Okabe & Ito, safe for colour-blind eyes) and marker of a protocol."""

    label: str
    colour: str
    marker: str


_PROTOCOLS = {
    "projected_square": Look("projected, square loss", "#D55E00", "o"),
    "projected_correlation": Look("projected, correlation loss", "#0072B2", "s"),
    "spherical_square": Look("spherical, square loss", "#009E73", "^"),
    "spherical_correlation": Look("spherical, correlation loss", "#CC79A7", "D"),
    "projected_adaptive": Look("projected, adaptive", "#E69F00", "v"),
    "spherical_adaptive": Look("spherical, adaptive", "#56B4E9", "P"),
}
_COLOURS = (*(known.colour for known in _PROTOCOLS.values()), INK, "0.55")  # of others, those that are not taken
_MARKERS = "Xh<>pd8*"
_WORDS = {  # of unusual choices, with their numbers
    "normalised": "normalised",
    "rows": "rows normalised",
    "clipped": "clipped at {0.clip:g}",
    "polar": "polar",
    "heavy_ball": "heavy ball {0.beta:g}",
    "nesterov": "Nesterov {0.beta:g}",
    "transported": "transported",
    "sample": "own lookahead {0.lookahead_rate:g}",
    "batch": "batch lookahead {0.lookahead_rate:g}",
}
_NUMBERS = {"weight_decay": "decay", "second_layer_rate": "second layer", "smoothing": "smoothed"}


def context():
    """Return the context, or decorator of a function, in which figures are drawn and saved.

    It begins with Matplotlib's defaults: no file of the user's changes a figure.
    """
    return mpl.rc_context(_RC)


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return how the protocols of one figure are drawn, by name.

    The published ones look the same everywhere; others take, in their order here, the colours that these leave.
    """
    names = list(dict.fromkeys(names))
    taken = {_PROTOCOLS[name].colour for name in names if name in _PROTOCOLS}
    free = [(colour, marker) for marker, colour in product(_MARKERS, _COLOURS) if colour not in taken]
    free = free or list(product(_COLOURS, _MARKERS))
    others = [name for name in names if name not in _PROTOCOLS]
    own = {name: Look(_label(name), *free[i % len(free)]) for i, name in enumerate(others)}
    return {name: _PROTOCOLS.get(name) or own[name] for name in names}


def look(protocol: str) -> Look:
    """Return how a protocol is drawn that is alone in its panel."""
    return looks([protocol])[protocol]


def _label(name: str) -> str:
    """A protocol in words, ``spherical, absolute loss, heavy ball 0.9``, in lines; of what is none its name."""
    try:
        own = Protocol.named(name)
    except ProtocolError:
        return name.replace("_", " ")
    loss = f"{own.loss} loss" if isinstance(own.loss, Loss) else f"ψ = {own.loss.replace(' ', '')}"
    loss += "" if own.huber_delta == 1 else f" of δ {own.huber_delta:g}"
    words = [str(own.update), "adaptive" if own.schedule == Schedule.ADAPTIVE else loss]
    words += [] if own.label is None else [f"labels {own.label.replace(' ', '')}"]
    usual = {"direction": Direction.GRADIENT, "momentum": Momentum.NONE, "velocity": Velocity.LEFT}
    usual["lookahead"] = Lookahead.NONE
    chosen = [str(getattr(own, key)) for key, choice in usual.items() if getattr(own, key) != choice]
    words += [_WORDS[word].format(own) for word in chosen]
    words += [f"{word} {getattr(own, key):g}" for key, word in _NUMBERS.items() if getattr(own, key)]
    words += [f"{own.passes} passes"] if own.passes > 1 else []
    whole = ", ".join(word.replace(" ", "\xa0") for word in words)  # which lines do not break
    return fill(whole, LINE, break_long_words=False, break_on_hyphens=False).replace("\xa0", " ")


def protocol_handles(names, **line) -> list[Line2D]:
    """Return legend handles of protocols, with their markers unless `line` says otherwise."""
    shown = looks(names).values()
    return [Line2D([], [], **{"color": s.colour, "marker": s.marker, "label": s.label} | line) for s in shown]


def lighter(colour: str) -> tuple[float, float, float]:
    """Return a colour half way to white, for lines below markers of the colour itself."""
    return tuple((1 + channel) / 2 for channel in mpl.colors.to_rgb(colour))


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, sizes in inches; it belongs to no window."""
    return Figure(figsize=(width, height), layout="constrained")


def note(ax, x: float, y: float, text: str, **look) -> None:
    """Write a remark into a panel, x and y being fractions of it."""
    ax.text(x, y, text, transform=ax.transAxes, **{"fontsize": 7.5} | look)


def formula(text: str) -> str:
    """Set a target's formula, for instance ``He3(x1)``, as mathematics."""
    text = re.sub(r"\bHe(?=\d+\()|\b[a-z]\w+(?=\()", lambda name: rf"\mathrm{{{name[0]}}}".replace("_", r"\_"), text)
    text = re.sub(r"(\bx|\bHe|{He})(\d+)\b", r"\1_{\2}", text)
    text = re.sub(r"\s*\*\*\s*(\d+)", r"^{\1}", text).replace("*", r"\,")
    return f"${text}$"


def power_of_d(prefactor: float, exponent: float) -> str:
    """Set ``prefactor d^exponent`` as mathematics, without its dollars; what is 1 is left out."""
    power = "" if exponent == 0 else "d" if exponent == 1 else f"d^{{\\,{exponent:g}}}"
    factor = "" if prefactor == 1 and power else number(prefactor)
    return factor + (r"\," if factor and power else "") + power


def dimension(d: int) -> str:
    """Set ``d = 1024`` as mathematics, a power of two as such."""
    return f"$d = 2^{{{d.bit_length() - 1}}}$" if d & (d - 1) == 0 else f"$d = {d}$"


def number(value: float) -> str:
    """Set a number as mathematics, of three digits, without its dollars."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def save(figure: Figure, paths: Sequence[str | Path], origin: str | None = None) -> None:
    """Write a figure to `paths`, each ``.pdf`` or ``.png``: the same bytes in every run, and no file half written.

    What is known of its `origin` is kept among the keywords of the file.
    """
    about = {"Keywords": origin} if origin else {}
    for path in map(Path, paths):
        with atomic(path) as part, context():
            if path.suffix == ".pdf":
                figure.savefig(part, format="pdf", metadata=about | {"CreationDate": None})
            else:
                _save_pixels(figure, part, about)


def _save_pixels(figure: Figure, path: Path, about: dict[str, str]) -> None:
    """In 256 colours, which take a quarter of the bytes: a report holds every figure."""
    drawn, keywords = BytesIO(), PngInfo()
    figure.savefig(drawn, format="png", dpi=DPI)
    for key, value in about.items():
        keywords.add_text(key, value)
    with Image.open(drawn) as image:
        # The colours that occur most would be greys of the text: those of the octree keep every line's own.
        few = image.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(path, format="png", dpi=(DPI, DPI), pnginfo=keywords, optimize=True)
