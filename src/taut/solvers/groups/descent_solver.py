"""Group lasso of the squared loss: block descent on a cached Gram matrix of the groups that ever came near the threshold.

The columns of a group are replaced by their principal directions, which leaves ‖w_g‖ as it is and makes a step one equation.
Yuan and Lin, *J. R. Stat. Soc. B* 68 (2006), §2; Tibshirani et al., *J. R. Stat. Soc. B* 74 (2012), §3 (strong rules).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from taut.solvers._kernels.group import group_descend, restrict
from taut.solvers._kernels.quadratic import refresh
from taut.solvers.base import LinearProblem, Measure, Solution
from taut.solvers.groups.gram_cache import GramCache
from taut.solvers.groups.groups import Groups
from taut.solvers.problem.certificate import certificate, certify
from taut.solvers.problem.path_solver import GradientRequest, PathEngine
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaled_penalty import has_row_groups
from taut.solvers.problem.tolerances import EPS
from taut.types import Float, Index

_EXACT = 1e-9
"""Tolerance down to which a gap from the moments has the digits; below, it comes from the rows."""


@dataclass(frozen=True)
class GroupDescent(PathEngine):
    """One output, the squared loss, whole groups at a time; columns in no group are fitted exactly."""

    max_epochs: int = 20_000
    max_rounds: int = 50

    def walk(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        """Solve at each λ on the strong groups, then verify every group."""
        if not problem.squared or problem.outputs:
            raise TypeError("block descent is for the squared loss of one output with a group lasso")
        member = _FoldDescent(problem)
        for lam in lambdas:
            yield from member.solve(lam, tol, self)


@final
class _FoldDescent:
    """One path: groups in use one after the other, coefficients w on their principal directions."""

    def __init__(self, problem: ScaledProblem) -> None:
        self._problem, self._groups = problem, Groups(problem)
        self._turns: list[Float] = []
        self._cache = GramCache(problem, self._turned)
        self._used = np.empty(0, dtype=np.intp)
        self._stops = np.empty(0, dtype=np.intp)
        self._w = self._before = np.empty(0)
        self._lengths = self._groups.lengths(problem.slopes(problem.null)[1])
        held = self._groups.factors > 0.0
        self._reached = float((self._lengths[held] / self._groups.factors[held]).max(initial=0.0))
        self._fit = (0.0, 0.0)
        self._precision: type = np.float64
        n, p = problem.matrix.shape
        if n >= 2 * p:
            self._take_in(np.arange(self._groups.factors.size))

    def _turned(self, new: Index, block: Float) -> Float:
        """The principal directions of each new group."""
        group, at = self._groups.of_column[new], 0
        for size in np.diff(np.flatnonzero(np.diff(group, prepend=-1, append=-1))).tolist():
            part = block[:, at : at + size]
            self._turns.append(np.linalg.eigh(part.T @ part)[1] if size > 1 else np.ones((1, 1)))
            block[:, at : at + size] = part @ self._turns[-1]
            at += size
        return block

    def _take_in(self, groups: Index) -> None:
        new = np.setdiff1d(groups, self._used)
        if not new.size:
            return
        members = [self._groups.members[g] for g in new]
        self._cache.grow(np.concatenate(members))
        self._used = np.concatenate([self._used, new])
        self._stops = np.cumsum([self._groups.members[g].size for g in self._used])
        blank = np.zeros(self._stops[-1])
        for name in ("_w", "_before"):
            padded = blank.copy()
            padded[: getattr(self, name).size] = getattr(self, name)
            setattr(self, name, padded)

    def solve(self, lam: float, tol: float, options: GroupDescent) -> Iterator[Solution | GradientRequest]:
        """The next λ, from the last and its trend."""
        strengths = lam * self._groups.factors
        self._precision = np.float32 if tol >= _EXACT else np.float64
        self._take_in(np.flatnonzero(self._lengths >= (2.0 - self._reached / lam) * strengths))
        w = self._extrapolated()
        inner, epochs = 0.9 * tol, 0
        for _ in range(options.max_rounds):
            w, count = self._descend(w, lam, strengths, inner, options.max_epochs)
            epochs += count
            yield from self._ask_for_gradient(w, tol)
            value, terms = self._measure(w, strengths)
            wrong = np.setdiff1d(np.flatnonzero(self._lengths > strengths), self._used)
            if value <= tol or (not wrong.size and inner < 1e-4 * tol):
                break
            inner *= 1.0 if wrong.size else 0.1
            self._take_in(wrong)
            w = np.concatenate([w, np.zeros(self._w.size - w.size)])
        self._before, self._w, self._reached = self._w, w, lam
        yield self._solution(lam, w, value, tol, epochs, terms)

    def _solution(
        self, lam: float, w: Float, value: float, tol: float, epochs: int, terms: tuple[float, float]
    ) -> Solution:
        """Certified from the coefficients themselves where columns are free, which were projected out."""
        problem, state = self._problem, self._state(w)
        if problem.free.any():
            return problem.solution(lam, state, certify(problem, lam, state, tol), epochs)
        found = certificate(problem, Measure.DUALITY_GAP, value, tol)
        return problem.solution(lam, state, found, epochs, terms)

    def _extrapolated(self) -> Float:
        """The last change once more, for groups that have coefficients."""
        if not self._before.any():
            return self._w.copy()
        alive = np.repeat(self._norms(self._w) > 0.0, self._sizes)
        return np.where(alive, 2.0 * self._w - self._before, self._w)

    def _descend(self, w: Float, lam: float, strengths: Float, tol: float, most: int) -> tuple[Float, int]:
        """On the groups that have coefficients or come near; their block in single precision, from the exact gradient."""
        sizes, share = self._sizes, 2.0 - min(self._reached / lam, 2.0)
        own = strengths[self._used]
        working = np.flatnonzero((self._norms(w) > 0.0) | (self._lengths[self._used] >= share * own))
        starts, stops = (self._stops - sizes)[working], self._stops[working]
        m = int(sizes[working].sum())
        block: Any = np.empty((m, m), self._precision)
        start, q = np.empty(m), np.empty(m)
        H, c, bb = self._cache.whole()
        restrict(H, c.copy(), w, starts, stops, block, start, q)
        near, part = np.empty(m), start.copy()
        refresh(block, q, -start, near)
        inside = np.cumsum(sizes[working])
        # Twice the loss is bb − (c + q)·w, whose c is ``near`` for the block as it is rounded.
        square = bb - float(c @ w) - float(q @ start) + float((near + q) @ start)
        epochs = group_descend(
            block, near, square, part, q, inside - sizes[working], inside, own[working],
            tol * self._problem.unit, most,
        )  # fmt: skip
        index = np.repeat(starts - (inside - sizes[working]), sizes[working]) + np.arange(m)
        w = w.copy()
        w[index] = part
        return w, int(epochs)

    def _ask_for_gradient(self, w: Float, tol: float) -> Iterator[GradientRequest]:
        """Lengths of all groups' correlations, and of the residual: from the moments while these have the digits."""
        problem, cache = self._problem, self._cache
        whole = self._used.size == self._groups.factors.size
        if whole and tol >= _EXACT:
            H, c, bb = cache.whole()
            q = np.empty_like(w)
            refresh(H, c.copy(), w, q)
            self._fit = (0.5 * (bb - float((c + q) @ w)), 0.5 * (bb - float(c @ w)))
            self._lengths[self._used] = self._norms(q)
            return
        residual = cache.residual(w)
        self._fit = (float(residual @ residual), cache.along_target(residual))
        if whole:
            self._lengths[self._used] = self._norms(cache.correlate(residual))
            return
        neg_gradient = cache.neg_gradients(residual)
        request = GradientRequest(neg_gradient[:, None])
        yield request
        raw = (request.raw[:, 0] - problem.units.center * neg_gradient.sum()) / problem.units.scale
        raw[problem.constant] = 0.0
        self._lengths = self._groups.lengths(raw)

    def _measure(self, w: Float, strengths: Float) -> tuple[float, tuple[float, float]]:
        """The relative gap, with L and Ω: the dual point is the residual, shrunk until every group is inside its ball."""
        loss, cross = self._fit
        penalty = float(strengths[self._used] @ self._norms(w))
        over = self._lengths > strengths
        a = float((strengths[over] / self._lengths[over]).min(initial=1.0))
        gap = loss + penalty - 2.0 * a * cross + a * a * loss
        return max(gap, EPS * abs(loss + penalty)) / self._problem.unit, (loss, penalty)

    @property
    def _sizes(self) -> Index:
        return np.diff(self._stops, prepend=0)

    def _norms(self, vector: Float) -> Float:
        """Lengths of the groups in use."""
        if not vector.size:
            return np.empty(0)
        return np.asarray(np.sqrt(np.add.reduceat(vector * vector, self._stops - self._sizes)))

    def _state(self, w: Float) -> State:
        """Back on the columns as they are; what is free is fitted."""
        problem = self._problem
        coef = np.zeros(problem.matrix.shape[1])
        for i in np.flatnonzero(self._norms(w)).tolist():
            turn = self._turns[i]
            coef[self._groups.members[self._used[i]]] = (
                turn @ w[self._stops[i] - turn.shape[0] : self._stops[i]]
            )
        coef[problem.constant] = 0.0  # principal directions leave rounding there
        if problem.free.any():
            return problem.polish(problem.state(coef, problem.null.intercept))
        return State(coef, problem.null.intercept, problem.null.eta)


def takes_groups(problem: LinearProblem) -> bool:
    """Whether block descent is made for it."""
    return problem.y.ndim == 1 and has_row_groups(problem.penalty, problem.matrix.shape[1], 1)
