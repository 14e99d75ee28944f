"""The table of recovery times."""

import numpy as np
from helpers.experiments import experiment
from onepass.analysis import times


def test_a_row_a_cell_with_censored_runs_counted():
    data = experiment(censored=1).assign_attrs(experiment="mine")
    data["learning_rate"] = data["median"].dims, np.full(data["median"].shape, 0.01)
    table = times.table([data], [data])
    assert list(table.columns) == list(times.COLUMNS)
    assert len(table) == data["median"].size
    for row in table.itertuples():
        cell = data.sel(protocol=row.protocol, mu=row.mu, dimension=row.dimension)
        recovered = cell.recovered.values.astype(bool)
        assert row.censored_fraction == 1 - recovered.mean()
        assert row.median == cell["median"]
        assert row.batch_size == cell.batch_size
        assert row.fitted == cell.fitted
        assert np.isnan(row.budget) if recovered.all() else row.budget == cell.recovery_step.values[~recovered].max()
    failing = table[table.mu == 1.5]
    assert np.isinf(failing[["median", "quantile_0.9"]]).all(axis=None), "two of twelve recover"
    assert (np.isfinite(failing["quantile_0.1"]) == (failing.censored_fraction < 0.9)).all()
    assert (table["quantile_0.1"] <= table["quantile_0.25"]).all()
    assert (table["quantile_0.75"] <= table["quantile_0.9"]).all()
    made = times.dataset(table)
    assert all(made[name].attrs["long_name"] for name in times.COLUMNS)
