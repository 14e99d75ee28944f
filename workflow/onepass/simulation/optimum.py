"""Where the median time is shortest, of medians at some learning rates."""

import numpy as np

WITHIN = 1.5  # times the best median: what is near the best rate


def near(medians: np.ndarray) -> tuple[int, int]:
    """First and last place around the smallest median where none is above `WITHIN` times it; the rates increase."""
    first = last = int(np.argmin(medians))
    most = WITHIN * medians[first]
    while first > 0 and medians[first - 1] <= most:
        first -= 1
    while last + 1 < len(medians) and medians[last + 1] <= most:
        last += 1
    return first, last


def lowest(rates: np.ndarray, medians: np.ndarray) -> tuple[float, float]:
    """Best rate and its median: the lowest point of a parabola in the logarithms, through the rates `near` the best.

    The point itself where fewer than four rates are near, or where medians are as short as the shortest from it on.
    """
    first, last = near(medians)
    least = int(np.argmin(medians))
    if last - first < 3 or (medians[least : last + 1] == medians[least]).all():
        return float(rates[least]), float(medians[least])
    x, y = np.log(rates[first : last + 1] / rates[first]), np.log(np.maximum(medians[first : last + 1], 0.5))
    place, height = (float(value[0]) for value in lowest_points(x, y[:, None]))
    return float(rates[first] * np.exp(place)), float(np.exp(height))


def lowest_points(x, y):
    """Lowest points (column,) of parabolas through x (point,) and the columns of y, no further out than the points."""
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    curve, slope, height = np.polyfit((x - middle) / half, y, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.clip(-slope / (2 * curve), -1, 1)
    place = np.where(curve > 0, place, np.where(slope > 0, -1.0, 1.0))
    return middle + half * place, height + slope * place + curve * place**2
