"""One member of a working-set path: what it proposes on the columns in use, and what of it the screening lets it keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from taut.defaults import default
from taut.losses import BoundLoss
from taut.penalties import Penalty
from taut.solvers._kernels.screen import find_missed
from taut.solvers.base import LinearProblem, Measure, MemberPath
from taut.solvers.problem.certificate import noted
from taut.solvers.problem.resume import Arrays, give, taken
from taut.solvers.problem.scaled_penalty import penalty_in_scaled_units, table_of
from taut.solvers.problem.tolerances import gap_unit, gradient_unit
from taut.solvers.problem.units import box_of, centred_response, scales_y
from taut.solvers.working_set.columns import Columns
from taut.types import Float, Index, Mask

_FEW = 2_000
"""Columns whose Gram matrix is small enough to take all of them into use."""
_STEP = 0.6
"""How far λ may fall, as a share, before what is known of the correlations says too little of who comes in."""
_FIRST = 500
"""Columns that are taken in together for a segment even where a few have a coefficient."""
_AT_ONCE = 200
"""Missed columns that are taken in together even where fewer have a coefficient."""
_STATE = ("position", "reached", "_correlation")


class Standardization(NamedTuple):
    """How a member sees the shared columns z: x̃ = (z − mean)/deviation; ``moving`` marks those that are not constant."""

    mean: Float
    deviation: Float
    moving: Mask


class Response(NamedTuple):
    """The target on F's scale, ỹ = (y − mean)/scale, and the offset on that scale."""

    target: Float
    offset: Float | None
    mean: float
    scale: float


class Screened(NamedTuple):
    """Correlations (B, p) of all columns with row gradients, each off by at most ``errors`` (B,) times its length (p,)."""

    values: Float
    errors: Float
    lengths: Float


class FoldInputs(NamedTuple):
    """A problem, its shared columns as a member sees them, the member's row weights (n,) and the rows that it holds out.

    ``first`` (n,) are the first member's row weights.
    """

    problem: LinearProblem
    columns: Columns
    standardization: Standardization
    weight: Float
    held: Index | None
    first: Float


class RestrictedSolution(NamedTuple):
    """A point on the columns in use: coefficients (m,), intercept, η and −∂L/∂η of every row (n,), data loss.

    ``q`` (m,) is −∇L on these columns, in full precision from the negative row gradients; empty where it was not needed.
    ``lam`` and ``epochs``: the strength that it is for, and the iterations that it took.
    """

    coef: Float
    intercept: float
    eta: Float
    neg_gradient: Float
    loss: float
    q: Float = np.empty(0)
    lam: float = np.inf
    epochs: int = 0


class Kept(NamedTuple):
    """A verified solution with its certificate's number and its held-out loss (NaN where none)."""

    point: RestrictedSolution
    measure: float
    held_out: float

    def without_rows(self) -> Kept:
        """The same without its vectors over the rows, which a path of many strengths need not keep."""
        return self._replace(
            point=self.point._replace(eta=np.empty(0), neg_gradient=np.empty(0), q=np.empty(0))
        )


