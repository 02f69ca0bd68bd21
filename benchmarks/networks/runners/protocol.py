"""What every runner shares: read, warm up, time one run, write the solutions and the seconds.

    python -m benchmarks.networks.runners.TOOL FOLDER OUT --method NAME --epochs E [--seeds S]

A runner is a table from method to function(problem, epochs) → (folds, λ, P), or (1, 1, P) for the methods of a single fit,
whose λ is the middle of the grid. One run of one epoch, which compiles what is compiled, is not timed;
single fits are timed as the difference between twice the epochs and once. Several seeds (first weights and mini-batches)
are run one after the other, and their median seconds count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.networks.problem import Array, Problem, read

FIRST = 10
"""The first λ of a warm-started walk, which begins at random weights, gets this many times the epochs."""
RATE, LAST_RATE = 1e-2, 1e-3
"""Adam's rate at the start and at the end of each λ."""


@dataclass(frozen=True)
class Selection:
    """A path that selects inputs, fitted without the first fold: inputs read and the share of held-out rows it gets right."""

    inputs: list[int]
    accuracy: list[float]


SHORT = 0.5
"""Processor seconds below which a run is repeated."""
Method = Callable[[Problem, int], "Array | Selection"]


def rates(epochs: int) -> Array:
    """The learning rate of every epoch of one λ."""
    return RATE * (LAST_RATE / RATE) ** (np.arange(epochs) / max(1, epochs - 1))


def batches(problem: Problem, rng: np.random.Generator) -> Iterator[Array]:
    """Row numbers of an epoch's mini-batches, all of one size: the last rows of an uneven order are left out."""
    count = len(problem.y) // problem.batch
    yield from rng.permutation(len(problem.y))[: count * problem.batch].reshape(count, -1)


def middle(problem: Problem) -> float:
    """The λ of a single fit."""
    return float(problem.lambdas[len(problem.lambdas) // 2])


def _timed(method: Method, problem: Problem, epochs: int) -> tuple[Array | Selection, dict[str, float]]:
    wall, processor = time.perf_counter(), time.process_time()
    solutions = method(problem, epochs)
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor}
    return solutions, taken


def main(methods: dict[str, Method], version: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--method", required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    problem, method = read(arguments.folder), methods[arguments.method]
    method(replace(problem, lambdas=problem.lambdas[-2:]) if "vmap" not in arguments.method else problem, 1)
    found = [_timed(method, replace(problem, seed=seed), arguments.epochs) for seed in range(arguments.seeds)]
    solutions = found[0][0] if arguments.seeds == 1 else np.array([each for each, _ in found])
    taken = {name: float(np.median([times[name] for _, times in found])) for name in found[0][1]}
    if arguments.method.startswith("single"):
        # What a call costs whatever its epochs is no part of a step; short runs are noisy, so the best of several counts.
        again = 5 if taken["cpu_seconds"] < SHORT else 1
        runs = [[_timed(method, problem, arguments.epochs * k)[1] for _ in range(again)] for k in (1, 2)]
        once, twice = ({name: min(run[name] for run in each) for name in taken} for each in runs)
        taken = {name: max(twice[name] - once[name], 0.0) for name in taken}
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = {**taken, "version": version}
    if isinstance(solutions, Selection):
        facts, solutions = facts | asdict(solutions), np.zeros((0, 0, 0))
    np.save(arguments.out / "solutions.npy", np.asarray(solutions, dtype=np.float32))
    (arguments.out / "measurement.json").write_text(json.dumps(facts))
