"""Losses for classes: binary and categorical cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import scipy

from taut.arrays import Array, as_float, like, namespace
from taut.losses.base import DOMAIN_TOLERANCE, Loss, OneOutput, weighted_mean
from taut.losses.links import Link, LogitLink, SoftmaxLink
from taut.losses.targets import numbers, refuse, vector, vector_or_matrix
from taut.losses.traits import LossTraits
from taut.types import Float

EXTREME = 30.0
"""|η| beyond which a fitted probability is 0 or 1 to 1e-13."""
ROW_SUM_TOLERANCE = 1e-6
"""How far a row of class probabilities may sum from 1 (float32 probabilities do); it is then rescaled."""

LOGISTIC_TRAITS = LossTraits(
    canonical=True, cross_entropy=True, classes=True, lowest=0.0, highest=1.0, rest=(-EXTREME, EXTREME)
)
MULTINOMIAL_TRAITS = LossTraits(
    canonical=True,
    cross_entropy=True,
    couples_outputs=True,
    classes=True,
    lowest=0.0,
    rest=(-EXTREME, EXTREME),
)


def negative_entropy(v: Float) -> Float:
    """v log v + (1 − v) log(1 − v), 0 at v = 0 and 1."""
    return np.asarray(scipy.special.xlogy(v, v) + scipy.special.xlogy(1 - v, 1 - v))


@final
@dataclass(frozen=True)
class Logistic(OneOutput):
    """Binary cross-entropy, ℓ = log(1 + e^η) − yη for y in [0, 1] (McCullagh and Nelder 1989, §4.4).

    With v = u + y:  ℓ*(u) = v log v + (1 − v) log(1 − v) for 0 ≤ v ≤ 1, else ∞.
    Null model: the log odds of the mean.
    """

    @property
    def link(self) -> Link:
        """The logit."""
        return LogitLink()

    @property
    def traits(self) -> LossTraits:
        """Two classes; a probability is 0 or 1 to 1e-13 from |η| = 30 on."""
        return LOGISTIC_TRAITS

    def pointwise(self, eta: Array, y: Array) -> Array:
        """log(1 + e^−|η|) + max(η, 0) − yη, summed so that a sure, right row keeps its digits: (..., n)."""
        eta, y = self.aligned(eta, y)
        xp = namespace(eta)
        return xp.log1p(xp.exp(-xp.abs(eta))) + xp.where(eta >= 0, (1 - y) * eta, -y * eta)

    def derivative(self, eta: Array, y: Array) -> Array:
        """sigmoid(η) − y over the common denominator 1 + e^−|η|, so that nothing cancels."""
        eta, y = self.aligned(eta, y)
        xp = namespace(eta)
        decay = xp.exp(-xp.abs(eta))
        return xp.where(eta >= 0, (1 - y) - y * decay, (1 - y) * decay - y) / (1 + decay)

    def curvature(self, eta: Array, y: Array) -> Array:
        """p(1 − p) = e^−|η| / (1 + e^−|η|)²."""
        eta = as_float(eta)
        decay = namespace(eta).exp(-namespace(eta).abs(eta))
        return decay / (1 + decay) ** 2

    def saturated(self, y: Array) -> Float:
        """The entropy of y, 0 for y = 0 and 1: (n,)."""
        return -negative_entropy(np.asarray(y, dtype=np.float64))

    def conjugate(self, u: Array, y: Array) -> Float:
        """v log v + (1 − v) log(1 − v) with v = u + y in [0, 1], else inf: (n,)."""
        v = np.asarray(u, dtype=np.float64) + np.asarray(y, dtype=np.float64)
        inside = np.clip(v, 0.0, 1.0)
        return np.where(np.abs(v - inside) <= DOMAIN_TOLERANCE, negative_entropy(inside), np.inf)

    def falls_toward(self, y: Float) -> Float | None:
        """Towards the class that is sure."""
        return np.where(y == 1.0, 1.0, np.where(y == 0.0, -1.0, 0.0))

    def lacking(self, y: Float, weight: Float, labels: Sequence[Any] | None = None) -> str:
        """The class that no row of positive weight has a share in."""
        used = y[weight > 0.0]
        return missing_class(np.array([np.sum(1.0 - used), np.sum(used)]), labels)

    def check_target(self, y: object) -> Float:
        """Numbers in [0, 1], (n,)."""
        values = vector(numbers(y, "Logistic"), "Logistic")
        remedy = "code the two classes as 0 and 1, or use Multinomial for more than two"
        refuse((values < 0) | (values > 1), values, "Logistic", "y in [0, 1]", remedy)
        return values


@final
@dataclass(frozen=True)
class Multinomial(Loss):
    """Categorical cross-entropy, ℓ = logsumexp(η) − η_y for η (n, k) (McCullagh and Nelder 1989, ch. 5).

    y is (n,) of codes 0..k−1, or (n, k) of class probabilities π, and then ℓ = logsumexp(η) − Σ_j π_j η_j.
    With v = u + π:  ℓ*(u) = Σ_j v_j log v_j where v ≥ 0 sums to 1, else ∞. ``null`` sums to zero.
    """

    @property
    def link(self) -> Link:
        """The multinomial logit."""
        return SoftmaxLink()

    @property
    def traits(self) -> LossTraits:
        """Classes of one softmax; a probability is 0 or 1 to 1e-13 where two η differ by 30."""
        return MULTINOMIAL_TRAITS

    def pointwise(self, eta: Array, y: Array) -> Array:
        """log(1 + r) + Σ_j π_j (m − η_j) with m = max_j η_j, r of ``_beside_likeliest``: a sure, right row keeps its digits."""
        eta, y = self.aligned(eta, y)
        xp = namespace(eta)
        beside = _beside_likeliest(eta)
        return xp.log1p(beside.rest[..., 0]) - xp.sum(probabilities(y, eta) * beside.below, axis=-1)

    def derivative(self, eta: Array, y: Array) -> Array:
        """softmax(η) − π over the common denominator 1 + r, so that the likeliest class's does not cancel; shaped as η."""
        eta, y = self.aligned(eta, y)
        share, beside = probabilities(y, eta), _beside_likeliest(eta)
        whole = 1 + beside.rest
        apart = namespace(eta).where(
            beside.likeliest, (1 - share) - share * beside.rest, beside.powers - share * whole
        )
        return apart / whole

    def curvature(self, eta: Array, y: Array) -> Array:
        """p(1 − p), the diagonal of diag(p) − ppᵀ, p = softmax(η); shaped as η."""
        beside = _beside_likeliest(as_float(eta))
        whole = 1 + beside.rest
        others = beside.powers * (whole - beside.powers)
        return namespace(eta).where(beside.likeliest, beside.rest + 0 * others, others) / whole**2

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """The centred logs of the weighted class shares, (k,); an empty class gets a share near e^−36."""
        return np.asarray(self.link.forward(weighted_mean(self._targets(self.check_target(y)), weight)))

    def saturated(self, y: Array) -> Float:
        """The entropy of every row's π, 0 for codes: (n,)."""
        y = np.asarray(y, dtype=np.float64)
        return np.zeros(len(y)) if y.ndim == 1 else -np.sum(scipy.special.xlogy(y, y), axis=1)

    def conjugate(self, u: Array, y: Array) -> Float:
        """Σ_j v_j log v_j with v = u + π on the simplex, else inf; u (n, k): (n,)."""
        u = np.asarray(u, dtype=np.float64)
        v = u + probabilities(y, u)
        inside = np.maximum(v, 0.0)
        feasible = np.all(v >= -DOMAIN_TOLERANCE, axis=1) & (
            np.abs(np.sum(v, axis=1) - 1) <= DOMAIN_TOLERANCE
        )
        return np.where(feasible, np.sum(scipy.special.xlogy(inside, inside), axis=1), np.inf)

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """The null model's: a number added to every class changes nothing, so a base that is the same for all has no say."""
        return np.asarray(self.null(y, weight))

    def lacking(self, y: Float, weight: Float, labels: Sequence[Any] | None = None) -> str:
        """The class that no row of positive weight has a share in."""
        used = y[weight > 0.0]
        coded = used.ndim == 1
        shares = np.bincount(used.astype(np.intp), minlength=self.outputs(y)) if coded else used.sum(axis=0)
        return missing_class(shares, labels)

    def check_target(self, y: object) -> Float:
        """Codes 0..k−1 (n,), each class at least once and k ≥ 2, or rows of probabilities (n, k)."""
        values = vector_or_matrix(numbers(y, "Multinomial"), "Multinomial")
        return check_codes(values) if values.ndim == 1 else check_probabilities(values)

    def multi_output(self, y: Array) -> bool:
        """Always."""
        return True

    def outputs(self, y: Array) -> int:
        """The number of classes k: the largest code plus one, or the number of columns."""
        return int(np.shape(y)[1]) if np.ndim(y) == 2 else int(namespace(y).max(y)) + 1

    def _targets(self, y: Float) -> Float:
        return np.asarray(probabilities(y, np.empty((len(y), self.outputs(y)))))


