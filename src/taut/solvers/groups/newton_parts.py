"""Group lasso of every loss, with one output or several: whole groups at a time, each in the eigenbasis of its Hessian's block.

Yuan and Lin, *J. R. Stat. Soc. B* 68 (2006), §2; Meier, van de Geer and Bühlmann, *J. R. Stat. Soc. B* 70 (2008), §2.2.
"""

from __future__ import annotations

import numpy as np

from taut.solvers.groups.eigenbases import GroupBases
from taut.solvers.groups.groups import Groups
from taut.solvers.groups.local_penalty import GroupPenalty
from taut.solvers.newton.parts import NewtonParts, outputs_for
from taut.solvers.newton.quadratic_model import QuadraticModel
from taut.solvers.problem.scaled import ScaledProblem


def group_parts(problem: ScaledProblem) -> NewtonParts:
    """One Hessian for all outputs, whose coefficients of a column are in one group; columns in no group are fitted exactly."""
    rows = outputs_for(problem)
    groups, bases = Groups(problem), GroupBases()
    model = QuadraticModel(rows, np.arange(rows.classes))
    return NewtonParts(rows, lambda lam: GroupPenalty(groups, bases, lam), [model], groups.side_by_side)
