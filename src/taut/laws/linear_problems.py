"""Random linear problems of every kind: tall and wide, correlated, weighted, offset, boxed, in mixed units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from taut.laws.definition import INF, Linear
from taut.losses import Gamma, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, Tweedie
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Penalty, Separable
from taut.types import Float

Generator = np.random.Generator

LOSSES: tuple[Loss, ...] = (
    SquaredError(), Logistic(), Multinomial(), Poisson(), Huber(), Gamma(), Tweedie(),
)  # fmt: skip
PENALTIES: tuple[Penalty, ...] = (
    L1(), L2(), ElasticNet(1.0, 0.5, 0.25), MCP(), SCAD(), GroupLasso(),
)  # fmt: skip


def _numbers(eta: Float, rng: Generator) -> Float:
    noisy = eta + 0.5 * rng.normal(size=eta.shape)
    return np.asarray(3.0 + 2.0 * (noisy if rng.uniform() < 0.3 else noisy[:, 0]))


def _binary(eta: Float, rng: Generator) -> Float:
    return _every_class((eta[:, 0] + rng.logistic(size=len(eta)) > 0).astype(np.float64), 2)


def _classes(eta: Float, rng: Generator) -> Float:
    return _every_class((eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.float64), eta.shape[1])


def _counts(eta: Float, rng: Generator) -> Float:
    counts = rng.poisson(np.exp(np.clip(0.5 * eta[:, 0] + 0.5, -3.0, 3.0))).astype(np.float64)
    counts[0] += 1.0
    return counts


def _means(loss: Loss, eta: Float, rng: Generator) -> Float:
    """Of any other loss of one number: the means at predictors with noise."""
    return np.asarray(
        loss.inverse_link(np.clip(0.5 * eta[:, 0] + 0.5 * rng.normal(size=len(eta)), -3.0, 3.0))
    )


def _every_class(codes: Float, k: int) -> Float:
    # Twice each, so that the null model exists whatever row is left out.
    codes[: 2 * k] = np.tile(np.arange(k), 2)
    return codes


TARGETS: dict[type[Loss], Callable[[Float, Generator], Float]] = {
    SquaredError: _numbers, Huber: _numbers, Logistic: _binary, Multinomial: _classes, Poisson: _counts,
}  # fmt: skip
"""A random y of each loss that is here for the predictors η (n, 3); the others take ``_means``."""


def random_problem(loss: Loss, penalty: Penalty, rng: Generator) -> Linear:
    """A problem with this loss and this shape of a penalty; everything else is drawn."""
    n, p = [(30, 5), (60, 8), (14, 20)][rng.integers(3)]
    Z = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)) / np.sqrt(p))
    if rng.uniform() < 0.4:
        Z *= rng.uniform(size=Z.shape) < 0.4
    beta = rng.normal(size=(p, 3)) * (np.arange(p) < 4)[:, None]
    y = TARGETS.get(type(loss), partial(_means, loss))(Z @ beta / 2.0, rng)
    standardize = bool(rng.uniform() < 0.7)
    X = _in_units(Z, rng) if standardize else Z
    data = Linear(X, y, _weights(n, rng), loss, penalty, standardize=standardize)
    data = replace(data, fit_intercept=bool(rng.uniform() < 0.8))
    if rng.uniform() < 0.3:
        data = replace(data, offset=0.3 * rng.normal(size=n))
    if isinstance(penalty, Separable):
        data = replace(data, penalty=_coordinates(data, rng))
        penalised = data.fit_intercept and rng.uniform() < 0.25
        return replace(data, penalize_intercept=penalised)
    return replace(data, penalty=_grouped(penalty, p, rng))


def _in_units(Z: Float, rng: Generator) -> Float:
    """Columns in units from 1e-3 to 1e3, some far from zero (which the zeros of a sparse column are not)."""
    unit = 10.0 ** rng.uniform(-3, 3, size=Z.shape[1])
    far = 0.0 if np.any(Z == 0.0) else 5.0 * (rng.uniform(size=Z.shape[1]) < 0.5)
    return np.asarray((Z + far) * unit)


def _weights(n: int, rng: Generator) -> Float:
    kind = rng.integers(3)
    if kind == 0:
        return np.ones(n)
    weight = rng.uniform(0.5, 2.0, size=n)
    weight[np.arange(n) % 7 == 6] *= kind == 1
    return weight


def _coordinates(data: Linear, rng: Generator) -> Penalty:
    """Factors from 0 to infinity, and bounds in the units of X, each on some of the problems."""
    p, penalty, chosen = data.X.shape[1], data.penalty, {}
    if rng.uniform() < 0.4:
        factors = rng.choice([0.5, 1.0, 2.0], size=p)
        # Few free columns: with many a likelihood may have no null model.
        factors[rng.permutation(p)[:2]] = [0.0, INF]
        chosen["factors"] = factors
    if rng.uniform() < 0.3 and data.y.ndim == 1:
        unit = 1.0 / np.maximum(data.X.std(axis=0), 1e-12)
        chosen["lower"] = rng.choice([-INF, -0.3, 0.0], size=p) * unit
        chosen["upper"] = rng.choice([INF, 0.5, 0.0], size=p, p=[0.5, 0.3, 0.2]) * unit
        # A free column belongs to the null model, which the laws fit without bounds.
        free = chosen.get("factors", np.ones(p)) == 0.0
        chosen["lower"][free], chosen["upper"][free] = -INF, INF
    return replace(penalty, **chosen)


def _grouped(penalty: Penalty, p: int, rng: Generator) -> Penalty:
    if not isinstance(penalty, GroupLasso) or rng.uniform() < 0.3:
        return penalty
    labels = np.arange(p) // int(rng.integers(2, 4))
    labels[-1] = rng.choice([-1, labels[-1]])
    return replace(penalty, groups=labels)
