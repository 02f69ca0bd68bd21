"""Fits how taut's time grows with rows, columns and folds: exponents of time ∝ size^a.

Writes ``scaling.json``:  python -m benchmarks.scaling [--core 0] [--scale 1]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import taut
from benchmarks.problem import Problem
from benchmarks.runners.taut import cross_validate, path
from benchmarks.tools import HERE
from benchmarks.workloads import autoregressive, numbers, scaled, with_grid

TOL = {"method": "auto", "tol": 1e-6}


@dataclass(frozen=True)
class Sweep:
    """One size varied, the others held: ``make(size, scale)`` builds the problem."""

    what: str
    sizes: tuple[int, ...]
    make: Callable[[int, float], Problem]


def _lasso(n: int, p: int, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    X = autoregressive(rng, n, p)
    w = np.zeros(p)
    w[rng.choice(p, size=min(20, p), replace=False)] = rng.standard_normal(min(20, p))
    signal = X @ w / np.std(X @ w)
    return with_grid(Problem(X, numbers(rng, signal), np.empty(0)), 1e-4 if n > p else 1e-2)


def _folded(n: int, p: int, folds: int) -> Problem:
    problem = _lasso(n, p)
    return replace(problem, task="cv", folds=np.arange(n) % folds)


SWEEPS = (
    Sweep("rows, tall (p = 100)", (10_000, 20_000, 40_000, 80_000), lambda n, s: _lasso(scaled(n, s), 100)),
    Sweep("columns, tall (n = 20,000)", (50, 100, 200, 400), lambda p, s: _lasso(scaled(20_000, s), p)),
    Sweep("columns, wide (n = 300)", (2000, 4000, 8000, 16_000), lambda p, s: _lasso(300, scaled(p, s))),
    Sweep("rows, wide (p = 5,000)", (100, 200, 400, 800), lambda n, s: _lasso(scaled(n, s), 5000)),
    Sweep("folds, tall (20,000 × 100)", (2, 4, 8, 16), lambda k, s: _folded(scaled(20_000, s), 100, k)),
    Sweep("folds, wide (300 × 3,000)", (2, 4, 8, 16), lambda k, s: _folded(300, scaled(3000, s), k)),
)


def seconds(problem: Problem, repeats: int = 3) -> float:
    """Least processor time of a few repeats."""
    solve = cross_validate if problem.task == "cv" else path
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        solve(problem, TOL)
        taken.append(time.process_time() - start)
    return min(taken)


def exponent(sizes: tuple[int, ...], times: list[float]) -> float:
    """Slope of log time on log size by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def measure(sweep: Sweep, scale: float) -> dict[str, str]:
    times = [seconds(sweep.make(size, scale)) for size in sweep.sizes]
    shown = ", ".join(f"{size:,}: {taken:.3g}" for size, taken in zip(sweep.sizes, times, strict=True))
    return {"varied": sweep.what, "exponent": f"{exponent(sweep.sizes, times):.2f}", "seconds": shown}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    path(_lasso(200, 20), TOL)
    rows = []
    for sweep in SWEEPS:
        rows.append(measure(sweep, arguments.scale))
        print(taut.__version__, rows[-1], flush=True)
        if arguments.scale == 1:
            (HERE / "scaling.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
