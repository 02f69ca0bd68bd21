"""Solvers, and the door to them: what other packages may use, each name imported when it is first asked for (PEP 562).

What lives in which room:

    base         the contract of every solver: a problem and row weights in, solutions with certificates out
    matrix       the feature matrix, dense or sparse: columns of it, and products with it
    choose       which solver solves which problem, and the names that force one
    problem      the problem on the scale where it is solved: units, grid, null model, certificate, λ = 0, resuming
    newton       proximal Newton methods for likelihoods
    working_set  all folds on the columns in use, verified by one pass over X
    moments      squared losses from second moments: X is read once
    groups       group lasso, by descent over whole groups and by Newton steps
    ridge        L2 alone: closed forms, and wide problems in the space of their rows
    first_order  accelerated proximal gradient: the reference, and the solver of every unknown penalty
    networks     trainers of networks, and penalties over flat parameters
    _kernels     compiled loops over arrays and numbers, for the rooms above

``docs/solvers.md`` says which solver is chosen for which problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.solvers._kernels.compilation import watch_compilation
    from taut.solvers.base import (
        Certificate,
        CheckpointStore,
        EarlyStop,
        LinearProblem,
        Measure,
        MemberPath,
        Progress,
        Solution,
        Solver,
        StoppingSolver,
        StoredPart,
    )
    from taut.solvers.choose import solver_for
    from taut.solvers.matrix import HUGE, Matrix, as_matrix
    from taut.solvers.moments.moments import first_means, partition
    from taut.solvers.networks.batches import Orders
    from taut.solvers.networks.data_loss import Member, Rows
    from taut.solvers.networks.flat_params import FlatLayout
    from taut.solvers.networks.in_place import HostMetric, InPlace, UniformPenalty
    from taut.solvers.networks.layer_penalties import Shapes, layer_penalties, on_neurons
    from taut.solvers.networks.lowering import quadratic_table
    from taut.solvers.networks.quasi_newton import TrainedPoint, descend
    from taut.solvers.networks.settings import Training
    from taut.solvers.networks.stack import input_units, scale_members, stack_members
    from taut.solvers.networks.trainer import Trainer, trainer_for
    from taut.solvers.newton.solver import ProximalNewton
    from taut.solvers.problem.certificate import MISSED, certify, certify_point, included
    from taut.solvers.problem.curvature import hessian
    from taut.solvers.problem.grid import grid_for, grid_top, spaced
    from taut.solvers.problem.lambda_zero import solve_unpenalized
    from taut.solvers.problem.scaled import ScaledProblem
    from taut.solvers.problem.scaling import scale_problem
    from taut.solvers.problem.tolerances import EPS
    from taut.solvers.problem.units import Units, along, scales_y
    from taut.solvers.problem.unpenalized import fit_free
    from taut.solvers.ridge.closed_form import ClosedRidge
    from taut.solvers.ridge.closed_solver import ClosedPath

open_door(
    __name__,
    {
        "_kernels.compilation": "watch_compilation",
        "base": (
            "Certificate CheckpointStore EarlyStop LinearProblem Measure MemberPath Progress Solution Solver StoredPart"
            " StoppingSolver"
        ),
        "choose": "solver_for",
        "matrix": "HUGE Matrix as_matrix",
        "moments.moments": "first_means partition",
        "networks.batches": "Orders",
        "networks.data_loss": "Member Rows",
        "networks.flat_params": "FlatLayout",
        "networks.in_place": "HostMetric InPlace UniformPenalty",
        "networks.layer_penalties": "Shapes layer_penalties on_neurons",
        "networks.lowering": "quadratic_table",
        "networks.quasi_newton": "TrainedPoint descend",
        "networks.settings": "Training",
        "networks.stack": "input_units scale_members stack_members",
        "networks.trainer": "Trainer trainer_for",
        "newton.solver": "ProximalNewton",
        "problem.certificate": "MISSED certify certify_point included",
        "problem.curvature": "hessian",
        "problem.grid": "grid_for grid_top spaced",
        "problem.lambda_zero": "solve_unpenalized",
        "problem.scaled": "ScaledProblem",
        "problem.scaling": "scale_problem",
        "problem.tolerances": "EPS",
        "problem.units": "Units along scales_y",
        "problem.unpenalized": "fit_free",
        "ridge.closed_form": "ClosedRidge",
        "ridge.closed_solver": "ClosedPath",
    },
)
