"""What must hold for every network under every loss and penalty: ``check_network(network, loss, y, …)``.

The backward pass is compared with central differences of the forward pass, through ``Objective``; the forward
pass with sums written out unit by unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from taut.losses import Loss, SquaredError
from taut.network import Network, Params, as_activation
from taut.objective import Objective, PerLayer
from taut.penalties import Penalty
from taut.types import Real

STEP = 1e-6
"""Of the central differences: rounding is near 1e-9, a kink in the slope of Huber or MCP below 1e-6."""

MARGIN = 1e-4
"""How far preactivations stay from 0, where relu has its kink."""


@dataclass(frozen=True)
class NetworkCase:
    """An objective, parameters away from every kink, and data."""

    objective: Objective
    params: Params
    X: Real
    y: Real
    rng: np.random.Generator

    @property
    def network(self) -> Network:
        """The network of the objective."""
        return self.objective.network

    def weight(self) -> Real:
        """Row weights (M, n), a third of them 0."""
        shape = (self.params.members, len(self.y))
        weight = self.rng.uniform(0.5, 2, size=shape) * (self.rng.uniform(size=shape) > 1 / 3)
        weight[:, 0] = 1.0
        return weight

    def require(self, law: str, holds: bool, found: str) -> None:
        """Raise AssertionError, naming the law and what was found, unless it holds."""
        if not holds:
            raise AssertionError(f"{self.network!r} breaks the law: {law} ({found})")

    def equal(self, law: str, actual: Any, expected: Any, tol: float = 1e-10) -> None:
        """``require`` that both are the same, entry by entry, relative to their size beyond 1."""
        a, b = np.asarray(actual), np.asarray(expected)
        self.require(law, a.shape == b.shape, f"shape {a.shape}, not {b.shape}")
        gap = np.abs(a - b) / np.maximum(1.0, np.abs(b))
        worst = float(np.max(gap, initial=0.0))
        self.require(law, bool(np.all(gap <= tol)), f"off by {worst:.3g}, allowed {tol:.1g}")

    def same(self, law: str, actual: Params, expected: Params, tol: float = 1e-10) -> None:
        """``equal`` for every array of two sets of parameters."""
        self.equal(f"{law}: as many arrays", len(actual.arrays), len(expected.arrays))
        for name, a, b in zip(names(expected), actual.arrays, expected.arrays, strict=True):
            self.equal(f"{law}, {name}", a, b, tol)


Law: TypeAlias = Callable[[NetworkCase], None]


def names(params: Params) -> list[str]:
    """What to call each of ``params.arrays``."""
    layers = range(1, len(params.weights) + 1)
    return [*(f"weights {k}" for k in layers), *(f"biases {k}" for k in layers), "skip"][: len(params.arrays)]


def gradient_law(case: NetworkCase) -> None:
    """The backward pass is the derivative of the forward pass: in total, and term by term."""
    weight, F = case.weight(), case.objective
    passes = {
        "data": F.backward_data(case.params, case.X, case.y, weight),
        "penalty": F.backward_penalty(case.params),
        "total": F.backward(case.params, case.X, case.y, weight),
    }
    numerical = differences(case, weight)
    for term, gradient in passes.items():
        case.same(f"backward is the derivative of forward, {term}", gradient, numerical[term], 1e-6)


def differences(case: NetworkCase, weight: Real) -> dict[str, Params]:
    """Central differences of both terms and the total in every parameter, all members at once."""
    found = {term: case.params.map(np.zeros_like) for term in ("data", "penalty", "total")}
    for k, array in enumerate(case.params.arrays):
        for entry in np.ndindex(array.shape[1:]):
            index = (slice(None), *entry)
            ends = [moved(case, k, index, t, weight) for t in (STEP, -STEP)]
            for term, params in found.items():
                slope = (np.asarray(ends[0][term]) - np.asarray(ends[1][term])) / (2 * STEP)
                params.arrays[k][index] = slope
    return found


def moved(case: NetworkCase, k: int, index: tuple[Any, ...], t: float, weight: Real) -> dict[str, Any]:
    """The terms with entry ``index`` of array k moved by t."""
    arrays = [array.copy() for array in case.params.arrays]
    arrays[k][index] += t
    terms = case.objective.forward(case.params.rebuild(arrays), case.X, case.y, weight)
    return {"data": terms.data, "penalty": terms.penalty, "total": terms.total}


def units_law(case: NetworkCase) -> None:
    """Every unit is φ(Σ_i a_i w_i + b), the output is linear, and the skip connection adds Σ_i x_i A_i."""
    eta, _ = case.network.forward(case.params, case.X)
    for m in range(case.params.members):
        for i, x in enumerate(case.X):
            case.equal("forward is the sum over units", eta[m, i], output(case, m, x))


def output(case: NetworkCase, m: int, x: Real) -> Real:
    """η of member m for one row x, written out."""
    phi, one, a = as_activation(case.network.activation), case.params.member(m), x
    for k, (weight, bias) in enumerate(zip(one.weights, one.biases, strict=True)):
        z = np.array([sum(a[i] * weight[0, i, j] for i in range(len(a))) + b for j, b in enumerate(bias[0])])
        a = z if k == len(case.network.hidden) else phi.value(z)
    return a if one.skip is None else a + x @ one.skip[0]


def linear_law(case: NetworkCase) -> None:
    """Without the weights into the output η is XA + b: linear, with the skip connection's A."""
    if not case.network.hidden:
        eta, _ = case.network.forward(case.params, case.X)
        linear = case.X @ case.params.weights[0] + case.params.biases[0][:, None]
        return case.equal("depth zero is the linear model", eta, linear)
    p = case.params
    dead = Params((*p.weights[:-1], 0 * p.weights[-1]), p.biases, p.skip)
    eta, _ = case.network.forward(dead, case.X)
    linear = np.zeros_like(eta) + p.biases[-1][:, None] + (0 if p.skip is None else case.X @ p.skip)
    return case.equal("with a dead hidden part the network is linear", eta, linear)


