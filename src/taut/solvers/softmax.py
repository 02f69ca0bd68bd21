"""Multinomial paths with separable penalties.

Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §4 (the symmetric multinomial).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.coordinate import strength_table
from taut.solvers.pair_model import PairModel
from taut.solvers.pair_newton import PairNewton
from taut.solvers.pair_shape import TableShape
from taut.solvers.pair_strength import Kit
from taut.solvers.scaled import ScaledProblem
from taut.solvers.softmax_rows import SoftmaxRows


@dataclass(frozen=True)
class SoftmaxNewton(PairNewton):
    """Softmax losses; at most ``joint`` pairs share one Hessian."""

    joint: int = 2_500

    def kit(self, problem: ScaledProblem) -> Kit:
        """Coordinate by coordinate."""
        rows = SoftmaxRows(problem)
        table, models = strength_table(problem, 1.0), [PairModel(rows, np.arange(rows.classes))]

        def shape(lam: float) -> TableShape:
            return TableShape(table._replace(l1=lam * table.l1, l2=lam * table.l2), rows.classes)

        return Kit(rows, shape, models, joint=self.joint)
