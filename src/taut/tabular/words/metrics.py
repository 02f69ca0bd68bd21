"""Metrics: the numbers that a loss is judged by, in words and units that a reader knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

import taut.solvers as solvers
from taut.families import family_of
from taut.losses import Loss
from taut.types import Float

Second = Callable[[Loss, Float, Float, Float, Float | None], float]


@dataclass(frozen=True)
class Metric(ABC):
    """A mean loss as it is shown, and a second number beside it."""

    name: str
    second_name: str
    second: Second

    def renamed(self, name: str) -> Metric:
        """The same metric under another name."""
        return replace(self, name=name)

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
    return np.asarray(
        solvers.fit_free(loss.bind(y, weight / weight.sum()), np.ones((len(y), 1)), base, start).coef[0]
    )


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


def metric_of(loss: Loss) -> Metric:
    """The metric of a loss: beside it R² where η is in the units of y, accuracy for classes, else the deviance explained."""
    family = family_of(loss)
    second: tuple[str, Second] = ("D²", _deviance_explained)
    if loss.traits.in_units_of_y:
        second = ("R²", _r_squared)
    elif loss.traits.classes:
        second = ("accuracy", _accuracy)
    return (Root if family.root else Plain)(family.metric, *second)
