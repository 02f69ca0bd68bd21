"""An orthonormal basis of columns that nothing penalises, in which a fit of them does not depend on their units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import scipy

from taut.solvers.problem.tolerances import RANK
from taut.types import Float


@final
@dataclass(frozen=True, eq=False)
class FreeBasis:
    """Q = Z T for the design Z (n, m) of unpenalised columns, with QᵀSQ = I for the row weights S.

    ``rows`` is Q (n, r), r the rank of Z on the rows that count; ``back`` is T (m, r), which turns coordinates γ of the
    basis into coefficients of the columns; ``forward`` is QᵀSZ (r, m), which turns coefficients into coordinates.
    ``unique``: whether columns of zeros, whose coefficients are 0, are the only ones that depend on others.
    Golub and Van Loan, *Matrix Computations*, §5.5 (QR with column pivoting), after each column is divided by its length.
    """

    rows: Float
    back: Float
    forward: Float
    unique: bool

    @classmethod
    def of(cls, design: Float, weight: Float) -> FreeBasis:
        """Factorise ``design`` (n, m) in the metric of ``weight`` (n,), which sums to one."""
        if design.shape[1] == 1 and np.all(design == 1.0):
            one = np.ones((1, 1))
            return cls(design, one, one, True)  # an intercept alone
        root, norms = np.sqrt(weight)[:, None], np.sqrt(weight @ design**2)
        moving = np.flatnonzero(norms > 0.0)
        if not moving.size:
            none = np.zeros((design.shape[1], 0))
            return cls(design[:, :0], none, none.T, True)
        R, pivot = scipy.linalg.qr(root * (design[:, moving] / norms[moving]), mode="r", pivoting=True)
        diagonal = np.abs(np.diag(R))
        rank = int(np.count_nonzero(diagonal > RANK * diagonal.max(initial=0.0)))
        chosen = moving[pivot[:rank]]
        back = np.zeros((design.shape[1], rank))
        back[chosen] = _inverse(R[:rank, :rank]) / norms[chosen, None]
        # Once more: the first factor's rounding is as large as the columns are dependent.
        again: Float = np.linalg.qr(root * (design @ back))[1]
        back = back @ _inverse(again)
        back *= np.where(back[chosen, np.arange(rank)] < 0.0, -1.0, 1.0)
        rows = np.asfortranarray(design @ back)
        return cls(rows, back, (weight[:, None] * rows).T @ design, rank == moving.size)

    def coefficients(self, gamma: Float) -> Float:
        """The coefficients (m[, k]) with the coordinates γ (r[, k]); those of least norm where the columns are dependent."""
        if self.unique or not gamma.size:
            return np.asarray(self.back @ gamma)
        least = np.linalg.lstsq(self.forward, gamma, rcond=RANK)[0]
        least[~self.forward.any(axis=0)] = 0.0
        # In mixed units the least norm costs digits; what is lost of the coordinates comes from independent columns.
        return np.asarray(least + self.back @ (gamma - self.forward @ least))


def _inverse(R: Float) -> Float:
    """R⁻¹ of an upper triangular matrix."""
    return np.asarray(scipy.linalg.solve_triangular(R, np.eye(R.shape[0])))
