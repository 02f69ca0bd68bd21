"""The synthetic workloads w1–w9: standardised AR(1) columns, ρ = 0.5, k true coefficients N(0, 1), SNR 3.

The squared problems have y with mean 0 and mean square 1. The logistic ones draw y from the logistic model
whose predictor has three times the variance of the standard logistic noise, the same SNR of the latent
response; the Poisson ones have log means of variance 1 about 0. Group lassos have runs of 5 columns. w4 is
TF-IDF-like: 100 words a row (with repeats) by a Zipf-like law, weights idf·(1 + log count), rows of length
one, not standardised; w4b has ten entries to a column, anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from benchmarks.gap import LOSSES, lengths, target
from benchmarks.problem import Array, Problem

SNR = 3.0
GRID = 100


@dataclass(frozen=True)
class Workload:
    """A named problem; ``build(scale, seed)`` makes it, smaller for a scale below 1."""

    name: str
    title: str
    build: Callable[[float, int], Problem]


def scaled(size: int, scale: float, least: int = 60) -> int:
    """``size`` times ``scale``, but not below ``least``."""
    return min(size, max(least, round(size * scale)))


def autoregressive(rng: np.random.Generator, n: int, p: int, rho: float = 0.5) -> Array:
    """Standardised columns with correlation rho^|i − j|, in Fortran order."""
    X = rng.standard_normal((p, n)).T
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return standardized(X)


def standardized(X: Array) -> Array:
    """Columns centred and divided by their standard deviation (1/n form); constant columns are dropped."""
    centred = X - X.mean(axis=0)
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    keep = deviation > 1e-12 * np.maximum(1.0, np.abs(X).max(axis=0))
    return np.asfortranarray(centred[:, keep] / deviation[keep])


def _signal(rng: np.random.Generator, X: Array | sparse.csc_matrix, candidates: Array, k: int) -> Array:
    w = np.zeros(X.shape[1])
    w[rng.choice(candidates, size=min(k, len(candidates)), replace=False)] = rng.standard_normal(
        min(k, len(candidates))
    )
    signal = X @ w
    return (signal - signal.mean()) / signal.std()


def numbers(rng: np.random.Generator, signal: Array) -> Array:
    """Signal of variance SNR plus unit noise, centred, mean square 1."""
    return standardized((np.sqrt(SNR) * signal + rng.standard_normal(len(signal)))[:, None])[:, 0]


def labels(rng: np.random.Generator, signal: Array) -> Array:
    """0/1 from the logistic model; logistic noise has variance π²/3."""
    eta = np.sqrt(SNR * np.pi**2 / 3) * signal
    return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(np.float64)


def counts(rng: np.random.Generator, signal: Array) -> Array:
    """Poisson, with log means that have variance 1."""
    return rng.poisson(np.exp(signal)).astype(np.float64)


RESPONSES = {"squared": numbers, "logistic": labels, "poisson": counts}


def null_gradient(problem: Problem) -> Array:
    """Xᵀ of the mean loss's negative derivative at w = 0, shape (p, outputs)."""
    y = target(problem)
    return problem.X.T @ LOSSES[problem.loss].point(np.zeros_like(y), y)[:, 0] / len(y)


def with_grid(problem: Problem, epsilon: float, size: int = GRID) -> Problem:
    """λ from λ_max down to λ_max·epsilon; a ridge starts where glmnet does, λ/2 = 1000·max|g| / (2 sd(y))."""
    largest = lengths(null_gradient(problem), problem.group).max()
    top = (
        largest / problem.l1_ratio
        if problem.l1_ratio > 0
        else 1000 * largest / np.sqrt(np.mean(problem.y**2))
    )
    return replace(problem, lambdas=top * np.geomspace(1.0, epsilon, size))


def _linear(n: int, p: int, k: int, epsilon: float, **options: object) -> Callable[[float, int], Problem]:
    def build(scale: float, seed: int) -> Problem:
        rng = np.random.default_rng(seed)
        X = autoregressive(rng, scaled(n, scale), scaled(p, scale, 20))
        signal = _signal(rng, X, np.arange(X.shape[1]), scaled(k, scale, 10))
        y = RESPONSES[str(options.get("loss", "squared"))](rng, signal)
        return with_grid(Problem(X, y, np.empty(0), **options), epsilon)  # type: ignore[arg-type]

    return build


