"""Tables: the path and the coefficients of a fit as data frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from taut.path import LinearPath
from taut.tabular.live import live_parts
from taut.tabular.words.metrics import Metric, Scored, metric_of
from taut.types import Float

if TYPE_CHECKING:
    import polars as pl

    from taut.tabular.record import FitRecord


class Marks(NamedTuple):
    """Places on the path: where the two rules point (None without cross-validation), and the chosen one."""

    min: int | None
    one_se: int | None
    chosen: int

    def of(self, index: int) -> str:
        """The marks of one place, in words."""
        named = (("1se", self.one_se), ("min", self.min), ("chosen", self.chosen))
        return " ".join(name for name, place in named if place == index)


def marks_of(fit: FitRecord) -> Marks:
    """The marked places of a fit's path."""
    if fit.scores is None:
        return Marks(None, None, fit.index)
    scores = fit.scores.deciding
    return Marks(scores.index_min, scores.index_1se, fit.index)


def data_frame(columns: Mapping[str, Any]) -> pl.DataFrame:
    """A data frame; Polars is loaded where there is one, for text needs none."""
    import polars as pl

    return pl.DataFrame(columns)


def path_table(fit: FitRecord) -> pl.DataFrame:
    """A row per λ: λ, non-zeros, deviance explained, loss, penalty, CV score and error, certificate,
    marks."""
    path, marks = fit.path, marks_of(fit)
    columns = {
        "lambda": path.lambdas,
        "nonzeros": path.nonzeros,
        "deviance_explained": path.deviance_explained,
        "loss": path.losses,
        "penalty": path.penalties,
        **_scored(fit),
        "certificate": [c.value for c in path.certificates],
        "certified": [c.met for c in path.certificates],
        "note": [c.note for c in path.certificates],
        "marks": [marks.of(i) for i in range(len(path))],
    }
    return data_frame(columns)


def _scored(fit: FitRecord) -> dict[str, Float]:
    if fit.scores is None:
        return {}
    metric = cv_metric(fit)
    shown, error = cv_scores(fit)
    name = metric.name.lower().replace(" ", "_")
    return {f"cv_{name}": shown, f"cv_{name}_se": error}


def fitted_metric(fit: FitRecord) -> Metric:
    """The metric of the loss, of the logarithm where that was fitted."""
    own = metric_of(fit.loss)
    return own.renamed(f"{own.name} of log") if fit.setting.options.log_target else own


def cv_metric(fit: FitRecord) -> Metric:
    """What the folds were judged by: the first scorer that was asked for, else the loss."""
    own = fitted_metric(fit)
    if fit.scores is None or not fit.scores.measures:
        return own
    return Scored(next(iter(fit.scores.measures)), own.second_name, own.second)


def cv_scores(fit: FitRecord) -> tuple[Float, Float]:
    """Cross-validated score and standard error at every λ as they are shown; NaN past an interrupted fold."""
    length = len(fit.path)
    shown, error = np.full(length, np.nan), np.full(length, np.nan)
    if fit.scores is not None:
        metric, scores = cv_metric(fit), fit.scores.deciding
        mean = scores.mean
        shown[: len(mean)] = metric.show(mean)
        error[: len(mean)] = metric.show_error(mean, scores.standard_error)
    return shown, error


class Effects(NamedTuple):
    """Effects (p, k) of the features: in the table's units, and per standard deviation (of the target
    too)."""

    units: Float
    per_sd: Float


def effects(fit: FitRecord, lam: float | str | None = None) -> Effects | None:
    """The linear coefficients of the chosen model, or of the path at ``lam``; None for a network."""
    if lam is not None and isinstance(fit.path, LinearPath):
        coefs = fit.path.coef(lam)
    elif lam is None and fit.is_linear:
        coefs = fit.layers.coefs[0] if fit.layers.skip is None else fit.layers.skip
    else:
        return None
    units = coefs.reshape(len(fit.features), -1)
    return Effects(units, units * fit.spread.features[:, None] / fit.spread.target)


def input_norms(fit: FitRecord) -> Float:
    """What each input sends into the network (p,): the norm of its weights in the first layer and the skip connection, per
    standard deviation of the feature, and of the target where η is in its units: the unit of neither counts.

    It is 0 where no prediction depends on the input. Of a mean of m networks, whose first layers stand side by side, their
    squares are averaged: more members send no more.
    """
    layers = fit.layers
    first = layers.coefs[0] / np.sqrt(fit.members)
    direct = [] if layers.skip is None else [layers.skip / fit.spread.target]
    norms: Float = np.linalg.norm(np.hstack([first, *direct]), axis=1) * fit.spread.features
    return np.where(live_parts(layers)[0], norms, 0.0)


def coefficient_table(fit: FitRecord, lam: float | str | None = None) -> pl.DataFrame:
    """A row per feature, and per class where there are several outputs, strongest first."""
    found = effects(fit, lam)
    if found is None:
        norms = input_norms(fit)
        table = data_frame({"feature": list(fit.features), "weight_norm": norms})
        return table.sort("weight_norm", descending=True, maintain_order=True)
    p, k = found.units.shape
    columns: dict[str, object] = {"feature": np.repeat(np.array(fit.features, dtype=object), k).tolist()}
    if fit.classes:
        columns["class"] = [str(label) for label in fit.classes[-k:]] * p
    columns |= {"coef": found.units.ravel(), "coef_standardized": found.per_sd.ravel()}
    order = np.argsort(-np.abs(found.per_sd.ravel()), kind="stable")
    return data_frame(columns)[order]