def member_law(case: NetworkCase) -> None:
    """A stack is its members one by one: both terms, the gradient, and with an X for each."""
    weight, F = case.weight(), case.objective
    own = np.stack([case.X + 0.1 * m for m in range(case.params.members)])
    for X, pick in ((case.X, lambda m: case.X), (own, lambda m: own[m])):
        terms, gradient = (
            F.forward(case.params, X, case.y, weight),
            F.backward(case.params, X, case.y, weight),
        )
        for m in range(case.params.members):
            one, s = case.params.member(m), weight[m]
            alone = F.forward(one, pick(m), case.y, s)
            case.equal("members are independent: data", np.atleast_1d(terms.data)[m], alone.data)
            case.equal("members are independent: penalty", np.atleast_1d(terms.penalty)[m], alone.penalty)
            law = "members are independent: gradient"
            case.same(law, gradient.member(m), F.backward(one, pick(m), case.y, s))


def mask_law(case: NetworkCase) -> None:
    """Rows of weight 0 are not there: a fold is a mask."""
    weight, F = case.weight(), case.objective
    terms = F.forward(case.params, case.X, case.y, weight)
    gradient = F.backward(case.params, case.X, case.y, weight)
    for m in range(case.params.members):
        kept, one = weight[m] > 0, case.params.member(m)
        rows = case.X[kept], case.y[kept], weight[m][kept]
        case.equal(
            "a row mask leaves rows out: data", np.atleast_1d(terms.data)[m], F.forward(one, *rows).data
        )
        case.same("a row mask leaves rows out: gradient", gradient.member(m), F.backward(one, *rows))


