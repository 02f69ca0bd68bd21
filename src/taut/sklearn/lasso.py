"""Lasso and ElasticNet: (1/2n)‖y − Xw − b‖² + alpha·l1_ratio·‖w‖₁ + ½·alpha·(1 − l1_ratio)·‖w‖²."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Self, final

import numpy as np
import scipy.sparse as sp
from sklearn import linear_model
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from taut.messages import warn
from taut.path import LinearPath, check_numbers, continued_path, kept_path
from taut.sklearn.engine import (
    SQUARED,
    RowWeights,
    as_double,
    fit_path,
    in_kind,
    is_explained,
    passes,
    row_weights,
    specification,
    warn_unless_met,
)
from taut.sklearn.namespace import as_numpy, fits_any_namespace
from taut.sklearn.ridge import RidgeFits
from taut.types import Float

_ALPHA_ZERO = "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression estimator"
"""scikit-learn's sentence, for code that filters it; the fit itself is exact least squares."""


class FittedTarget(NamedTuple):
    """One target fitted: coefficients (p,), intercept, duality gap of (1/2n)‖·‖² + …, passes of the engine."""

    coef: Float
    intercept: float
    gap: float
    passes: int


@final
class ElasticNet(linear_model.ElasticNet):  # type: ignore[misc]
    """scikit-learn's ``ElasticNet``, fitted by taut: same parameters, same attributes, a certified duality gap.

    ``max_iter`` bounds the epochs of taut's descent, and a gap that then exceeds ``tol`` is warned of. ``selection``,
    ``copy_X`` and ``random_state`` steer scikit-learn's solver and have no effect; a Gram matrix in ``precompute`` is checked
    and not needed. With ``warm_start`` a solution that still meets ``tol`` is kept, and a fit goes on from any other.
    """

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,) or (n, q), each target on its own."""
        fit_elastic_net(self, X, y, sample_weight, check_input)
        return self


@final
class Lasso(linear_model.Lasso):  # type: ignore[misc]
    """scikit-learn's ``Lasso``, fitted by taut: ``ElasticNet`` with l1_ratio = 1."""

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,) or (n, q), each target on its own."""
        fit_elastic_net(self, X, y, sample_weight, check_input)
        return self


def fit_elastic_net(model: Any, X: Any, y: Any, sample_weight: Any, check_input: bool = True) -> None:
    """Validate, fit every target, and set what scikit-learn's estimators have."""
    model._validate_params()
    if model.alpha == 0:
        warn(_ALPHA_ZERO)
    if check_input:
        check_numbers("y", y)
        X, y = validate_data(
        model, X, y, accept_sparse="csc", dtype=[np.float64, np.float32], accept_large_sparse=False,
        multi_output=True, y_numeric=True,
    )  # fmt: skip
    targets = check_array(y, copy=False, dtype=np.float64, ensure_2d=False)
    weight = row_weights(sample_weight, X)
    check_gram(model, X, weight)
    columns = targets.reshape(len(targets), -1).T
    starts = _starts(model, len(columns))
    fits = [
        fit_target(model, X, column, weight, start) for column, start in zip(columns, starts, strict=True)
    ]
    keep(model, fits, X, targets.ndim == 2)


def check_gram(model: Any, X: Any, weight: Float) -> None:
    """A Gram matrix in ``precompute`` must be that of X; scikit-learn's words, and its warning where X is centred."""
    gram = model.precompute
    if not isinstance(gram, np.ndarray) or sp.issparse(X):
        return
    share = weight / weight.sum()
    if model.fit_intercept and not np.allclose(share @ X, 0.0):
        warn("Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix.")
        return
    middle = X.shape[1] // 2
    expected = len(X) * (share * X[:, middle]) @ X
    single = np.float32 in (gram.dtype, X.dtype)
    close = gram.shape == (X.shape[1],) * 2 and np.isclose(
        gram[middle], expected, rtol=1e-4 if single else 1e-7, atol=1e-5
    )
    if not np.all(close):
        raise ValueError(
            "Gram matrix passed in via 'precompute' parameter did not pass validation: it is not XᵀX of the X given "
            f"(shape {gram.shape}; row {middle} of XᵀX begins with {expected[:3]}). Pass precompute=False, or that of this X"
        )


def keep(model: Any, fits: list[FittedTarget], X: Any, several: bool) -> None:
    """Set coef_, intercept_, dual_gap_ and n_iter_: without the axis of targets where there is one."""
    single = len(fits) == 1
    coef = in_kind([fit.coef for fit in fits], X)
    model.coef_ = coef[0] if single else coef
    intercepts = in_kind([fit.intercept for fit in fits], X)
    model.intercept_ = _intercept(model.fit_intercept, intercepts, several)
    model.dual_gap_ = fits[0].gap if single else np.array([fit.gap for fit in fits])
    model.n_iter_ = fits[0].passes if single else [fit.passes for fit in fits]


def _intercept(fitted: bool, values: Any, several: bool) -> Any:
    if not fitted:
        return 0.0
    return values if several else values[0]


def fit_target(model: Any, X: Any, y: Float, weight: Float, start: Float | None = None) -> FittedTarget:
    """The coefficients of one target; ``start`` is kept where its gap on these rows meets ``tol``, else gone on from."""
    p = X.shape[1]
    if is_explained(y, weight, model.fit_intercept):
        return FittedTarget(np.zeros(p), float(y[weight > 0][0]), 0.0, 0)
    ratio = getattr(model, "l1_ratio", 1.0)
    spec = specification(
        SQUARED, 2.0 * ratio, 1.0 - ratio, model.fit_intercept, tolerance(model.tol), model.positive, model.max_iter
    )  # fmt: skip
    if ratio == 0.0 and not model.positive and model.alpha > 0:
        # Ridge: descent would take very long to the digits that the closed form has.
        start = (
            RidgeFits(X, y[:, None], RowWeights(weight, 1.0), model.fit_intercept)
            .at(np.array([model.alpha * weight.sum()]))
            .coef[0]
        )
    path = None
    if start is not None and model.alpha > 0:
        problem, coef = spec.linear_problem(as_double(X), y, weight), np.asarray(start, dtype=np.float64)
        kept = kept_path(replace(problem, tol=model.tol), weight, model.alpha, coef)
        if kept is not None:
            return FittedTarget(kept.coefs[0], float(kept.intercepts[0]), gap(kept, 0), 0)
        path = continued_path(problem, weight, model.alpha, coef)
    path = fit_path(spec, X, y, weight, [model.alpha]) if path is None else path
    warn_unless_met(path, tol=model.tol)
    return FittedTarget(path.coefs[0], float(path.intercepts[0]), gap(path, 0), passes(path, 0))


def tolerance(tol: float) -> float:
    """taut's certificate is scikit-learn's: gap over Σ(y − ȳ)². Far tighter costs little, and answers then agree.

    Not tighter still: ``dual_gap_`` is a difference of two objectives, and its leading digits must outlast rounding.
    """
    return 5e-4 * tol


def gap(path: LinearPath, index: int) -> float:
    """The duality gap in the units of scikit-learn's objective, half of taut's."""
    return 0.5 * path.certificates[index].value * path.null_loss


def _starts(model: Any, targets: int) -> list[Float | None]:
    coef = as_numpy(getattr(model, "coef_", None)) if model.warm_start else None
    return [None] * targets if coef is None else list(np.atleast_2d(coef))
