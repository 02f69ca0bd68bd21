"""LassoCV and ElasticNetCV: every l1_ratio on shared folds, all folds of a path in one call of the engine."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple, Self, final

import numpy as np
from sklearn import linear_model
from sklearn.utils import check_array, check_consistent_length, check_scalar
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import column_or_1d, validate_data

from taut.path import LinearPath, PathSpec, check_numbers
from taut.selection import CrossValidation, Folds, as_data, as_splitter, from_splits, score_folds
from taut.sklearn.engine import (
    SQUARED,
    UNCONVERGED,
    in_kind,
    is_explained,
    passes,
    routing,
    row_weights,
    specification,
    warn_of_fits,
    warn_unless_met,
)
from taut.sklearn.lasso import gap, tolerance
from taut.sklearn.namespace import fits_any_namespace
from taut.types import Float

_NO_SCALE = np.finfo(float).resolution
"""scikit-learn's grid where no column explains anything."""
TIGHTER = 2e-3
"""Folds are compared with each other: a gap is a square, and errors on held-out rows follow its root."""


@final
class LassoCV(linear_model.LassoCV):  # type: ignore[misc]
    """scikit-learn's ``LassoCV``, fitted by taut: the folds share their passes over X; the grid is scikit-learn's."""

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose alpha on the folds and keep the fit to all rows there."""
        fit_cv(self, X, y, sample_weight, params)
        return self


@final
class ElasticNetCV(linear_model.ElasticNetCV):  # type: ignore[misc]
    """scikit-learn's ``ElasticNetCV``, fitted by taut: every l1_ratio on the same folds."""

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose l1_ratio and alpha on the folds and keep the fit to all rows there."""
        fit_cv(self, X, y, sample_weight, params)
        return self


class _Choice(NamedTuple):
    ratio: float
    alphas: Float
    mse: Float
    path: LinearPath | None


def fit_cv(model: Any, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
    """Validate, cross-validate every l1_ratio, keep the best."""
    model._validate_params()
    check_numbers("y", y)
    X, y = _validated(model, X, y)
    weight = row_weights(sample_weight, X)
    folds = from_splits(_splits(model, X, y, sample_weight, params), len(y))
    ratios = np.atleast_1d(getattr(model, "l1_ratio", 1.0)).astype(float)
    choices = [_cross_validated(model, X, y, weight, folds, float(ratio)) for ratio in ratios]
    _keep(model, choices, X, y, weight)


def _validated(model: Any, X: Any, y: Any) -> tuple[Any, Float]:
    rows = {"accept_sparse": "csc", "dtype": [np.float64, np.float32], "accept_large_sparse": False}
    X, y = validate_data(
        model, X, y, validate_separately=(rows, {"dtype": [np.float64, np.float32], "ensure_2d": False})
    )
    check_consistent_length(X, y)
    if y.ndim > 1 and y.shape[1] > 1:
        raise ValueError(f"For multi-task outputs, use MultiTask{type(model).__name__}")
    y = check_array(column_or_1d(y, warn=True), dtype=np.float64, ensure_2d=False)
    if not isinstance(model.alphas, Integral):
        for index, alpha in enumerate(model.alphas):
            check_scalar(alpha, f"alphas[{index}]", target_type=Real, min_val=0.0, include_boundaries="left")
    return X, y


def _splits(model: Any, X: Any, y: Float, sample_weight: Any, params: dict[str, Any]) -> Any:
    if not routing(params, model):
        return as_splitter(model.cv).split(X, y)
    routed = process_routing(model, "fit", sample_weight=sample_weight, **params)
    return as_splitter(model.cv).split(X, y, **routed.splitter.split)


def _cross_validated(model: Any, X: Any, y: Float, weight: Float, folds: Folds, ratio: float) -> _Choice:
    if ratio == 0.0 and isinstance(model.alphas, Integral):
        raise ValueError(
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by providing"
            " your estimator with the appropriate `alphas=` argument."
        )
    spec = specification(
        SQUARED, 2.0 * ratio, 1.0 - ratio, model.fit_intercept, TIGHTER * tolerance(model.tol), model.positive,
        model.max_iter,
    )  # fmt: skip
    if is_explained(y, weight, model.fit_intercept):
        alphas = _grid(model, lambda: _NO_SCALE)
        return _Choice(ratio, alphas, np.zeros((alphas.size, len(folds))), None)
    data = as_data(spec, X.astype(np.float64), y, weight)
    alphas = _grid(model, lambda: _alpha_max(spec, data))
    grid, places = np.unique(-alphas, return_inverse=True)
    fitted: CrossValidation = score_folds(spec, data, folds, -grid)
    path, *others = fitted.paths
    assert isinstance(path, LinearPath)  # no hidden layers
    warn_of_fits(model, [one for other in others for one in other.certificates], UNCONVERGED, model.tol)
    return _Choice(ratio, alphas, fitted.scores.folds.T[places], path)


def _alpha_max(spec: PathSpec, data: Any) -> float:
    problem = spec.linear_problem(data.X, data.y, data.weight)
    return float(spec.grid(problem, 1)[0])


def _grid(model: Any, largest: Any) -> Float:
    """scikit-learn's grid: the alphas given, descending, or alpha_max down to eps·alpha_max."""
    if not isinstance(model.alphas, Integral):
        return np.sort(np.asarray(model.alphas, dtype=np.float64))[::-1]
    top = float(largest())
    if top <= _NO_SCALE:
        return np.full(int(model.alphas), _NO_SCALE)
    return np.geomspace(top, top * model.eps, num=int(model.alphas))


def _keep(model: Any, choices: list[_Choice], X: Any, y: Float, weight: Float) -> None:
    means = [choice.mse.mean(axis=1) for choice in choices]
    best = int(np.argmin([mean.min() for mean in means]))
    index, chosen = int(np.argmin(means[best])), choices[best]
    model.alpha_ = chosen.alphas[index]
    if not isinstance(model, LassoCV):
        model.l1_ratio_ = np.atleast_1d(model.l1_ratio)[best]
    model.mse_path_ = np.squeeze(np.array([choice.mse for choice in choices]))
    alphas = np.array([choice.alphas for choice in choices])
    model.alphas_ = alphas if len(choices) > 1 and isinstance(model.alphas, Integral) else alphas[0]
    _keep_fit(model, chosen, X, y, weight)


def _keep_fit(model: Any, chosen: _Choice, X: Any, y: Float, weight: Float) -> None:
    if chosen.path is None:
        model.coef_, model.dual_gap_, model.n_iter_ = in_kind(np.zeros(X.shape[1]), X), 0.0, 0
        model.intercept_ = in_kind(y[weight > 0][0], X)[()] if model.fit_intercept else 0.0
        return
    place = chosen.path.index(float(model.alpha_))
    warn_unless_met(chosen.path, place, model.tol)
    model.coef_ = in_kind(chosen.path.coefs[place], X)
    model.intercept_ = in_kind(chosen.path.intercepts[place], X)[()] if model.fit_intercept else 0.0
    model.dual_gap_, model.n_iter_ = gap(chosen.path, place), passes(chosen.path, place)
