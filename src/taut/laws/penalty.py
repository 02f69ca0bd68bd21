"""What must hold for every penalty, checked at random points: ``check_penalty(penalty, n, rng)``.

Laws find what examples enshrine: a prox that returns its input passes a test that expects just that, but no
rival beats a true prox. Sources: Parikh and Boyd 2014, Proximal Algorithms, §2; Bauschke and Combettes 2017,
Convex Analysis and Monotone Operator Theory, §12 to §14 and §24.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from taut.arrays import Array, installed_kinds, namespace, to_numpy
from taut.laws.case import TINY, PenaltyCase, inner
from taut.laws.reference import table_prox, table_value
from taut.penalties import Penalty
from taut.types import Float

Law: TypeAlias = Callable[[PenaltyCase], None]


def value_law(case: PenaltyCase) -> None:
    """Ω is 0 at 0 and nowhere negative."""
    case.equal("value(0) is 0", case.penalty.value(np.zeros(case.shape)), 0.0, 0.0)
    case.require("value is nowhere negative", -case.penalty.value(case.weights()))
    case.require("value is finite where the prox leads", not np.isfinite(case.penalty.value(case.weights())))


def gradient_law(case: PenaltyCase) -> None:
    """The gradient is the derivative off the kinks, 0 at zero weights, and a subgradient everywhere."""
    w = case.weights()
    gradient = to_numpy(case.penalty.gradient(w))
    case.require("gradient is 0 where the weight is 0", np.abs(gradient[w == 0]))
    law = "gradient is a subgradient: distance(w, −gradient(w)) is 0"
    case.require(law, case.penalty.distance(w, -gradient), TINY * (1 + case.scale))
    inside, h = 0.5 * case.projected(case.points()), 1e-6 * case.scale
    gradient = to_numpy(case.penalty.gradient(inside))
    for index in zip(*np.nonzero(inside), strict=True):
        up, down = inside.copy(), inside.copy()
        up[index] += h
        down[index] -= h
        numerical = (case.penalty.value(up) - case.penalty.value(down)) / (2 * h)
        case.equal("gradient is the derivative of value", gradient[index], numerical, 1e-4)


def prox_law(case: PenaltyCase) -> None:
    """No rival has a lower ‖x − z‖²/(2 step) + Ω(x) than the prox, and the prox is stationary."""
    for step in (case.step(), case.steps()):
        z = case.points()
        x = to_numpy(case.penalty.prox(z, step))

        def objective(y: Float, z: Float = z, step: Any = step) -> float:
            return float(np.sum((y - z) ** 2 / (2 * step)) + case.penalty.value(y))

        best = objective(x)
        for rival in rivals(case, x, z):
            case.require("no rival beats the prox", best - objective(rival), TINY * (1 + abs(best)))
        distance, tol = case.penalty.distance(x, (x - z) / step), TINY * (1 + np.max(np.abs(z / step)))
        case.require("prox is stationary: distance(x, (x − z)/step) is 0", distance, tol)


def rivals(case: PenaltyCase, x: Float, z: Float) -> Iterator[Float]:
    """Points of the domain near and far from x."""
    yield np.zeros(case.shape)
    yield case.projected(z)
    yield 0.999 * x
    for size in (1e-4, 1e-2, 0.3):
        yield case.projected(x + size * case.points() * (x != 0))
        for index in np.ndindex(case.shape):
            move = np.zeros(case.shape)
            move[index] = size
            yield case.projected(x + move * case.points())


def distance_law(case: PenaltyCase) -> None:
    """The distance is the speed with which proximal gradient steps leave w."""
    for w in (case.weights(), case.projected(case.points()), np.zeros(case.shape)):
        g, step = case.points(), 1e-7 * min(case.scale, 1.0)
        speed = np.abs(to_numpy(case.penalty.prox(w - step * g, step)) - w) / step
        law = "distance(w, g) is |prox(w − t g, t) − w|/t as t → 0"
        case.equal(law, case.penalty.distance(w, g), speed, 1e-4)


def contraction_law(case: PenaltyCase) -> None:
    """⟨x − x′, z − z′⟩ ≥ (1 − step·c)‖x − x′‖² for prox points: firmly non-expansive where convex (c = 0)."""
    z, other, step = case.points(), case.points(), case.step()
    apart = to_numpy(case.penalty.prox(z, step)) - to_numpy(case.penalty.prox(other, step))
    least = (1 - step * case.penalty.traits.weak_convexity) * inner(apart, apart)
    tol = TINY * (1 + case.scale**2)
    case.require("prox is firmly non-expansive, up to weak convexity", least - inner(apart, z - other), tol)


def conjugate_law(case: PenaltyCase) -> None:
    """Fenchel–Young: Ω(w) + Ω*(u) ≥ ⟨u, w⟩ always, with equality where u is a subgradient at w."""
    if not case.penalty.traits.convex:
        return refusal_law(case)
    case.equal("conjugate(0) is 0", case.penalty.conjugate(np.zeros(case.shape)), 0.0, 0.0)
    w, u = case.weights(), case.points()
    for v in (w, case.projected(u), case.projected(1e3 * u), case.projected(1e6 * u)):
        bound = inner(u, v) - case.penalty.value(v)
        excess = bound - case.penalty.conjugate(u)
        case.require("Fenchel–Young: value(w) + conjugate(u) ≥ ⟨u, w⟩", excess, TINY * (1 + abs(bound)))
    u = to_numpy(case.penalty.gradient(w))
    total = case.penalty.value(w) + case.penalty.conjugate(u)
    case.equal("Fenchel–Young is an equality at subgradients", total, inner(u, w))
    return moreau_law(case)


def refusal_law(case: PenaltyCase) -> None:
    """Without convexity there is no conjugate to rely on."""
    try:
        case.penalty.conjugate(np.zeros(case.shape))
    except ValueError:
        return
    case.require("conjugate of a non-convex penalty raises ValueError", 1.0)


def moreau_law(case: PenaltyCase) -> None:
    """z = x + step·u with x the prox of Ω at z and u the prox of Ω*, so that no rival of u does better."""
    z, step = case.points(), case.step()
    x, u = dual_pair(case, z, step)

    def objective(v: Float) -> float:
        return float(case.penalty.conjugate(v) + step / 2 * np.sum((v - z / step) ** 2))

    both = objective(u) + case.penalty.value(x) + np.sum((x - z) ** 2) / (2 * step)
    case.equal("Moreau: both envelopes add up to ‖z‖²/(2 step)", both, inner(z, z) / (2 * step), 1e-8)
    others = [dual_pair(case, other, step)[1] for other in (case.points(), z + 0.1 * case.points())]
    law, tol = "Moreau: (z − prox(z))/step is the prox of the conjugate", 1e-8 * (1 + objective(u))
    for rival in (*others, 0.99 * u):
        case.require(law, objective(u) - objective(rival), tol)


def dual_pair(case: PenaltyCase, z: Float, step: float) -> tuple[Float, Float]:
    """The prox x at z and u = (z − x)/step, drawn in by the rounding that may leave the domain of Ω*."""
    x = to_numpy(case.penalty.prox(z, step))
    return x, (z - x) / step * (1 - 1e-11 * (1 + np.max(np.abs(z)) / step))


def lambda_max_law(case: PenaltyCase) -> None:
    """0 is optimal at λ_max, and not at 0.999 λ_max, for a gradient and for its opposite."""
    g = np.where(case.free(), 0.0, case.points())
    tight_law(case, g)
    tight_law(case, -g)
    case.equal("lambda_max(0) is 0", case.penalty.lambda_max(0 * g), 0.0, 0.0)


def tight_law(case: PenaltyCase, g: Float) -> None:
    """λ_max for the gradient g from both sides."""
    p, step = case.penalty, case.step()
    t = p.lambda_max(g)

    def moved(lam: float) -> int:
        return int(np.count_nonzero(to_numpy((lam * p).prox(-step * g, step))))

    if np.isinf(t):
        case.require("lambda_max is inf only where no strength gives zeros", moved(1e6) == 0)
        return
    case.require("at lambda_max the weights are 0", moved(t * (1 + TINY)))
    case.require("at lambda_max 0 is stationary", (t * p).distance(0 * g, g), TINY * (1 + case.scale))
    case.require("at 0.999 lambda_max some weight is not 0", t > 0 and moved(0.999 * t) == 0)


def table_law(case: PenaltyCase) -> None:
    """The table, read in plain NumPy, is the same penalty; box, exclusions, free entries are as it says."""
    table = case.penalty.table(case.n)
    if table is None:
        return
    per_row = (case.n, *(1,) * (len(case.shape) - 1))
    l1, l2, lower, upper = (np.broadcast_to(np.reshape(x, per_row), case.shape) for x in table[:4])
    rows = table._replace(l1=l1, l2=l2, lower=lower, upper=upper)
    w, z, step = case.weights(), case.points(), case.step()
    x = to_numpy(case.penalty.prox(z, step))
    case.equal("table gives the same value", table_value(rows, w), case.penalty.value(w))
    case.equal("table gives the same prox", table_prox(rows, z, step), x, 1e-6)
    case.require("prox stays in the box", (x < lower) | (x > upper))
    case.require("excluded weights are 0", np.abs(x[np.isinf(l1)]))
    free = (l1 == 0) & (l2 == 0)
    case.equal("weights that are not penalised are not shrunk", x[free], np.clip(z, lower, upper)[free], 0.0)
    outside_law(case, lower, upper)


def outside_law(case: PenaltyCase, lower: Float, upper: Float) -> None:
    """Beyond a bound the value and the distance are inf."""
    for bound, side in ((lower, -1.0), (upper, 1.0)):
        for index in list(zip(*np.nonzero(np.isfinite(bound)), strict=True))[:3]:
            w = np.zeros(case.shape)
            w[index] = bound[index] + side * case.scale
            case.equal("value is inf outside the box", case.penalty.value(w), np.inf)
            distance = to_numpy(case.penalty.distance(w, w))
            case.equal("distance is inf outside the box", distance[index], np.inf)


def strength_law(case: PenaltyCase) -> None:
    """``t * p`` is the same shape t times as strong."""
    p, t = case.penalty, float(case.rng.uniform(0.1, 5))
    step, z, w = case.step(), case.points(), case.weights()
    case.require("t * p equals p * t", t * p != p * t)
    case.equal("t * p keeps the weak convexity", (t * p).traits.weak_convexity, p.traits.weak_convexity, 0.0)
    case.equal("s * (t * p) is (s t) * p", (2.0 * (t * p)).value(w), ((2.0 * t) * p).value(w))
    case.equal("0 * p is 0", (0.0 * p).value(w), 0.0, 0.0)
    at, base = (t * p).lambda_max(z), p.lambda_max(z)
    case.equal("lambda_max of t * p is lambda_max of p, over t", at, base / t)
    if p.traits.convex:
        case.equal("value of t * p is t times the value", (t * p).value(w), t * p.value(w))
        longer = p.prox(z, t * step)
        case.equal("prox of t * p is the prox with t times the step", (t * p).prox(z, step), longer)
    double = p.merged(p)
    if double is not None:
        case.equal("value of p + p is twice the value", double.value(w), 2 * p.value(w))
        case.equal("prox of p + p is the prox of 2 * p", double.prox(z, step), (2 * p).prox(z, step))


def curvature_law(case: PenaltyCase) -> None:
    """Beside a loss of curvature c a penalty is c·p(w; λ/c), p being measured against 1; then it stays as it is."""
    p, c, w, z = case.penalty, float(case.rng.uniform(0.2, 4)), case.weights(), case.points()
    beside = p.at_curvature(c)
    case.require("a curvature that is given stays", beside.at_curvature(2 * c) != beside)
    case.equal("lambda_max does not depend on the curvature", beside.lambda_max(z), p.lambda_max(z))
    if beside != p or p.traits.convex:
        case.equal("beside the curvature 1 p is as it is", p.at_curvature(1.0).value(w), p.value(w))
        case.equal("beside the curvature c it is c·p(w; λ/c)", beside.value(w), c * ((1 / c) * p).value(w))


def steps_law(case: PenaltyCase) -> None:
    """An array of steps does what each step alone does."""
    z, steps = case.points(), case.steps()
    together = to_numpy(case.penalty.prox(z, steps))
    for index in np.ndindex(case.shape):
        alone = to_numpy(case.penalty.prox(z, float(steps[index])))[index]
        case.equal("an array of steps is a loop of scalars", together[index], alone, 1e-12)


def record_law(case: PenaltyCase) -> None:
    """A penalty is a value: copies are equal, hash the same and look the same."""
    p = case.penalty
    for twin in (copy.deepcopy(p), 1.0 * p):
        differ = (twin != p, hash(twin) != hash(p), repr(twin) != repr(p))
        case.require("copies are equal, with equal hash and repr", differ)


LAWS: tuple[Law, ...] = (
    value_law,
    gradient_law,
    prox_law,
    distance_law,
    contraction_law,
    conjugate_law,
    lambda_max_law,
    table_law,
    strength_law,
    curvature_law,
    steps_law,
    record_law,
)


def kinds_law(case: PenaltyCase, kinds: Sequence[str]) -> None:
    """Each kind of array gives NumPy's numbers, in its own kind and dtype, float32 and float64."""
    found = installed_kinds()
    for kind in kinds:
        if kind not in found:
            raise ValueError(f"kinds must be installed kinds of arrays ({', '.join(found)}), got {kind!r}")
        for dtype in ("float32", "float64"):
            inputs = [x.astype(dtype) for x in (case.weights(), case.points(), case.steps())]
            same_kind(case, found[kind], inputs, 1e-4 if dtype == "float32" else 1e-10)


