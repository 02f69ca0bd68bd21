"""What must hold for every loss, checked at random predictors: ``check_loss(loss, y, rng)``.

Nothing here knows a formula of any loss: derivatives are compared with differences, the null model with its
rivals, the conjugate with Fenchel and Young's inequality (Rockafellar 1970, Convex Analysis, §12, §23, §25).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from taut.arrays import installed_kinds, namespace, to_numpy
from taut.laws.loss_case import TINY, Case, Law
from taut.laws.loss_traits import bound_law, falls_law, pieces_law, shift_law, traits_law
from taut.losses import Loss
from taut.types import Real

EXTREME = 1e4
"""|η| at which nothing may overflow."""


def derivative_law(case: Case) -> None:
    """The derivative is the limit of differences of ℓ, in every coordinate of η."""
    eta, h = case.predictors(), 1e-5
    slope = case.loss.derivative(eta, case.y)
    case.equal("derivative is shaped as eta", np.shape(slope), case.shape, 0.0)
    for unit in case.directions():
        up, down = (case.loss.pointwise(eta + t * unit, case.y) for t in (h, -h))
        case.equal("derivative is that of pointwise", case.inner(slope, unit), (up - down) / (2 * h), 1e-6)


def curvature_law(case: Case) -> None:
    """The curvature is the limit of differences of the derivative, away from its jumps (Huber's |r| = δ)."""
    eta, h = case.predictors(), 1e-5
    curvature = case.loss.curvature(eta, case.y)
    case.require("curvature is nowhere negative", -curvature)
    for unit in case.directions():
        up, down = (case.loss.derivative(eta + t * unit, case.y) for t in (h, -h))
        ends = [case.inner(case.loss.curvature(eta + t * unit, case.y), unit) for t in (2 * h, -2 * h)]
        steady = np.abs(ends[0] - ends[1]) <= 1e-2 * (1 + np.abs(ends[0]))
        numerical = case.inner((up - down) / (2 * h), unit)
        case.equal(
            "curvature is that of pointwise", case.inner(curvature, unit)[steady], numerical[steady], 1e-5
        )


def unit_law(case: Case) -> None:
    """Where the link is canonical, the derivative is the unit curvature times (mean − y), y the mean at a neighbouring η."""
    if not case.loss.traits.canonical:
        return
    eta = case.predictors()
    y = case.loss.inverse_link(eta + 1e-3 * case.rng.normal(size=case.shape))
    outputs = case.shape[1] if len(case.shape) == 2 else 1
    expected = case.loss.unit_curvature(outputs) * (case.loss.inverse_link(eta) - y)
    case.equal("derivative is unit_curvature·(mean − y) near the fit", case.loss.derivative(eta, y), expected)


def mean_law(case: Case) -> None:
    """Value and gradient are the weighted means of the rows: L = Σ s_i ℓ_i with s = weight / Σ weight."""
    eta, weight = case.predictors(), case.weights()
    rows, slope = case.loss.pointwise(eta, case.y), case.loss.derivative(eta, case.y)
    for given, s in ((None, np.full(len(case.y), 1 / len(case.y))), (weight, weight / weight.sum())):
        case.equal("value is the weighted mean", case.loss.value(eta, case.y, given), s @ rows)
        along = s.reshape(-1, *(1,) * (len(case.shape) - 1))
        case.equal(
            "gradient is the weighted derivative", case.loss.gradient(eta, case.y, given), along * slope
        )


def repetition_law(case: Case) -> None:
    """A row of weight 3 is the row three times, and a row of weight 0 is not there."""
    eta, y, loss = case.predictors(), case.y, case.loss
    for least in (0, 1):
        times = case.rng.integers(least, 4, size=len(y))
        times[0] = 1
        again = np.repeat(np.arange(len(y)), times)
        value = loss.value(eta[again], y[again])
        case.equal("weights are repetitions: value", loss.value(eta, y, times), value)
        total = np.sum(loss.gradient(eta[again], y[again]), axis=0)
        case.equal("weights are repetitions: gradient", np.sum(loss.gradient(eta, y, times), axis=0), total)
    case.equal("weights are repetitions: null", loss.null(y, times), loss.null(y[again]))


def member_law(case: Case) -> None:
    """Members in front of the rows, with weights of their own, are computed one by one."""
    stack = np.stack([case.predictors() for _ in range(3)])
    weight = np.stack([case.weights() for _ in range(3)])
    values, gradients = case.loss.value(stack, case.y, weight), case.loss.gradient(stack, case.y, weight)
    for m in range(3):
        case.equal("members are independent: value", values[m], case.loss.value(stack[m], case.y, weight[m]))
        alone = case.loss.gradient(stack[m], case.y, weight[m])
        case.equal("members are independent: gradient", gradients[m], alone)


def null_law(case: Case) -> None:
    """No constant has a lower L than the null model, with and without weights."""
    for weight in (None, case.weights()):
        null = case.loss.null(case.y, weight)
        case.equal("null is a number, or one per output", np.shape(null), case.shape[1:], 0.0)
        best = case.loss.value(case.constant(null), case.y, weight)
        slope = np.sum(case.loss.gradient(case.constant(null), case.y, weight), axis=0)
        case.equal("the gradient at the null model sums to 0", slope, np.zeros(case.shape[1:]))
        for size in (1e-3, 0.1, 1.0, 10.0):
            rival = null + size * case.rng.normal(size=np.shape(null))
            worse = case.loss.value(case.constant(rival), case.y, weight)
            case.require("no constant beats the null model", best - worse, TINY * (1 + np.abs(best)))


def convexity_law(case: Case) -> None:
    """ℓ lies below its chords and above its tangents."""
    a, b, t = case.predictors(), case.predictors(), float(case.rng.uniform(0.1, 0.9))
    at_a, at_b = case.loss.pointwise(a, case.y), case.loss.pointwise(b, case.y)
    between = case.loss.pointwise(t * a + (1 - t) * b, case.y)
    tol = TINY * (1 + np.abs(at_a) + np.abs(at_b))
    case.require("convex: below the chord", between - (t * at_a + (1 - t) * at_b), tol)
    tangent = at_a + case.inner(case.loss.derivative(a, case.y), b - a)
    case.require("convex: above the tangent", tangent - at_b, tol * (1 + np.abs(tangent)))


def conjugate_law(case: Case) -> None:
    """Fenchel–Young: ℓ(η) + ℓ*(u) ≥ ⟨u, η⟩ always, with equality where u is the derivative at η."""
    eta, other = case.predictors(), case.predictors()
    rows, u = case.loss.pointwise(eta, case.y), case.loss.derivative(eta, case.y)
    for v in (case.loss.derivative(other, case.y), other):
        bound = case.inner(v, eta) - rows
        low = bound - case.loss.conjugate(v, case.y)
        case.require("Fenchel–Young: pointwise + conjugate ≥ ⟨u, eta⟩", low, TINY * (1 + np.abs(bound)))
    law = "Fenchel–Young is an equality at the derivative"
    case.equal(law, rows + case.loss.conjugate(u, case.y), case.inner(u, eta), 1e-8)
    middle = case.loss.conjugate((u + case.loss.derivative(other, case.y)) / 2, case.y)
    case.require("the domain of the conjugate is convex", ~np.isfinite(middle))


def saturated_law(case: Case) -> None:
    """``saturated`` is −ℓ*(0) and the infimum of ℓ over η; where it is reached, the mean is y."""
    floor, eta = case.loss.saturated(case.y), case.predictors()
    case.equal("saturated is −conjugate(0)", floor, -case.loss.conjugate(np.zeros(case.shape), case.y))
    case.require("no eta goes below saturated", floor - case.loss.pointwise(eta, case.y), TINY)
    best = descend(case, eta)
    case.equal("saturated is the infimum", case.loss.pointwise(best, case.y), floor, 1e-6)
    mean = case.y if case.y.shape == case.shape else np.eye(case.shape[1])[case.y.astype(int)]
    case.equal("inverse_link is y at the infimum", case.loss.inverse_link(best), mean, 1e-5)


def descend(case: Case, eta: Real) -> Real:
    """η after many halved Newton steps per coordinate, none longer than a limit that shrinks."""
    limit = 0.3 * (1 + float(np.max(np.abs(eta))) + float(np.max(np.abs(case.y))))
    for _ in range(1_000):
        slope, curvature = case.loss.derivative(eta, case.y), case.loss.curvature(eta, case.y)
        eta = eta - np.clip(slope / (2 * np.maximum(curvature, 1e-12)), -limit, limit)
        limit *= 0.992
    return eta


def extreme_law(case: Case) -> None:
    """At |η| = 1e4, in float32 and float64, there is no warning and all is finite, convex and monotone."""
    moderate = case.predictors()
    extreme = EXTREME * case.rng.choice([-1.0, 0.0, 1.0], size=case.shape)
    for dtype in (np.float32, np.float64):
        eta: Any = extreme.astype(dtype)
        results = silently(case, eta)
        for name, result in results.items():
            case.require(f"{name} is finite at |eta| = 1e4", ~np.isfinite(result))
            case.require(f"{name} keeps {np.dtype(dtype)}", result.dtype != dtype)
    rows, slope = results["pointwise"], results["derivative"]
    with np.errstate(over="ignore"):
        tangent = rows + case.inner(slope, moderate - extreme)
        rising = case.inner(slope - case.loss.derivative(moderate, case.y), extreme - moderate)
    near = case.loss.pointwise(moderate, case.y)
    slack = 1e-6 * (1 + np.abs(near)) + 1e-11 * np.abs(rows)
    case.require("convex: above the tangent at |eta| = 1e4", tangent - near, slack)
    case.require("the derivative is monotone up to |eta| = 1e4", -rising, TINY)
    back = near + case.inner(case.loss.derivative(moderate, case.y), extreme - moderate)
    case.require("above the tangent, seen from |eta| = 1e4", back - rows, slack)


def silently(case: Case, eta: Real) -> dict[str, Any]:
    """Every answer at η, where a warning or a floating-point exception but underflow breaks the law."""
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        try:
            return dict(answers(case.loss, eta, case.y, case.weights()))
        except (FloatingPointError, Warning) as error:
            raise AssertionError(f"{case.loss!r} breaks the law: no {error} at |eta| = 1e4") from error


def target_law(case: Case) -> None:
    """``check_target`` takes y, gives float64 and refuses NaN, inf, text and no rows."""
    checked = case.loss.check_target(case.y)
    case.equal("check_target keeps the values", checked, case.y)
    case.require("check_target gives float64", checked.dtype != np.float64)
    broken = [
        np.where(np.arange(case.y.size).reshape(case.y.shape) == 0, bad, case.y) for bad in (np.nan, np.inf)
    ]
    for bad in (*broken, case.y[:0], np.full(case.y.shape, "a")):
        try:
            case.loss.check_target(bad)
        except ValueError:
            continue
        case.require(f"check_target refuses {bad.ravel()[:1].tolist() or 'an empty y'}", 1.0)


def answers(loss: Loss, eta: Any, y: Any, weight: Any) -> Iterator[tuple[str, Any]]:
    """Every array-valued answer of the loss that keeps the kind of arrays."""
    yield "pointwise", loss.pointwise(eta, y)
    yield "derivative", loss.derivative(eta, y)
    yield "curvature", loss.curvature(eta, y)
    yield "value", loss.value(eta, y)
    yield "weighted value", loss.value(eta, y, weight)
    yield "gradient", loss.gradient(eta, y)
    yield "weighted gradient", loss.gradient(eta, y, weight)
    yield "inverse_link", loss.inverse_link(eta)


LAWS: tuple[Law, ...] = (
    derivative_law,
    curvature_law,
    mean_law,
    repetition_law,
    member_law,
    null_law,
    convexity_law,
    conjugate_law,
    saturated_law,
    extreme_law,
    target_law,
    unit_law,
    traits_law,
    bound_law,
    shift_law,
    pieces_law,
    falls_law,
)


def kinds_law(case: Case, kinds: Sequence[str]) -> None:
    """Each kind of array gives NumPy's numbers, in its own kind and dtype, float32 and float64."""
    found = installed_kinds()
    for kind in kinds:
        if kind not in found:
            raise ValueError(
                f"kinds must be installed array kinds, got {kind!r}: there are {', '.join(found)}"
            )
        for dtype in ("float32", "float64"):
            same_kind(case, found[kind], dtype, 1e-4 if dtype == "float32" else 1e-10)


def same_kind(case: Case, xp: Any, dtype: str, tol: float) -> None:
    """The answers to arrays of namespace ``xp`` against those to NumPy arrays of the same dtype."""
    eta, weight = case.predictors().astype(dtype), case.weights()
    mine = xp.asarray(eta)
    if not str(mine.dtype).endswith(dtype):
        return  # JAX has float64 only when asked for
    theirs = list(answers(case.loss, eta, case.y, weight))
    for y in (case.y, xp.asarray(case.y)):
        for (name, result), (_, expected) in zip(answers(case.loss, mine, y, weight), theirs, strict=True):
            law = f"{name} is the same for {namespace(mine).__name__} arrays"
            case.equal(law, to_numpy(result), expected, tol)
            case.require(f"{law}, in kind", namespace(result) is not namespace(mine))
            case.require(f"{law}, in dtype", result.dtype != mine.dtype)


def check_loss(
    loss: Loss,
    y: Real,
    rng: int | np.random.Generator = 0,
    *,
    kinds: Sequence[str] | None = None,
) -> None:
    """Check every law of losses at random η for the targets ``y``; AssertionError names the one that fails.

    ``y`` must be targets that the loss takes, at least two different ones. ``rng`` is a seed or a generator.
    ``kinds`` are the arrays to try, of "numpy", "torch" and "jax": all that are installed where None.
    """
    generator = np.random.default_rng(rng)
    for scale in (0.3, 1.0, 3.0):
        case = Case(loss, loss.check_target(y), scale, generator)
        for law in LAWS:
            law(case)
    kinds_law(
        Case(loss, loss.check_target(y), 1.0, generator), tuple(installed_kinds()) if kinds is None else kinds
    )
