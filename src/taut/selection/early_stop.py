"""Early stopping along λ: paths end where the held-out loss has clearly risen, or where nothing is left to explain."""

from __future__ import annotations

from numbers import Integral
from typing import Any, final

import numpy as np

from taut.arrays import is_sparse
from taut.path import PathSpec
from taut.selection.data import Data
from taut.selection.folds import Folds
from taut.selection.held_out import HeldOutLoss
from taut.solvers import EarlyStop, MemberPath
from taut.types import Float

RUNNING = 5
"""Strengths in a row that must be clearly worse than the best one, or that must bring nothing."""
MANY = 10
"""Folds from which one standard error is clear; with fewer, whose errors are uncertain themselves, two are asked for."""
EXPLAINED = 0.999
"""Share of the deviance that all rows' fit explains from which a weaker strength has nothing left to explain."""
LARGEST = 1 << 30
"""Bytes of X up to which the held-out rows of all folds are kept beside it."""


def early_stop_for(spec: PathSpec, data: Data, folds: Folds, lambdas: Any) -> EarlyStop | None:
    """What ends the paths of ``spec`` early; None for those of a network, for given strengths, and where X is large."""
    size = data.X.nnz if is_sparse(data.X) else data.X.size
    if spec.hidden or not isinstance(lambdas, Integral) or 8 * size > LARGEST:
        return None
    return HeldOutStop(HeldOutLoss.of(spec, data), data, folds)


@final
class HeldOutStop(EarlyStop):
    """Ends all paths at the first λ at which one of these has held for five λ running.

    Its held-out loss exceeds the smallest one so far by more than one standard error of the difference (two with fewer than
    ten folds). With m_k(λ) the mean loss of fold k, w_k the weight of its held-out rows and K/R the folds that count:

        d_k = m_k(λ) − m_k(λ_best),  d̄ = Σ w_k d_k / Σ w_k,  SE² = Σ w_k (d_k − d̄)² / Σ w_k / (K/R − 1)

    Or the fit of all rows explains more than 99.9 % of the deviance, and the held-out loss has not fallen: alone, either may
    come while the loss still falls a great deal.
    """

    def __init__(self, measure: HeldOutLoss, data: Data, folds: Folds) -> None:
        weights = folds.held_out_weights(data.weight)
        self._folds = np.flatnonzero(weights > 0.0)
        self._shares = weights[self._folds] / weights[self._folds].sum()
        self._counted = self._folds.size / max(folds.repeats(data.weight), 1.0)
        self._measure = measure
        self._rows = [data.rows(folds.test[fold]) for fold in self._folds]
        self._losses: list[list[float]] = [[] for _ in self._folds]
        self._explained: list[float] = []
        self._judged, self._best, self._running = 0, 0, 0
        self._end: int | None = None

    @property
    def end(self) -> int | None:
        """How many strengths are kept."""
        return self._end

    def see(self, member: int, found: MemberPath) -> None:
        """Member 0 is the fit of all rows; the others are judged on the rows that they hold out."""
        if member == 0:
            unit = found.null_loss - found.saturated_loss
            left = found.data_losses - found.saturated_loss
            self._explained += (1.0 - left / unit if unit > 0.0 else np.zeros(len(left))).tolist()
        elif member - 1 in self._folds:
            fold = int(np.searchsorted(self._folds, member - 1))
            self._losses[fold] += self._judge(fold, found)
        self._decide()

    def _judge(self, fold: int, found: MemberPath) -> list[float]:
        """The fold's mean held-out loss at each strength."""
        X, y, weight, offset = self._rows[fold]
        used = np.flatnonzero(
            found.coefs.reshape(len(found.coefs), found.coefs.shape[1], -1).any(axis=(0, 2))
        )
        few = 4 * used.size < found.coefs.shape[1]
        own, coefs = (X[:, used], found.coefs[:, used]) if few else (X, found.coefs)
        losses = []
        for coef, intercept in zip(coefs, found.intercepts, strict=True):
            eta = own @ coef + intercept
            if offset is not None:
                eta = eta + offset.reshape(-1, *[1] * (eta.ndim - 1))
            losses.append(float(weight @ self._measure.rows(eta, y) / weight.sum()))
        return losses

    def _decide(self) -> None:
        """By the strengths that all members have reached, one after the other."""
        reached = min(len(self._explained), *(len(losses) for losses in self._losses))
        while self._end is None and self._judged < reached:
            index, self._judged = self._judged, self._judged + 1
            if self._shares @ self._at(index) < self._shares @ self._at(self._best):
                self._best = index
            self._running = self._running + 1 if self._clearly_worse(index) else 0
            done = self._explained[index] > EXPLAINED and index - self._best >= RUNNING
            if self._running >= RUNNING or done:
                self._end = index + 1

    def _at(self, index: int) -> Float:
        """The folds' losses at a strength."""
        return np.array([losses[index] for losses in self._losses])

    def _clearly_worse(self, index: int) -> bool:
        difference = self._at(index) - self._at(self._best)
        mean = float(self._shares @ difference)
        if self._counted <= 1.0:
            return False
        with np.errstate(
            over="ignore"
        ):  # the error of losses that have no square is infinite, and nothing clearly worse
            error = np.sqrt(self._shares @ (difference - mean) ** 2 / (self._counted - 1.0))
        return mean > (1.0 if self._counted >= MANY else 2.0) * float(error)