def dtype_law(case: NetworkCase) -> None:
    """float32 stays float32, near the float64 result."""
    single, X = case.params.map(lambda array: array.astype(np.float32)), case.X.astype(np.float32)
    eta, _ = case.network.forward(single, X)
    gradient = case.objective.backward(single, X, case.y)
    found = {str(array.dtype) for array in (eta, *gradient.arrays)}
    case.require("float32 stays float32", found == {"float32"}, f"found {found}")
    case.equal("float32 is near float64: forward", eta, case.network.forward(case.params, case.X)[0], 1e-4)
    exact = case.objective.backward(case.params, case.X, case.y)
    case.same("float32 is near float64: backward", gradient, exact, 1e-3)


def init_law(case: NetworkCase) -> None:
    """Members start differently, each as it would alone, with zero biases and a zero skip connection."""
    widths = (case.X.shape[1], *case.network.hidden, case.params.weights[-1].shape[-1])
    streams = (np.random.default_rng(1), np.random.default_rng(1))
    three, one = (
        case.network.init(widths[0], widths[-1], s, members=m) for s, m in zip(streams, (3, 1), strict=True)
    )
    found = [weight.shape for weight in three.weights] + [bias.shape for bias in three.biases]
    expected = [(3, *pair) for pair in pairwise(widths)] + [(3, width) for width in widths[1:]]
    case.require("init has the shapes of the network", found == expected, f"{found}, not {expected}")
    skips = case.network.skip and bool(case.network.hidden)
    case.require("init has a skip connection where asked", (three.skip is not None) == skips, f"{three.skip}")
    case.same("a member starts the same in a stack of any size", three.member(0), one)
    for start in three.arrays[len(three.weights) :]:
        case.equal("biases and skip start at 0", start, np.zeros_like(start))
    for start in three.weights:
        differ = start.size == 0 or bool(np.any(start[0] != start[1]))
        case.require("members start differently", differ, "two are the same")


LAWS: tuple[Law, ...] = (
    gradient_law,
    units_law,
    linear_law,
    member_law,
    mask_law,
    dtype_law,
    init_law,
)


def draw(network: Network, X: Real, outputs: int, members: int, rng: np.random.Generator) -> Params:
    """Random parameters, none near 0, and no preactivation near 0 either."""
    start = network.init(X.shape[1], outputs, rng, members)

    def away(array: Real) -> Real:
        size = rng.uniform(0.1, 1, size=array.shape) / np.sqrt(max(array.shape[1], 1))
        return np.asarray(rng.choice([-1.0, 1.0], size=array.shape) * size)

    for _ in range(1000):
        params = start.map(away)
        _, tape = network.forward(params, X)
        if all(np.min(np.abs(z), initial=1.0) > MARGIN for z in tape.preactivations):
            return params
    raise ValueError(f"no parameters of {network!r} keep {len(X)} rows off the kinks: give fewer rows")


def check_network(
    network: Network,
    loss: Loss | None = None,
    y: Real | None = None,
    rng: int | np.random.Generator = 0,
    *,
    weights: PerLayer = None,
    biases: PerLayer = None,
    skip: Penalty | None = None,
    inputs: int = 3,
    members: int = 2,
) -> None:
    """Check every law of networks under a loss, targets ``y`` it takes and penalties as in ``Objective``.

    AssertionError names the law that fails. By default squared error and six normal targets. ``rng`` is a
    seed or a generator, ``inputs`` is p, ``members`` M. Every parameter is moved on its own: keep the widths
    small. Parameters are at most 1 in size: a penalty's box must leave room for that.
    """
    generator = np.random.default_rng(rng)
    loss = SquaredError() if loss is None else loss
    y = loss.check_target(generator.normal(size=6) if y is None else y)
    X = generator.normal(size=(len(y), inputs))
    params = draw(network, X, loss.outputs(y), members, generator)
    case = NetworkCase(Objective(loss, network, weights, biases, skip), params, X, y, generator)
    for law in LAWS:
        law(case)
