"""The problem that every tool solves, its form on disk, and the one function that judges what comes back.

    minimise over W1, b1, W2, b2   mean_i ℓ(η_i, y_i) + λ Σ|W|,   η = max(XW1 + b1, 0) W2 + b2

for every λ of a grid and every fold. ℓ is (η − y)², log(1 + e^η) − yη or the softmax's cross-entropy. A solution is one
vector: W1 and W2 row by row, b1, b2, in this order. Only NumPy and SciPy are needed here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

Array = np.ndarray
FOLDS, STRENGTHS = 5, 20
TOP, SPAN = 0.2, 1e-3
"""The largest λ as a share of the linear λ_max, and the smallest as a share of the largest: where networks differ."""


@dataclass(frozen=True)
class Problem:
    """Standardised X (n, p) in float32, y (n,) as numbers or class codes, the fold that holds each row out."""

    X: Array
    y: Array
    folds: Array
    lambdas: Array
    loss: str
    hidden: int
    batch: int
    seed: int = 0

    @property
    def outputs(self) -> int:
        return int(self.y.max()) + 1 if self.loss == "multinomial" else 1

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        p, h, q = self.X.shape[1], self.hidden, self.outputs
        return (p, h), (h, q), (h,), (q,)

    @property
    def steps(self) -> int:
        """Mini-batches of an epoch over all rows."""
        return -(-len(self.y) // self.batch)

    def first_weights(self) -> list[Array]:
        """The same small start for every tool that takes one."""
        rng = np.random.default_rng(self.seed)
        (p, h), (_, q), *_ = self.shapes
        return [
            (0.3 * np.sqrt(2 / p) * rng.normal(size=(p, h))).astype(np.float32),
            (np.sqrt(2 / h) * rng.normal(size=(h, q))).astype(np.float32),
            np.zeros(h, np.float32),
            np.zeros(q, np.float32),
        ]

    def parts(self, vector: Array) -> list[Array]:
        """W1, W2, b1, b2."""
        cuts = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(vector, cuts), self.shapes, strict=True)]


def rowwise(problem: Problem, vector: Array) -> Array:
    """ℓ of every row, in float64."""
    w1, w2, b1, b2 = problem.parts(vector.astype(np.float64))
    eta = np.maximum(problem.X.astype(np.float64) @ w1 + b1, 0) @ w2 + b2
    if problem.loss == "multinomial":
        return logsumexp(eta, axis=1) - eta[np.arange(len(eta)), problem.y.astype(int)]
    if problem.loss == "logistic":
        return np.logaddexp(0, eta[:, 0]) - problem.y * eta[:, 0]
    return (eta[:, 0] - problem.y) ** 2


def judge(problem: Problem, solutions: Array) -> tuple[float, float]:
    """Sum of the penalised objectives over folds and λ, and the best mean held-out loss along the grid."""
    total, held = 0.0, np.zeros((len(solutions), len(problem.lambdas)))
    for k, fold in enumerate(solutions):
        for i, (vector, lam) in enumerate(zip(fold, problem.lambdas, strict=True)):
            losses, out = rowwise(problem, vector), problem.folds == k
            w1, w2, *_ = problem.parts(vector.astype(np.float64))
            total += losses[~out].mean() + lam * (np.abs(w1).sum() + np.abs(w2).sum())
            held[k, i] = losses[out].mean()
    return float(total), float(held.mean(axis=0).min())


def build(X: Array, y: Array, loss: str, hidden: int, batch: int) -> Problem:
    """Standardise, deal the folds, and lay the grid."""
    rng = np.random.default_rng(0)
    X = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)
    y = (y - y.mean()) / y.std() if loss == "squared" else y.astype(float)
    target = (y[:, None] == np.unique(y)).astype(float) if loss == "multinomial" else y[:, None]
    slope = np.abs(X.T @ (target - target.mean(0))).max() / len(y) * (2 if loss == "squared" else 1)
    lambdas = TOP * slope * np.geomspace(1, SPAN, STRENGTHS)
    return Problem(X.astype(np.float32), y, rng.permutation(len(y)) % FOLDS, lambdas, loss, hidden, batch)


def synthetic(n: int, p: int, hidden: int, batch: int) -> Problem:
    """Ten columns in pairs and bends, noise of half the signal's sd."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p))
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + np.sin(2 * X[:, 3]) + X[:, 4:10] @ rng.normal(size=6) / 2
    return build(X, y + 0.5 * y.std() * rng.normal(size=n), "squared", hidden, batch)


def _sklearn(name: str) -> tuple[Array, Array]:
    from sklearn import datasets  # only where data are made, not in every peer's environment

    return getattr(datasets, f"load_{name}")(return_X_y=True)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "digits": lambda: build(*_sklearn("digits"), "multinomial", 64, 128),
    "breast_cancer": lambda: build(*_sklearn("breast_cancer"), "logistic", 64, 64),
    "diabetes": lambda: build(*_sklearn("diabetes"), "squared", 64, 64),
    "20k×100": lambda: synthetic(20_000, 100, 64, 128),
    "20k×1000": lambda: synthetic(20_000, 1_000, 64, 128),
}


def write(problem: Problem, folder: Path) -> None:
    """Arrays and facts where the runners read them."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "arrays.npz", X=problem.X, y=problem.y, folds=problem.folds, lambdas=problem.lambdas)
    facts = {"loss": problem.loss, "hidden": problem.hidden, "batch": problem.batch}
    (folder / "facts.json").write_text(json.dumps(facts))


def read(folder: Path) -> Problem:
    """What ``write`` wrote."""
    with np.load(folder / "arrays.npz") as arrays:
        return Problem(**dict(arrays), **json.loads((folder / "facts.json").read_text()))
