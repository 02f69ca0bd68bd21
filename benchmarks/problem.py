"""The problem that every tool solves, and its form on disk: ``.npy`` files that Python and R both read.

    minimise  (1/n) Σ_i ℓ(x_iᵀw, y_i) + λ (ρ Σ_j |w_j| + (1 − ρ)/2 Σ_j w_j²)   for every λ of a grid

without an intercept. ℓ is (η − y)² for ``squared`` (no ½), log(1 + e^η) − yη for ``logistic``, e^η − yη + log y! up to
terms of y for ``poisson`` and log Σ_k e^{η_k} − η_y for ``multinomial``. With ``group`` > 1 the penalty is
λ √group Σ_g ‖w_g‖ over runs of so many columns. Only NumPy and SciPy are needed here, because each peer's own
environment imports this module.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray
CONSTANT = {"squared": 2.0, "logistic": 1.0, "multinomial": 1.0, "poisson": 1.0}
"""λ over the ``alpha`` of tools that write the squared loss with a ½ (the likelihoods are alike)."""


@dataclass(frozen=True)
class Problem:
    """Data, loss, λ grid and the task: ``path``, ``cv`` (K folds) or ``loo`` (leave-one-out).

    ``y`` is (n,): numbers, 0/1, counts, or integer class codes. ``folds`` is (n,): the held-out fold of each row,
    or empty.
    """

    X: Any
    y: Array
    lambdas: Array
    loss: str = "squared"
    l1_ratio: float = 1.0
    task: str = "path"
    folds: Array | None = None
    group: int = 1

    @property
    def is_sparse(self) -> bool:
        return sparse.issparse(self.X)

    @property
    def outputs(self) -> int:
        return int(self.y.max()) + 1 if self.loss == "multinomial" else 1

    @property
    def alphas(self) -> Array:
        """The grid in the units of 1/(2n)‖y − Xw‖² + alpha·(…)."""
        return self.lambdas / CONSTANT[self.loss]

    @property
    def size(self) -> int:
        """Bytes of X."""
        return int(
            self.X.data.nbytes + self.X.indices.nbytes + self.X.indptr.nbytes
            if self.is_sparse
            else self.X.nbytes
        )

    def splits(self) -> list[tuple[Array, Array]]:
        """(training rows, held-out rows) of every fold."""
        folds = np.empty(0) if self.folds is None else self.folds
        return [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in np.unique(folds)]

    def subset(self, rows: Array) -> Problem:
        """The path problem on some rows, copied as a tool's own loop over the folds would copy them."""
        X = self.X[rows] if self.is_sparse else np.asfortranarray(self.X[rows])
        return replace(self, X=X, y=self.y[rows], task="path", folds=None)

    def tiny(self) -> Problem:
        """A problem of the same kind and types, small enough for a warm-up call."""
        rows = np.unique(np.linspace(0, len(self.y) - 1, 200).astype(int))
        X = self.X[rows][:, :30]
        X = X.tocsc() if self.is_sparse else np.asfortranarray(X)
        folds = None if self.folds is None else np.arange(len(rows)) % 3
        return replace(self, X=X, y=self.y[rows], folds=folds, lambdas=self.lambdas[:5].copy())


def write(problem: Problem, folder: Path) -> None:
    """Write every array as one ``.npy`` file (X in Fortran order, or its CSC parts) and the rest as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"y": problem.y.astype(np.float64), "lambdas": problem.lambdas}
    if problem.folds is not None:
        arrays["folds"] = problem.folds.astype(np.int32)
    if problem.is_sparse:
        arrays |= {part: getattr(problem.X, part) for part in ("data", "indices", "indptr")}
    else:
        arrays["X"] = np.asfortranarray(problem.X)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    about = {
        "loss": problem.loss,
        "l1_ratio": problem.l1_ratio,
        "task": problem.task,
        "shape": list(problem.X.shape),
        "group": problem.group,
    }
    (folder / "problem.json").write_text(json.dumps(about | {"sparse": problem.is_sparse}))


def read(folder: Path) -> Problem:
    """Read what ``write`` wrote."""
    about = json.loads((folder / "problem.json").read_text())
    parts = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    if about["sparse"]:
        X = sparse.csc_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=tuple(about["shape"]))
    else:
        X = parts["X"]
    kind = (about["loss"], about["l1_ratio"], about["task"], parts.get("folds"), about["group"])
    return Problem(X, parts["y"], parts["lambdas"], *kind)


@dataclass(frozen=True)
class Measurement:
    """What a runner reports beside the coefficients; seconds of every repeat, memory in bytes."""

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    memory: int
    version: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
