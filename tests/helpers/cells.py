"""Cells simulated as a job simulates them."""

from onepass.pipeline.row import simulate_row


def outputs(cells, folder) -> list[str]:
    return [str(folder / cell.path) for cell in cells]


def simulated(cells, folder, **options) -> list[str]:
    """Simulate them below a folder, with a cache of their own there; their files. Options as of `simulate_row`."""
    simulate_row(cells, outputs(cells, folder), folder / "cache", **options)
    return outputs(cells, folder)
