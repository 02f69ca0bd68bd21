"""Multinomial paths with separable penalties.

Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §4 (the symmetric multinomial).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.newton.local_penalty import table_shapes
from taut.solvers.newton.pair_newton import PairNewton
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.newton.restricted import Kit
from taut.solvers.newton.softmax_outputs import SoftmaxRows
from taut.solvers.problem.scaled import ScaledProblem


@dataclass(frozen=True)
class SoftmaxNewton(PairNewton):
    """Softmax losses; at most ``joint`` pairs share one Hessian."""

    joint: int = 2_500

    def kit(self, problem: ScaledProblem) -> Kit:
        """Coordinate by coordinate."""
        rows = SoftmaxRows(problem)
        models = [PairModel(rows, np.arange(rows.classes))]
        return Kit(rows, table_shapes(problem, rows.classes), models, joint=self.joint)
