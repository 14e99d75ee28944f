"""What a gathered experiment says of itself: its cells' runs in one data set, their settings as attributes."""

import json

import numpy as np

from onepass.model import Model
from onepass.theory.climb import climb_factor, flow_factor
from onepass.theory.recovery_time import drift_coefficient


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
        dataset.attrs.get("inputs", "isotropic"),
    )


def climbing_model(dataset) -> Model | None:
    """The model, where theory can follow its overlaps from the start; None where the data set does not say enough.

    Several coordinates climb by a flow, which has to know their direction: all overlaps equal at the start.
    """
    if "second_layer" not in dataset.attrs:
        return None
    model = model_of(dataset)
    if not model.inputs.is_isotropic:
        return None
    return model if model.teachers == 1 or dataset.attrs.get("initial") == "inverse_sqrt_d" else None


def start_of(dataset) -> np.ndarray:
    """Norm of a student's overlaps at the start (dimension,); 1/√d where the data set does not say."""
    return dataset["start_norm"].values if "start_norm" in dataset else 1 / np.sqrt(dataset.dimension.values)


def climb(dataset) -> np.ndarray | None:
    """F(d) of `onepass.theory.climb`, array (dimension,): the climb without noise from the start to the threshold.

    The data set is of one protocol, μ and, of a map, δ; its attributes say from where to where which model climbs. None
    where the flow of several coordinates never gets there.
    """
    dimension, start, threshold = dataset.dimension.values, start_of(dataset), dataset.attrs.get("threshold", 0.5)
    model = climbing_model(dataset)
    if model is not None and model.students == 1 < model.teachers:
        factor = np.array([flow_factor(model, float(d), m, threshold) for d, m in zip(dimension, start, strict=True)])
        return factor if np.isfinite(factor).all() else None
    gain = None
    if model is not None and model.students == model.teachers == 1 and "learning_rate" in dataset:
        gain = dataset.learning_rate.values * drift_coefficient(model)
    each = threshold / np.sqrt(dataset.attrs.get("students", 1))
    order = int(dataset.attrs["information_exponent"])
    return climb_factor(order, dimension, start=start, threshold=each, gain=gain)
