"""What must hold of the traits of a loss, and of the members that have a default."""

from __future__ import annotations

import numpy as np

from taut.laws.loss_case import TINY, Case
from taut.types import Float


def traits_law(case: Case) -> None:
    """The loss is what its traits say: y within its ends, one curvature, units, a softmax, canonical or not."""
    traits, eta, other = case.loss.traits, case.predictors(), case.predictors()
    case.require("y lies between lowest and highest", (case.y < traits.lowest) | (case.y > traits.highest))
    case.require("several columns of y have several_outputs", case.y.ndim == 2 and not (
        traits.several_outputs or traits.classes
    ))  # fmt: skip
    curvature = case.loss.curvature(eta, case.y)
    if traits.constant_curvature:
        case.equal("constant_curvature: the same at any η", curvature, case.loss.curvature(other, case.y))
    if traits.couples_outputs:
        moved = case.loss.pointwise(eta + case.rng.normal(), case.y)
        case.equal(
            "couples_outputs: a number added to all η changes nothing",
            moved,
            case.loss.pointwise(eta, case.y),
        )
    if traits.in_units_of_y:
        t = float(case.rng.uniform(0.1, 10.0))
        scaled = case.loss.in_units(t).pointwise(t * eta, t * case.y)
        case.equal(
            "in_units: ℓ grows by the square of the units",
            scaled,
            t * t * case.loss.pointwise(eta, case.y),
            1e-8,
        )


def bound_law(case: Case) -> None:
    """``curvature_bound`` is the curvature where that has no jumps, else that of a parabola above ℓ."""
    eta, other = case.predictors(), case.predictors()
    bound, curvature = case.loss.curvature_bound(eta, case.y), case.loss.curvature(eta, case.y)
    if case.loss.traits.smooth:
        case.equal("curvature_bound of a smooth loss is its curvature", bound, curvature)
        return
    rows, slope = case.loss.pointwise(eta, case.y), case.loss.derivative(eta, case.y)
    above = rows + case.inner(slope, other - eta) + 0.5 * case.inner(bound, (other - eta) ** 2)
    case.require(
        "the parabola of curvature_bound lies above ℓ",
        case.loss.pointwise(other, case.y) - above,
        TINY * (1 + above),
    )


def shift_law(case: Case) -> None:
    """``best_shift``, where there is one, is beaten by no number added to a base that is the same for all outputs."""
    given, noise = case.weights(), case.scale * case.rng.normal(size=len(case.y))
    weight: Float = np.asarray(given / given.sum(), dtype=np.float64)
    base: Float = np.asarray(np.multiply.outer(noise, np.ones(case.shape[1:])), dtype=np.float64)
    shift = case.loss.best_shift(base, np.asarray(case.y, dtype=np.float64), weight)
    if shift is None:
        return
    case.equal("best_shift is a number, or one per output", np.shape(shift), case.shape[1:], 0.0)
    best = float(weight @ case.loss.pointwise(base + shift, case.y))
    for size in (1e-3, 0.1, 1.0):
        rival = shift + size * case.rng.normal(size=np.shape(shift))
        worse = float(weight @ case.loss.pointwise(base + rival, case.y))
        case.require("no shift beats best_shift", best - worse, TINY * (1 + abs(best)))


def pieces_law(case: Case) -> None:
    """``linear_beyond``, where there is one, is δ of squares that go on as lines, and grows with the units."""
    delta, eta = case.loss.linear_beyond, case.predictors()
    if delta is None:
        return
    size = np.abs(eta - case.y).reshape(len(case.y), -1)
    rows = np.where(size <= delta, size**2, 2.0 * delta * size - delta**2).mean(axis=1)
    case.equal("linear_beyond: squares up to δ, lines beyond", case.loss.pointwise(eta, case.y), rows)
    wider = case.loss.in_units(3.0).linear_beyond
    case.equal("linear_beyond: δ is in units of y", np.nan if wider is None else wider, 3.0 * delta)


def falls_law(case: Case) -> None:
    """``falls_toward``, where it says anything, is where ℓ falls for ever; where it is 0 ℓ rises both ways."""
    y: Float = np.asarray(case.y, dtype=np.float64)
    signs = case.loss.falls_toward(y)
    if signs is None:
        return
    case.equal("falls_toward is one sign for each row", np.shape(signs), (len(y),), 0.0)
    far = 2.0 * float(np.abs(case.loss.traits.rest).min())
    case.require("traits.rest says where ℓ is flat if falls_toward says anything", not np.isfinite(far))
    there = [case.loss.pointwise(t * signs, case.y) for t in (0.0, 1.0, far)]
    case.require("ℓ falls where falls_toward says so", np.diff(there, axis=0), TINY)
    floor = case.loss.pointwise(far * signs, case.y) - case.loss.saturated(y)
    case.require(
        "ℓ comes to its infimum where falls_toward says so", np.where(signs != 0.0, floor, 0.0), 1e-6
    )
    rises = [case.loss.pointwise(case.constant(t), case.y) for t in (-2.0 * far, -far, far, 2.0 * far)]
    both = np.maximum(rises[1] - rises[0], rises[2] - rises[3])
    case.require("ℓ rises both ways where falls_toward is 0", np.where(signs == 0.0, both, 0.0), TINY)
