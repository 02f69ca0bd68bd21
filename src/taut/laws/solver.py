"""What must hold for every solver of linear problems, checked on random ones: ``check_solver(solver, rng)``.

The judge is F as it is defined (``taut.laws.definition``), which shares no code with any engine: a certificate is
honest when nothing that is found beats it, and a problem written in another way (other units, another order or storage,
rows repeated in place of weights) must have the same solution. Sources: Boyd and Vandenberghe 2004, Convex
Optimization, §5.5; MATH: ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from taut.laws.certified import moved_law, returned_law
from taut.laws.definition import bounds_times, with_ones
from taut.laws.linear_problems import LOSSES, PENALTIES, random_problem
from taut.laws.solver_case import TINY, TOL, SolverCase
from taut.losses import Huber, Loss, SquaredError
from taut.penalties import Penalty
from taut.solvers import Measure, Solver

DRAWS = 50
"""How often a solver may refuse in a row what it says it is made for."""

Law: TypeAlias = Callable[[SolverCase], None]


def terms_law(case: SolverCase) -> None:
    """Coefficients in both units and the two terms of F are one and the same solution."""
    path, judge = case.path, case.judge
    case.equal("every strength is answered, in order", path.lambdas, case.lambdas, 0.0)
    for lam, at, solution in zip(case.lambdas, case.points(path), path.solutions, strict=True):
        case.equal("standardized_coef is coef on the scale of F", solution.standardized_coef, at.coef, 1e-7)
        # A concave penalty may leave a wide fit unshrunk: L is then 0 up to the rounding of the null model's loss.
        L, rounding = judge.data_loss(at), 1e-15 * case.unit
        case.require("data_loss is L", abs(solution.data_loss - L), 1e-7 * abs(L) + rounding)
        case.require("penalty is λΩ", abs(solution.penalty - judge.penalty_value(lam, at)), 1e-7 * case.unit)
    if not case.data.fit_intercept:
        case.require("there is no intercept where none was asked for", np.abs(path.intercepts))


def null_law(case: SolverCase) -> None:
    """The null model is the best without penalised columns, and null minus saturated loss is the unit of a gap."""
    case.equal("null_loss is L of the null model", case.path.null_loss, case.judge.data_loss(case.null), 1e-7)
    case.equal("saturated_loss is Σ s inf ℓ", case.path.null_loss - case.path.saturated_loss, case.unit, 1e-7)


def certificate_law(case: SolverCase) -> None:
    """A gap is a bound: no point that a descent finds is better by more. A residual is the distance it is said to be."""
    kind = Measure.DUALITY_GAP if case.convex else Measure.KKT_RESIDUAL
    for lam, at, certificate in zip(
        case.lambdas, case.points(case.path), case.path.certificates, strict=True
    ):
        case.require(f"the certificate is a {kind.value}", certificate.measure is not kind)
        if case.convex:
            gain = case.judge.objective(lam, at) - case.judge.objective(lam, case.judge.descended(lam, at))
            case.require("no point is better than the gap allows", gain / case.unit, certificate.value + TINY)
        else:
            residual = case.judge.residual(lam, at) / case.pull_size
            case.require("the residual is what it is said to be", residual, certificate.value + 1e-7)


def tolerance_law(case: SolverCase) -> None:
    """Convex problems are solved, and a certificate that misses its tolerance says why."""
    for certificate in case.path.certificates:
        case.require("the tolerance is the one asked for", certificate.tol != TOL)
        case.require("a well-posed convex problem is solved to tol", case.convex and not certificate.met)
        case.require("a missed tolerance has a note", not certificate.met and not certificate.note)


def zeros_law(case: SolverCase) -> None:
    """At λ_max no penalised coefficient is non-zero, at 0.999 λ_max one is; excluded columns stay out."""
    case.require("an excluded column has coefficient 0", np.abs(case.path.coefs[:, np.isinf(case.factors)]))
    if not np.isfinite(case.lambda_max):
        case.require("without an L1 part nothing is zero", not np.any(case.path.coefs))
        return
    # The reference for λ_max has seven digits; a fine tolerance, for a thousandth below it is hardly a gap.
    edge = case.solve(case.data, [case.lambda_max * (1 + 1e-6), case.lambda_max * 0.999], tol=1e-12)
    above, below = (
        max(
            np.abs(at.coef[~case.free]).max(initial=0.0),
            np.abs(at.intercept).max() * case.data.penalize_intercept,
        )
        for at in case.points(edge)
    )
    case.require("at lambda_max every penalised coefficient is 0", above)
    case.require("at 0.999 lambda_max some coefficient is not 0", not below > 0.0)


def repetition_law(case: SolverCase) -> None:
    """A row of weight 2 is the row twice, and a row of weight 0 is not there."""
    times = case.rng.integers(0, 4, size=len(case.data.y))
    times[:6] = np.maximum(times[:6], 1)  # random problems have every class there
    weighted = SolverCase(case.solver, replace(case.data, weight=times.astype(np.float64)), case.rng)
    again = np.repeat(np.arange(len(times)), times)
    repeated = weighted.solve(case.data.rows(again, np.ones(len(again))))
    weighted.same_solution("weights are repetitions of rows", repeated)


def proportion_law(case: SolverCase) -> None:
    """Only the proportions of weights matter."""
    heavier = replace(case.data, weight=7.0 * case.data.weight)
    case.same_solution("weights times a number are the same weights", case.solve(heavier))


def order_law(case: SolverCase) -> None:
    """The order of rows and columns changes nothing."""
    n, p = case.data.X.shape
    rows, columns = case.rng.permutation(n), case.rng.permutation(p)
    path = case.solve(case.data.rows(rows, case.data.weight[rows]).columns(columns))
    case.same_solution("order does not matter", replace(path, coefs=path.coefs[:, np.argsort(columns)]))


def column_units_law(case: SolverCase) -> None:
    """Standardised, the units of a column do not matter."""
    if not case.data.standardize:
        return
    factor = 10.0 ** case.rng.uniform(-4, 4, size=case.data.X.shape[1])
    path = case.solve(case.data.columns_times(factor))
    coefs = (path.coefs.swapaxes(1, -1) * factor).swapaxes(1, -1)
    case.same_solution("units of columns do not matter", replace(path, coefs=coefs))


def free_units_law(case: SolverCase) -> None:
    """The units of a column that nothing penalises do not matter, standardised or not."""
    if not case.free.any():
        return
    power = case.rng.integers(-8, 9, size=case.free.size)
    factor = np.where(case.free, 10.0**power, 1.0)
    path = case.solve(case.data.columns_times(factor))
    coefs = (path.coefs.swapaxes(1, -1) * factor).swapaxes(1, -1)
    case.same_solution("units of unpenalised columns do not matter", replace(path, coefs=coefs))


def response_units_law(case: SolverCase) -> None:
    """Standardised, squared and Huber losses fit t·y with t times the coefficients."""
    data = case.data
    if not (data.standardize and isinstance(data.loss, SquaredError | Huber)):
        return
    for t in (1e-5, 1e5):
        offset = None if data.offset is None else t * data.offset
        path = case.solve(replace(data, y=t * data.y, offset=offset, penalty=bounds_times(data.penalty, t)))
        back = replace(path, coefs=path.coefs / t, intercepts=path.intercepts / t)
        case.same_solution("units of y do not matter", back)


def storage_law(case: SolverCase) -> None:
    """Dense in either order and sparse are the same numbers."""
    for store in (np.ascontiguousarray, np.asfortranarray, sp.csc_array, sp.csr_matrix):
        case.same_solution(f"{store.__name__} stores the same X", case.solve(case.data, X=store(case.data.X)))


def warm_start_law(case: SolverCase) -> None:
    """A strength alone has the same solution as at the end of a path."""
    for lam in case.lambdas[1:]:
        case.same_solution("a path is its strengths one by one", case.solve(case.data, [lam]))


def offset_law(case: SolverCase) -> None:
    """An offset is subtracted from y where the loss is a function of y − η."""
    data = case.data
    if data.offset is not None and isinstance(data.loss, SquaredError | Huber):
        by_hand = replace(data, y=(data.y.T - data.offset).T, offset=None)
        case.same_solution("an offset is a shift of y", case.solve(by_hand))


def intercept_law(case: SolverCase) -> None:
    """A penalised intercept is the coefficient of a column of ones."""
    if not case.data.penalize_intercept:
        return
    own = SolverCase(case.solver, replace(case.data, standardize=False), case.rng)
    path = own.solve(with_ones(own.data))
    moved = replace(path, coefs=path.coefs[:, :-1], intercepts=path.coefs[:, -1])
    own.same_solution("a penalised intercept is a column of ones", moved)


def members_law(case: SolverCase) -> None:
    """Several row-weight vectors in one call are the paths of each alone, on one grid."""
    held = case.data.weight.copy()
    held[6::4] = 0.0
    counts = case.rng.integers(1, 4, size=len(held)).astype(np.float64)
    weights = np.stack([case.data.weight, held, counts])
    paths = case.solver.paths(case.data.problem(TOL), weights, case.lambdas)
    case.require("there is one path per row of weights", len(paths) != len(weights))
    for weight, path in zip(weights, paths, strict=True):
        case.on(replace(case.data, weight=weight)).same_solution("members are independent", path)


def grid_law(case: SolverCase) -> None:
    """A number of strengths is a grid from λ_max down."""
    path = case.solver.paths(case.data.problem(TOL), case.data.weight[None], 4)[0]
    case.require("a count of strengths is a grid of that size", len(path.lambdas) != 4)
    case.require("strengths fall", np.diff(path.lambdas) >= 0)
    if np.isfinite(case.lambda_max):
        case.equal("a grid starts at lambda_max", path.lambdas[0], case.lambda_max, 1e-6)


def progress_law(case: SolverCase) -> None:
    """Progress counts every pair of a strength and a member; an interrupt keeps what is finished and says so."""
    weights, counts, seen = np.stack([case.data.weight, case.data.weight]), [0], [0]
    full = case.solver.paths(case.data.problem(TOL), weights, [*case.lambdas, 0.0], counts.append)
    case.require("progress counts strengths times members", sum(counts) != 2 * (len(case.lambdas) + 1))

    def interrupt(count: int) -> None:
        seen.append(count)
        raise KeyboardInterrupt

    paths = case.solver.paths(case.data.problem(TOL), weights, [*case.lambdas, 0.0], interrupt)
    kept = [len(path.lambdas) for path in paths]
    case.require("an interrupt ends the call", len(seen) != 2)
    case.require("an interrupted path keeps what is finished", sum(kept) != sum(seen) or min(kept) == 0)
    for path, whole in zip(paths, full, strict=False):
        short = len(path.lambdas) < len(whole.lambdas)
        case.require("an interrupted path says so", short and not path.interrupted)
        begun = whole.coefs[: len(path.lambdas)]
        case.equal("what is finished is the path's beginning", path.coefs, begun, 1e-6)


def unpenalized_law(case: SolverCase) -> None:
    """At λ = 0 the gradient is zero within the bounds, unless the certificate says that there is no solution."""
    path = case.solve(case.data, [case.lambdas[0], 0.0])
    certificate = path.certificates[-1]
    case.require("at lam = 0 the certificate is a gradient", certificate.measure is not Measure.GRADIENT_NORM)
    if "does not exist" not in certificate.note:
        residual = case.judge.residual(0.0, case.points(path)[-1])
        case.require("at lam = 0 the gradient is 0", residual / case.pull_size, 1e-7)


LAWS: tuple[Law, ...] = (
    terms_law, null_law, certificate_law, tolerance_law, zeros_law, repetition_law, proportion_law, order_law,
    column_units_law, response_units_law, storage_law, warm_start_law, offset_law, intercept_law, members_law,
    grid_law, progress_law, unpenalized_law, returned_law, moved_law, free_units_law,
)  # fmt: skip


def taken(solver: Solver, loss: Loss, penalty: Penalty, rng: np.random.Generator) -> SolverCase:
    """A problem that the solver does not refuse; AssertionError where it refuses all of DRAWS."""
    for _ in range(DRAWS):
        case = SolverCase(solver, random_problem(loss, penalty, rng), rng)
        try:
            _ = case.path
        except TypeError:
            continue
        return case
    raise AssertionError(
        f"{solver!r} refuses every problem with {loss!r} and {penalty!r}: name in losses and penalties what it is made for"
    )


def check_solver(
    solver: Solver,
    rng: int | np.random.Generator = 0,
    *,
    losses: Sequence[Loss] = LOSSES,
    penalties: Sequence[Penalty] = PENALTIES,
    rounds: int = 1,
) -> None:
    """Check every law on ``rounds`` random problems for each loss and shape of a penalty; AssertionError names a broken law.

    Everything else is drawn: tall or wide, dense or mostly zeros, in mixed units or not standardised, with or without an
    intercept (penalised or not), weights, offset, several outputs, factors from 0 to infinity, groups and bounds. What a
    solver is not made for it refuses with a TypeError, and another problem is drawn.
    """
    generator = np.random.default_rng(rng)
    for _ in range(rounds):
        for loss in losses:
            for penalty in penalties:
                case = taken(solver, loss, penalty, generator)
                for law in LAWS:
                    law(case)
