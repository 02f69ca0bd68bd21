"""The real data sets: read as their sources published them, made numeric, standardised unless sparse.

They lie in the folder named by ``TAUT_DATA``, by default ``../shared/data`` beside the project; a set that
is absent is skipped, and the report says so.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from scipy import io, sparse

from benchmarks.problem import Array, Problem
from benchmarks.workloads import Workload, standardized, tfidf, with_grid

FOLDER = Path(os.environ.get("TAUT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def leukemia() -> Problem:
    table = np.genfromtxt(FOLDER / "golub_leukemia/leukemia.csv", delimiter=",", skip_header=1)
    return Problem(standardized(table[:, :-1]), table[:, -1], np.empty(0), "logistic")


def srbct() -> Problem:
    with np.load(FOLDER / "esl_srbct/srbct.npy.npz") as archive:
        table = archive[archive.files[0]]
    return Problem(standardized(table[:, :2308]), table[:, 2308] - 1, np.empty(0), "multinomial")


def digits() -> Problem:
    """scikit-learn's own copy of 1,797 handwritten digits of 8 × 8 pixels; pixels that never change are dropped."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Problem(standardized(X), y.astype(np.float64), np.empty(0), "multinomial")


def pcmac() -> Problem:
    content = io.loadmat(FOLDER / "news20_pcmac/PCMAC.mat")
    X = tfidf(sparse.csr_matrix(content["X"].astype(np.float64)))
    y = content["Y"].ravel().astype(np.float64)
    return Problem(X, (y == y.max()).astype(np.float64), np.empty(0), "logistic")


def _svmlight_row(line: str) -> tuple[float, list[int]]:
    label, *cells = line.split()
    return float(label), [int(cell.split(":")[0]) for cell in cells]


def agaricus() -> Problem:
    rows = [
        _svmlight_row(line)
        for line in (FOLDER / "agaricus_mushroom/agaricus.txt.train").read_text().splitlines()
    ]
    indptr = np.cumsum([0] + [len(columns) for _, columns in rows])
    indices = np.concatenate([columns for _, columns in rows])
    X = sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(rows), indices.max() + 1))
    used = np.flatnonzero(np.bincount(indices))
    return Problem(
        sparse.csc_matrix(X[:, used]), np.array([label for label, _ in rows]), np.empty(0), "logistic"
    )


def _with_products(X: Array, numeric: int) -> Array:
    """Append squares and pairwise products, except those of two indicators (columns from ``numeric`` on)."""
    pairs = [(i, j) for i, j in combinations_with_replacement(range(X.shape[1]), 2) if i < numeric]
    return np.column_stack([X, *(X[:, i] * X[:, j] for i, j in pairs)])


def california() -> Problem:
    """Median-filled numbers and indicators of the category, with all squares and pairwise products."""
    with (FOLDER / "california_housing/housing.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("median_house_value", "ocean_proximity")]
    X = np.array([[float(row[name] or "nan") for name in names] for row in rows])
    X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    levels = sorted({row["ocean_proximity"] for row in rows})
    indicators = np.array([[float(row["ocean_proximity"] == level) for level in levels] for row in rows])
    y = standardized(np.array([[float(row["median_house_value"])] for row in rows]))[:, 0]
    expanded = _with_products(standardized(np.column_stack([X, indicators])), len(names))
    return Problem(standardized(expanded), y, np.empty(0))


def kin8nm() -> Problem:
    table = np.loadtxt(FOLDER / "uci_kin8nm/data.txt")
    return Problem(standardized(table[:, :-1]), standardized(table[:, -1:])[:, 0], np.empty(0))


def _gridded(load: Callable[[], Problem]) -> Callable[[float, int], Problem]:
    """Real sets come in one size: scale and seed play no part."""

    def build(scale: float, seed: int) -> Problem:
        problem = load()
        n, p = problem.X.shape
        return with_grid(problem, 1e-4 if n > p else 1e-2)

    return build


REAL = (
    Workload("golub_leukemia", "logistic lasso, 72 × 7,129", _gridded(leukemia)),
    Workload("esl_srbct", "multinomial lasso, 83 × 2,308, 4 classes", _gridded(srbct)),
    Workload("digits", "multinomial lasso, 1,797 × 61, 10 classes", _gridded(digits)),
    Workload("news20_pcmac", "sparse logistic lasso, 1,943 × 3,289 (TF-IDF)", _gridded(pcmac)),
    Workload("agaricus", "sparse logistic lasso, 6,513 × 126 indicators", _gridded(agaricus)),
    Workload("california_housing", "lasso, 20,640 rows, all pairwise interactions", _gridded(california)),
    Workload("uci_kin8nm", "lasso, 8,192 × 8", _gridded(kin8nm)),
)
