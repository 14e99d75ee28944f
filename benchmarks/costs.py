"""What a plan expects of a cell's time, against what it takes: `onepass.pipeline.cost` holds the numbers."""

import statistics
import time
from dataclasses import replace
from math import inf

from onepass.pipeline import cost
from onepass.pipeline.validation import configured

ROUNDS = 7


def costs():
    """seconds of a processor that cells take, over those that a plan expects; their spread does not know the machine"""
    (usual, *_) = configured().grid("he3")
    usual = replace(usual, backend="numpy", threshold=None, learning_rate=1e-9, replicas=1)
    erf = {"target": "erf(x1/sqrt(2))", "activation": "erf(x/sqrt(2))"}
    ratios = []
    for engine, change in [
        ("chain", {"batch_size": 1, "steps": 1_500_000}),
        ("chain", {"batch_size": 1000, "steps": 4000}),
        ("chain", {"batch_size": 1000, "steps": 1500} | erf),
        ("gaussian", {"batch_size": 10**6, "steps": 800_000}),
        ("sgd", {"batch_size": 1000, "dimension": 256, "steps": 20}),
    ]:
        cell = replace(usual, engine=engine, **change)
        replace(cell, steps=1).simulate()  # compiles
        times = []
        for _ in range(ROUNDS):
            start = time.process_time()
            cell.simulate()
            times.append(time.process_time() - start)
        ratios.append(statistics.median(times) / cost.seconds(cell))
        yield f"{engine}, {cell.activation}, n_b = {cell.batch_size}", ratios[-1], (0, inf)
    yield "largest over smallest", max(ratios) / min(ratios), (1, 4)
