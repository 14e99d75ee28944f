"""What the documentation shows of a finished run: pictures and tables, from figures/, data/ and Snakemake's records.

Called by `make publish`, after `make figures`; text around the tables stays.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pandas as pd
import tour
from onepass.figures import style
from onepass.pipeline import store
from onepass.pipeline.validation import configured
from onepass.protocol import PAPER_PROTOCOLS
from PIL import Image

ROOT = Path(__file__).parents[1]
WIDTH, COLOURS = 1000, 256  # of a picture in the gallery
NAMES = {
    "erf(x1/sqrt(2))": "erf (ℓ = 1)",
    "x1**2": "x² (ℓ = 2)",
    "He3(x1)": "He₃ (ℓ = 3)",
    "He4(x1)": "He₄ (ℓ = 4)",
}

PLAIN = "nothing divided out"  # label of the slopes of plain medians


def gallery(figures) -> None:
    """Small pictures of the figures."""
    for name in figures:
        with Image.open(ROOT / "figures" / f"{name}.png") as image:
            height = round(image.height * min(1, WIDTH / image.width))
            small = image.convert("RGB").resize((min(WIDTH, image.width), height), Image.Resampling.LANCZOS)
        small = small.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(ROOT / "docs" / "gallery" / f"{name}.png", optimize=True)


def exponents(table: pd.DataFrame, kinks: pd.DataFrame, resolution: float) -> str:
    """θ of every target, protocol and μ beside the theory's, the kinks, and the prefactors' range."""
    if unknown := set(table.target) - set(NAMES):
        raise SystemExit(f"error: no name for the target {', '.join(unknown)}; give it one in NAMES of {__file__}")
    parts = []
    for target, own in of_targets(table):
        label = NAMES[target]
        mus = sorted(own.mu.unique())
        lines = [f"| {label}, μ = | {' | '.join(f'{mu:g}' for mu in mus)} |", "|---" * (len(mus) + 1) + "|"]
        for protocol in PAPER_PROTOCOLS:
            rows = own[own.protocol == protocol].set_index("mu").loc[mus].itertuples()
            rows = list(rows)
            values = [f"{_number(r.theta)} ± {(r.theta_high - r.theta_low) / 2:.3f} ({r.theta_theory:g})" for r in rows]
            lines.append(f"| {_label(protocol)} | {' | '.join(values)} |")
            lines.append(f"| {PLAIN} | {' | '.join(_number(r.theta_plain) for r in rows)} |")
        parts.append("\n".join(lines))
    corrections = [f"{_range(own.theta_plain - own.theta)} for {NAMES[target]}" for target, own in of_targets(table)]
    parts.append(f"What the division is worth, the plain slope minus θ: {', '.join(corrections)}.")
    parts.append(
        f"{table.covered.sum()} of {len(table)} intervals hold the theory's value (each counts as ± {resolution:g} at "
        f"least), {table.failures.sum():,} of {table.replicas.sum():,} replicas did not\n"
        "recover within their budget. Measured kinks of θ(μ):"
    )
    lines = ["| | theory | measured |", "|---|---|---|"]
    lines += [
        f"| {NAMES[r.target]}, {_label(r.protocol)} | {r.theory:g} | {r.mu:.3f} ({r.mu_low:.3f} to {r.mu_high:.3f}) |"
        for r in kinks.itertuples()
    ]
    parts.append("\n".join(lines))
    parts.append(
        "A kink is looked for between the second and the last but one μ: "
        "the interval of one that stands there is one-sided."
    )
    square = table[table.target == "x1**2"]
    loss = table[(table.target == "He3(x1)") & (table.protocol == "projected_correlation")]
    parts.append(
        "Prefactors: the median time at the largest d over the one from first principles is "
        f"{_range(square.time_ratio)} for x² (closed form with noise) and\n{_range(loss.time_ratio)} for He₃ with the "
        "correlation loss, T = d^(2−μ)/(18 γ₀) times the climb."
    )
    return "\n\n".join(parts)


def tuned(fits) -> str:
    """θ* of He₃ and He₄ at rates found by search, and how the projected square loss fares above μ = ℓ/2."""
    parts, sentences, samples = [], [], []
    for target in ("He3(x1)", "He4(x1)"):
        own = [fit for fit in fits if fit.attrs["target"] == target]
        rows = sorted((float(mu), fit.sel(mu=mu)) for fit in own for mu in fit.mu.values)
        mus = [mu for mu, _ in rows]
        lines = [f"| {NAMES[target]}, μ = | {' | '.join(f'{mu:g}' for mu in mus)} |", "|---" * (len(mus) + 1) + "|"]
        for protocol in PAPER_PROTOCOLS:
            cells = [row.sel(protocol=protocol) for _, row in rows]
            halves = [float(cell.theta_high - cell.theta_low) / 2 for cell in cells]
            values = [
                f"{_number(float(cell.theta), 2)} ± {half:.2f} ({float(cell.theta_theory):g})"
                for cell, half in zip(cells, halves, strict=True)
            ]
            lines.append(f"| {_label(protocol)} | {' | '.join(values)} |")
        parts.append("\n".join(lines))
        ell = int(own[0].attrs["information_exponent"])
        far = next(row for mu, row in rows if mu == ell - 1).sel(protocol="projected_square")
        times = ", ".join(f"{float(time):.0f}" for time in far.best_time.values)
        sizes = ", ".join(str(int(d)) for d in far.dimension.values)
        sentences.append(f"{NAMES[target]} at μ = {ell - 1}: T* = {times} steps at d = {sizes}.")
        unit = float(rows[0][1].dimension[-1]) ** (ell - 1)
        single = rows[0][1].isel(dimension=-1).best_samples / unit
        each = [f"{float(single.sel(protocol=p)):.2g} ({_label(p)})" for p in PAPER_PROTOCOLS]
        samples.append(f"{NAMES[target]}, N*/d^{ell - 1} = {', '.join(each)}")
    parts.append("The projected square loss far above ℓ/2: " + " ".join(sentences))
    parts.append(f"Samples at n_b = 1 and the largest d: {'; '.join(samples)}.")
    return "\n\n".join(parts)


def of_targets(table: pd.DataFrame):
    """The targets in the order of their names, each with its rows."""
    return [(target, table[table.target == target]) for target in NAMES]


def costs(settings, records: Path) -> str:
    """Minutes of each figure alone on two cores: its jobs, by Snakemake's records of what they made."""
    lines = ["| figure | minutes on 2 cores, alone | data |", "|---|---|---|"]
    for name, experiments in settings.figures.items():
        made = [f"{settings.figures_folder}/{name}.pdf"]
        for experiment in experiments:
            made += [f"{settings.data}/{cell.path}" for cell in settings.grid(experiment)]
            made += [f"{settings.data}/{experiment}.nc"]
            fitted = settings.experiments[experiment].kind in ("recovery", "tuned")
            made += [f"{settings.data}/exponents/{experiment}.nc"] * fitted
        jobs: dict[str, float] = {}  # by their logs: a job has made several files
        for path in made:
            try:
                record = json.loads((records / urlsafe_b64encode(path.encode()).decode()).read_text())
            except OSError:
                raise SystemExit(f"error: Snakemake has no record of {path}; run make figures first") from None
            (log, *_) = record["log"]
            jobs[log] = max(jobs.get(log, 0.0), record["endtime"] - record["starttime"])  # to its last file
        listed = ", ".join(f"`{experiment}`" for experiment in experiments)
        lines.append(f"| `{name}` | {sum(jobs.values()) / 120:.1f} | {listed} |")
    return "\n".join(lines)


