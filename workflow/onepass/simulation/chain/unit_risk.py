"""The risk of students on the unit sphere, compiled: the adaptive schedule asks for it at every step."""

from onepass.gaussian.risk import RiskSeries
from onepass.simulation.jit import compiled


@compiled
def population_risk(factor, layer, series: RiskSeries):
    """Excess risk ½ E[(f* − f)²] of the students with factor A (p, k + p); `layer` is a/p."""
    p, k = layer.size, series.cross_powers.shape[1]
    risk = series.constant
    for j in range(p):
        for t in range(series.cross.size):
            term = series.cross[t]
            for r in range(k):
                term *= factor[j, r] ** series.cross_powers[t, r]
            risk -= layer[j] * term
        for i in range(p):
            gram = 0.0
            for r in range(factor.shape[1]):
                gram += factor[i, r] * factor[j, r]
            value = 0.0
            for n in range(series.pair.size - 1, -1, -1):
                value = value * gram + series.pair[n]
            risk += 0.5 * layer[i] * layer[j] * value
    return risk


@compiled
def sphere_risk(factor, layer, series: RiskSeries, missing):
    """The same with the second moment of the activation in full, `missing` beyond the series."""
    risk = population_risk(factor, layer, series)
    for j in range(layer.size):
        risk += 0.5 * missing * layer[j] * layer[j]
    return risk
