"""Wide data: walk on the Gram matrix of the columns in use, several λ ahead, and verify all members in one pass over X.

A round lets every member (fold) solve the next few λ on the columns in use; their residuals together are one matrix, and
one product with X tells which columns were missed. A member keeps the λ before the first miss and goes on from there.
Tibshirani et al., *J. R. Stat. Soc. B* 74 (2012), §7 (strong sets with KKT checks); Massias, Gramfort and Salmon, ICML
2018, §3 (working sets with a duality gap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from taut.solvers.base import CheckpointStore, EarlyStop, LinearProblem, MemberPath, Progress, StoppingSolver
from taut.solvers.matrix import Matrix, SparseMatrix
from taut.solvers.moments.fold_moments import held_out_rows
from taut.solvers.problem.grid import grid_for
from taut.solvers.problem.lambda_zero import with_unpenalized
from taut.solvers.problem.resume import Arrays, StoredCall, stacked, unstacked
from taut.solvers.problem.tolerances import FLAT, is_constant
from taut.solvers.problem.units import exact_mean
from taut.solvers.working_set.columns import Columns, SparseColumns, columns_of
from taut.solvers.working_set.fold import FoldInputs, FoldState, Screened, Standardization
from taut.solvers.working_set.gram import UsedGram, grow_again
from taut.solvers.working_set.likelihood_fold import LikelihoodFold
from taut.solvers.working_set.squared_fold import SquaredFold
from taut.types import Float, Index

_FEW = 20
"""Rows per column from which all columns are taken into use at the start."""
_LARGE = 500_000
"""Stored entries from which a pass over a sparse X is bound by reading them."""
_SINGLE = 1e-9
"""Tolerance down to which a Gram matrix in single precision, corrected by exact correlations, gets there at once."""
_CANCELLED = 1e-4
"""Share of a mean square below which a variance, its difference from a squared mean, is computed from the column itself."""
_HUGE = 1e12
"""Mean square of a column from which its products come near the ends of single precision."""


@dataclass(frozen=True)
class WorkingSet(StoppingSolver):
    """One output, separable penalties with an L1 part; ``ahead`` strengths are solved per verification.

    None: 5, or 8 where X is sparse and so large that the pass costs its indices more than its numbers.
    """

    ahead: int | None = None
    max_epochs: int = 100_000

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
        store: CheckpointStore | None = None,
        stop: EarlyStop | None = None,
    ) -> tuple[MemberPath, ...]:
        """All members in step, kept together when all are finished; until then a store has their state."""
        call = StoredCall(store, len(weights), progress)
        known = [member for member in call.known if member is not None]
        if len(known) == len(weights):
            return tuple(known)
        members = self._all(problem, weights, lambdas, progress, call, stop)
        if len(members) < len(weights) or any(member.interrupted for member in members):
            return members
        kept = call.kept(members)
        call.forget()
        return kept

    def _all(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
        call: StoredCall,
        stop: EarlyStop | None,
    ) -> tuple[MemberPath, ...]:
        """They share the columns in use and every pass over X."""
        if not leaves_zeros(problem):
            raise TypeError(
                "working sets need one output, no penalised intercept, and an L1 part on every column"
            )
        shared = _SharedFolds(problem, weights)
        grid = grid_for(shared.folds[0], lambdas)
        positive = grid[grid > 0.0]
        interrupted = not self._solved(problem, shared, positive, progress, call, stop)
        end = None if stop is None else stop.end
        members = [
            w.path(problem.tol, interrupted, end=end)
            for w in shared.folds
            if w.position > 0 or positive.size == 0
        ]
        if interrupted and not members:
            raise KeyboardInterrupt
        if interrupted or positive.size == grid.size or end is not None:
            return tuple(members)
        return _all_with_unpenalized(problem, weights, members, progress)

    def _solved(
        self,
        problem: LinearProblem,
        shared: _SharedFolds,
        grid: Float,
        progress: Progress | None,
        call: StoredCall,
        stop: EarlyStop | None,
    ) -> bool:
        """To the end of the grid, or where all are stopped; False where Ctrl-C came before."""
        ahead = self.ahead or (8 if _large_and_sparse(problem.matrix) else 5)
        try:
            found = call.state
            accepted = 0 if found is None else shared.resume(found)
            while True:
                if progress is not None and accepted:
                    progress(accepted)
                if stop is not None:
                    shared.show(stop, problem.tol)
                if not shared.behind(grid.size) or (stop is not None and stop.end is not None):
                    return True
                accepted = shared.round(grid, ahead, problem.tol, self.max_epochs)
                call.renew(shared.saved)
        except KeyboardInterrupt:
            return False


def _large_and_sparse(matrix: Matrix) -> bool:
    """Below, a sparse X and the same dense one take the same way to the same bits."""
    return isinstance(matrix, SparseMatrix) and matrix.values.nnz >= _LARGE


def leaves_zeros(problem: LinearProblem) -> bool:
    """One output, no unpenalised columns, and a penalty that leaves columns at zero: what a working set lives on."""
    table = problem.penalty.table(problem.matrix.shape[1])
    one_output = problem.y.ndim == 1 and not problem.loss.traits.couples_outputs
    return (
        one_output and table is not None and bool((table.l1 > 0.0).all()) and not problem.penalize_intercept
    )


def _all_with_unpenalized(
    problem: LinearProblem, weights: Float, members: list[MemberPath], progress: Progress | None
) -> tuple[MemberPath, ...]:
    finished: list[MemberPath] = []
    for weight, member in zip(weights, members, strict=True):
        if finished and finished[-1].interrupted:
            finished.append(replace(member, interrupted=True))
        else:
            finished.append(with_unpenalized(problem, weight, member, progress))
    return tuple(member for member in finished if len(member.lambdas))


class _SharedFolds:
    """The members and the columns they share."""

    def __init__(self, problem: LinearProblem, weights: Float) -> None:
        self.first = weights[0] / weights[0].sum()
        self.held = [held_out_rows(weights[0], weight) for weight in weights]
        rows = weights / weights.sum(axis=1, keepdims=True)
        self.columns, squares = _shared_columns(problem, rows)
        means = self.columns.means(rows) if problem.fit_intercept else np.zeros_like(squares)
        seen = _standardizations(problem, means, squares, rows, self.columns.scale)
        self._grams = [UsedGram(self.columns, self.first)]
        self.folds = [self._fold(problem, *member) for member in zip(seen, rows, self.held, strict=True)]
        self._shown = [0] * len(self.folds)
        sparse = isinstance(self.columns, SparseColumns) and not problem.loss.traits.constant_curvature
        if _FEW * self.columns.p <= rows.shape[1] and not sparse:
            # So few columns all come into use in the end; taken together, the Hessian is built for all of them at once.
            # A sparse one costs what its columns hold, and is built for those that are needed.
            self._take_in([np.arange(self.columns.p)])

    def _fold(
        self, problem: LinearProblem, seen: Standardization, weight: Float, held: Index | None
    ) -> FoldState:
        inputs = FoldInputs(problem, self.columns, seen, weight, held, self.first)
        if not problem.loss.traits.constant_curvature:
            return LikelihoodFold(inputs)
        shared = held is not None or np.array_equal(weight, self.first)
        if not shared:
            self._grams.append(UsedGram(self.columns, weight))
        return SquaredFold(inputs, self._grams[0 if shared else -1])

    def saved(self) -> Arrays:
        """Everything but the columns and their Gram matrices, of which it is kept how they grew."""
        own = stacked([fold.saved() for fold in self.folds])
        grown = stacked([{"grown": np.array(gram.grown, dtype=np.int64)} for gram in self._grams])
        return {"used": self.columns.used.astype(np.int64), **grown, **own}

    def resume(self, arrays: Arrays) -> int:
        """Go on from there; returns how many (λ, member) pairs were accepted before."""
        grams, folds = (
            {name: a for name, a in arrays.items() if name.startswith("grown") == gram}
            for gram in (True, False)
        )
        sizes = [one["grown"].tolist() for one in unstacked(grams)]
        grow_again(self.columns, self._grams, arrays["used"], sizes)
        for fold, own in zip(self.folds, unstacked(folds), strict=True):
            fold.resume(own)
        return sum(fold.position for fold in self.folds)

    def show(self, stop: EarlyStop, tol: float) -> None:
        """Let it see what was accepted since the last time."""
        for member, fold in enumerate(self.folds):
            if fold.position > self._shown[member]:
                stop.see(member, fold.path(tol, True, start=self._shown[member]))
                self._shown[member] = fold.position

    def behind(self, size: int) -> bool:
        """Whether any member has strengths left."""
        return any(fold.position < size for fold in self.folds)

    def round(self, grid: Float, ahead: int, tol: float, max_epochs: int) -> int:
        """Propose, verify, accept; returns how many (λ, member) pairs were accepted."""
        moving = [fold for fold in self.folds if fold.position < grid.size]
        self._take_in([fold.wanted(grid, ahead) for fold in moving])
        neg_gradients = [fold.propose(grid, ahead, tol, max_epochs) for fold in moving]
        stops = np.cumsum([neg_gradient.shape[1] for neg_gradient in neg_gradients])[:-1]
        together = np.concatenate(neg_gradients, axis=1)
        seen = zip(moving, self._screen(together, stops), self._products(together, stops), strict=True)
        accepted, missed = 0, []
        for fold, screened, raw in seen:
            count, wrong = fold.verify(screened, raw, tol)
            accepted += count
            missed.append(wrong)
        self._take_in(missed)
        return accepted

    def _products(self, neg_gradients: Float, stops: Index) -> Sequence[Float | None]:
        """Columns in use times all members' negative row gradients, in one product; none where the points bring them."""
        if not self.folds[0].squared:
            return [None] * (stops.size + 1)
        return np.split(self.columns.correlate_used(neg_gradients), stops, axis=1)

    def _screen(self, neg_gradients: Float, stops: Index) -> list[Screened | None]:
        """All columns times all members' negative row gradients, in one pass; none is needed where all are in use."""
        if self.columns.used.size == self.columns.p:
            return [None] * (stops.size + 1)
        values, errors = self.columns.screen(neg_gradients)
        parts = zip(np.split(values, stops), np.split(errors, stops), strict=True)
        return [Screened(*part, self._lengths) for part in parts]

    @cached_property
    def _lengths(self) -> Float:
        return self.columns.lengths()

    def _take_in(self, wanted: list[Index]) -> None:
        union = np.unique(np.concatenate(wanted))
        new = union[self.columns.slot[union] < 0]
        if new.size == 0:
            return
        self.columns.add(new)
        for fold in self.folds:
            fold.grow(new.size)


