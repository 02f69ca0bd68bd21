"""Warm starts: a linear solution that still holds is kept, and a network goes on from the weights it has."""

from __future__ import annotations

from dataclasses import replace

from taut.network import Params
from taut.path.linear import LinearPath, linear_path
from taut.solvers import (
    FlatLayout,
    LinearProblem,
    MemberPath,
    ProximalNewton,
    Units,
    certify,
    input_units,
    scale_problem,
)
from taut.types import Float, Real


def kept_path(problem: LinearProblem, weight: Float, lam: float, coef: Float) -> LinearPath | None:
    """The path of ``lam`` > 0 alone whose solution is ``coef`` (p[, k]), in the units of the data, if it still holds.

    The intercept and the unpenalised columns are brought up to date, and the certificate must then meet the problem's
    tolerance on these rows; None where it does not, or where the shapes differ.
    """
    scaled = scale_problem(replace(problem, start=coef), weight)
    if coef.shape != (problem.matrix.shape[1], *scaled.outputs) or scaled.bias_column or not lam > 0.0:
        return None
    state = scaled.first
    certificate = certify(scaled, lam, state, problem.tol)
    if not certificate.met:
        return None
    solution = scaled.solution(lam, state, certificate, 0)
    member = MemberPath.stack([solution], scaled.null_loss, scaled.saturated_loss, False)
    return linear_path(problem, member, weight)


def continued_path(problem: LinearProblem, weight: Float, lam: float, coef: Float) -> LinearPath | None:
    """``kept_path``, or where that is None the solution at ``lam`` ≥ 0, sought from ``coef`` on; None where shapes differ."""
    kept, k = kept_path(problem, weight, lam, coef), problem.loss.outputs(problem.y)
    outputs = (k,) if k > 1 or problem.y.ndim == 2 else ()
    if kept is not None or coef.shape != (problem.matrix.shape[1], *outputs):
        return kept
    member = ProximalNewton().paths(replace(problem, start=coef), weight[None], [lam])[0]
    return linear_path(problem, member, weight)


def first_vector(start: Params, layout: FlatLayout, units: Units) -> Real | None:
    """The parameters of one network in the units of the data as a vector on the standardised scale.

    None where they are of another architecture, or where a layer is all zero: no gradient reaches such a network.
    """
    units_of = [layout.n_inputs, *layout.hidden, layout.n_outputs]
    found = [weight.shape[1] for weight in start.weights]
    same = [*found, start.weights[-1].shape[2]] == units_of and (start.skip is not None) == layout.has_skip
    if not same or not all(weight.any() for weight in start.weights):
        return None
    center, scale = input_units(units, layout.n_inputs)
    weights, biases, skip = list(start.weights), list(start.biases), start.skip
    biases[-1] = biases[-1] - units.y_center
    if skip is not None:
        biases[-1] = biases[-1] + center @ skip
        skip = skip * scale[:, None] / units.y_scale
    weights[-1], biases[-1] = weights[-1] / units.y_scale, biases[-1] / units.y_scale
    biases[0] = biases[0] + center @ weights[0]
    weights[0] = weights[0] * scale[:, None]
    return layout.vector(Params(tuple(weights), tuple(biases), skip))
