"""Random numerical problems, fitted and judged.

    python -m scripts.fuzz numeric [--count 20000] [--seed 1] [--start N] [--only INDEX] [--seconds S] [--workers 2]

Problem INDEX of a seed is always the same. A finding prints one line; at the end come tables of what was tried and found.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing as mp
import os
import queue
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import taut
from scripts.numeric_fuzz.calls import Finding, Outcome, called
from scripts.numeric_fuzz.case import Case
from scripts.numeric_fuzz.draws import drawn
from scripts.numeric_fuzz.extended import EXTENDED, Double
from scripts.numeric_fuzz.judge import answers, judged
from scripts.numeric_fuzz.problems import Problem
from scripts.numeric_fuzz.scaled import EPS

HUNG = 120.0
"""Seconds after which a worker that finishes no problem is ended: compiled code can not be interrupted."""
DEFAULT = "default"


class Row(NamedTuple):
    """A finding with where it was: the number of the problem, the engine, the settings."""

    number: int
    engine: str
    finding: Finding
    problem: str
    loss: str
    penalty: str

    def line(self, seed: int) -> str:
        """One line."""
        return (
            f"{self.finding.kind} | {seed}/{self.number} {self.engine} | {self.finding.text} | {self.problem}"
        )


@dataclass
class Tally:
    """What was tried and found."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Both together."""
        self.counts.update(other.counts)
        self.refusals.update(other.refusals)
        self.rows += other.rows
        self.gaps += other.gaps


def tried(seed: int, index: int) -> Tally:
    """One problem with all of its calls."""
    problem, tally = drawn(seed, index), Tally()
    case = Case(problem)
    lambdas = case.lambdas()
    with tempfile.TemporaryDirectory() as scratch:
        X = problem.stored(scratch)
        for engine in problem.engines:
            options = problem.options()
            call = partial(taut.fit_path, X, problem.y, lambdas=lambdas, solver=engine, **options)
            _of_call(tally, partial(_row, index, engine or DEFAULT, problem), called(call), [case], engine)
        if problem.folds:
            _of_folds(tally, partial(_row, index, "cross_validate", problem), case, X, lambdas)
    tally.counts["problems"] += 1
    _of_reference(tally, case)
    return tally


def _row(index: int, engine: str, problem: Problem, finding: Finding) -> Row:
    return Row(index, engine, finding, problem.told(), problem.loss, problem.shape.kind)


def _of_call(tally: Tally, row: Any, outcome: Outcome, cases: list[Case], engine: str | None) -> None:
    """A fit's findings."""
    found = list(outcome.findings)
    if outcome.refusal:
        tally.counts["refused"] += 1
        tally.refusals[_general(outcome.refusal)] += 1
        if engine is None and outcome.refusal.startswith("TypeError") and not found:
            found.append(Finding("default refuses", outcome.refusal[:200]))
    if outcome.result is not None:
        paths = getattr(outcome.result, "paths", (outcome.result,))
        for number, (case, path) in enumerate(zip(cases, paths, strict=False)):
            tally.counts["fits"] += 1
            for answer in answers(path):
                tally.counts["strengths judged"] += 1
                if not answer.met and case.exists(answer.lam):
                    tally.counts["not met where a minimum exists"] += 1
            found += judged(case, path, own_grid=number == 0)
    tally.rows += [row(finding) for finding in found]


def _general(message: str) -> str:
    """A refusal without its numbers."""
    return "".join("#" if c.isdigit() else c for c in message)[:70]


def _of_folds(tally: Tally, row: Any, case: Case, X: Any, lambdas: Any) -> None:
    """A cross-validation: the paths of all rows and of every fold, and the scores."""
    problem = case.problem
    n = len(problem.y)
    splits = [(np.setdiff1d(np.arange(n), held), held) for held in problem.folds]
    outcome = called(
        partial(taut.cross_validate, X, problem.y, cv=splits, lambdas=lambdas, **problem.options())
    )
    cases = [case]
    if outcome.result is not None:
        for held in problem.folds:
            weight = problem.rows_weight.copy()
            weight[held] = 0.0
            cases.append(Case(problem, weight))
    _of_call(tally, row, outcome, cases, None)
    if outcome.result is not None:
        tally.rows += [row(finding) for finding in _of_scores(problem, outcome.result)]