def _folded(build: Callable[[float, int], Problem], folds: int = 10) -> Callable[[float, int], Problem]:
    def build_with_folds(scale: float, seed: int) -> Problem:
        problem = build(scale, seed)
        order = np.random.default_rng(seed + 1).permutation(len(problem.y))
        return replace(problem, folds=order % folds)

    return build_with_folds


def tfidf(counts: sparse.csr_matrix) -> sparse.csc_matrix:
    """(1 + log count)·log(n / document frequency), rows of Euclidean length one, as CSC."""
    X = counts.astype(np.float64).tocsr()
    idf = np.log(X.shape[0] / np.maximum(1, np.bincount(X.indices, minlength=X.shape[1])))
    X.data = (1 + np.log(X.data)) * np.maximum(idf, 1e-3)[X.indices]
    length = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return sparse.csc_matrix(sparse.diags(1 / np.maximum(length, 1e-12)) @ X)


def text_counts(rng: np.random.Generator, n: int, p: int, words: int) -> sparse.csr_matrix:
    """Word counts of n documents; the j-th word has probability ∝ 1 / (j + 20)."""
    law = 1.0 / (np.arange(p) + 20.0)
    columns = rng.choice(p, size=n * words, p=law / law.sum())
    counts = sparse.coo_matrix(
        (np.ones(n * words), (np.repeat(np.arange(n), words), columns)), shape=(n, p)
    ).tocsr()
    counts.sum_duplicates()
    return counts


def _text(scale: float, seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    X = tfidf(text_counts(rng, scaled(20_000, scale), scaled(100_000, scale), 105))
    frequent = np.flatnonzero(np.diff(X.indptr) >= 20)
    return with_grid(Problem(X, numbers(rng, _signal(rng, X, frequent, 100)), np.empty(0)), 1e-2)


def _few_entries(scale: float, seed: int) -> Problem:
    """Uniform entries at random places, ten to a column; not standardised."""
    rng = np.random.default_rng(seed)
    n, p = scaled(2000, scale), scaled(200_000, scale)
    X = sparse.random(n, p, density=10 / n, format="csc", random_state=rng)
    return with_grid(Problem(X, numbers(rng, _signal(rng, X, np.arange(p), 100)), np.empty(0)), 1e-2)


W6A = _linear(1000, 5000, 50, 1e-2, task="cv")
W6B = _linear(100_000, 100, 50, 1e-4, task="cv")
WORKLOADS = (
    Workload("w1", "wide lasso, 500 × 20,000", _linear(500, 20_000, 50, 1e-2)),
    Workload("w2", "tall elastic net ½, 100,000 × 200", _linear(100_000, 200, 100, 1e-4, l1_ratio=0.5)),
    Workload("w3", "square elastic net ½, 2,000 × 5,000", _linear(2000, 5000, 50, 1e-2, l1_ratio=0.5)),
    Workload("w4", "sparse lasso, 20,000 × 100,000, 2 million non-zeros", _text),
    Workload("w4b", "sparse lasso, 2,000 × 200,000, ten entries a column", _few_entries),
    Workload("w5a", "logistic lasso, wide, 500 × 10,000", _linear(500, 10_000, 50, 1e-2, loss="logistic")),
    Workload("w5b", "logistic lasso, tall, 50,000 × 100", _linear(50_000, 100, 50, 1e-4, loss="logistic")),
    Workload("w6a", "10-fold cross-validated lasso, 1,000 × 5,000", _folded(W6A)),
    Workload("w6b", "10-fold cross-validated lasso, 100,000 × 100", _folded(W6B)),
    Workload("w7", "ridge, 5,000 × 1,000", _linear(5000, 1000, 100, 1e-4, l1_ratio=0.0)),
    Workload(
        "w7loo",
        "ridge with leave-one-out, 5,000 × 1,000",
        _linear(5000, 1000, 100, 1e-4, l1_ratio=0.0, task="loo"),
    ),
    Workload("w8", "Poisson lasso, wide, 500 × 5,000", _linear(500, 5000, 50, 1e-2, loss="poisson")),
    Workload("w9a", "group lasso, wide, 500 × 5,000, groups of 5", _linear(500, 5000, 50, 1e-2, group=5)),
    Workload("w9b", "group lasso, tall, 20,000 × 200, groups of 5", _linear(20_000, 200, 100, 1e-4, group=5)),
    Workload(
        "w9c",
        "logistic group lasso, wide, 500 × 5,000, groups of 5",
        _linear(500, 5000, 50, 1e-2, loss="logistic", group=5),
    ),
)
