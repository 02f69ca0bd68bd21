"""The total loss of a network, F = L + Ω: forward and backward with its two terms kept apart.

    forward    total = L(η, y) + Σ_k P_k(W_k) + Σ_k Q_k(b_k) (+ R(A)),  with η = network(X)
    backward   ∂F/∂W_k = ∂L/∂W_k + ∂P_k(W_k),  ∂F/∂b_k = ∂L/∂b_k + ∂Q_k(b_k)

With L1(λ) on weights and biases that is L + λ Σ|w| + λ Σ|b|, with L2(λ) L + λ Σ w² + λ Σ b², whose gradients
add λ sign(w) and 2λw. Every layer's weights and biases may have a penalty of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from taut.losses import Loss
from taut.network import Network, Params, Tape
from taut.penalties import Penalty
from taut.types import Real

PerLayer: TypeAlias = "Penalty | Sequence[Penalty | None] | None"
"""One penalty for every layer, a list with one per layer (None: not penalised), or None: no penalty."""


class Terms(NamedTuple):
    """The two terms of F: numbers for one member, arrays (M,) for a stack."""

    data: Any
    penalty: Any

    @property
    def total(self) -> Any:
        """F = data + penalty."""
        return self.data + self.penalty


@final
@dataclass(frozen=True)
class Objective:
    """F(θ) = L(network(X), y) + Ω(θ), a function of the parameters that knows its gradient.

    ``weights`` and ``biases`` are penalties per layer, see ``PerLayer``; the inputs of a weight matrix
    (in, out) are the penalty's coordinates (factors, groups). ``skip`` is the penalty of the skip connection
    A (p, q); None: that of the first layer's weights, whose inputs are the same columns; for none at all give
    ``taut.L1(0)``. MCP and SCAD are measured against the loss's curvature, as on a path (``Penalty.at_curvature``).
    """

    loss: Loss
    network: Network
    weights: PerLayer = None
    biases: PerLayer = None
    skip: Penalty | None = None

    def __post_init__(self) -> None:
        per_layer("weights", self.weights, self.network.depth)
        per_layer("biases", self.biases, self.network.depth)

    def forward(self, params: Params, X: Real, y: Real, weight: Real | None = None) -> Terms:
        """Data loss and penalty; X (n, p) or (M, n, p), y as the loss takes it, weight (n,) | (M, n)."""
        eta, _ = self._predict(params, X, y)
        data = self.loss.value(eta, y, check_weight(weight, params.members, len(y)))
        terms = Terms(data, self._penalty(params))
        return terms if params.members > 1 else Terms(float(terms.data[0]), float(terms.penalty[0]))

    def backward(self, params: Params, X: Real, y: Real, weight: Real | None = None) -> Params:
        """∂F/∂θ, shaped as ``params``: ∂L/∂θ + the penalty's subgradient of least norm (0 at 0 for L1)."""
        data = self.backward_data(params, X, y, weight)
        return data.map(np.add, self.backward_penalty(params))

    def backward_data(self, params: Params, X: Real, y: Real, weight: Real | None = None) -> Params:
        """∂L/∂θ, shaped as ``params``."""
        eta, tape = self._predict(params, X, y)
        deta = self.loss.gradient(eta, y, check_weight(weight, params.members, len(y)))
        return self.network.backward(params, tape, deta if self.loss.multi_output(y) else deta[..., None])

    def backward_penalty(self, params: Params) -> Params:
        """∂Ω/∂θ, shaped as ``params``: the subgradient of least norm, zero where nothing is penalised."""
        pairs = zip(self.penalties(params), params.arrays, strict=True)
        return params.rebuild([subgradient(penalty, stack) for penalty, stack in pairs])

    def gradient_step(
        self, params: Params, X: Real, y: Real, rate: float, weight: Real | None = None
    ) -> Params:
        """One step of gradient descent, θ ← θ − rate·(∂L/∂θ + ∂Ω/∂θ): what ``backward`` returns is taken off.

        The penalty's (sub)gradient stands beside the loss's, as the formulas are written: 2λw pulls in proportion to a weight,
        λ sign(w) with the same force on all, so that under L1 a weight steps across zero and back, and is never exactly
        zero; ``proximal_step`` is the step that reaches it. Arguments as in ``forward``; ``rate`` > 0.
        """
        slope = self.backward(params, X, y, weight)
        return params.map(lambda w, g: w - check_rate(rate) * g, slope)

    def proximal_step(
        self, params: Params, X: Real, y: Real, rate: float, weight: Real | None = None
    ) -> Params:
        """One proximal step, θ ← prox_{rate·Ω}(θ − rate·∂L/∂θ): downhill on the data loss, then the penalty solved exactly.

        Under L1 small weights become exactly zero. Arguments as in ``forward``; ``rate`` > 0, and for MCP and SCAD small
        enough for their prox to be a function. Parikh and Boyd 2014, Proximal Algorithms, §4.2.
        """
        slope = self.backward_data(params, X, y, weight)
        moved = params.map(lambda w, g: w - check_rate(rate) * g, slope)
        pairs = zip(self.penalties(params), moved.arrays, strict=True)
        return moved.rebuild([shrunk(penalty, stack, rate) for penalty, stack in pairs])

    def penalties(self, params: Params) -> tuple[Penalty | None, ...]:
        """The penalty of each of ``params.arrays``, in their order."""
        weights = per_layer("weights", self.weights, len(params.weights))
        biases = per_layer("biases", self.biases, len(params.biases))
        skip = () if params.skip is None else (weights[0] if self.skip is None else self.skip,)
        curvature = self.loss.unit_curvature(params.weights[-1].shape[-1])
        return tuple(p and p.at_curvature(curvature) for p in (*weights, *biases, *skip))

    def _predict(self, params: Params, X: Real, y: Real) -> tuple[Real, Tape]:
        eta, tape = self.network.forward(params, X)
        if self.loss.multi_output(y):
            return eta, tape
        if eta.shape[-1] != 1:
            raise ValueError(f"{self.loss!r} has one output for this y, and the network {eta.shape[-1]}")
        return eta[..., 0], tape

    def _penalty(self, params: Params) -> Real:
        total = np.zeros(params.members, dtype=params.dtype)
        for penalty, stack in zip(self.penalties(params), params.arrays, strict=True):
            if penalty is not None and stack.size:
                total += np.array([penalty.value(array) for array in stack], dtype=params.dtype)
        return total


