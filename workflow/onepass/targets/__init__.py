"""A target of the user's own: what it needs, an activation that can learn it, grids for it, warnings before a run."""
