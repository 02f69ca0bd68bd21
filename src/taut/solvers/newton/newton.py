"""Proximal Newton for losses whose outputs do not touch each other: each output has a Hessian of its own.

Lee, Sun and Saunders, *SIAM J. Optimization* 24 (2014), §2 (proximal Newton and its line search); Friedman, Hastie and
Tibshirani, *J. Statistical Software* 33 (2010), §3 (logistic paths).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.newton.independent_outputs import OutputRows
from taut.solvers.newton.local_penalty import table_shapes
from taut.solvers.newton.pair_newton import PairNewton
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.newton.restricted import Kit
from taut.solvers.problem.scaled import ScaledProblem


@dataclass(frozen=True)
class ProximalNewton(PairNewton):
    """Newton steps on a working set, output after output."""

    def kit(self, problem: ScaledProblem) -> Kit:
        """Coordinate by coordinate."""
        if problem.loss.traits.couples_outputs:
            raise TypeError(
                "Newton steps for one output after the other miss how classes are coupled: use SoftmaxNewton"
            )
        rows = OutputRows(problem)
        models = [PairModel(rows, np.array([output])) for output in range(rows.classes)]
        return Kit(rows, table_shapes(problem, rows.classes), models)