def _shared_columns(problem: LinearProblem, rows: Float) -> tuple[Columns, Float]:
    """The columns, centred and scaled by the first member's weights, and every member's mean squares of them (M, p)."""
    matrix, first = problem.matrix, rows[0]
    center = matrix.center(first) if problem.fit_intercept else np.zeros(matrix.shape[1])
    scale = matrix.scale(first, center) if problem.standardize else np.ones(matrix.shape[1])
    deviation = scale if problem.standardize else matrix.scale(first, center)
    constant = is_constant(center, deviation)
    columns = columns_of(matrix, center, np.where(constant, 1.0, scale), deviation)
    squares = np.where(constant, 0.0, columns.mean_squares(rows))
    precision = _precision(problem.tol, squares[0])
    if not problem.standardize and not _moderate(squares[0]):
        # Powers of two change no digit, and bring every column within single precision.
        powers = np.ldexp(1.0, np.frexp(np.sqrt(np.where(squares[0] > 0.0, squares[0], 1.0)))[1])
        columns = columns_of(matrix, center, powers, deviation)
        squares = np.where(constant, 0.0, columns.mean_squares(rows))
    columns.precision = precision
    return columns, squares


def _precision(tol: float, squares: Float) -> type:
    """Single for Gram matrices that exact correlations correct, unless the tolerance or the columns' sizes ask for more."""
    return np.float32 if _moderate(squares) and tol >= _SINGLE else np.float64