def per_layer(name: str, given: PerLayer, depth: int) -> tuple[Penalty | None, ...]:
    """``given`` as one penalty (or None) for each of ``depth`` layers; raises where it is no such thing."""
    if given is None or isinstance(given, Penalty):
        return (given,) * depth
    layers = tuple(given)
    for k, penalty in enumerate(layers):
        if not (penalty is None or isinstance(penalty, Penalty)):
            raise TypeError(
                f"{name}[{k}] must be a penalty such as taut.L1(0.1), or None, and it is {penalty!r}"
            )
    if len(layers) != depth:
        raise ValueError(
            f"{name} lists {len(layers)} penalties and the network has {depth} layers: give one each"
        )
    return layers


def subgradient(penalty: Penalty | None, stack: Real) -> Real:
    """The least-norm subgradient of a penalty at each member of ``stack`` (M, …); zero for None."""
    if penalty is None or not stack.size:
        return np.zeros_like(stack)
    return np.stack([penalty.gradient(array) for array in stack])


def shrunk(penalty: Penalty | None, stack: Real, rate: float) -> Real:
    """The prox of rate·Ω at each member of ``stack`` (M, …); the stack itself for None."""
    if penalty is None or not stack.size:
        return stack
    return np.stack([penalty.prox(array, rate) for array in stack])


def check_rate(rate: float) -> float:
    """The learning rate, a finite number above 0; raises ValueError for any other."""
    if not 0.0 < rate < np.inf:
        raise ValueError(f"rate must be a finite number above 0, got {rate!r}")
    return rate


def check_weight(weight: Real | None, members: int, rows: int) -> Real | None:
    """Row weights (n,) or (M, n): finite, ≥ 0, and with a positive sum for every member."""
    if weight is None:
        return None
    weight = np.asarray(weight)
    if weight.shape not in ((rows,), (members, rows)):
        raise ValueError(f"weight must be ({rows},) or ({members}, {rows}), and this one is {weight.shape}")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("row weights must be finite and ≥ 0: leave a row out with a weight of 0")
    if not weight.sum(axis=-1).all():
        raise ValueError("the row weights of a member sum to 0: it has no row to fit")
    return weight
