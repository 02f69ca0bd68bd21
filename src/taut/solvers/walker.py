"""One member of a working-set path: its Gram matrix on the columns in use, what it proposes, and what it may keep."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from taut.penalties import Penalty
from taut.solvers._kernels.path import walk
from taut.solvers._kernels.quadratic import largest_distance, quadratic_gap
from taut.solvers.base import Certificate, LinearProblem, Measure, MemberPath
from taut.solvers.certificate import MISSED
from taut.solvers.columns import Columns
from taut.solvers.matrix import Float, Index
from taut.solvers.penalty_units import penalty_in_scaled_units


class Standardization(NamedTuple):
    """How a member sees the shared columns z: x̃ = (z − mean)/deviation; ``moving`` marks those that are not constant."""

    mean: Float
    deviation: Float
    moving: Float


class Proposal(NamedTuple):
    """Solutions on the columns in use for the next strengths, with their residuals (n, B) and weighted residuals."""

    lambdas: Float
    coefs: Float
    correlations: Float
    epochs: Float
    residuals: Float
    weighted: Float


class Walker:
    """Coefficients live on F's scale; ``grow`` adds columns, ``propose`` and ``verify`` make up a round."""

    def __init__(
        self, problem: LinearProblem, columns: Columns, seen: Standardization, weight: Float, held: Index | None
    ) -> None:
        self._problem, self._columns, self._seen = problem, columns, seen
        self.weight, self._held = weight, held
        self.position = 0
        self._target, self._y_mean, self._y_scale = _response(problem, weight)
        self.penalty: Penalty = penalty_in_scaled_units(
            problem.penalty, columns.scale * seen.deviation, self._y_scale, False
        )
        table = self.penalty.table(columns.p)
        assert table is not None  # the choice of engine has looked
        self._table = table
        self._bb = 2.0 * float(weight @ self._target**2)
        # ∇L at the null model, in full precision: λ_max must be exact.
        self.null_gradient = self._null_gradient()
        self._correlation = np.abs(self.null_gradient)
        self._top = float(self.penalty.lambda_max(self.null_gradient))
        self._reached = self._top
        self._H = np.zeros((0, 0))
        self._w, self._q, self._c = np.zeros(0), np.zeros(0), np.zeros(0)
        self._kept: list[tuple[Float, float, float, int, float, float]] = []
        self._proposal: Proposal | None = None

    squared = True

    def _null_gradient(self) -> Float:
        seen, s = self._seen, self.weight * self._target
        raw = self._columns.correlate(s) - seen.mean * s.sum()
        return np.where(seen.moving, -2.0 * raw / seen.deviation, 0.0)

    @property
    def reference(self) -> float:
        """Null loss; the saturated one is 0."""
        return 0.5 * self._bb

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""
        return int(np.count_nonzero(self.weight)), self._columns.p

    def wanted(self, grid: Float, ahead: int) -> Index:
        """Columns whose last correlation comes near the strengths ahead."""
        last = grid[min(self.position + ahead, grid.size) - 1]
        near = max(last - 0.5 * (min(self._reached, 2.0 * last) - last), 0.0)
        return np.flatnonzero((self._correlation >= near * self._table.l1) & self._open)

    @property
    def _open(self) -> Float:
        """Columns that vary and that the box does not hold at zero."""
        held = (self._table.lower == 0.0) & (self._table.upper == 0.0)
        return self._seen.moving & ~held

    def grow(self, new: Index, cross: Float) -> None:
        """Take in columns whose cross products over this member's weights are ``cross`` (m, new)."""
        used, have = self._columns.used, self._w.size
        total = used.size
        seen = self._seen
        mean, deviation = seen.mean[used], seen.deviation[used]
        product = cross - np.multiply.outer(mean, mean[have:])
        product *= 2.0 / np.multiply.outer(deviation, deviation[have:])
        still = ~seen.moving[used]
        product[still] = 0.0
        product[:, still[have:]] = 0.0
        self._reserve(total)
        self._H[:total, have:total] = product
        self._H[have:total, :total] = product.T
        self._c = np.concatenate([self._c, -self.null_gradient[new]])
        self._w = np.concatenate([self._w, np.zeros(new.size)])
        self._q = self._c - self._H[:total, :total] @ self._w if self._w.any() else self._c.copy()

    def _reserve(self, total: int) -> None:
        if total > self._H.shape[0]:
            room = max(total, min(2 * self._H.shape[0], self._columns.p), 64)
            H = np.zeros((room, room))
            have = self._w.size
            H[:have, :have] = self._H[:have, :have]
            self._H = H

    def propose(self, grid: Float, ahead: int, tol: float, max_epochs: int) -> Float:
        """Solve the next strengths on the columns in use; returns the weighted residuals (n, B)."""
        lambdas = grid[self.position : self.position + ahead]
        m, B = self._w.size, lambdas.size
        coefs, correlations = np.zeros((B, m)), np.empty((B, m))
        measures, epochs = np.empty(B), np.empty(B)
        w, q = self._w.copy(), self._q.copy()
        # By the definition of λ_max there is nothing to solve above it; descent could only add rounding to exact zeros.
        empty = int(np.count_nonzero(lambdas >= self._top))
        correlations[:empty], measures[:empty], epochs[:empty] = self._c, 0.0, 0.0
        used, table = self._columns.used, self._table
        fields = [field[used] for field in table[1:5]]
        if empty < B:
            previous = min(self._reached, 2.0 * float(lambdas[empty]))
            walk(
                self._H, self._c, self._bb, lambdas[empty:], previous, w, q, *fields, table.kind, table.gamma,
                0.9 * tol * self._unit, max_epochs,
                coefs[empty:], correlations[empty:], measures[empty:], epochs[empty:],
            )  # fmt: skip
        residuals = self._residuals(coefs)
        weighted = residuals * self.weight[:, None]
        self._proposal = Proposal(lambdas, coefs, correlations, epochs, residuals, weighted)
        return weighted

    @property
    def _unit(self) -> float:
        if self._table.kind != 0:
            return float(np.abs(self.null_gradient).max(initial=0.0)) or 1.0
        return self.reference if self.reference > 1e-14 else 1.0

    def _residuals(self, coefs: Float) -> Float:
        used = self._columns.used
        slopes = (coefs / self._seen.deviation[used]).T
        return self._target[:, None] - self._columns.dot(slopes) + self._seen.mean[used] @ slopes

    def verify(self, values: Float, errors: Float, lengths: Float, tol: float) -> tuple[int, Index]:
        """Keep the strengths before the first that misses a column; returns their number and the columns missed."""
        proposal = self._proposal
        assert proposal is not None  # propose comes first in a round
        seen, open_columns = self._seen, self._open & (self._columns.slot < 0)
        exact = self._exact_correlations(proposal.weighted)
        wrong = np.empty(0, dtype=np.intp)
        count = 0
        totals = proposal.weighted.sum(axis=0)
        for b, lam in enumerate(proposal.lambdas.tolist()):
            signed = 2.0 * (values[:, b] - seen.mean * totals[b]) / seen.deviation
            margin = 2.0 * errors[b] * lengths / seen.deviation
            missed = self._misses(signed, margin, lam) & open_columns
            if missed.any():
                wrong = np.flatnonzero(missed)
                break
            self._keep(b, lam, exact[:, b], tol)
            self._correlation = np.abs(signed)
            count += 1
        if count:
            self._w, self._q = proposal.coefs[count - 1].copy(), proposal.correlations[count - 1].copy()
            self._reached = float(proposal.lambdas[count - 1])
            self.position += count
        return count, wrong

    def _misses(self, signed: Float, margin: Float, lam: float) -> Float:
        table = self._table
        bound = lam * table.l1
        return ((signed + margin > bound) & (table.upper > 0.0)) | ((margin - signed > bound) & (table.lower < 0.0))

    def _exact_correlations(self, weighted: Float) -> Float:
        """q = −∇L on the columns in use, from the residuals themselves."""
        used, seen = self._columns.used, self._seen
        raw = self._columns.correlate_used(weighted) - np.multiply.outer(seen.mean[used], weighted.sum(axis=0))
        return np.where(seen.moving[used, None], 2.0 * raw / seen.deviation[used, None], 0.0)

    def _keep(self, b: int, lam: float, q: Float, tol: float) -> None:
        proposal, table, used = self._proposal, self._table, self._columns.used
        assert proposal is not None  # propose comes first in a round
        w = proposal.coefs[b]
        l1, l2, lower, upper = (table.l1[used] * lam, table.l2[used] * lam, table.lower[used], table.upper[used])
        if table.kind == 0:
            measure = quadratic_gap(w, q, self._c, self._bb, l1, l2, lower, upper)
        else:
            measure = largest_distance(w, q, l1, l2, lower, upper, table.kind, table.gamma)
        loss = float(proposal.weighted[:, b] @ proposal.residuals[:, b])
        held = np.nan
        if self._held is not None:
            share = self._problem.weight[self._held]
            held = float(share @ proposal.residuals[self._held, b] ** 2 / share.sum()) * self._y_scale**2
        self._kept.append((w.copy(), max(measure, 0.0) / self._unit, loss, int(proposal.epochs[b]), held, lam))
        del tol

    def path(self, tol: float, interrupted: bool) -> MemberPath:
        """What was kept, in the units of the data."""
        columns, seen, L = self._columns, self._seen, len(self._kept)
        scaled = np.zeros((L, columns.p))
        for row, kept in zip(scaled, self._kept, strict=True):
            row[columns.used[: kept[0].size]] = kept[0]
        lambdas = np.array([kept[5] for kept in self._kept])
        coefs = scaled * (self._y_scale / (columns.scale * seen.deviation))
        middle = columns.center + columns.scale * seen.mean
        intercepts = self._y_mean - coefs @ middle if self._problem.fit_intercept else np.zeros(L)
        kind = Measure.DUALITY_GAP if self.penalty.traits.convex else Measure.KKT_RESIDUAL
        held = np.array([kept[4] for kept in self._kept])
        return MemberPath(
            lambdas, coefs, intercepts, scaled,
            np.array([kept[2] for kept in self._kept]), self._penalties(lambdas, scaled),
            tuple(Certificate(kind, kept[1], tol, "" if kept[1] <= tol else MISSED) for kept in self._kept),
            np.array([kept[3] for kept in self._kept], dtype=np.intp), self.reference, 0.0, interrupted,
            None if self._held is None else held,
        )  # fmt: skip

    def _penalties(self, lambdas: Float, scaled: Float) -> Float:
        return np.array([float((lam * self.penalty).value(w)) for lam, w in zip(lambdas.tolist(), scaled, strict=True)])


def _response(problem: LinearProblem, weight: Float) -> tuple[Float, float, float]:
    """ỹ = (y − mean)/scale by the member's own weights, on all rows."""
    y = problem.y if problem.offset is None else problem.y - problem.offset
    mean = float(weight @ y) if problem.fit_intercept else 0.0
    centred = y - mean
    spread = float(np.sqrt(weight @ centred**2)) if problem.standardize else 1.0
    scale = spread if spread > 1e-13 * max(abs(mean), spread) else 1.0
    return centred / scale, mean, scale
