"""What threads bring to 20 λ × 5 folds of networks: wall seconds by number of threads; writes threads.md.

    python -m benchmarks.networks.threads [--only digits] [--repeats 3]

Each number is the best of the repeats; the solutions are required to be equal.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.networks.problem import PROBLEMS, Array, Problem
from benchmarks.networks.runners.taut import path
from benchmarks.report import machine_facts, number

HERE = Path(__file__).resolve().parent
EPOCHS = {"diabetes": 20, "breast_cancer": 20, "digits": 20, "20k×100": 3, "20k×1000": 1}


def timed(problem: Problem, epochs: int, threads: int) -> tuple[Array, float]:
    """The solutions and the wall seconds."""
    with threadpool_limits(threads, user_api="blas"):
        start = time.perf_counter()
        found = path(problem, epochs)
        return found, time.perf_counter() - start


def seconds(problem: Problem, epochs: int, counts: list[int], repeats: int) -> list[float]:
    """The best wall seconds for each number of threads, taken in turn."""
    timed(problem, 1, 1)
    runs = [[timed(problem, epochs, threads) for threads in counts] for _ in range(repeats)]
    for found, _ in (run for row in runs for run in row):
        np.testing.assert_allclose(found, runs[0][0][0], rtol=1e-9, atol=1e-9)
    return [min(row[k][1] for row in runs) for k in range(len(counts))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.threads", description=__doc__)
    parser.add_argument("--only", default="", help="sets, separated by commas; default all")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    counts = sorted({1, 2, cores} & set(range(1, cores + 1)))
    lines = [
        "# Networks by several threads",
        "",
        "Written by `python -m benchmarks.networks.threads`; do not edit.",
    ]
    lines += ["Wall seconds of 20 λ × 5 folds, best of several runs, the same solutions in each.", ""]
    lines += [", ".join(f"{key} {value}" for key, value in machine_facts().items()) + f", {cores} cores", ""]
    lines += [
        f"| set | epochs per λ | {' | '.join(f'{k} threads' for k in counts)} |",
        f"|---|---|{'---|' * len(counts)}",
    ]
    for name, make in PROBLEMS.items():
        if not arguments.only or name in arguments.only.split(","):
            taken = seconds(make(), EPOCHS[name], counts, arguments.repeats)
            lines.append(f"| {name} | {EPOCHS[name]} | {' | '.join(map(number, taken))} |")
            print(lines[-1], flush=True)
    (HERE / "threads.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
