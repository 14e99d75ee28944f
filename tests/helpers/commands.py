"""The command line, called as a user calls it."""

import numpy as np
import xarray as xr
from onepass.cli.app import app
from onepass.pipeline.cell import Cell
from typer.testing import CliRunner

RUN = CliRunner()
SIMULATE = ["simulate", "--target", "He3(x1)", "--activation", "He3", "--dimension", "64", "--batch-size", "20",
            "--learning-rate", "0.002", "--steps", "300", "--replicas", "3", "--engine", "sgd", "--backend", "numpy",
            "--initial", "0.5", "--noise", "0.1", "--seed", "5", "--records", "20"]  # fmt: skip


def called(*arguments):
    """What a command prints, with none of its errors."""
    done = RUN.invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


def refused(*arguments, code):
    """What a command says where it refuses, in one message without a traceback."""
    done = RUN.invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return " ".join(done.stderr.replace("│", " ").split())


def some_runs(steps):
    """Five runs of two students of three directions, numbers at random."""
    rng, count = np.random.default_rng(0), len(steps)
    cell = Cell("command_line", "x1*x2*x3", "He3", 2, None, 0.0, "projected_square", None, None, 64, 8, 2e-5, steps[-1],
                5, "chain", "numpy", 0.1, 0.9, count, 0)  # fmt: skip
    return xr.Dataset(
        {
            "overlap": (("replica", "step", "student", "teacher"), rng.uniform(0, 0.5, (5, count, 2, 3))),
            "risk": (("replica", "step"), rng.uniform(0.1, 2, (5, count))),
            "recovered": ("replica", np.zeros(5, bool)),
        },
        coords={"step": steps},
        attrs={"parameters": cell.identity},
    )