class _Beside(NamedTuple):
    """η − max η (``below``), the likeliest class as a mask, e^below of the others (0 for it), and their sum (..., 1)."""

    below: Array
    likeliest: Array
    powers: Array
    rest: Array


def _beside_likeliest(eta: Array) -> _Beside:
    """The classes of every row beside the likeliest one, the first of equals."""
    xp = namespace(eta)
    below = eta - xp.max(eta, axis=-1, keepdims=True)
    place = like(np.arange(eta.shape[-1]), eta)
    likeliest = place == xp.astype(xp.argmax(eta, axis=-1, keepdims=True), eta.dtype)
    powers = xp.where(likeliest, xp.zeros_like(eta), xp.exp(below))
    return _Beside(below, likeliest, powers, xp.sum(powers, axis=-1, keepdims=True))


def missing_class(shares: Array, labels: Sequence[Any] | None) -> str:
    """The first class whose share is 0 in words; empty where there is none."""
    gone = np.flatnonzero(shares == 0.0)
    return f"no row of class {labels[gone[0]] if labels is not None else gone[0]}" if gone.size else ""


def probabilities(y: Array, eta: Array) -> Array:
    """y as rows of class probabilities, (n, k), like η (..., n, k): codes (n,) become indicators."""
    xp, y = namespace(eta), like(y, eta)
    if y.ndim == 2:
        return y
    classes = like(np.arange(eta.shape[-1]), eta)
    return xp.astype(y[:, None] == classes, eta.dtype)