def _of_scores(problem: Problem, result: Any) -> Iterator[Finding]:
    """Held-out losses, recomputed from the folds' coefficients; Huber's have a unit of their own."""
    if problem.loss == "huber":
        return
    case = Case(problem)
    for fold, held in enumerate(problem.folds):
        weight = np.zeros(len(problem.y))
        weight[held] = problem.rows_weight[held]
        if not weight.any():
            continue
        right, size = _held_out(case, result.paths[fold + 1], weight)
        told = result.scores.folds[fold]
        wrong = ~(np.abs(told - right) <= 1e-8 * size) & np.isfinite(right)
        if wrong.any():
            yield Finding("score", f"fold {fold}: told {told[wrong][0]:.10g}, right {right[wrong][0]:.10g}")


def _held_out(case: Case, path: Any, weight: Double) -> tuple[Double, Double]:
    """Mean losses of the held-out rows in the units of y (deviances of counts), and the size of what they are sums of."""
    bare = Case(replace(case.problem, standardize=False), weight).scaled
    means, sizes = [], []
    # log Σ e^η of classes is rounded as a number near one is, and a hundred millionth of a size is allowed.
    level = 4e8 * EPS if case.problem.loss in ("logistic", "multinomial") else 0.0
    with np.errstate(all="ignore"):
        for coef, intercept in zip(path.coefs, path.intercepts, strict=True):
            eta, y = bare.eta(coef, intercept), bare.matrix_y - bare.y_center
            off = bare.loss.slope(eta, y) * bare.eta_rounding(coef, intercept)
            value, terms = bare.loss.value(eta, y), bare.loss.terms(eta, y)
            if case.problem.loss == "poisson":
                best = bare.loss.saturated(y)
                value, terms = 2.0 * (value - best), 2.0 * (terms + np.abs(best))
            means.append(float(bare.s @ value))
            sizes.append(level + float(bare.s @ terms) + 1e9 * float(bare.s @ np.abs(off).sum(axis=1)))
    return np.array(means), np.array(sizes)


def _of_reference(tally: Tally, case: Case) -> None:
    """How near the reference came to its own lower bound, relative to null minus saturated loss."""
    for lam, found in case.known.items():
        if case.exists(lam):
            tally.gaps.append(max(found.gap, 0.0) / case.unit)
            proved = found.gap <= 0.01 * case.problem.tol * case.unit + 1e-14 * case.size
            tally.counts["minima proved to tol/100"] += proved
            tally.counts["minima not proved"] += not proved


def guarded(seed: int, index: int) -> Tally:
    """``tried``; what goes wrong in the fuzzer is a finding about the fuzzer."""
    try:
        return tried(seed, index)
    except Exception as error:
        tally = Tally(Counter({"problems": 1}))
        text = f"{type(error).__name__}: {error} ({traceback.format_exc().splitlines()[-3].strip()})"
        tally.rows.append(_row(index, "?", drawn(seed, index), Finding("fuzzer", text)))
        return tally


def work(seed: int, indices: Iterable[int], say: Any, end: float) -> None:
    """Problem after problem until the time is over; ``say`` hears of each before and after."""
    for index in indices:
        if time.monotonic() > end:
            break
        say(("begins", index, None))
        say(("ended", index, guarded(seed, index)))
    say(("over", -1, None))


def run(seed: int, indices: range, workers: int, seconds: float) -> Tally:
    """All of them, in this process or in several; prints findings as they come."""
    total, end = Tally(), time.monotonic() + seconds

    def hear(message: tuple[str, int, Tally | None]) -> None:
        _, _, tally = message
        if tally is not None:
            total.add(tally)
            for row in tally.rows:
                print(row.line(seed), flush=True)

    if workers <= 1:
        work(seed, indices, hear, end)
    else:
        crew = [Worker(seed, indices[first::workers], end, hear) for first in range(workers)]
        while crew := [one for one in crew if one.alive()]:
            time.sleep(0.05)
    return total


