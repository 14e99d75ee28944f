"""The command line ``onepass``: what a target needs, one simulation, its plot, diagrams, configurations, archives.

Each command reads its options, calls the library and prints; the library is imported by the command that needs it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from onepass.cli.archive import reproduce, restore
from onepass.cli.config import config, scenarios
from onepass.cli.errors import drawn_to, plain_errors, warn
from onepass.cli.simulate import simulate
from onepass.pipeline.script import own_matplotlib

app = typer.Typer(
    name="onepass",
    help="Time and samples that one-pass SGD needs to find the direction of a target, from its formula.\n\n"
    'Example: onepass exponent "x1*x2 + He3(x1)"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Target = Annotated[
    str, typer.Argument(help='Formula of the target in x1, x2, …, as "He3(x1)"; see docs/how_to/target.md.')
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")]
OPTION = re.compile(r"--[a-z-]*(=.*)?|-[a-wyz]?")  # -x is a formula


class OfFormula(TyperCommand):
    """A command whose argument is a formula, which may begin with a minus."""

    def parse_args(self, context, arguments: list[str]) -> list[str]:
        """What begins with a minus is taken for an option, unless a space stands before it."""
        spaced = [f" {own}" if own[:1] == "-" and not OPTION.fullmatch(own) else own for own in arguments]
        rest = super().parse_args(context, spaced)
        context.params |= {key: own.strip() for key, own in context.params.items() if isinstance(own, str)}
        return rest


@app.command(
    cls=OfFormula,
    epilog='Examples: onepass exponent "x1*x2 + He3(x1)" · onepass exponent "He3(x1)" --activation relu --json'
    ' · onepass exponent "He4(x1)" --loss absolute · onepass exponent "He3(x1)" --label "y**2"',
)
def exponent(
    target: Target,
    activation: Annotated[
        str | None, typer.Option(help='Also look at this activation, a name such as "relu" or a formula in x.')
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Loss, a name or a formula ψ(y, f): look at ψ(φ(y), 0) in place of the target.")
    ] = None,
    label: Annotated[str | None, typer.Option(help='Transform φ(y) of labels, as "sign(y)": the same.')] = None,
    json_: Json = False,
) -> None:
    """Information and generative exponent, leap and Hermite coefficients of a target, and what each protocol needs."""
    with plain_errors():
        from onepass.targets.requirements import needs, written

        if loss is not None or label is not None:
            from onepass.protocol import Protocol
            from onepass.theory.losses import transformed_label

            target = transformed_label(target, Protocol(loss or "correlation", label=label)).text
        found = needs(target, activation)
        warn(found.get("warnings", ()))
        print(json.dumps(found, indent=2) if json_ else written(found))


app.command(
    epilog='Example: onepass simulate --target "He3(x1)" --activation He3 --dimension 1024 --batch-size 1024 '
    "--learning-rate 6e-5 --steps 100000 --initial inverse_sqrt_d --replicas 16 --output runs.nc"
)(simulate)


@app.command(epilog="Examples: onepass plot runs.nc · onepass plot data/cells/weak_recovery/FILE.nc --output run.pdf")
def plot(
    file: Annotated[Path, typer.Argument(help="A cell's NetCDF file, of `onepass simulate` or of the pipeline.")],
    output: Annotated[Path | None, typer.Option(help="Where to: .png or .pdf; by default beside the file.")] = None,
    json_: Json = False,
) -> None:
    """Draw overlap and risk along the runs of one cell."""
    with plain_errors():
        own_matplotlib()
        from onepass.figures import runs as figure
        from onepass.figures import style
        from onepass.pipeline import store

        path = drawn_to(output or file.with_suffix(".png"))
        runs = store.read(file)
        style.save(figure.draw([runs]), [path])
        print(json.dumps({"output": str(path), **figure.described(runs)}, indent=2) if json_ else f"drawn: {path}")


@app.command(epilog="Examples: onepass phases 3 · onepass phases 4 --output phases.png · onepass phases 2 --json")
def phases(
    order: Annotated[int, typer.Argument(metavar="L", help="Information exponent or leap index ℓ, 1 or more.")],
    output: Annotated[Path | None, typer.Option(help="Where to: .pdf or .png; by default phases_<L>.pdf.")] = None,
    json_: Json = False,
) -> None:
    """Draw the phase diagrams of ℓ: batch size and time, batch size and learning rate; --json prints them instead."""
    with plain_errors():
        if json_:
            from onepass.theory.diagrams import as_plain

            print(json.dumps(as_plain(order), indent=2))
            return
        own_matplotlib()
        from onepass.figures import phase_diagrams, style

        path = drawn_to(output or Path(f"phases_{order}.pdf"))
        style.save(phase_diagrams.draw(order), [path])
        print(f"drawn: {path}")


@app.command(
    cls=OfFormula,
    epilog='Examples: onepass target "tanh(x1*x2*x3)" · make target TARGET="x1*x2" · '
    'onepass target "x1*x2" --activation "x + He2(x)"',
)
def target(
    target: Target,
    activation: Annotated[
        str | None, typer.Option(help="Activation of the students; by default one that can learn the target.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of its file and folders; by default made of the formula.")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="A protocol by name, in place of the published ones; may be given several times."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="What all its runs may take on two cores; grids are made smaller for it.", min=0.1)
    ] = 5.0,
    inputs: Annotated[
        str, typer.Option(help="Covariance of the inputs of runs, as onepass simulate takes it; the rest is isotropic.")
    ] = "isotropic",
    force: Annotated[bool, typer.Option("--force", help="Write a configuration that is there already anew.")] = False,
    json_: Json = False,
) -> None:
    """Write the configuration of all figures for a target of your own and print its path; one that is there is kept."""
    with plain_errors():
        from onepass.targets import overlay

        path, remarks = overlay.kept_or_written(target, activation, name, protocol or (), minutes, inputs, force=force)
        for remark in remarks:
            print(f"onepass: {remark}", file=sys.stderr)
        print(json.dumps({"path": str(path)}, indent=2) if json_ else path)


app.command(
    epilog="Examples: onepass config · onepass config config/quick.yaml mine.yaml · onepass config --experiment he3"
)(config)
app.command(epilog='Example: make scenarios FILE="scenarios.yaml"')(scenarios)
app.command(epilog="Example: onepass restore ../other/data/archive.zip")(restore)
app.command(epilog="Example: onepass reproduce data/archive.zip reproduced/data")(reproduce)


def main() -> None:
    """What the console script calls."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a locale without Greek letters stops nothing
    app()


if __name__ == "__main__":
    main()
