"""One output's way along the grid in coefficient space: by descent, or for ridge in closed form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import numpy as np

from taut.penalties import Table
from taut.solvers._kernels.segment import walk
from taut.solvers.problem.tolerances import EPS
from taut.types import Float


class PathSegment(NamedTuple):
    """Coefficients and q = c − Hw (L, p), absolute gaps or distances (L,), and passes of the descent (L,)."""

    coefs: Float
    correlations: Float
    measures: Float
    epochs: Float


class OutputPath(ABC):
    """min ½ wᵀHw − cᵀw + ½ bᵀb + λΩ(w) along descending λ, a segment of the grid at a time."""

    def __init__(self, H: Float, c: Float, bb: float) -> None:
        self.H, self.c, self.bb = H, np.ascontiguousarray(c), bb
        self._parts: list[PathSegment] = []

    def extend(self, lambdas: Float, tol: float, max_epochs: int) -> None:
        """Solve at ``lambdas``, from where the path stands, to the absolute gap ``tol``."""
        self._parts.append(self.solve(lambdas, tol, max_epochs))

    @abstractmethod
    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> PathSegment:
        """The next strengths, from where the path stands to the absolute gap ``tol``."""

    def segment(self, length: int) -> PathSegment:
        """The first ``length`` strengths."""
        if not self._parts:
            return PathSegment(
                *(np.empty((0, self.c.size)) for _ in range(2)), *(np.empty(0) for _ in range(2))
            )
        return PathSegment(*(np.concatenate(field)[:length] for field in zip(*self._parts, strict=True)))

    def losses(self, length: int) -> Float:
        """Data loss ½(bᵀb − cᵀw − qᵀw)."""
        w, q = self.segment(length)[:2]
        return 0.5 * np.asarray(np.maximum(self.bb - w @ self.c - np.einsum("lp,lp->l", q, w), 0.0))


@final
class DescentPath(OutputPath):
    """Coordinate descent with warm starts."""

    def __init__(self, H: Float, c: Float, bb: float, table: Table) -> None:
        super().__init__(H, c, bb)
        self._table = table
        self._w, self._q, self._slope = np.zeros(c.size), self.c.copy(), np.zeros(c.size)
        self._previous = np.inf

    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> PathSegment:
        """All strengths of the segment in one call of the compiled descent."""
        shape = (lambdas.size, self.c.size)
        out = PathSegment(np.empty(shape), np.empty(shape), np.empty(shape[0]), np.empty(shape[0]))
        previous = self._previous if np.isfinite(self._previous) else float(lambdas[0])
        walk(
            self.H, self.c, self.bb, lambdas, previous, self._slope, self._w, self._q, self._table.terms(),
            self._table.knee, self._table.flat, tol, max_epochs, *out,
        )  # fmt: skip
        self._previous = float(lambdas[-1])
        return out


@final
class RidgePath(OutputPath):
    """w(λ) = T Q (Λ + 2λ)⁻¹ Qᵀ T c with T = diag(l2)^−½ and THT = QΛQᵀ: one eigendecomposition for the whole path.

    Hoerl and Kennard, *Technometrics* 12 (1970), §2; Golub and Van Loan, *Matrix Computations*, §6.1.4.
    """

    def __init__(self, H: Float, c: Float, bb: float, l2: Float, values: Float, basis: Float) -> None:
        super().__init__(H, c, bb)
        self._l2, self._values, self._basis = l2, values, basis

    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> PathSegment:
        """In closed form; the gap is computed like any other, from the coefficients."""
        del tol, max_epochs
        strength = lambdas[:, None]
        w = (self._basis.T @ self.c / (self._values + 2.0 * strength)) @ self._basis.T
        q = self.c - w @ self.H
        cw, qw = w @ self.c, np.einsum("lp,lp->l", q, w)
        penalty = lambdas * (w**2 @ self._l2)
        conjugate = np.sum(q**2 / (4.0 * strength * self._l2), axis=1)
        gaps = 0.5 * (self.bb - cw - qw) + penalty - (self.bb - cw) + 0.5 * (self.bb - cw - qw) + conjugate
        return PathSegment(w, q, np.maximum(gaps, EPS * self.bb), np.ones(lambdas.size))


def outputs_of(H: Float, c: Float, bb: Float, table: Table) -> list[OutputPath]:
    """One for each column of c (p, k), in closed form where the penalty is L2 alone."""
    count = c.shape[1]
    if not table.is_ridge:
        return [DescentPath(H, c[:, o], float(bb[o]), table) for o in range(count)]
    root = 1.0 / np.sqrt(table.l2)
    values, vectors = np.linalg.eigh(H * np.multiply.outer(root, root))
    basis = root[:, None] * vectors
    return [
        RidgePath(H, c[:, o], float(bb[o]), table.l2, np.maximum(values, 0.0), basis) for o in range(count)
    ]
