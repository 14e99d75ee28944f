"""A table whose columns say what they mean, as a data set."""

import pandas as pd


def labelled(rows: pd.DataFrame, columns: dict[str, tuple[str, str]]):
    """The table as an xarray.Dataset over ``row``, every variable with the meaning and units of its column."""
    result = rows.rename_axis("row").to_xarray()
    for name, (meaning, units) in columns.items():
        result[name].attrs = {"long_name": meaning, "units": units}
    return result
