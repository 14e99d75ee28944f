"""A tour of onepass, a marimo notebook: `marimo edit docs/notebook.py`; `python docs/notebook.py` runs it all."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="onepass: a tour")


@app.cell
def _():
    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    import onepass
    from onepass.analysis.scaling import fit_exponent
    from onepass.theory.climb import climb_factor

    return climb_factor, fit_exponent, mo, np, onepass, plt


@app.cell
def _(mo):
    mo.md("""
    # One-pass SGD finds a direction

    A student learns the third Hermite polynomial of one direction in d dimensions. Every step sees a fresh batch of
    n_b = d^μ samples. How long until it points there?
    """)
    return


@app.cell
def _(mo):
    dimension = mo.ui.slider(steps=[64, 128, 256, 512], value=256, label="dimension d", show_value=True)
    mu = mo.ui.slider(start=1.0, stop=2.0, step=0.25, value=1.5, label="batch exponent μ", show_value=True)
    loss = mo.ui.dropdown(["correlation", "square"], value="correlation", label="loss")
    mo.vstack([dimension, mu, loss])
    return dimension, loss, mu


@app.cell
def _(loss, onepass):
    model = onepass.Model(target="He3(x1)", activation="He3")
    protocol = onepass.Protocol(loss=loss.value, update="projected")
    ell = onepass.information_exponent(model.target)
    return ell, model, protocol


@app.cell
def _(ell, np, onepass, protocol):
    def setting(d, mu):
        """Batch size, learning rate and budget that the theory asks for, at a start of 2/√d."""
        delta = onepass.learning_rate_exponent(protocol, ell, mu)
        theta = onepass.recovery_exponent(protocol, ell, mu)
        return {
            "dimension": d,
            "batch_size": round(d**mu),
            "learning_rate": 0.003 * d**-delta,
            "steps": int(np.ceil(50 * d**theta)),
            "initial": ("overlap", 2 / np.sqrt(d)),
        }

    return (setting,)


@app.cell
def _(mo):
    mo.md("""
    ## Runs and the mean process

    Thin lines are runs of the overlap chain: SGD exactly in law, at a cost that does not grow with d. The thick line is
    the mean process at the same d and n_b, an equation without randomness.
    """)
    return


@app.cell
def _(dimension, model, mu, onepass, plt, protocol, setting):
    here = setting(dimension.value, mu.value)
    runs = onepass.simulate(model, protocol, **here, replicas=12, seed=1, threshold=None, records=80)
    mean = onepass.solve_dynamics(model, protocol, **here, equation="finite_d", records=80)
    _figure, _ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
    _ax.plot(runs.step, runs.overlap[:, :, 0, 0].T, color="C0", linewidth=0.6, alpha=0.5)
    _ax.plot(mean.step, mean.overlap[:, 0, 0], color="C3", linewidth=2, label="mean process")
    _ax.set(xlabel="step", ylabel="overlap m", title=f"$d = {here['dimension']}$, $n_b = {here['batch_size']}$")
    _ax.legend()
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## Recovery times against the dimension

    A run has recovered when its overlap reaches ½. Times grow as d^θ. The climb without noise bends that power law
    at small d by a known factor, which is divided out before the fit. From batches of 3000 samples on, the engine
    `gaussian` draws the sums over a batch instead of the batch: then no step costs more than another.
    """)
    return


@app.cell
def _(model, mu, np, onepass, protocol, setting):
    def recovery(d):
        own = setting(int(d), mu.value)
        engine = "gaussian" if own["batch_size"] >= 3000 else "chain"
        return onepass.simulate(model, protocol, **own, engine=engine, replicas=32, seed=2, threshold=0.5, records=0)

    dimensions = np.array([256, 1024, 4096, 16384])
    times = [recovery(d) for d in dimensions]
    return dimensions, times


@app.cell
def _(
    climb_factor,
    dimensions,
    ell,
    fit_exponent,
    mu,
    np,
    onepass,
    protocol,
    times,
):
    fit = fit_exponent(
        dimensions,
        np.array([t.recovery_step for t in times]),
        np.array([t.recovered for t in times]),
        factor=climb_factor(ell, dimensions, start=2 / np.sqrt(dimensions), threshold=0.5),
        rng=np.random.default_rng(3),
    )
    theory = onepass.recovery_exponent(protocol, ell, mu.value)
    print(f"theta = {fit.theta:.3f}, 95 % from {fit.theta_low:.3f} to {fit.theta_high:.3f}; theory {theory:g}")
    return fit, theory


@app.cell
def _(dimensions, fit, plt, theory, times):
    _figure, _ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for _d, _t in zip(dimensions, times, strict=True):
        _ax.plot([_d] * _t.sizes["replica"], _t.recovery_step, ".", color="C0", alpha=0.4)
    _ax.plot(dimensions, fit.prefactor * dimensions**fit.theta * fit.factor, color="C3")
    _ax.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="recovery time T (steps)")
    _ax.set_title(f"θ = {fit.theta:.2f}, theory {theory:g}")
    _figure
    return


if __name__ == "__main__":
    app.run()
