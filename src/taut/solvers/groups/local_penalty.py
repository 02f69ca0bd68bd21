"""A group lasso at one strength, as Newton steps on coordinates of a column and a class read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np

from taut.solvers._kernels.group import group_descend
from taut.solvers._kernels.quadratic import refresh
from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.groups.groups import Groups
from taut.solvers.newton.local_penalty import LocalPenalty, Step
from taut.solvers.newton.quadratic_model import QuadraticModel
from taut.types import Float, Index, Mask


@final
class GroupPenalty(LocalPenalty):
    """Σ_g t_g ‖w_g‖ over the groups, t_g = λ times the group's factor."""

    def __init__(self, groups: Groups, bases: GroupBases, lam: float) -> None:
        self._groups, self._bases, self._all = groups, bases, lam * groups.factors
        self.convex = True

    def sizes(self, gradient: Float) -> Float:
        """The length of the gradient on every group."""
        return self._groups.lengths(gradient)

    def beyond(self, sizes: Float, share: float) -> Mask:
        """All columns of the group; those of no group never."""
        return self._groups.columns(sizes > share * self._all)

    def restrict(self, features: Index) -> None:
        """Look at these columns, each group's in one run."""
        self._group = self._groups.of_column[features]
        cuts = np.flatnonzero(np.diff(self._group)) + 1
        self._starts = np.concatenate([[0], cuts]) if features.size else np.empty(0, dtype=np.intp)
        self._strengths = self._all[self._group[self._starts]]

    def _lengths(self, values: Float) -> Float:
        if not self._starts.size:
            return np.empty(0)
        return np.asarray(np.sqrt(np.add.reduceat(np.einsum("ij,ij->i", values, values), self._starts)))

    def value(self, coef: Float) -> float:
        """The lengths of the groups times their strengths, summed."""
        return float(self._strengths @ self._lengths(coef))

    def dual(self, q: Float) -> tuple[float, float]:
        """The largest share at which every group lies inside its ball, where Ω* is 0."""
        sizes = self._lengths(q)
        over = sizes > self._strengths
        return float((self._strengths[over] / sizes[over]).min(initial=1.0)), 0.0

    def working(self, coef: Float, q: Float, share: float) -> Mask:
        """All coordinates of the groups that have a coefficient or come near."""
        near = (self._lengths(q) >= share * self._strengths) | (self._lengths(coef) > 0.0)
        sizes = np.diff(np.append(self._starts, self._group.size))
        return np.repeat(np.repeat(near, sizes)[:, None], coef.shape[1], axis=1)

    def steps(
        self, model: QuadraticModel, start: Float, q: Float, local: Index, goal: float, most: int
    ) -> Iterator[Step]:
        """Descend group by group, each in the eigenbasis of its block of H."""
        group, bases = self._group[local], self._bases
        bases.rotate(model.H, group)
        begin, left = bases.turn(start), bases.turn(q)
        w, c = begin.copy(), np.empty_like(begin)
        refresh(bases.turned, left, -begin, c)
        strengths = self._all[group[bases.starts[:-1]]]
        bb = model.rr + float((left + c) @ begin)
        epochs = group_descend(
            bases.turned, c, bb, w, left, bases.starts[:-1], bases.starts[1:], strengths, goal, most
        )
        yield bases.turn_back(w - begin), 30, int(epochs)

    def boxed(self, coef: Float) -> Float:
        """The coefficients as they are: groups have no bounds."""
        return coef

    def unheld(self, coef: Float, q: Float) -> float:
        """Columns of no group are not looked at."""
        del coef, q
        return 0.0

    def distance(self, coef: Float, q: Float) -> None:
        """None: the penalty is convex, and a gap says more."""
        del coef, q