def _moderate(squares: Float) -> bool:
    """Whether columns of these mean squares are far from the ends of single precision."""
    sizes = squares[squares > 0.0]
    return sizes.size == 0 or bool(sizes.max() < _HUGE and sizes.min() > 1.0 / _HUGE)


def _standardizations(
    problem: LinearProblem, means: Float, squares: Float, rows: Float, scale: Float
) -> list[Standardization]:
    variances = squares - means**2
    for member, weight in enumerate(rows):
        # Beside a mean far from zero a variance is left with few digits: such columns are read once more.
        doubtful = np.flatnonzero(variances[member] < _CANCELLED * squares[member])
        if doubtful.size and problem.fit_intercept:
            variances[member, doubtful] = (
                _read_variances(problem.matrix, doubtful, weight) / scale[doubtful] ** 2
            )
    moving = variances > FLAT * squares
    deviations = (
        np.where(moving, np.sqrt(np.maximum(variances, 0.0)), 1.0)
        if problem.standardize
        else np.broadcast_to(1.0 / scale, squares.shape)
    )
    return [Standardization(*member) for member in zip(means, deviations, moving, strict=True)]


def _read_variances(matrix: Matrix, columns: Index, weight: Float) -> Float:
    """Σ s (x − mean)² of the columns themselves, for weights that sum to one."""
    values = matrix.columns(columns)
    return np.asarray(weight @ (values - exact_mean(values, weight)) ** 2)
