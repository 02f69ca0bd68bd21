"""Group lasso of every loss, with one output or several: whole groups at a time, each in the eigenbasis of its Hessian's block.

Yuan and Lin, *J. R. Stat. Soc. B* 68 (2006), §2; Meier, van de Geer and Bühlmann, *J. R. Stat. Soc. B* 70 (2008), §2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.groups.groups import Groups
from taut.solvers.groups.local_penalty import GroupShape
from taut.solvers.newton.independent_outputs import OutputRows
from taut.solvers.newton.pair_newton import PairNewton
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.newton.restricted import Kit
from taut.solvers.newton.softmax_outputs import SoftmaxRows
from taut.solvers.problem.scaled import ScaledProblem


@dataclass(frozen=True)
class GroupNewton(PairNewton):
    """Columns in no group are fitted exactly."""

    def kit(self, problem: ScaledProblem) -> Kit:
        """Group by group."""
        rows = (SoftmaxRows if problem.loss.traits.couples_outputs else OutputRows)(problem)
        groups, bases = Groups(problem), GroupBases()
        model = PairModel(rows, np.arange(rows.classes))
        return Kit(rows, lambda lam: GroupShape(groups, bases, lam), [model], groups.side_by_side)
