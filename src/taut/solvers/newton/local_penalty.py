"""A penalty at one strength, as Newton steps on coordinates of a column and a class read it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import final

import numpy as np

from taut.penalties import Table
from taut.solvers._kernels.descent import descend
from taut.solvers._kernels.newton import dual_penalty, penalty_sum
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers._kernels.softmax import row_sizes
from taut.solvers.newton.quadratic_model import QuadraticModel
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaled_penalty import table_of
from taut.solvers.problem.tangent import step_models
from taut.solvers.problem.tolerances import EPS
from taut.types import Float, Index, Mask

Step = tuple[Float, int, int]


class LocalPenalty(ABC):
    """Units are what becomes zero together: columns, or groups. ``restrict`` says which columns are looked at."""

    convex: bool

    @abstractmethod
    def sizes(self, gradient: Float) -> Float:
        """How large the gradient (p, k) is at every unit."""

    @abstractmethod
    def beyond(self, sizes: Float, share: float) -> Mask:
        """Columns (p,) whose unit's size exceeds ``share`` of what the penalty holds."""

    @abstractmethod
    def restrict(self, features: Index) -> None:
        """Restrict the problem to these columns from now on; whole groups, each in one run."""

    @abstractmethod
    def value(self, coef: Float) -> float:
        """Ω of the coefficients (m, k) of the columns looked at, of all outputs or of one."""

    @abstractmethod
    def dual(self, q: Float) -> tuple[float, float]:
        """The largest share of q (m, k) at which Ω* is finite, and its value there."""

    @abstractmethod
    def working(self, coef: Float, q: Float, share: float) -> Mask:
        """Coordinates (m, k) that have a coefficient or a q beyond ``share`` of what the penalty holds."""

    @abstractmethod
    def steps(
        self, model: QuadraticModel, start: Float, q: Float, local: Index, goal: float, most: int
    ) -> Iterator[Step]:
        """Changes of the model's coordinates towards its minimum, how often each may be halved, and the epochs it took.

        ``local`` are the coordinates' columns looked at, ``goal`` the gap, ``most`` the epochs.
        """

    @abstractmethod
    def boxed(self, coef: Float) -> Float:
        """The coefficients (m, k) within their bounds."""

    @abstractmethod
    def unheld(self, coef: Float, q: Float) -> float:
        """Σ|q| times how far a coefficient may have to go, over columns that neither penalty nor bound holds."""

    @abstractmethod
    def distance(self, coef: Float, q: Float) -> float | None:
        """To the subdifferential; None where the penalty is convex, and a gap says more."""


@final
class SeparablePenalty(LocalPenalty):
    """A separable penalty at one strength, read from its table."""

    def __init__(self, table: Table, classes: int, unit: float) -> None:
        self._all, self._classes, self._unit = table, classes, unit
        self.convex = table.convex
        shut = (table.lower == 0.0) & (table.upper == 0.0)
        self._bar = np.where(shut, np.inf, table.l1)
        self._endless = bool(((table.l1 == 0.0) & (table.l2 == 0.0)).any())

    def sizes(self, gradient: Float) -> Float:
        """The largest |gradient| of each column over the classes (p,)."""
        sizes = np.empty(gradient.shape[0])
        row_sizes(gradient, sizes)
        return sizes

    def beyond(self, sizes: Float, share: float) -> Mask:
        """A box that closes one side is the descent's business."""
        return np.asarray(sizes > share * self._bar) if share > 0.0 else np.isfinite(self._bar)

    def restrict(self, features: Index) -> None:
        """As many copies of a column's terms as there are classes."""
        self._table = self._all.take(features)
        self._one = self._table.terms()
        self._each = np.repeat(self._one, self._classes, axis=1) if self._classes > 1 else self._one

    def _rho(self, values: Float) -> Float:
        """The terms of every coordinate, of all outputs or of one."""
        return self._one if values.shape[1] == 1 else self._each

    def value(self, coef: Float) -> float:
        """λΩ, the sum over the coordinates (m, k)."""
        return float(penalty_sum(coef.reshape(-1), self._rho(coef), self._all.knee, self._all.flat))

    def dual(self, q: Float) -> tuple[float, float]:
        """Over all coordinates, by a compiled loop."""
        return dual_penalty(q.reshape(-1), self._rho(q))

    def distance(self, coef: Float, q: Float) -> float | None:
        """The largest distance of any coordinate."""
        if self.convex:
            return None
        knee, flat = self._all.knee, self._all.flat
        return float(largest_distance(coef.reshape(-1), q.reshape(-1), self._rho(q), knee, flat))

    def boxed(self, coef: Float) -> Float:
        """The coefficients, each held between its column's bounds."""
        return np.clip(coef, self._table.lower[:, None], self._table.upper[:, None])

    def working(self, coef: Float, q: Float, share: float) -> Mask:
        """Each coordinate on its own, whatever the others of its column."""
        return np.asarray((np.abs(q) >= (share * self._table.l1)[:, None]) | (coef != 0.0))

    def unheld(self, coef: Float, q: Float) -> float:
        """|q|(u + |w|) of columns without any penalty that have room to go, u how far one may have to."""
        if not self._endless:
            return 0.0
        rho, w, neg_gradient = self._rho(q), coef.reshape(-1), q.reshape(-1)
        endless = (rho[0] == 0.0) & (rho[1] == 0.0) & np.isinf(np.where(neg_gradient > 0.0, rho[3], rho[2]))
        return float(np.abs(neg_gradient[endless]) @ (self._unit + np.abs(w[endless])))

    def steps(
        self, model: QuadraticModel, start: Float, q: Float, local: Index, goal: float, most: int
    ) -> Iterator[Step]:
        """Newton's own where L2 is all there is, else by descent."""
        part = self._table.take(local)
        if part.is_ridge:
            H = model.H + np.diag(2.0 * part.l2)
            yield np.asarray(np.linalg.solve(H, q - 2.0 * part.l2 * start)), 30, 1
            return
        with np.errstate(over="ignore", invalid="ignore"):
            c = model.H @ start + q
            bb = model.rr + float((q + c) @ start)
        if not part.convex:
            # No descent brings a gradient below the rounding of the numbers that it is a difference of.
            goal = max(goal, 4.0 * EPS * float(np.abs(c).max(initial=0.0)))
        for table, halvings in step_models(part, start):
            w, left = start.copy(), q.copy()
            terms = table.terms()
            epochs, _ = descend(model.H, c, bb, w, left, terms, table.knee, table.flat, goal, most)
            yield w - start, halvings, epochs


def separable_penalties(problem: ScaledProblem, classes: int) -> Callable[[float], SeparablePenalty]:
    """A separable penalty by strength; TypeError where it has no table."""
    table, unit = table_of(problem.penalty, problem.matrix.shape[1]), problem.eta_unit
    return lambda lam: SeparablePenalty(table.at(lam), classes, unit)
