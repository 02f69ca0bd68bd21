"""What every Python runner shares: read, warm up, time the repeats, write coefficients and measurement.

    python -m benchmarks.runners.TOOL FOLDER OUT --setting '{"method": …, "tol": …}' --repeats R --box SECONDS

A runner is a table from task to function(problem, setting) → Answer. Importing, loading and one warm-up
call on a tiny problem of the same types (just-in-time compilers) are not timed.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.problem import Array, Measurement, Problem, read

Setting = dict[str, Any]
BATCH = 0.1


@dataclass(frozen=True)
class Answer:
    """Coefficients per fit, each (L, p) or (L, p, k), and the error curve (L,) of the tasks that have one.

    ``certify`` returns the fits of a tool that keeps them to itself (its own cross-validation): the same
    calls repeated after the clock has stopped.
    """

    fits: list[Array] | None = None
    curve: Array | None = None
    certify: Callable[[], list[Array]] | None = None


Task = Callable[[Problem, Setting], Answer]
Path_ = Callable[[Problem, Setting], Array]


def path_task(path: Path_) -> Task:
    """The task ``path`` from a function that returns the coefficients."""
    return lambda problem, setting: Answer([path(problem, setting)])


def fold_loop(path: Path_) -> Task:
    """The task ``cv`` as a user would write it: a path per fold, held-out errors, the full path."""

    def cross_validate(problem: Problem, setting: Setting) -> Answer:
        fits, errors = [], []
        for train, held in problem.splits():
            fits.append(path(problem.subset(train), setting))
            errors.append(np.mean((problem.y[held, None] - problem.X[held] @ fits[-1].T) ** 2, axis=0))
        path(problem, setting)
        return Answer(fits, np.mean(errors, axis=0))

    return cross_validate


def resident(what: str) -> int:
    """Resident size of this process in bytes (Linux): ``VmRSS`` now, ``VmHWM`` the largest so far."""
    match = re.search(what + r":\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def _batch(run: Callable[[], Answer], number: int) -> tuple[Answer, float, float]:
    """``number`` runs in a row: the last answer, wall and processor seconds of one."""
    start, start_processor = time.perf_counter(), time.process_time()
    for _ in range(number):
        answer = run()
    wall, processor = time.perf_counter() - start, time.process_time() - start_processor
    return answer, wall / number, processor / number


def timed(
    run: Callable[[], Answer], repeats: int, box: float
) -> tuple[Answer, list[float], list[float], int]:
    """Repeat until ``repeats`` are done or ``box`` seconds are spent; wall and processor seconds of each.

    Last comes what the first run needed beyond what was resident before: later ones meet the answer of the one before.

    Short runs are timed in batches of about ``BATCH`` seconds, because clocks are coarse.
    """
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = resident("VmRSS")
    answer, *first = _batch(run, 1)
    memory = max(resident("VmHWM") - before, 0)
    number = min(100, max(1, math.ceil(BATCH / first[0])))
    taken = [first] if number == 1 else []
    while len(taken) < repeats and (not taken or (len(taken) + 1) * taken[-1][0] * number <= box):
        answer, *times = _batch(run, number)
        taken.append(times)
    return answer, [wall for wall, _ in taken], [processor for _, processor in taken], memory


def write_fits(out: Path, fits: list[Array]) -> None:
    """All coefficients as one CSR matrix in three ``.npy`` files; rows run over fit, output, λ."""
    rows = [np.moveaxis(fit, 2, 0).reshape(-1, fit.shape[1]) if fit.ndim == 3 else fit for fit in fits]
    stacked = sparse.vstack([sparse.csr_matrix(block) for block in rows]).tocsr()
    for part in ("data", "indices", "indptr"):
        np.save(out / f"{part}.npy", getattr(stacked, part))


def read_fits(out: Path, problem: Problem) -> Array:
    """The coefficients of ``write_fits`` as (fits, L, p) or, with k > 1 outputs, (fits, L, p, k)."""
    data, indices, indptr = (np.load(out / f"{part}.npy") for part in ("data", "indices", "indptr"))
    dense = sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, problem.X.shape[1])).toarray()
    if problem.outputs == 1:
        return dense.reshape(-1, len(problem.lambdas), problem.X.shape[1])
    return np.moveaxis(dense.reshape(-1, problem.outputs, len(problem.lambdas), problem.X.shape[1]), 1, 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--setting", type=json.loads, default={})
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--box", type=float, default=10.0)
    return parser.parse_args()


def main(tasks: dict[str, Task], version: str) -> None:
    """Run one task from the command line."""
    arguments = _arguments()
    problem, setting = read(arguments.folder), arguments.setting
    run = tasks[problem.task]
    run(problem.tiny(), setting)
    answer, wall, processor, memory = timed(lambda: run(problem, setting), arguments.repeats, arguments.box)
    measurement = Measurement(tuple(wall), tuple(processor), memory, version)
    arguments.out.mkdir(parents=True, exist_ok=True)
    fits = answer.certify() if answer.certify else answer.fits
    if fits is not None:
        write_fits(arguments.out, fits)
    if answer.curve is not None:
        np.save(arguments.out / "curve.npy", answer.curve)
    (arguments.out / "measurement.json").write_text(json.dumps(measurement.to_json()))
