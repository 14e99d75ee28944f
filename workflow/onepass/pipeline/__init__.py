"""From a configuration to results that are whole or not there: grids, cells, files, what a run says of itself."""
