"""taut's engines beside each other where the choice between them is not plain, and what measuring bias and variance costs;
writes engines.md.

    python -m benchmarks.engines

A first fit compiles and is not timed; seconds are processor time, the least of three.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import taut
from benchmarks.tools import HERE

RESAMPLES = 50


@dataclass(frozen=True)
class Case:
    """Data, what ``fit_path`` is asked for, and the engines that are to do it (None: the one that taut takes)."""

    name: str
    X: np.ndarray
    y: np.ndarray
    engines: tuple[str | None, ...] = (None,)
    options: dict[str, Any] = field(default_factory=dict)


def near(rng: np.random.Generator, n: int, p: int, directions: int, apart: float) -> np.ndarray:
    """(n, p) columns that are mixtures of a few directions, up to noise of that size."""
    mixed = rng.standard_normal((n, directions)) @ rng.standard_normal((directions, p))
    return mixed + apart * rng.standard_normal((n, p))


def cases() -> Iterator[Case]:
    """Small tables of classes, and columns that depend on each other."""
    for name, load in (("iris", load_iris), ("wine", load_wine)):
        engines = ("small-newton", "softmax")
        yield Case(
            f"{name}, softmax lasso, gap 1e-12",
            *load(return_X_y=True),
            engines,
            {"loss": "multinomial", "tol": 1e-12},
        )
    engines = ("small-newton", "working-set", "newton")
    cancer = load_breast_cancer(return_X_y=True)
    yield Case("breast cancer, logistic lasso, gap 1e-6", *cancer, engines, {"loss": "logistic"})
    rng = np.random.default_rng(0)
    X = near(rng, 500, 400, 20, 0.3)
    yield Case("lasso, 400 columns near 20 directions", X, X[:, :5].sum(axis=1) + rng.standard_normal(500))
    X = near(rng, 300, 250, 3, 1e-2)
    positive = {"penalty": taut.L2(lower=0.0), "lambdas": [1e-6], "tol": 1e-9}
    yield Case("positive ridge, 250 columns near 3 directions", X, X[:, :5].sum(axis=1), options=positive)


def trades() -> Iterator[Case]:
    """What bias and variance are measured on."""
    rng = np.random.default_rng(1)
    for n, p, options in ((20_000, 100, {}), (2_000, 200, {"loss": "logistic"}), (200, 1_000, {})):
        X = rng.standard_normal((n, p))
        y = X[:, :5].sum(axis=1) + 2.0 * rng.standard_normal(n)
        kind = options.get("loss", "squared")
        yield Case(f"{kind}, {n:,} × {p:,}", X, (y > 0.0) * 1.0 if options else y, options=options)
    X, y = load_diabetes(return_X_y=True)
    yield Case("network of 16 neurons, diabetes", X, y, options={"hidden": (16,), "random_state": 0})


def cost(case: Case) -> str:
    """A row of the second table."""
    grid = taut.fit_path(case.X, case.y, **case.options).lambdas
    start = time.process_time()
    taut.fit_path(case.X, case.y, lambdas=grid, **case.options)
    alone = time.process_time() - start
    start = time.process_time()
    taut.bias_variance(case.X, case.y, lambdas=grid, fits=RESAMPLES, **case.options)
    together = time.process_time() - start
    return f"| {case.name} | {len(grid)} | {alone:.3f} | {together:.2f} | {together / alone:.0f} |"


def line(case: Case, engine: str | None) -> str:
    """A row of the table."""
    spent = []
    for _ in range(4):
        start = time.process_time()
        path = taut.fit_path(case.X, case.y, solver=engine, **case.options)
        spent.append(time.process_time() - start)
    gap = max(certificate.value for certificate in path.certificates)
    steps = "–" if path.iterations is None else f"{np.mean(path.iterations):.1f}"
    met = "" if all(certificate.met for certificate in path.certificates) else " (missed)"
    return f"| {case.name} | {engine or 'as chosen'} | {min(spent[1:]):.3f} | {steps} | {gap:.0e}{met} |"


def main() -> None:
    lines = [
        "# Engines beside each other",
        "",
        "Written by `python -m benchmarks.engines`; do not edit. Processor seconds a path, iterations a strength, worst gap.",
        "",
        "| case | engine | seconds | iterations | gap |",
        "|---|---|---|---|---|",
    ]
    for case in cases():
        for engine in case.engines:
            lines.append(line(case, engine))
            print(lines[-1], flush=True)
    lines += [
        "",
        f"## Bias and variance over {RESAMPLES} resamples",
        "",
        "Processor seconds of a path on all rows, of `taut.bias_variance` on its grid, and the second in units of the first.",
        "",
        "| case | λ | one path | bias and variance | paths |",
        "|---|---|---|---|---|",
    ]
    for case in trades():
        lines.append(cost(case))
        print(lines[-1], flush=True)
    (HERE / "engines.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