def replaced(page: str, mark: str, text: str) -> str:
    """The page with another text between a mark and the next end."""
    start = page.index(f"<!-- {mark} -->\n") + len(f"<!-- {mark} -->\n")
    return page[:start] + text + "\n" + page[page.index("<!-- end -->", start) :]


def _label(protocol: str) -> str:
    return style.look(protocol).label.removesuffix(" loss")


def _number(value: float, digits: int = 3) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _range(values) -> str:
    return f"{_number(values.min(), 2)} to {_number(values.max(), 2)}"


if __name__ == "__main__":
    settings = configured()
    tables = [ROOT / settings.data / "exponents" / f"{name}.csv" for name in ("summary", "kinks")]
    if not all(path.exists() for path in tables):
        raise SystemExit("error: no table of exponents; run make figures first")
    searched = [store.read(ROOT / settings.data / "exponents" / f"{n}.nc") for n in settings.figures["tuned_exponents"]]
    parts = {
        "figures": {"costs": costs(settings, ROOT / ".snakemake" / "metadata")},
        "results": {
            "exponents": exponents(*map(pd.read_csv, tables), settings.check.resolution),
            "tuned": tuned(searched),
        },
        "notebook": {"tour": tour.page(ROOT / "docs" / "gallery")},
    }
    for name, own in parts.items():
        path = ROOT / "docs" / f"{name}.md"
        page = path.read_text()
        for mark, text in own.items():
            page = replaced(page, mark, text)
        path.write_text(page)
    gallery(settings.figures)
