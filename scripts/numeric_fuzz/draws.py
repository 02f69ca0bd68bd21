"""A random problem from (seed, index): every loss and penalty, in awkward scales, layouts, weights and offsets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scripts.numeric_fuzz.extended import Double
from scripts.numeric_fuzz.problems import LAYOUTS, Labels, Problem, Shape

Generator = np.random.Generator

LOSSES = ("squared", "squared", "logistic", "multinomial", "poisson", "huber")
PENALTIES = ("l1", "l1", "l2", "elasticnet", "mcp", "scad", "group")
ENGINES = {
    "squared": ("moments", "working-set", "rotated-ridge", "coordinate-descent", "newton"),
    "logistic": ("working-set", "newton", "small-newton"),
    "multinomial": ("softmax", "small-newton"),
    "poisson": ("working-set", "newton"),
    "huber": ("working-set", "newton"),
}
"""The engines that may take a loss, by name; groups have their own."""


def drawn(seed: int, index: int) -> Problem:
    """The problem of this number."""
    rng = np.random.default_rng([seed, index])
    n, p = _sizes(rng)
    loss, kind = str(rng.choice(LOSSES)), str(rng.choice(PENALTIES))
    Z, traits = _columns(rng, n, p)
    y = _response(rng, loss, Z)
    problem = Problem(Z, y, loss, Shape(kind))
    problem = replace(problem, delta=float(rng.choice([0.01, 0.1, 0.5, 1.345, 5.0])), traits=traits)
    problem = _flags(rng, problem)
    problem = _in_units(rng, problem)
    problem = _rows(rng, problem)
    problem = replace(problem, layout=_layout(rng, problem.X))
    if problem.layout == "float32":
        problem = replace(problem, X=problem.X.astype(np.float32).astype(np.float64))
    problem = replace(problem, shape=_shape(rng, kind, problem))
    return _calls(rng, problem)


def _sizes(rng: Generator) -> tuple[int, int]:
    """Rows and columns: mostly small, some of a handful of rows, some wide, a few larger."""
    draw = rng.uniform()
    if draw < 0.15:
        return int(rng.integers(2, 7)), int(rng.integers(1, 6))
    if draw < 0.35:
        n = int(rng.integers(5, 20))
        return n, int(rng.integers(n, 21))
    if draw < 0.97:
        return int(rng.integers(10, 61)), int(rng.integers(1, 13))
    return int(rng.integers(80, 200)), int(rng.integers(10, 31))


def _columns(rng: Generator, n: int, p: int) -> tuple[Double, tuple[str, ...]]:
    """Columns of normal numbers, then of many zeros, duplicated, dependent, constant, of ones or zeros."""
    Z, traits = rng.normal(size=(n, p)), []
    if rng.uniform() < 0.25:
        Z *= rng.uniform(size=Z.shape) < rng.uniform(0.1, 0.6)
        traits.append("zeros")
    if rng.uniform() < 0.15:
        Z = np.round(2.0 * Z)
        traits.append("rounded")
    spoilers: dict[str, Callable[[int, int], Double | float]] = {
        "duplicate": lambda j, i: Z[:, i],
        "collinear": lambda j, i: Z[:, i] - 2.0 * Z[:, j - 1],
        "nearly collinear": lambda j, i: Z[:, i] + 1e-6 * Z[:, j],
        "constant": lambda j, i: float(rng.choice([0.1, -3.0, 1e6])),
        "ones": lambda j, i: 1.0,
        "zero column": lambda j, i: 0.0,
    }
    if p > 1 and rng.uniform() < 0.35:
        for name in rng.choice(list(spoilers), size=int(rng.integers(1, 3)), replace=False):
            j, i = rng.choice(p, size=2, replace=False)
            Z[:, j] = spoilers[name](int(j), int(i))
            traits.append(str(name))
    return Z, tuple(traits)


def _response(rng: Generator, loss: str, Z: Double) -> Double:
    p = Z.shape[1]
    strength = float(rng.choice([0.0, 0.5, 1.0, 4.0]))
    eta = strength * Z @ (rng.normal(size=(p, 3)) * (np.arange(p) < 4)[:, None] / 2.0)
    if loss in ("squared", "huber"):
        noisy = eta + rng.choice([0.0, 0.3, 1.0]) * (
            rng.standard_t(2, size=eta.shape) if rng.uniform() < 0.3 else rng.normal(size=eta.shape)
        )
        outputs = int(rng.choice([0, 0, 0, 1, 2, 3]))
        return np.asarray(noisy[:, :outputs] if outputs else noisy[:, 0])
    if loss == "poisson":
        return _counts(rng, eta[:, 0])
    if loss == "logistic":
        return _binary(rng, eta[:, 0])
    return _classes(rng, eta)


def _counts(rng: Generator, eta: Double) -> Double:
    mean = np.exp(np.clip(eta + rng.choice([-3.0, 0.0, 2.0]), -6.0, 6.0))
    counts = rng.poisson(mean).astype(np.float64)
    if rng.uniform() < 0.15:
        counts[: len(counts) // 2] = 0.0
    return np.asarray(counts * 0.37 if rng.uniform() < 0.15 else counts)


def _binary(rng: Generator, eta: Double) -> Double:
    labels = (eta + rng.logistic(size=len(eta)) * rng.choice([0.0, 1.0, 1.0]) > 0).astype(np.float64)
    draw = rng.uniform()
    if draw < 0.1:  # one row of a rare class
        labels[:] = 0.0
        labels[rng.integers(len(labels))] = 1.0
    elif draw < 0.2:
        labels = np.asarray(rng.choice([0.0, 0.25, 0.5, 1.0], size=len(labels)))
    return labels


def _classes(rng: Generator, eta: Double) -> Double:
    n, k = len(eta), int(rng.integers(2, 4))
    codes = (eta[:, :k] + rng.gumbel(size=(n, k))).argmax(axis=1)
    codes[: min(k, n)] = np.arange(k)[: min(k, n)]
    if rng.uniform() < 0.15:
        shares = rng.dirichlet(np.ones(k), size=n)
        return np.where(rng.uniform(size=(n, 1)) < 0.5, shares, np.eye(k)[codes])
    return np.asarray(codes, dtype=np.float64)


def _flags(rng: Generator, problem: Problem) -> Problem:
    intercept = bool(rng.uniform() < 0.8)
    return replace(
        problem, fit_intercept=intercept, standardize=bool(rng.uniform() < 0.65),
        penalize_intercept=intercept and bool(rng.uniform() < 0.15), tol=float(10.0 ** -rng.choice([4, 6, 8, 10])),
    )  # fmt: skip


def _in_units(rng: Generator, problem: Problem) -> Problem:
    """Columns times powers of ten, far from zero; y likewise where the loss is in its units."""
    X, y, p, traits = problem.X, problem.y, problem.X.shape[1], [*problem.traits]
    if rng.uniform() < 0.2 and not np.any(X == 0.0):
        X = X + 10.0 ** rng.uniform(0, 6, size=p) * (rng.uniform(size=p) < 0.5)
        traits.append("large means")
    if rng.uniform() < 0.3:
        power = float(rng.choice([1.0, 3.0, 8.0]))
        X = X * 10.0 ** np.round(rng.uniform(-power, power, size=p))
        traits.append(f"units 1e±{power:g}")
    if problem.loss in ("squared", "huber") and rng.uniform() < 0.3:
        y = y * 10.0 ** float(rng.integers(-8, 9))
        y = y + 10.0 ** float(rng.integers(-3, 5)) * np.abs(y).max() * (rng.uniform() < 0.3)
        traits.append("scaled y")
    return replace(problem, X=X, y=y, traits=tuple(traits))


def _rows(rng: Generator, problem: Problem) -> Problem:
    """Weights and offsets."""
    n, traits, offset = len(problem.y), [*problem.traits], None
    kinds = {
        "random": lambda: rng.uniform(0.1, 2.0, size=n), "integer": lambda: rng.integers(0, 4, size=n).astype(float),
        "first rows 0": lambda: np.where(np.arange(n) < max(1, n // 5), 0.0, rng.uniform(0.5, 1.0, size=n)),
        "wide": lambda: 10.0 ** rng.uniform(-5, 5, size=n), "one heavy": lambda: np.where(np.arange(n) == n - 1, 1e10, 1.0),
        "huge": lambda: rng.uniform(0.1, 1.0, size=n) * 1e308, "tiny": lambda: rng.uniform(0.1, 1.0, size=n) * 1e-300,
    }  # fmt: skip
    weight = None
    if rng.uniform() < 0.4:
        name = str(rng.choice(list(kinds), p=[0.3, 0.25, 0.15, 0.1, 0.06, 0.07, 0.07]))
        weight = kinds[name]()
        weight[-1] = weight[-1] if weight.any() else 1.0
        traits.append(f"weights {name}")
    if rng.uniform() < 0.25:
        spread = float(rng.choice([0.3, 1.0, 5.0]))
        if problem.loss == "poisson":
            spread = float(rng.choice([0.3, 3.0, 30.0, 150.0]))
        unit = (float(np.abs(problem.y).max()) or 1.0) if problem.loss in ("squared", "huber") else 1.0
        offset = spread * unit * rng.normal(size=n) + unit * float(rng.choice([0.0, 0.0, 3.0, 100.0]))
        traits.append(f"offset {spread:g}")
    return replace(problem, weight=weight, offset=offset, traits=tuple(traits))


def _layout(rng: Generator, X: Double) -> str:
    sparse = float(np.any(X == 0.0))
    chances = np.array([4.0, 2.0, 1.0, 0.5, 0.3, 1 + sparse, 0.5 + sparse, 0.5, 2.0 * sparse])
    return str(rng.choice(LAYOUTS, p=chances / chances.sum()))


def _shape(rng: Generator, kind: str, problem: Problem) -> Shape:
    """Strengths, factors from 0 to infinity, boxes, groups."""
    p = problem.X.shape[1]
    gamma = float(rng.choice([1.5, 3.0, 10.0])) if kind == "mcp" else float(rng.choice([2.1, 3.7, 10.0]))
    first = 0.0 if kind == "l2" else float(rng.choice([1.0, 0.3, 2.0]))
    second = float(rng.choice([0.05, 0.5, 5.0])) if kind in ("l2", "elasticnet") else 0.0
    shape = Shape(kind, first, second, gamma)
    if shape.grouped:
        return replace(shape, labels=_labels(rng, p))
    draw = rng.uniform()
    if draw < 0.05:
        shape = replace(shape, factors=np.zeros(p))
    elif draw < 0.4:
        factors = rng.choice([0.5, 1.0, 2.0], size=p)
        factors[rng.permutation(p)[: int(rng.integers(0, 3))]] = 0.0
        if rng.uniform() < 0.4:
            factors[rng.integers(p)] = np.inf
        shape = replace(shape, factors=factors)
    if rng.uniform() < 0.2 and (
        problem.y.ndim == 1 or not problem.standardize or problem.loss == "multinomial"
    ):
        shape = _boxed(rng, shape, problem)
    return shape


def _boxed(rng: Generator, shape: Shape, problem: Problem) -> Shape:
    p = problem.X.shape[1]
    size = np.abs(problem.X).max(axis=0)
    unit = 1.0 / np.where(size > 0, size, 1.0)
    if problem.loss in ("squared", "huber"):
        unit = unit * (float(np.abs(problem.y).max()) or 1.0)
    lower = rng.choice([-np.inf, -0.3, -0.01, 0.0], size=p, p=[0.4, 0.2, 0.1, 0.3]) * unit
    upper = rng.choice([np.inf, 0.5, 0.02, 0.0], size=p, p=[0.5, 0.2, 0.2, 0.1]) * unit
    sides = int(rng.integers(3))
    return replace(
        shape, lower=None if sides == 1 else lower + 0.0, upper=None if sides == 2 else upper + 0.0
    )


def _labels(rng: Generator, p: int) -> Labels | None:
    if rng.uniform() < 0.25:
        return None
    labels = np.arange(p) // int(rng.integers(2, 4))
    labels[rng.uniform(size=p) < rng.choice([0.0, 0.2])] = -1
    return rng.permutation(labels)


def _calls(rng: Generator, problem: Problem) -> Problem:
    """Strengths, the engines that are named beside the default choice, and folds now and then."""
    shares: tuple[float, ...] | int = int(rng.integers(2, 6))
    if rng.uniform() < 0.75:
        pool = np.array([1.5, 1.0, 0.9, 0.5, 0.2, 0.05, 0.01, 1e-3, 1e-5])
        shares = tuple(float(x) for x in rng.choice(pool, size=int(rng.integers(1, 4)), replace=False))
        if rng.uniform() < 0.3:
            shares = (*shares, 0.0)
    named = ("group-descent", "group-newton") if problem.shape.grouped else ENGINES[problem.loss]
    engines: tuple[str | None, ...] = (None,)
    if rng.uniform() < 0.6:
        # First-order steps are for what no other engine takes, and slow on ill-conditioned columns.
        engines = (None, "proximal-gradient" if rng.uniform() < 0.05 else str(rng.choice(named)))
    folds: tuple[np.ndarray, ...] = ()
    if rng.uniform() < 0.06 and len(problem.y) >= 8:
        codes = rng.permutation(np.arange(len(problem.y)) % 3)
        folds = tuple(np.flatnonzero(codes == fold) for fold in range(3))
    return replace(problem, shares=shares, engines=engines, folds=folds)
