"""The linear solutions that a network contains: solved from the strongest λ down, as far as a comparison asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from taut.path.linear import LinearPath
from taut.solvers import EPS, Certificate, FlatLayout, ScaledProblem, input_units
from taut.types import Float, Real

LOST = 1e-9
"""The rounding of a standardised intercept from which it is refitted: F feels its square."""
SHARE = 3
"""The grid is solved in this many parts: weak strengths cost most, and no network needs the linear model there."""


class LinearSolutions:
    """Linear paths of all members over the grid; ``solve`` takes strengths and returns one path per member.

    A grid of one strength serves for all: the model then has nothing that is penalised.
    """

    def __init__(self, solve: Callable[[Float], Sequence[LinearPath]], grid: Float) -> None:
        self._solve, self._grid = solve, grid
        self._parts: list[Sequence[LinearPath]] = []
        self._ends: list[int] = [0]

    def take(self, paths: Sequence[LinearPath]) -> None:
        """Paths that were solved before, on the grid or on its stronger part; the rest is solved where it is asked for."""
        self._append(len(paths[0]), paths)

    def at(self, member: int, index: int) -> tuple[LinearPath, int]:
        """The path that holds grid position ``index``, and where on it; raises KeyboardInterrupt where cut short."""
        index = min(index, len(self._grid) - 1)
        while index >= self._ends[-1]:
            start = self._ends[-1]
            end = min(len(self._grid), start + -(-len(self._grid) // SHARE))
            self._append(end, self._solve(self._grid[start:end]))
        part = int(np.searchsorted(self._ends, index, side="right")) - 1
        return self._parts[part][member], index - self._ends[part]

    def _append(self, end: int, paths: Sequence[LinearPath]) -> None:
        if any(path.interrupted for path in paths):
            raise KeyboardInterrupt
        self._parts.append(paths)
        self._ends.append(end)


@dataclass(frozen=True, eq=False)
class LinearBaseline:
    """The linear solutions of one member as networks: hidden weights zero, the skip their coefficients."""

    solutions: LinearSolutions
    member: int
    layout: FlatLayout
    scaled: ScaledProblem

    def vector(self, index: int) -> Real:
        """Parameters (P,) of the network that equals the linear solution at grid position ``index``."""
        path, at = self.solutions.at(self.member, index)
        vector = np.zeros(self.layout.size)
        vector[self.layout.bias_slices[-1]] = self._intercept(path, at)
        if self.layout.has_skip:
            coefs = path.standardized_coefs[at].reshape(self.layout.n_inputs, self.layout.n_outputs)
            self.layout.matrices(vector)[0][:, self.layout.bias_sizes[0] :] = coefs
        return vector

    def certificate(self, index: int) -> Certificate:
        """The certificate of the linear solution."""
        path, at = self.solutions.at(self.member, index)
        return path.certificates[at]

    def _intercept(self, path: LinearPath, at: int) -> Float:
        """The intercept on the standardised scale, () or (k,).

        In the units of the data it may be so large that its last digit is more than a rounding here: it is then refitted, or
        where it is penalised, taken for the zero that it can not be told from.
        """
        units, coefs = self.scaled.units, path.coefs[at]
        center = input_units(units, len(coefs))[0] if self.layout.has_skip else np.zeros(len(coefs))
        shift = (path.intercepts[at] - units.y_center + center @ coefs) / units.y_scale
        size = np.abs(path.intercepts[at]) + np.abs(units.y_center) + np.abs(center) @ np.abs(coefs)
        rounding = EPS * size / units.y_scale
        if np.max(rounding) <= LOST:
            return np.asarray(shift)
        if self.scaled.fit_intercept:
            return self._refitted(path.standardized_coefs[at], np.asarray(shift))
        return np.where(np.abs(shift) <= 8.0 * rounding, 0.0, shift)

    def _refitted(self, coefs: Float, start: Float) -> Float:
        """The best intercept of these coefficients, which without a skip are those of no input."""
        scaled, base = self.scaled, self.scaled.base
        if self.layout.has_skip:
            # From centred columns: those far from 0 lose in a product what is asked for here.
            used = np.flatnonzero(coefs.reshape(len(coefs), -1).any(axis=1))
            base = base + scaled.columns(used) @ coefs[used]
        return np.asarray(scaled.fit(np.empty(0, dtype=np.intp), base, start[None]).coef[0])
