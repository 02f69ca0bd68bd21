"""Metrics: the numbers that a loss is judged by, in words and units that a reader knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.solvers.problem.unpenalized import fit_free
from taut.types import Float

Second = Callable[[Loss, Float, Float, Float, Float | None], float]


class Metric(ABC):
    """A mean loss as it is shown, and a second number beside it."""

    name: str
    second_name: str
    second: Second

    @abstractmethod
    def show(self, mean: Any) -> Any:
        """The mean loss (numbers or arrays) as it is shown."""

    @abstractmethod
    def show_error(self, mean: Any, error: Any) -> Any:
        """The standard error of the mean loss on the scale that is shown."""


@final
@dataclass(frozen=True)
class Root(Metric):
    """The root of the mean loss: RMSE; its standard error by the delta method, SE/(2·root)."""

    name: str
    second_name: str
    second: Second

    def show(self, mean: Any) -> Any:
        """√mean."""
        return np.sqrt(mean)

    def show_error(self, mean: Any, error: Any) -> Any:
        """SE / (2√mean)."""
        return error / (2.0 * np.sqrt(np.maximum(mean, np.finfo(float).tiny)))


@final
@dataclass(frozen=True)
class Plain(Metric):
    """The mean loss itself."""

    name: str
    second_name: str
    second: Second

    def show(self, mean: Any) -> Any:
        """The mean loss."""
        return mean

    def show_error(self, mean: Any, error: Any) -> Any:
        """Its standard error."""
        return error


@final
@dataclass(frozen=True)
class Scored(Metric):
    """A scorer's score, which is kept as a loss: minus the score."""

    name: str
    second_name: str
    second: Second

    def show(self, mean: Any) -> Any:
        """The score."""
        return -mean

    def show_error(self, mean: Any, error: Any) -> Any:
        """Its standard error."""
        return error


def null_eta(loss: Loss, y: Float, weight: Float, offset: Float | None) -> Float:
    """η () or (k,) of the model without features, beside the offset (n,) of its rows: what is the same in all of them."""
    constant = np.asarray(loss.null(y, weight), dtype=np.float64)
    if offset is None:
        return constant
    base = np.multiply.outer(offset, np.ones_like(constant))
    start = (constant - weight @ base / weight.sum())[None]
    return np.asarray(fit_free(loss, np.ones((len(y), 1)), base, y, weight / weight.sum(), start).coef[0])


def _r_squared(loss: Loss, eta: Float, y: Float, weight: Float, offset: Float | None) -> float:
    """1 − Σ w (y − mean)²/Σ w (y − ȳ)² on the same rows."""
    mean = np.asarray(loss.inverse_link(eta))
    spread = float(weight @ (y - weight @ y / weight.sum()) ** 2)
    return 1.0 - float(weight @ (y - mean) ** 2) / spread if spread > 0 else float("nan")


def _deviance_explained(loss: Loss, eta: Float, y: Float, weight: Float, offset: Float | None) -> float:
    """1 − (L − saturated)/(null − saturated), the null model being the mean of the same rows, beside their offset."""
    floor = float(weight @ loss.saturated(y))
    constant = np.full_like(eta, float(null_eta(loss, y, weight, offset)))
    null = float(weight @ loss.pointwise(constant if offset is None else constant + offset, y)) - floor
    return 1.0 - (float(weight @ loss.pointwise(eta, y)) - floor) / null if null > 0 else float("nan")


def _accuracy(loss: Loss, eta: Float, y: Float, weight: Float, offset: Float | None) -> float:
    """The share of rows whose most probable class is theirs."""
    found = np.argmax(eta, axis=1) if eta.ndim == 2 else eta > 0
    return float(weight @ (found == y)) / float(weight.sum())


METRICS: dict[type[Loss], Metric] = {
    SquaredError: Root("RMSE", "R²", _r_squared),
    Huber: Plain("Huber loss", "R²", _r_squared),
    Poisson: Plain("Poisson loss", "D²", _deviance_explained),
    Logistic: Plain("log loss", "accuracy", _accuracy),
    Multinomial: Plain("log loss", "accuracy", _accuracy),
}


def metric_of(loss: Loss) -> Metric:
    """The metric of a loss."""
    return METRICS.get(type(loss), Plain("loss", "D²", _deviance_explained))
