"""What the expansions of a model cost where nothing is known of it yet."""

import statistics
import subprocess
import sys

ROUNDS = 3
CODE = """if True:
    import sys, time
    from onepass import Model
    from onepass.gaussian.information import leap_complexity
    from onepass.gaussian.risk import risk_series
    start = time.process_time()
    model = Model(*sys.argv[1:])
    risk_series(model), leap_complexity(model.target_formula)
    print(1e3 * (time.process_time() - start))"""


def expansions():
    """Hermite expansions and risk of a new model, in a process of its own: milliseconds of a processor"""
    for target, activation, goal in [
        ("He3(x1)", "He3", 50),
        ("tanh(x1)", "tanh", 100),
        ("sign(x1)", "relu", 100),
        ("x1*x2", "square", 50),
        ("tanh(x1*x2*x3)", "tanh", 500),
        ("relu(x1 - x2)*x1", "relu", 1000),
    ]:
        command = [sys.executable, "-c", CODE, target, activation]
        times = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(ROUNDS)]
        yield f"{target}, {activation}", statistics.median(times), (0, goal)