def same_kind(case: PenaltyCase, xp: Any, inputs: list[Float], tol: float) -> None:
    """The answers to arrays of namespace ``xp`` against those to NumPy arrays of the same dtype."""
    arrays = [xp.asarray(x) for x in inputs]
    if np.dtype(str(arrays[0].dtype).rpartition(".")[2]) != inputs[0].dtype:
        return  # JAX has float64 only when asked for
    for (name, mine), (_, theirs) in zip(answers(case, *arrays), answers(case, *inputs), strict=True):
        law = f"{name} is the same for {namespace(arrays[0]).__name__} arrays"
        case.equal(law, to_numpy(mine), theirs, tol)
        case.require(f"{law}, in kind", namespace(mine) is not namespace(arrays[0]))
        case.require(f"{law}, in dtype", mine.dtype != arrays[0].dtype)
    case.equal(
        "lambda_max is the same", case.penalty.lambda_max(arrays[1]), case.penalty.lambda_max(inputs[1]), tol
    )


def answers(case: PenaltyCase, w: Array, z: Array, steps: Array) -> Iterator[tuple[str, Array]]:
    """Every array-valued answer of the penalty to one set of points."""
    p, step = case.penalty, float(np.min(to_numpy(steps)))
    yield "value", p.value(w)
    yield "gradient", p.gradient(w)
    yield "distance", p.distance(w, z)
    yield "prox", p.prox(z, step)
    yield "prox with an array of steps", p.prox(z, steps)
    if p.traits.convex:
        yield "conjugate", p.conjugate(p.gradient(w) / 2)


def check_penalty(
    penalty: Penalty,
    n: int = 5,
    rng: int | np.random.Generator = 0,
    *,
    outputs: int | None = None,
    kinds: Sequence[str] | None = None,
) -> None:
    """Check the laws at random points with ``n`` features; AssertionError names the broken one.

    ``outputs=k`` checks weights (n, k) instead of (n,). ``rng`` is a seed or a generator. ``kinds`` are the
    arrays to try, of "numpy", "torch" and "jax": all that are installed where None. Points have sizes about
    0.1, 1 and 10, so that strengths and boxes far from these are hardly tested.
    """
    generator = np.random.default_rng(rng)
    shape = (n,) if outputs is None else (n, outputs)
    for scale in (1.0, 0.1, 10.0):
        case = PenaltyCase(penalty, shape, scale, generator)
        for law in LAWS:
            law(case)
    kinds_law(
        PenaltyCase(penalty, shape, 1.0, generator), tuple(installed_kinds()) if kinds is None else kinds
    )
