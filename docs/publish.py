"""What the README shows of a finished run: its gallery and its tables, from figures/, data/ and Snakemake's records.

Called by `make publish`, after `make figures` and `snakemake check_exponents`; text around the tables stays.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pandas as pd
import yaml
from onepass.validation import validated
from PIL import Image

ROOT = Path(__file__).parents[1]
WIDTH, COLOURS = 1000, 256  # of a picture in the gallery
NAMES = {
    "erf(x1/sqrt(2))": "erf (ℓ = 1)",
    "x1**2": "x² (ℓ = 2)",
    "He3(x1)": "He₃ (ℓ = 3)",
    "He4(x1)": "He₄ (ℓ = 4)",
}
PROTOCOLS = {
    "projected_square": "projected, square",
    "projected_correlation": "projected, correlation",
    "spherical_square": "spherical, square",
}


def gallery(figures) -> None:
    """Small pictures of the figures."""
    for name in figures:
        with Image.open(ROOT / "figures" / f"{name}.png") as image:
            height = round(image.height * min(1, WIDTH / image.width))
            small = image.convert("RGB").resize((min(WIDTH, image.width), height), Image.Resampling.LANCZOS)
        # The colours that occur most would be greys of the text: those of the octree keep every line's own.
        small = small.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(ROOT / "docs" / "gallery" / f"{name}.png", optimize=True)


def exponents(resolution: float) -> str:
    """θ of every target, protocol and μ beside the theory's, the kinks, and the prefactors' range."""
    table, kinks = (pd.read_csv(ROOT / "data" / "exponents" / f"{name}.csv") for name in ("summary", "kinks"))
    parts = []
    for target, label in NAMES.items():
        own = table[table.target == target]
        mus = sorted(own.mu.unique())
        lines = [f"| {label}, μ = | {' | '.join(f'{mu:g}' for mu in mus)} |", "|---" * (len(mus) + 1) + "|"]
        for protocol, words in PROTOCOLS.items():
            rows = own[own.protocol == protocol].set_index("mu").loc[mus].itertuples()
            values = (
                f"{_number(r.theta, 3)} ± {(r.theta_high - r.theta_low) / 2:.3f} ({r.theta_theory:g})" for r in rows
            )
            lines.append(f"| {words} | {' | '.join(values)} |")
        parts.append("\n".join(lines))
    parts.append(
        f"{table.covered.sum()} of {len(table)} intervals hold the theory's value (none is taken at its word below "
        f"± {resolution:g}), {table.failures.sum():,} of {table.replicas.sum():,} replicas did not\n"
        "recover within their budget. Measured kinks of θ(μ):"
    )
    lines = ["| | theory | measured |", "|---|---|---|"]
    lines += [
        f"| {NAMES[r.target]}, {PROTOCOLS[r.protocol]} | {r.theory:g} "
        f"| {r.mu:.3f} ({r.mu_low:.3f} to {r.mu_high:.3f}) |"
        for r in kinks.itertuples()
    ]
    parts.append("\n".join(lines))
    square = table[table.target == "x1**2"]
    loss = table[(table.target == "He3(x1)") & (table.protocol == "projected_correlation")]
    parts.append(
        "Prefactors: the median time at the largest d over the one from first principles is "
        f"{_range(square.time_ratio)} for x² (closed form with noise) and\n{_range(loss.time_ratio)} for He₃ with the "
        "correlation loss, T = d^(2−μ)/(18 γ₀) times the climb."
    )
    return "\n\n".join(parts)


def costs(figures: dict[str, list[str]]) -> str:
    """Minutes of each figure alone on two cores: its jobs, by Snakemake's records of the outputs."""
    jobs: dict[str, dict] = {}  # by what they made, and by the log of each
    for path in (ROOT / ".snakemake" / "metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            encoded = "".join(part.lstrip("@") for part in path.relative_to(ROOT / ".snakemake" / "metadata").parts)
            made = Path(urlsafe_b64decode(encoded).decode())
            owner = f"cells/{made.parent.name}" if "cells" in made.parts else str(made.with_suffix(""))
            seconds, (log, *_) = record["endtime"] - record["starttime"], record["log"]
            own = jobs.setdefault(owner, {})
            own[log] = max(seconds, own.get(log, 0.0))  # to its last output
    lines = ["| figure | minutes on 2 cores, alone | data |", "|---|---|---|"]
    for name, experiments in figures.items():
        owners = [f"figures/{name}"]
        for experiment in experiments:
            owners += [f"cells/{experiment}", f"data/{experiment}", f"data/exponents/{experiment}"]
        seconds = sum(sum(jobs.get(owner, {}).values()) for owner in owners)
        lines.append(
            f"| `{name}` | {seconds / 120:.1f} | {', '.join(f'`{experiment}`' for experiment in experiments)} |"
        )
    return "\n".join(lines)


def replaced(page: str, mark: str, text: str) -> str:
    """The page with another text between a mark and the next end."""
    start = page.index(f"<!-- {mark} -->\n") + len(f"<!-- {mark} -->\n")
    return page[:start] + text + "\n" + page[page.index("<!-- end -->", start) :]


def _number(value: float, decimals: int) -> str:
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def _range(values) -> str:
    return f"{values.min():.2f} to {values.max():.2f}"


if __name__ == "__main__":
    settings = validated(yaml.safe_load((ROOT / "config" / "default.yaml").read_text()))
    gallery(settings.figures)
    readme = ROOT / "README.md"
    page = replaced(readme.read_text(), "costs", costs(settings.figures))
    readme.write_text(replaced(page, "exponents", exponents(settings.check.resolution)))
