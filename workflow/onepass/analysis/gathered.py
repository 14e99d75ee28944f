"""What a gathered experiment says of itself: its cells' runs in one data set, their settings as attributes."""

from __future__ import annotations

import json

from onepass.model import Model


def model_of(dataset) -> Model:
    """The model that an aggregated experiment was made with, from its attributes."""
    layer = dataset.attrs["second_layer"]
    if isinstance(layer, str):  # as a file keeps it
        layer = json.loads(layer)
    return Model(
        dataset.attrs["target"],
        dataset.attrs["activation"],
        int(dataset.attrs["students"]),
        None if layer is None else tuple(layer),
        float(dataset.attrs["noise"]),
    )
