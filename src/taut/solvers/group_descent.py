"""Group lasso with the squared loss: block descent on a cached Gram matrix of the groups that ever came near the threshold.

Yuan and Lin, *J. R. Stat. Soc. B* 68 (2006), §2; Tibshirani et al., *J. R. Stat. Soc. B* 74 (2012), §3 (strong rules).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taut.penalties import GroupLasso
from taut.solvers._kernels.group import group_descend
from taut.solvers.base import LinearProblem, Solution
from taut.solvers.certificate import certify
from taut.solvers.engine import PathEngine
from taut.solvers.gram import GramCache
from taut.solvers.matrix import Float, Index
from taut.solvers.scaled import ScaledProblem, State


@dataclass(frozen=True)
class GroupDescent(PathEngine):
    """One output, the squared loss, whole groups at a time; columns in no group are fitted exactly."""

    max_epochs: int = 20_000
    max_rounds: int = 50

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Solve at each λ on the strong groups, then verify every group."""
        if not (problem.squared and isinstance(problem.penalty, GroupLasso)) or problem.outputs:
            raise TypeError("block descent is for the squared loss of one output with a group lasso")
        groups = _Groups(problem, problem.penalty)
        cache = GramCache(problem, problem.weight)
        state, gradient = problem.null, problem.slopes(problem.null)[1]
        previous = lambdas[0] if lambdas else 0.0
        for lam in lambdas:
            near = groups.lengths(gradient) >= (2.0 * lam - previous) * groups.factors
            working, inner, epochs = near | (groups.lengths(state.coef) > 0.0), 0.3 * tol, 0
            for _ in range(self.max_rounds):
                state, used = self._descend(groups, cache, lam, np.flatnonzero(working), state, inner)
                gradient = problem.slopes(state)[1]
                certificate, epochs = certify(problem, lam, state, tol), epochs + used
                wrong = (groups.lengths(gradient) > lam * groups.factors) & ~working
                inner *= 1.0 if wrong.any() else 0.1
                if certificate.met or inner < 1e-4 * tol:
                    break
                working |= wrong
            previous = lam
            yield problem.solution(lam, state, certificate, epochs)

    def _descend(
        self, groups: _Groups, cache: GramCache, lam: float, working: Index, state: State, tol: float
    ) -> tuple[State, int]:
        problem, members = groups.problem, [groups.members[g] for g in working]
        index = np.concatenate([np.empty(0, dtype=np.intp), *members])
        starts = np.cumsum([0, *(m.size for m in members)])
        H, c, bb = cache.quadratic(index, 0)
        w, turns = state.coef[index], []
        for group, (start, stop) in zip(working.tolist(), pairwise(starts.tolist()), strict=True):
            part = slice(start, stop)
            turn = groups.turn(group, H[part, part])
            H[part], c[part], w[part] = turn.T @ H[part], turn.T @ c[part], turn.T @ w[part]
            H[:, part] = H[:, part] @ turn
            turns.append((part, turn))
        strengths = lam * groups.factors[working]
        epochs = group_descend(H, c, bb, w, starts, strengths, tol * problem.unit, self.max_epochs)
        for part, turn in turns:
            w[part] = turn @ w[part]
        coef = np.where(problem.free, state.coef, 0.0)
        coef[index] = w
        return problem.polish(problem.state(coef, state.intercept)), int(epochs)


class _Groups:
    """The groups of a penalty: their columns (those that are constant left in place) and factors λ√|g| at strength 1."""

    def __init__(self, problem: ScaledProblem, penalty: GroupLasso) -> None:
        self.problem = problem
        labels = penalty.labels(problem.matrix.shape[1])
        self._inside: NDArray[np.bool_] = labels >= 0
        found, self._of = np.unique(labels[self._inside], return_inverse=True)
        order = np.argsort(self._of, kind="stable")
        columns = np.flatnonzero(self._inside)[order]
        sizes = np.bincount(self._of, minlength=found.size)
        self.members = np.split(columns, np.cumsum(sizes)[:-1]) if found.size else []
        self.factors: Float = penalty.lam * np.sqrt(sizes)
        self._turns: dict[int, Float] = {}

    def turn(self, group: int, block: Float) -> Float:
        """Eigenvectors of the group's own block of H, which is the same all along the path."""
        if group not in self._turns:
            self._turns[group] = np.linalg.eigh(block)[1]
        return self._turns[group]

    def lengths(self, vector: Float) -> Float:
        """‖v_g‖ of every group."""
        squares = np.bincount(self._of, vector[self._inside] ** 2, minlength=self.factors.size)
        return np.asarray(np.sqrt(squares))


def takes_groups(problem: LinearProblem) -> bool:
    """Whether block descent is made for it."""
    return problem.y.ndim == 1 and isinstance(problem.penalty, GroupLasso)