class Worker:
    """A process that works through its indices; one that hangs is ended, that is a finding, and the next goes on."""

    def __init__(self, seed: int, indices: range, end: float, hear: Any) -> None:
        self._seed, self._left, self._end, self._hear = seed, indices, end, hear
        self._start()

    def _start(self) -> None:
        context = mp.get_context("spawn")
        self._said: Any = context.Queue()
        seconds = self._end - time.monotonic()
        self._process = context.Process(
            target=_work_apart, args=(self._seed, self._left, self._said, seconds)
        )
        self._process.start()
        self._at, self._since = -1, time.monotonic()

    def alive(self) -> bool:
        """Listen to it; whether it has still something to do."""
        running = self._process.is_alive()
        with contextlib.suppress(queue.Empty):
            while True:
                what, index, _ = message = self._said.get(timeout=0.0 if running else 0.5)
                self._since = time.monotonic()
                if what == "over":
                    self._process.join()
                    return False
                if what == "begins":
                    self._at = index
                    self._left = self._left[self._left.index(index) + 1 :]
                self._hear(message)
        if running and time.monotonic() - self._since < HUNG:
            return True
        return self._ended_badly()

    def _ended_badly(self) -> bool:
        self._process.kill()
        self._process.join()
        if self._at < 0:
            raise RuntimeError("a worker ended before its first problem: try --workers 1 to see why")
        problem, tally = drawn(self._seed, self._at), Tally()
        text = f"no answer within {HUNG:g} s, or the process died"
        tally.rows.append(_row(self._at, "?", problem, Finding("hang", text)))
        tally.counts["problems"] += 1
        self._hear(("ended", self._at, tally))
        if not len(self._left):
            return False
        self._start()
        return True


def _work_apart(seed: int, indices: range, said: Any, seconds: float) -> None:
    work(seed, indices, said.put, time.monotonic() + seconds)


def table(total: Tally, seconds: float) -> str:
    """What was tried, what was found, and of what kind."""
    lines = [f"{name}: {count}" for name, count in sorted(total.counts.items())]
    rate = total.counts["problems"] / seconds
    lines.append(f"seconds: {seconds:.1f} ({rate:.1f} problems a second)")
    if total.gaps:
        shares = [50, 90, 99]
        told = ", ".join(
            f"{q}%: {gap:.0e}" for q, gap in zip(shares, np.percentile(total.gaps, shares), strict=True)
        )
        lines.append(f"the reference above its lower bound, relative to null minus saturated loss: {told}")
    lines += [f"refused {count} times: {text}" for text, count in total.refusals.most_common(20)]
    problems: dict[str, set[int]] = {}
    for row in total.rows:
        problems.setdefault(row.finding.kind, set()).add(row.number)
    lines.append(f"findings: {len(total.rows)}")
    for kind, indices in sorted(problems.items(), key=lambda item: -len(item[1])):
        own = [row for row in total.rows if row.finding.kind == kind]
        lines.append(f"  {kind}: {len(own)} in {len(indices)} problems, the first {min(indices)}")
        places = Counter((row.engine, row.loss, row.penalty) for row in own)
        for (engine, loss, penalty), count in places.most_common(8):
            lines.append(f"    {count} × {engine}, {loss}, {penalty}")
    return "\n".join(lines)


def main(arguments: Iterable[str] | None = None) -> int:
    """Draw, fit, judge, tell."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.fuzz numeric", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--count", type=int, default=20_000, help="how many problems")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the first index")
    parser.add_argument(
        "--only", type=int, default=None, metavar="INDEX", help="this problem alone, with its settings"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    if np.finfo(np.longdouble).eps > EXTENDED:
        raise SystemExit(
            "the reference needs a long double of at least 64 binary digits, which this platform lacks"
        )
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    indices = range(asked.start, asked.start + asked.count)
    if asked.only is not None:
        indices = range(asked.only, asked.only + 1)
        problem = drawn(asked.seed, asked.only)
        print(
            f"{asked.seed}/{asked.only}: {problem.told()}, engines {problem.engines}, λ {Case(problem).lambdas()}"
        )
    began = time.monotonic()
    total = run(asked.seed, indices, asked.workers, asked.seconds)
    print(table(total, time.monotonic() - began))
    return 1 if total.rows else 0


if __name__ == "__main__":
    sys.exit(main())