def check_codes(y: Float) -> Float:
    """Integers 0..k−1 with no class missing, k ≥ 2."""
    remedy = "code the classes as 0, 1, … (numpy.unique(y, return_inverse=True))"
    refuse((y < 0) | (y != np.floor(y)), y, "Multinomial", "class codes 0..k−1", remedy)
    codes = np.unique(y)
    if len(codes) < 2:
        raise ValueError(f"Multinomial needs at least two classes, and every y is {float(codes[0])!r}")
    gap = np.flatnonzero(codes != np.arange(len(codes)))
    if len(gap):
        raise ValueError(f"Multinomial needs class codes 0..k−1, and no row has class {gap[0]}: {remedy}")
    return y


def check_probabilities(y: Float) -> Float:
    """Rows of at least two probabilities that sum to 1, rescaled to do so exactly."""
    if y.shape[1] < 2:
        raise ValueError(f"Multinomial needs at least two columns of class probabilities, and y is {y.shape}")
    refuse(y < 0, y, "Multinomial", "class probabilities ≥ 0", "pass class codes (n,) or rows that sum to 1")
    total = np.sum(y, axis=1, keepdims=True)
    off = np.flatnonzero(np.abs(total[:, 0] - 1) > ROW_SUM_TOLERANCE)
    if len(off):
        raise ValueError(
            f"Multinomial needs rows of probabilities that sum to 1, and row {off[0]} of y sums to "
            f"{float(total[off[0], 0])!r}: divide each row by its sum"
        )
    return np.asarray(y / total)
