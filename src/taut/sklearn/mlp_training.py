"""Training of the networks of ``taut.sklearn``: scikit-learn's start and stopping rule around taut's compiled passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from taut.losses import Loss
from taut.messages import warn
from taut.network import Network, Params
from taut.path import PathSpec
from taut.penalties import ElasticNet
from taut.solvers import (
    Member,
    Rows,
    Shapes,
    Training,
    descend,
    layer_penalties,
    quadratic_table,
    scale_members,
    stack_members,
    trainer_for,
)
from taut.types import Float, Real

ACTIVATIONS = {"logistic": "sigmoid", "identity": "identity", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names and taut's."""


class Weights(NamedTuple):
    """One matrix (in, out) and one vector (out,) per layer."""

    coefs: Sequence[Any]
    intercepts: Sequence[Any]


class Trained(NamedTuple):
    """The weights, the loss after every epoch (or at the end), the epochs (or iterations) made, and whether it settled."""

    weights: Weights
    losses: list[float]
    epochs: int
    converged: bool


def glorot(units: Sequence[int], activation: str, random: np.random.RandomState) -> Weights:
    """First weights, uniform within √(6/(in + out)), √(2/(in + out)) for the sigmoid (Glorot and Bengio 2010)."""
    factor = 2.0 if activation == "logistic" else 6.0
    coefs, intercepts = [], []
    for inputs, outputs in pairwise(units):
        bound = np.sqrt(factor / (inputs + outputs))
        coefs.append(random.uniform(-bound, bound, (inputs, outputs)))
        intercepts.append(random.uniform(-bound, bound, outputs))
    return Weights(coefs, intercepts)


def train(model: Any, loss: Loss, X: Any, y: Float, weight: Float, start: Weights) -> Trained:
    """From ``start`` by the solver that ``model`` names."""
    rows = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)
    scale = 2.0 if loss.traits.constant_curvature else 1.0  # scikit-learn's squared error has a ½
    size = len(y) if model.solver == "lbfgs" else _rows_per_step(model, len(y))
    shape = ElasticNet(1.0, scale * model.l1 / size, 0.5 * scale * model.alpha / size)
    hidden = tuple(len(intercept) for intercept in start.intercepts[:-1])
    network = Network(hidden, ACTIVATIONS[model.activation], False)
    # No centring either: biases are the network's own, and y stays what it is.
    spec = PathSpec(loss, shape, hidden, skip=False, standardize=False, fit_intercept=False)
    problem = spec.linear_problem(rows, y, weight)
    member = stack_members(problem, scale_members(problem, weight[None]), network)[0]
    return (_quasi_newton if model.solver == "lbfgs" else _adam)(model, member, shape, start, scale)


def _rows_per_step(model: Any, n: int) -> int:
    if model.batch_size == "auto":
        return min(200, n)
    if not 1 <= model.batch_size <= n:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return int(np.clip(model.batch_size, 1, n))


def _adam(model: Any, member: Member, shape: ElasticNet, start: Weights, scale: float) -> Trained:
    """Epochs of proximal Adam until the loss has not fallen by ``tol`` for ``n_iter_no_change`` of them."""
    training = Training(
        learning_rate=model.learning_rate_init, batch_size=_rows_per_step(model, member.n), beta1=model.beta_1,
        beta2=model.beta_2, epsilon=model.epsilon,
    )  # fmt: skip
    penalties = layer_penalties(member.layout, Shapes(shape), False, True)
    trainer = trainer_for(member, penalties, training, _vector(member, start), member.X.astype(np.float32))
    losses: list[float] = []
    best, stale = np.inf, 0
    for _ in range(model.max_iter):
        data = trainer.epoch(_order(model, member.n), model.learning_rate_init, 1.0)
        losses.append((data + trainer.penalties.value(trainer.vector, 1.0)) / scale)
        if model.verbose:
            print(f"Iteration {len(losses)}, loss = {losses[-1]:.8f}")
        stale = stale + 1 if losses[-1] > best - model.tol else 0
        best = min(best, losses[-1])
        if stale > model.n_iter_no_change:
            if model.verbose:
                print(
                    f"Training loss did not improve more than tol={model.tol:f} for {model.n_iter_no_change} "
                    "consecutive epochs. Stopping."
                )
            break
    settled = len(losses) < model.max_iter or stale > model.n_iter_no_change
    return Trained(_weights(member, trainer.vector), losses, len(losses), settled)


def _order(model: Any, n: int) -> Rows:
    return model._random_state.permutation(n) if model.shuffle else np.arange(n)


def _quasi_newton(model: Any, member: Member, shape: ElasticNet, start: Weights, scale: float) -> Trained:
    """Orthant-wise descent in double precision until the stationarity residual is ``tol``."""
    penalties = layer_penalties(member.layout, Shapes(shape), False, True)
    table = quadratic_table(penalties)
    assert table is not None  # an elastic net
    counted = _Counted(member, model.max_fun)
    point = descend(counted, table, 1.0, _vector(member, start), range(model.max_iter), scale * model.tol)
    iterations = min(counted.calls, model.max_iter, model.max_fun)
    return Trained(
        _weights(member, point.vector), [point.total / scale], iterations, point.residual <= scale * model.tol
    )


@dataclass(eq=False)
class _Counted:
    """A member's data loss that counts its passes, and takes no step down after ``most`` of them."""

    member: Member
    most: int
    calls: int = 0

    def value_and_gradient(self, vector: Real) -> tuple[float, Real]:
        """L(θ) and ∇L(θ) (P,); an infinite L once the passes are used up, so that no step is taken."""
        self.calls += 1
        if self.calls > self.most:
            return np.inf, np.zeros_like(vector)
        return self.member.value_and_gradient(vector)


def _vector(member: Member, weights: Weights) -> Real:
    parts = [tuple(np.asarray(values, dtype=np.float64)[None] for values in kind) for kind in weights]
    return member.layout.vector(Params(parts[0], parts[1], None))


def _weights(member: Member, vector: Real) -> Weights:
    params = member.layout.params(np.asarray(vector, dtype=np.float64).copy())
    return Weights([w[0] for w in params.weights], [b[0] for b in params.biases])
