"""Tall data: one pass over X for its second moments, then every λ of every fold in coefficient space.

The squared loss depends on the data through Σ s a aᵀ, a = (x, y), alone. Folds come from the total by subtracting their
block, standardised by their own sums, and their held-out error is a quadratic form in the block's moments.
Efron, Hastie, Johnstone and Tibshirani, *Ann. Statist.* 32 (2004), §7 (the Gram matrix suffices); Friedman, Hastie and
Tibshirani, *J. Statistical Software* 33 (2010), §2.2 (covariance updates).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Penalty
from taut.solvers.base import LinearProblem, Measure, MemberPath, Progress
from taut.solvers.moments.fold_moments import FoldMoments, fold_moments, targets
from taut.solvers.moments.outputs import OutputPath, outputs_of
from taut.solvers.problem.certificate import noted
from taut.solvers.problem.curvature import pseudo_inverse
from taut.solvers.problem.grid import grid_for
from taut.solvers.problem.lambda_zero import with_unpenalized
from taut.solvers.problem.path_solver import Successive
from taut.solvers.problem.scaled_penalty import excluded, penalty_in_scaled_units, table_of, unpenalized
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.tolerances import CANCELLED, EPS, gap_unit, gradient_unit, is_constant
from taut.solvers.problem.units import box_of, exact_mean, free_powers
from taut.solvers.problem.unpenalized import CONSTANT_COLUMNS
from taut.types import Float, Index

_LEFT = 1e-4
"""Share of y's square that columns without penalty leave below which its sums have too few digits for what is left."""
_SEGMENT = 20
"""Strengths per call of the kernel: an interrupt waits for no more than these."""
_COLLINEAR = 1e-8
"""Least eigenvalue of the correlations of unpenalised columns from which their moments determine them."""


@dataclass(frozen=True)
class GramPath(Successive):
    """The squared loss with a separable penalty, from sufficient statistics; X is not read again.

    Where centring would cancel more digits than ``tol`` leaves room for, the member is solved from X itself.
    """

    max_epochs: int = 100_000

    def each(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
        known: Sequence[MemberPath | None],
    ) -> Iterator[MemberPath]:
        """All members from one set of blocks of moments, which is gathered for all of them even where some are known."""
        if not takes_moments(problem):
            raise TypeError(
                "second moments suffice for the squared loss, separable penalties and a free intercept only"
            )
        grid: int | Sequence[float] | Float = lambdas
        for fold, found in zip(fold_moments(problem, weights), known, strict=True):
            if found is not None:
                grid = found.lambdas
                yield found
                continue
            own = FoldProblem(problem, fold)
            grid = grid_for(scale_problem(problem, fold.weight) if own.short else own, grid)
            yield self._solve(own, np.asarray(grid), progress)

    def _solve(self, own: FoldProblem, grid: Float, progress: Progress | None) -> MemberPath:
        """One member at every strength of ``grid``, λ = 0 included."""
        problem, weight, positive = own.problem, own.fold.weight, grid[grid > 0.0]
        if positive.size and own.short:
            path = _from_rows(problem, weight, positive, progress)
        else:
            path = self._by_moments(own, positive, progress)
        if path.interrupted or positive.size == grid.size:
            return path
        return with_unpenalized(problem, weight, path, progress)

    def _by_moments(self, own: FoldProblem, grid: Float, progress: Progress | None) -> MemberPath:
        """From the sums, or where it turns out that they lack the digits from X after all."""
        problem = own.problem
        path = own.path(grid, problem.tol, problem.most(self.max_epochs), progress)
        error = own.rounding(path) if grid.size else 0.0
        if error <= 0.1 * problem.tol:
            return _with_rounding(path, error) if own.convex else path
        if path.interrupted:
            raise KeyboardInterrupt  # what is finished is not good enough to keep
        return _from_rows(problem, own.fold.weight, grid)


def _from_rows(
    problem: LinearProblem, weight: Float, grid: Float, progress: Progress | None = None
) -> MemberPath:
    """The member from X itself."""
    from taut.solvers.newton.solver import ProximalNewton  # sums have the digits, as a rule

    return ProximalNewton().paths(problem, weight[None], grid, progress)[0]


