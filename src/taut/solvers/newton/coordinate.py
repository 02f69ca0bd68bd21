"""Coordinate descent for the squared loss with separable penalties: strong sets, a cached Gram matrix, certified by the gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Table
from taut.solvers._kernels.descent import descend
from taut.solvers.base import Solution
from taut.solvers.newton.gram_cache import GramCache
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaled_penalty import table_of
from taut.types import Float, Index


@dataclass(frozen=True)
class CoordinateDescent(PathEngine):
    """Working sets on a Gram matrix of the columns that were ever in one.

    Tibshirani et al., *J. R. Stat. Soc. B* 74 (2012), §3 (sequential strong rule); Massias, Gramfort and Salmon, ICML
    2018, §3 (working sets with a duality gap).
    """

    max_epochs: int = 100_000
    max_rounds: int = 50

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Each output of a squared loss with a separable penalty is a problem of its own; they share the Gram matrix."""
        if not problem.squared:
            raise TypeError(
                f"coordinate descent solves the squared loss, not {problem.loss!r}: use ProximalNewton"
            )
        cache = GramCache(problem, problem.weight)
        state, gradient = problem.first, problem.slopes(problem.first)[1]
        previous = lambdas[0] if lambdas else 0.0
        for lam in lambdas:
            state, gradient, epochs = self._solve(problem, cache, lam, previous, state, gradient, tol)
            previous = lam
            yield problem.solution(lam, state, certify(problem, lam, state, tol), epochs)

    def _solve(
        self, problem: ScaledProblem, cache: GramCache, lam: float, previous: float,
        state: State, gradient: Float, tol: float,
    ) -> tuple[State, Float, int]:  # fmt: skip
        table = table_of(lam * problem.penalty, problem.matrix.shape[1])
        working = (support(state.coef) | strong_set(gradient, table, 2.0 - previous / lam)) & ~problem.free
        inner, total, most = 0.3 * tol, 0, problem.most(self.max_epochs)
        for _ in range(self.max_rounds):
            index = np.flatnonzero(working)
            state, epochs = self._descend(problem, cache, table, index, state, inner, most - total)
            total += epochs
            gradient = problem.slopes(state)[1]
            if total >= most or certify(problem, lam, state, tol).met:
                break
            # A free column is projected out: the rounding of its zero gradient must not bring it in.
            wrong = violators(gradient, table) & ~working & ~problem.free
            if not wrong.any():
                inner *= 0.1
            if inner < 1e-3 * tol:
                break
            working |= wrong
        return state, gradient, total

    def _descend(
        self,
        problem: ScaledProblem,
        cache: GramCache,
        table: Table,
        index: Index,
        state: State,
        tol: float,
        most: int,
    ) -> tuple[State, int]:
        coef, epochs = np.zeros_like(state.coef), 0
        part = table.take(index)
        outputs = coef.reshape(coef.shape[0], -1)
        start = state.coef.reshape(outputs.shape)
        for output in range(outputs.shape[1]):
            outputs[index, output], count = self._one_output(
                problem, cache, part, index, start[index, output], output, tol, most
            )
            epochs = max(epochs, count)
        coef[problem.free] = state.coef[problem.free]
        return problem.polish(problem.state(coef, state.intercept)), epochs

    def _one_output(
        self,
        problem: ScaledProblem,
        cache: GramCache,
        part: Table,
        index: Index,
        start: Float,
        output: int,
        tol: float,
        most: int,
    ) -> tuple[Float, int]:
        H, c, bb = cache.quadratic(index, output)
        w = start.copy()
        q = c - H @ w
        absolute = tol * (problem.output_units[output] if part.kind == 0 else problem.pull)
        epochs, _ = descend(H, c, bb, w, q, part.terms(), part.knee, part.flat, absolute, most)
        return w, epochs


def support(coef: Float) -> NDArray[np.bool_]:
    """Columns with any non-zero coefficient."""
    used = coef != 0.0
    return np.asarray(used.any(axis=1) if used.ndim == 2 else used)


def strong_set(gradient: Float, table: Table, factor: float) -> NDArray[np.bool_]:
    """|g_j| ≥ (2λ − λ_previous) v_j: the sequential strong rule, which proposes and never decides.

    A gradient that pulls at 0 towards a closed side counts as none.
    """
    bar = np.full_like(table.l1, np.inf)
    return _largest(gradient, table) >= np.multiply(
        max(factor, 0.0), table.l1, where=np.isfinite(table.l1), out=bar
    )


def violators(gradient: Float, table: Table) -> NDArray[np.bool_]:
    """Columns whose gradient leaves the subdifferential at zero."""
    return np.asarray(_largest(gradient, table) > table.l1)


def _largest(gradient: Float, table: Table) -> Float:
    """|g_j|, the largest of all outputs, where the box has room for −g_j at 0; −1 where it has none."""
    upper, lower = (bound[:, None] if gradient.ndim == 2 else bound for bound in (table.upper, table.lower))
    open_side = np.where(gradient < 0.0, upper > 0.0, lower < 0.0)
    magnitude = np.where(open_side, np.abs(gradient), -1.0)
    return magnitude.max(axis=1) if magnitude.ndim == 2 else magnitude
