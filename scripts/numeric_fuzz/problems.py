"""What a random problem is: arrays, the shape of a penalty and options, and how all of it is handed to taut."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import taut
from scripts.numeric_fuzz.extended import Double

Labels = np.ndarray[tuple[int], np.dtype[np.int64]]

LAYOUTS = ("C", "F", "strided", "float32", "memmap", "csc", "csr", "coo", "explicit zeros")


@dataclass(frozen=True, eq=False)
class Shape:
    """A penalty as numbers: ``first`` Σ v|w| + ``second`` Σ v w², or a concave one, or groups by label."""

    kind: str
    first: float = 0.0
    second: float = 0.0
    gamma: float = 0.0
    factors: Double | None = None
    lower: Double | None = None
    upper: Double | None = None
    labels: Labels | None = None

    @property
    def convex(self) -> bool:
        """All but MCP and SCAD."""
        return self.kind not in ("mcp", "scad")

    @property
    def grouped(self) -> bool:
        """Whether it is a group lasso."""
        return self.kind == "group"

    def penalty(self) -> taut.Penalty:
        """The same as taut has it."""
        box = {name: getattr(self, name) for name in ("factors", "lower", "upper")}
        box = {name: value for name, value in box.items() if value is not None}
        if self.kind == "l1":
            return taut.L1(self.first, **box)
        if self.kind == "l2":
            return taut.L2(self.second, **box)
        if self.kind == "elasticnet":
            # Twice the strengths, halved by the multiplier: alpha is part of what is tried.
            return taut.ElasticNet(0.5, 2.0 * self.first, 2.0 * self.second, **box)
        if self.kind == "group":
            return taut.GroupLasso(self.first, groups=self.labels)
        return (taut.MCP if self.kind == "mcp" else taut.SCAD)(self.first, gamma=self.gamma, **box)


@dataclass(frozen=True, eq=False)
class Problem:
    """Arrays in the units of the data, the shape of a penalty, options, and what is to be called.

    ``shares`` are the strengths as parts of the largest that matters (0 is no penalty), or the number of strengths.
    ``engines`` are names of engines, None the default choice. ``folds`` are held-out rows for a cross-validation.
    """

    X: Double
    y: Double
    loss: str
    shape: Shape
    delta: float = 1.345
    weight: Double | None = None
    offset: Double | None = None
    fit_intercept: bool = True
    standardize: bool = True
    penalize_intercept: bool = False
    tol: float = 1e-6
    shares: tuple[float, ...] | int = (0.5, 0.1)
    layout: str = "C"
    engines: tuple[str | None, ...] = (None,)
    folds: tuple[np.ndarray[Any, Any], ...] = ()
    traits: tuple[str, ...] = field(default=())

    @property
    def rows_weight(self) -> Double:
        """The weights, ones by default."""
        return np.ones(len(self.y)) if self.weight is None else self.weight

    @property
    def outputs(self) -> int:
        """Columns of η."""
        if self.loss == "multinomial":
            return self.y.shape[1] if self.y.ndim == 2 else int(self.y.max()) + 1
        return self.y.shape[1] if self.y.ndim == 2 else 1

    def stored(self, scratch: str) -> Any:
        """X in its layout; a memory map lies in the folder ``scratch``."""
        X = self.X
        if self.layout == "float32":
            return X.astype(np.float32)
        if self.layout == "strided":
            wide = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan)
            wide[::2, 1::3] = X
            return wide[::2, 1::3]
        if self.layout == "memmap":
            with tempfile.NamedTemporaryFile(dir=scratch, suffix=".npy", delete=False) as file:
                np.save(file, X)
            mapped = np.load(file.name, mmap_mode="r")
            Path(file.name).unlink()
            return mapped
        if self.layout == "explicit zeros":
            return with_explicit_zeros(X)
        kinds = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csc": sp.csc_array, "csr": sp.csr_array}
        return kinds.get(self.layout, sp.coo_array)(X)

    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``taut.fit_path`` but for the strengths."""
        loss: Any = taut.Huber(self.delta) if self.loss == "huber" else self.loss
        return {
            "loss": loss, "penalty": self.shape.penalty(), "fit_intercept": self.fit_intercept,
            "penalize_biases": self.penalize_intercept, "standardize": self.standardize, "tol": self.tol,
            "sample_weight": self.weight, "offset": self.offset,
        }  # fmt: skip

    def told(self) -> str:
        """The settings in one line."""
        n, p = self.X.shape
        box = [
            name for name in ("factors", "lower", "upper", "labels") if getattr(self.shape, name) is not None
        ]
        flags = [
            "" if self.fit_intercept else "no intercept", "" if self.standardize else "as given",
            "penalised intercept" if self.penalize_intercept else "", "offset" if self.offset is not None else "",
            "weights" if self.weight is not None else "",
        ]  # fmt: skip
        parts = [f"{self.loss} × {self.shape.kind}", f"{n}×{p}×{self.outputs} {self.layout}", *box, *flags]
        return ", ".join([part for part in (*parts, *self.traits) if part] + [f"tol {self.tol:.0e}"])


def with_explicit_zeros(X: Double) -> Any:
    """A compressed matrix in which every second zero is stored."""
    stored = X != 0.0
    zeros = np.flatnonzero(~stored)
    stored.ravel()[zeros[::2]] = True
    rows, columns = np.nonzero(stored)
    return sp.csc_array((X[rows, columns], (rows, columns)), shape=X.shape)