def _with_rounding(path: MemberPath, error: float) -> MemberPath:
    """The path with what the rounding of its moments may have taken off a gap put back, where that is a millionth of it."""
    certificates = tuple(
        c if error < 1e-6 * c.value else noted(c.measure, c.value + error, c.tol, c.note)
        for c in path.certificates
    )
    return replace(path, certificates=certificates)


def takes_moments(problem: LinearProblem) -> bool:
    """Whether the engine solves ``problem``: no penalised intercept, no columns that bounds alone hold."""
    p = problem.matrix.shape[1]
    if not problem.loss.traits.constant_curvature or problem.penalty.table(p) is None:
        return False
    bounded = problem.penalty.free(p) & ~unpenalized(problem.penalty, p)
    return not bounded.any() and not (problem.penalize_intercept and problem.fit_intercept)


class FoldProblem:
    """One row-weight vector's problem in coefficient space, on F's scale."""

    def __init__(self, problem: LinearProblem, fold: FoldMoments) -> None:
        self.problem, self.fold = problem, fold
        p = problem.matrix.shape[1]
        moments, shift = fold.train, fold.shift
        point = moments.mean if problem.fit_intercept else -shift
        self.center = point + shift
        second = moments.about(point)
        self.scale, self.power = np.ones(second.shape[0]), np.ones(p)
        raw = np.diag(moments.products) / moments.total
        spread = np.sqrt(np.maximum(np.diag(second), 0.0))
        moving = np.diag(second) > CANCELLED * raw
        self.constant = ~moving[:p]
        self.short = bool((~self._are_constant(np.flatnonzero(~moving))).any())
        second[~moving], second[:, ~moving] = 0.0, 0.0
        if problem.standardize:
            self.scale = np.where(moving, spread, 1.0)
        else:
            self.scale[:p] = self.power = free_powers(problem, np.where(moving, spread, 0.0)[:p])
        second /= np.multiply.outer(self.scale, self.scale)
        self.share = 1.0 / (second.shape[0] - p)
        # How many times a product's rounding grows when it is centred and divided by the standard deviations.
        cancelled = raw[moving] / np.diag(moments.about(point))[moving]
        self.loss_of_digits = fold.lost * float(cancelled.max(initial=1.0))
        self.penalty: Penalty = penalty_in_scaled_units(
            problem.penalty, self.scale[:p], self.scale[p:], False
        )
        self.H = 2.0 * self.share * second[:p, :p]
        self.c = 2.0 * self.share * second[:p, p:]
        self.bb = 2.0 * self.share * np.diag(second)[p:]
        self.deviation = np.sqrt(np.diag(second))
        self.whole = self.bb / 2.0
        self._eliminate(np.flatnonzero(unpenalized(self.penalty, p)))

    def _are_constant(self, columns: Index) -> NDArray[np.bool_]:
        """Which of these columns of (X, y), whose variances are rounding here, are constant where they are read."""
        if not columns.size:
            return np.empty(0, dtype=bool)
        problem, p, s = self.problem, self.problem.matrix.shape[1], self.fold.weight / self.fold.weight.sum()
        values = problem.matrix.columns(columns[columns < p])
        values = np.concatenate([values, targets(problem)[:, columns[columns >= p] - p]], axis=1)
        center = exact_mean(values, s) if problem.fit_intercept else np.zeros(values.shape[1])
        return is_constant(center, np.sqrt(s @ (values - center) ** 2))

    def _eliminate(self, free: Index) -> None:
        """Project the columns without penalty out of the quadratic: they follow the others exactly."""
        self.free, p = free, self.H.shape[0]
        self.rest = np.setdiff1d(np.arange(p), free)
        own = self.H[np.ix_(free, free)]
        self.whole_H, self.whole_c, self.inverse = self.H, self.c, pseudo_inverse(own)
        apart = _least_eigenvalue(own)
        self.short |= apart < _COLLINEAR
        # What is projected out goes through the inverse, whose rounding grows as the columns depend on each other.
        self.loss_of_digits /= max(apart, _COLLINEAR)
        self.note = CONSTANT_COLUMNS if self.constant[free].any() else ""
        self.free_by_rest = self.inverse @ self.H[np.ix_(free, self.rest)]
        self.free_alone = self.inverse @ self.c[free]
        if free.size:
            self.bb = self.bb - np.einsum("ik,ik->k", self.c[free], self.free_alone)
            self.c = self.c[self.rest] - self.free_by_rest.T @ self.c[free]
            self.H = (
                self.H[np.ix_(self.rest, self.rest)] - self.H[np.ix_(self.rest, free)] @ self.free_by_rest
            )
            self.short |= bool(np.any(self.bb < _LEFT * 2.0 * self.whole))

    @property
    def reference(self) -> float:
        """Null loss (the saturated one is 0)."""
        return float(self.bb.sum() / 2.0)

    @property
    def squared(self) -> bool:
        """The loss is the squared one, always."""
        return True

    @property
    def null_gradient(self) -> Float:
        """∇L at the null model, zero on the free columns."""
        gradient = np.zeros((self.rest.size + self.free.size, self.c.shape[1]))
        gradient[self.rest] = -self.c
        return gradient if self.problem.y.ndim == 2 else gradient[:, 0]

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""
        return self.fold.rows, self.problem.matrix.shape[1]

    def path(self, grid: Float, tol: float, max_epochs: int, progress: Progress | None) -> MemberPath:
        """Every λ of ``grid``, output by output (they share nothing but H under a separable penalty)."""
        part = table_of(self.penalty, self.problem.matrix.shape[1]).take(self.rest)
        units = self._units
        outputs = outputs_of(self.H, self.c, self.bb, part)
        done, interrupted = 0, False
        try:
            for start in range(0, grid.size, _SEGMENT):
                segment = grid[start : start + _SEGMENT]
                for one, unit in zip(outputs, units.tolist(), strict=True):
                    one.extend(segment, 0.9 * tol * unit, max_epochs)
                done += segment.size
                if progress is not None:
                    progress(segment.size)
        except KeyboardInterrupt:
            if done == 0:
                raise
            interrupted = True
        return self._assemble(grid[:done], outputs, tol, units, interrupted)

    @property
    def _units(self) -> Float:
        """What each output's gaps, or where the penalty is not convex its distances, are relative to: (k,)."""
        if self.convex:
            return self._gap_units
        charged = ~excluded(self.penalty, self.problem.matrix.shape[1])[self.rest]
        return np.full(self.bb.size, gradient_unit(self.c[charged]))

    @property
    def _gap_units(self) -> Float:
        """Each output's null loss, or what stands for it where that is rounding: (k,)."""
        own, whole = (self.bb / 2.0).tolist(), self.whole.tolist()
        return np.array([gap_unit(null, size) for null, size in zip(own, whole, strict=True)])

    @property
    def convex(self) -> bool:
        """Whether the penalty is convex."""
        return self.penalty.traits.convex

    def _free_measures(self, scaled: Float) -> Float:
        """What the free columns' own gradient g adds at every strength, scaled (L, p, k): ½gᵀH⁺g, which a refit gains.

        Where the penalty is not convex it is the length of g in an orthonormal basis of the columns, per output.
        """
        g = self.whole_c[self.free] - np.einsum("fp,lpk->lfk", self.whole_H[self.free], scaled)
        gains = np.einsum("lfk,fh,lhk->lk", g, self.inverse, g)
        return np.asarray(0.5 * gains if self.convex else np.sqrt(2.0 * self.share * np.maximum(gains, 0.0)))

    def _assemble(
        self, grid: Float, outputs: list[OutputPath], tol: float, units: Float, interrupted: bool
    ) -> MemberPath:
        parts = [one.segment(grid.size) for one in outputs]
        rest = np.stack([part.coefs for part in parts], axis=-1)
        scaled = np.zeros((grid.size, self.rest.size + self.free.size, len(outputs)))
        scaled[:, self.rest] = rest
        scaled[:, self.free] = self.free_alone - np.einsum("fr,lrk->lfk", self.free_by_rest, rest)
        scaled[:, self.constant] = 0.0  # a closed form leaves rounding there
        # Each output is a problem of its own: the largest of their numbers hides none behind the others.
        own, free = np.stack([part.measures for part in parts], axis=1), self._free_measures(scaled)
        if self.convex:
            together = np.maximum(own, 0.0) + free
        else:
            noise = 2.0 * EPS * self.loss_of_digits * self.share * self._sizes(scaled)
            together = np.maximum(own, free) + noise
        measures = np.max(together / units, axis=1)
        p = scaled.shape[1]
        coefs = scaled * self.scale[p:] / self.scale[:p, None]
        box = box_of(self.problem.penalty, p)
        if box is not None:
            coefs = np.clip(coefs, *(bound[:, None] for bound in box))
        intercepts = self.center[p:] - np.einsum("p,lpk->lk", self.center[:p], coefs)
        losses = np.sum([one.losses(grid.size) for one in outputs], axis=0)
        kind = Measure.DUALITY_GAP if self.convex else Measure.KKT_RESIDUAL
        plain = self._plain
        return MemberPath(
            grid, plain(coefs), plain(intercepts if self.problem.fit_intercept else 0.0 * intercepts),
            plain(scaled / self.power[:, None]),
            losses, self._penalties(grid, scaled),
            tuple(noted(kind, float(m), tol, self.note) for m in measures.tolist()),
            np.sum([part.epochs for part in parts], axis=0).astype(np.intp), self.reference, 0.0, interrupted,
            self._held_out(coefs),
        )  # fmt: skip

    def _plain(self, values: Float) -> Float:
        """Without the axis of outputs where y has none."""
        return values if self.problem.y.ndim == 2 else values[..., 0]

    def _penalties(self, grid: Float, scaled: Float) -> Float:
        """λΩ at every strength, scaled (L, p, k)."""
        table = table_of(self.penalty, scaled.shape[1])
        if not table.convex:
            return np.array(
                [float((lam * self.penalty).value(w)) for lam, w in zip(grid.tolist(), scaled, strict=True)]
            )
        # Excluded columns have l1 = inf and coefficient 0: they cost nothing.
        l1 = np.where(np.isinf(table.l1), 0.0, table.l1)
        return np.asarray(
            grid * np.einsum("lpk->l", np.abs(scaled) * l1[:, None] + scaled**2 * table.l2[:, None])
        )

    def _held_out(self, coefs: Float) -> Float | None:
        """Mean squared error on the held-out block from its moments about the training means."""
        block = self.fold.held_out
        if block is None or block.total <= 0.0:
            return None
        p = coefs.shape[1]
        second = block.about(self.center - self.fold.shift)
        total = np.zeros(coefs.shape[0])
        for o in range(coefs.shape[2]):
            B = coefs[:, :, o]
            total += (
                second[p + o, p + o]
                - 2.0 * B @ second[:p, p + o]
                + np.einsum("lp,lp->l", B @ second[:p, :p], B)
            )
        return np.asarray(np.maximum(total, 0.0) * self.share)

    def rounding(self, path: MemberPath) -> float:
        """Bound on what the rounding of the moments may add to a relative gap: ε κ (sd y + Σ|w̃|sd x̃)² over its unit.

        The largest of all outputs.
        """
        p, k = self.problem.matrix.shape[1], self.bb.size
        coefs = np.abs(path.standardized_coefs).reshape(len(path.lambdas), p, k) * self.power[:, None]
        sizes = self._sizes(coefs).max(axis=0, initial=0.0)
        moved = sizes > 0.0
        if not moved.any():
            return 0.0
        units = np.where(self.whole > 0.0, self._gap_units, sizes**2)
        worst = float(np.max(sizes[moved] ** 2 / units[moved])) / k
        return float(8.0 * EPS * self.loss_of_digits * worst)

    def _sizes(self, scaled: Float) -> Float:
        """sd y + Σ|w̃|sd x̃ of coefficients (L, p, k): (L, k)."""
        p = scaled.shape[1]
        return np.asarray(self.deviation[p:] + np.einsum("lpk,p->lk", np.abs(scaled), self.deviation[:p]))


def _least_eigenvalue(own: Float) -> float:
    """That of the correlations of columns with the moments (f, f), constant ones left out: 1 where they are independent."""
    lengths = np.sqrt(np.diag(own))
    moving = lengths > 0.0
    correlations = own[np.ix_(moving, moving)] / np.multiply.outer(lengths[moving], lengths[moving])
    return float(np.linalg.eigvalsh(correlations).min(initial=1.0))