class FoldState(ABC):
    """Coefficients live on F's scale and on ``columns.used``; a round is ``wanted``, ``grow``, ``propose``, ``verify``.

    Between rounds, what is ``saved`` is all that it goes on from.
    """

    null_loss: float
    saturated_loss: float

    def __init__(self, inputs: FoldInputs) -> None:
        problem, columns, standardization, weight, held, first = inputs
        self.problem, self.columns, self.standardization = problem, columns, standardization
        self.weight, self.held = weight, held
        self.position = 0
        self.response = respond(problem, weight)
        self._held_rows = None if held is None else self._bound_to(held, first[held])
        self.penalty: Penalty = penalty_in_scaled_units(
            problem.penalty, columns.scale * standardization.deviation, self.response.scale, False
        )
        self.table = table = table_of(self.penalty, columns.p)
        self._terms = table.terms()
        # Columns that vary and that the box does not hold at zero.
        self._open: Mask = standardization.moving & ~((table.lower == 0.0) & (table.upper == 0.0))
        self._rho: tuple[float, Float] = (0.0, np.empty((4, 0)))
        self._kept: list[Kept] = []
        self._proposal: list[RestrictedSolution] = []

    def _bound_to(self, rows: Index, share: Float) -> BoundLoss | None:
        """The loss of these rows with weights ``share``; None where its own scale is that of the training rows' y."""
        loss = self.problem.loss
        if loss.traits.in_units_of_y and not loss.traits.constant_curvature:
            return None
        return loss.bind(self.response.target[rows], share / share.sum())

    def held_out(self, eta: Float) -> float:
        """The mean loss of the held-out rows in the units of y, from η (n,) of all; NaN where it is not known."""
        if self._held_rows is None:
            return np.nan
        return self._held_rows.value(eta[self.held]) * self.response.scale**2

    def start(self, neg_gradient: Float, null_loss: float, saturated_loss: float) -> None:
        """Begin at the null model, of loss ``null_loss``, whose negative row gradients −∂L/∂η (n,) are given."""
        self.null_loss, self.saturated_loss = null_loss, saturated_loss
        # Full precision: λ_max, which is read off here, must be exact.
        raw = self.columns.correlate(neg_gradient) - self.standardization.mean * neg_gradient.sum()
        self.null_gradient: Float = np.where(
            self.standardization.moving, -raw / self.standardization.deviation, 0.0
        )
        self._correlation = np.abs(self.null_gradient)
        self.top = float(self.penalty.lambda_max(self.null_gradient))
        self.reached = self.top

    @property
    def reference(self) -> float:
        """Null loss minus saturated loss: what a gap is relative to."""
        return self.null_loss - self.saturated_loss

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one."""
        return self.problem.loss.traits.constant_curvature

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""
        return int(np.count_nonzero(self.weight)), self.columns.p

    @property
    def unit(self) -> float:
        """What the certificate's number is relative to."""
        if not self.penalty.traits.convex:
            return gradient_unit(self.null_gradient[np.isfinite(self.table.l1)])
        return gap_unit(self.reference, abs(self.null_loss) + abs(self.saturated_loss))

    def wanted(self, grid: Float, ahead: int) -> Index:
        """Unused columns whose last correlation reaches the weakest of the strengths ahead.

        On a coarse grid, or among very many columns, nearly all may come near; most are never needed. The largest are
        taken, as many as have a coefficient, and verification finds the others.
        """
        last = self.segment(grid, ahead)[-1]
        unused = self._open & (self.columns.slot < 0)
        near = np.flatnonzero((self._correlation >= last * self.table.l1) & unused)
        kept = int(np.count_nonzero(self._kept[-1].point.coef)) if self._kept else 0
        return _largest(
            near, self._correlation / self.table.l1, max(_FIRST, kept, _FEW - self.columns.used.size)
        )

    def segment(self, grid: Float, ahead: int) -> Float:
        """The next strengths to solve: at most ``ahead``, and after the first only those near where the path stands."""
        near = grid[self.position : self.position + ahead]
        if self.columns.p <= _FEW:
            return near
        return near[: max(1, int(np.count_nonzero(near >= _STEP * self.reached)))]

    @abstractmethod
    def grow(self, fresh: int) -> None:
        """Take note of the last ``fresh`` columns in use."""

    def propose(self, grid: Float, ahead: int, tol: float, max_epochs: int) -> Float:
        """Solve the next strengths on the columns in use; returns the negative row gradients of the rows (n, B)."""
        self._proposal = self.solve(self.segment(grid, ahead), tol, max_epochs)
        return np.stack([point.neg_gradient for point in self._proposal], axis=1)

    @abstractmethod
    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> list[RestrictedSolution]:
        """Solutions on the columns in use, from the last kept one; the fold itself does not move."""

    def verify(self, screened: Screened | None, raw: Float | None, tol: float) -> tuple[int, Index]:
        """Keep the strengths before the first that misses a column; returns their number and the columns missed.

        None for ``screened`` says that all columns are in use, and none can be missed. ``raw`` are the products of the
        columns in use with the negative row gradients, None where the points bring their q.
        """
        exact = self._exact_correlations(raw)
        for b, point in enumerate(self._proposal):
            if screened is not None:
                missed = self._look(screened, b, point)
                if missed.size:
                    return b, missed
            kept = self.certified(point, exact[b])
            if kept.measure > tol and self.improvable(kept, exact[b]):
                return b, np.empty(0, dtype=np.intp)
            self._kept.append(kept.without_rows())
            self.go_on_from(point, exact[b])
            self.reached = point.lam
            self.position += 1
        return len(self._proposal), np.empty(0, dtype=np.intp)

    def _look(self, screened: Screened, b: int, point: RestrictedSolution) -> Index:
        """The unused columns that ``point`` cannot leave out; remembers all correlations where there are none."""
        size, missed = np.empty(self.columns.p), self._open & (self.columns.slot < 0)
        count = find_missed(
            screened.values[b], float(point.neg_gradient.sum()), float(screened.errors[b]), screened.lengths,
            self.standardization.mean, self.standardization.deviation, self._terms, point.lam, missed, size,
        )  # fmt: skip
        if count:
            most = max(_AT_ONCE, int(np.count_nonzero(point.coef)), _FEW - self.columns.used.size)
            return _largest(np.flatnonzero(missed), size / self.table.l1, most)
        self._correlation = size
        return np.empty(0, dtype=np.intp)

    def _exact_correlations(self, raw: Float | None) -> list[Float]:
        """q = −∇L on the columns in use, in full precision from the negative row gradients themselves."""
        if raw is None:
            return [point.q for point in self._proposal]
        totals = np.array([point.neg_gradient.sum() for point in self._proposal])
        return list(np.ascontiguousarray(self.in_units(raw, totals).T))

    def correlate(self, neg_gradients: Float, start: int = 0) -> Float:
        """X̃ᵀ negative row gradients on the columns in use from the ``start``-th on: (m − start,) or (m − start, B)."""
        return self.in_units(
            self.columns.correlate_used(neg_gradients, start), neg_gradients.sum(axis=0), start
        )

    def in_units(self, raw: Float, totals: Float, start: int = 0) -> Float:
        """X̃ᵀg (m[, B]) of negative row gradients g from zᵀg and the sums of g."""
        used, standardization = self.columns.used[start:], self.standardization
        raw = raw - np.multiply.outer(standardization.mean[used], totals)
        shape = (-1,) + (1,) * (raw.ndim - 1)
        moving = standardization.moving[used].reshape(shape)
        return np.where(moving, raw / standardization.deviation[used].reshape(shape), 0.0)

    def predictor(self, coef: Float) -> Float:
        """X̃ coef on all rows, coef (m,) or (m, B) on the columns in use."""
        slopes, shift = self.slopes(coef)
        return self.columns.dot(slopes) - shift

    def slopes(self, coef: Float) -> tuple[Float, Float]:
        """X̃ coef = z·slopes − shift."""
        used = self.columns.used
        slopes = (coef.T / self.standardization.deviation[used]).T
        return slopes, self.standardization.mean[used] @ slopes

    def rho(self, lam: float) -> Float:
        """l1, l2, lower and upper of the columns in use at ``lam`` (4, m), as the kernels read them; not to be changed."""
        if self._rho[0] != lam or self._rho[1].shape[1] != self.columns.used.size:
            self._rho = (lam, self.table.take(self.columns.used).terms(lam))
        return self._rho[1]

    @abstractmethod
    def certified(self, point: RestrictedSolution, q: Float) -> Kept:
        """``point`` with its certificate's number, from q = −∇L on the columns in use."""

    @default
    def improvable(self, kept: Kept, q: Float) -> bool:
        """Whether the next try, which is then prepared, can do better than ``kept``; not where all is solved with exact q."""
        return False

    @abstractmethod
    def go_on_from(self, point: RestrictedSolution, q: Float) -> None:
        """Let the fold move to ``point``, whose exact q is given."""

    def saved(self) -> Arrays:
        """Where the fold is between rounds, as arrays of any length."""
        coefs, numbers = np.zeros((self.position, self.columns.used.size)), np.zeros((self.position, 6))
        for i, (point, measure, held_out) in enumerate(self._kept):
            coefs[i, : point.coef.size] = point.coef
            numbers[i] = point.lam, point.intercept, point.loss, point.epochs, measure, held_out
        sparse = scipy.sparse.csr_array(coefs)
        places = {"stops": sparse.indptr.astype(np.int64), "places": sparse.indices.astype(np.int64)}
        mine = taken(self, _STATE) | places | {"values": sparse.data, "numbers": numbers}
        return mine | self.saved_of_loss()

    def resume(self, arrays: Arrays) -> None:
        """Go on from there; the columns in use are those of then."""
        give(self, _STATE, arrays)
        shape, none = (self.position, self.columns.used.size), np.empty(0)
        coefs = scipy.sparse.csr_array((arrays["values"], arrays["places"], arrays["stops"]), shape).toarray()
        for coef, numbers in zip(coefs, arrays["numbers"].tolist(), strict=True):
            lam, intercept, loss, epochs, measure, held_out = numbers
            point = RestrictedSolution(coef, intercept, none, none, loss, none, lam, int(epochs))
            self._kept.append(Kept(point, measure, held_out))
        self.resume_of_loss(arrays)

    @abstractmethod
    def saved_of_loss(self) -> Arrays:
        """What a fold of this loss goes on from."""

    @abstractmethod
    def resume_of_loss(self, arrays: Arrays) -> None:
        """Go on from what ``saved_of_loss`` gave."""

    def path(self, tol: float, interrupted: bool, start: int = 0, end: int | None = None) -> MemberPath:
        """What was kept, or a stretch of it, in the units of the data."""
        columns, standardization, kept = self.columns, self.standardization, self._kept[start:end]
        scaled = np.zeros((len(kept), columns.p))
        for row, one in zip(scaled, kept, strict=True):
            row[columns.used[: one.point.coef.size]] = one.point.coef
        lambdas = np.array([one.point.lam for one in kept])
        units = self.response.scale / (columns.scale * standardization.deviation)
        # L × p numbers are most of what a wide path holds: one array does where nothing is scaled.
        coefs = scaled if (units == 1.0).all() else scaled * units
        box = box_of(self.problem.penalty, columns.p)
        if box is not None:
            coefs = np.clip(coefs, *box)
        kind = Measure.DUALITY_GAP if self.penalty.traits.convex else Measure.KKT_RESIDUAL
        return MemberPath(
            lambdas, coefs, self._intercepts(coefs, kept), scaled, np.array([one.point.loss for one in kept]),
            np.array([self._charge(one.point) for one in kept]),
            tuple(noted(kind, one.measure, tol, "") for one in kept),
            np.array([one.point.epochs for one in kept], dtype=np.intp), self.null_loss, self.saturated_loss,
            interrupted, None if self.held is None else np.array([one.held_out for one in kept]),
        )  # fmt: skip

    def _intercepts(self, coefs: Float, kept: Sequence[Kept]) -> Float:
        """In the units of the data, for ``coefs`` (L, p) of as many kept solutions."""
        if not self.problem.fit_intercept:
            return np.zeros(len(kept))
        columns, used = self.columns, self.columns.used
        shift = self.response.scale * np.array([one.point.intercept for one in kept])
        middle = columns.center[used] + columns.scale[used] * self.standardization.mean[used]
        return np.asarray(self.response.mean + shift - coefs[:, used] @ middle)

    def _charge(self, point: RestrictedSolution) -> float:
        """λΩ at ``point``; an excluded column, whose l1 is infinite, costs nothing."""
        at = np.flatnonzero(point.coef)
        if not self.table.convex:
            full = np.zeros(self.columns.p)
            full[self.columns.used[at]] = point.coef[at]
            return float((point.lam * self.penalty).value(full))
        l1, l2 = self._terms[:2, self.columns.used[at]]
        w = np.abs(point.coef[at])
        return point.lam * float(l1 @ w + l2 @ w**2)


def _largest(index: Index, size: Float, most: int) -> Index:
    """The ``most`` columns of ``index`` with the largest ``size``."""
    if index.size <= most:
        return index
    return index[np.argpartition(size[index], index.size - most)[index.size - most :]]


def respond(problem: LinearProblem, weight: Float) -> Response:
    """ỹ by the member's own weights on all rows, scaled where the loss's scale is that of y."""
    if not scales_y(problem.loss):
        return Response(problem.y, problem.offset, 0.0, 1.0)
    mean, deviation, away = centred_response(problem, weight, problem.fit_intercept)
    scale = float(deviation) if problem.standardize else 1.0
    return Response(away / scale, None, float(mean), scale)
