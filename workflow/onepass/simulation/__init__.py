"""One-pass SGD simulated: `simulate` and its engines, from d-dimensional SGD to the chain that does not know d."""
