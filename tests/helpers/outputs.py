"""Where the cells of a grid go."""


def outputs(grid, folder):
    return [str(folder / cell.path) for cell in grid]
