"""Ridge: ‖y − Xw − b‖² + alpha·‖w‖², a sum over the rows by their weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import linear_model
from sklearn.utils.validation import validate_data

from taut.messages import warn
from taut.path import check_numbers
from taut.sklearn.engine import (
    SQUARED,
    RowWeights,
    as_double,
    fit_path,
    in_kind,
    is_explained,
    specification,
    warn_unless_met,
    weights_in_unit,
)
from taut.sklearn.namespace import fits_any_namespace
from taut.solvers import ClosedRidge
from taut.types import Float

_INTERCEPT_ON_SPARSE = ("auto", "lbfgs", "lsqr", "sag", "sparse_cg")
_UNCONVERGED = "The lbfgs solver did not converge. Try increasing max_iter or tol."
"""scikit-learn's sentence, for code that filters it; the solver is taut's."""
TOL = 1e-12
"""Ridge is solved in closed form where its box is open; this is what descent within a box is held to."""


class Coefficients(NamedTuple):
    """Slopes (q, p) and intercepts (q,)."""

    coef: Float
    intercept: Float


@final
class Ridge(linear_model.Ridge):  # type: ignore[misc]
    """scikit-learn's ``Ridge``, fitted by taut in closed form; ``positive=True`` by descent within the box.

    ``solver``, ``tol``, ``copy_X`` and ``random_state`` steer scikit-learn's solvers and have no effect, nor has ``max_iter``
    but for ``positive=True``, where it bounds the epochs; combinations that scikit-learn refuses are refused here too.
    """

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,) or (n, q)."""
        self._validate_params()
        check_numbers("y", y)
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc", "coo"], dtype=[np.float64, np.float32],
            multi_output=True, y_numeric=True,
        )  # fmt: skip
        _check_solver(self, X)
        weight = weights_in_unit(sample_weight, X)
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        X = X.tocsc() if sp.issparse(X) else X
        alphas = _alphas(self.alpha, targets.shape[1])
        if self.positive:
            fitted = fit_positive(self, X, targets, weight, alphas)
        else:
            fitted = RidgeFits(X, targets, weight, self.fit_intercept).at(alphas)
        keep(self, fitted, X, y.ndim == 2)
        self.n_iter_ = None
        self.solver_ = _solver_name(self, X)
        return self


def keep(model: Any, fitted: Coefficients, X: Any, several: bool) -> None:
    """Set coef_ and intercept_, without the axis of targets where y has none or a single one."""
    coef = in_kind(fitted.coef, X)
    model.coef_ = coef if several and coef.shape[0] > 1 else coef[0]
    intercept = in_kind(fitted.intercept, X)
    model.intercept_ = (intercept if several else intercept[0]) if model.fit_intercept else 0.0


@dataclass(frozen=True, eq=False)
class RidgeFits:
    """Ridge fits of several targets (n, q) to the same rows in closed form: one decomposition for every alpha."""

    X: Any
    targets: Float
    weight: RowWeights
    fit_intercept: bool

    @cached_property
    def _moving(self) -> NDArray[np.intp]:
        """Targets that a constant does not explain."""
        return np.array([j for j, y in enumerate(self.targets.T) if not self._explained(y)], dtype=np.intp)

    def _explained(self, y: Float) -> bool:
        return is_explained(y, self.weight.rows, self.fit_intercept)

    @cached_property
    def _closed(self) -> ClosedRidge:
        spec = specification(SQUARED, 0.0, 1.0, self.fit_intercept, TOL)
        return ClosedRidge.of(
            spec.linear_problem(as_double(self.X), self.targets[:, self._moving], self.weight.rows)
        )

    def _lambdas(self, alphas: Float) -> Float:
        """alpha is to a sum over rows what λ is to a mean over rows and targets."""
        return self.weight.strengths(alphas / self._moving.size)

    def at(self, alphas: Float) -> Coefficients:
        """Every target at its own alpha (q,)."""
        coef, intercept = np.zeros((len(alphas), self.X.shape[1])), self._constants()
        if self._moving.size:
            values, places = np.unique(alphas[self._moving], return_inverse=True)
            slopes, constants = self._closed.coefficients(self._lambdas(values))
            for position, (target, place) in enumerate(zip(self._moving, places, strict=True)):
                coef[target], intercept[target] = slopes[place, :, position], constants[place, position]
        return Coefficients(coef, intercept)

    def left_out(self, alphas: Float) -> Float:
        """Leave-one-out predictions (n, A, q) at alphas that do not change as a row leaves."""
        held = np.broadcast_to(
            self._constants(), (len(self.targets), alphas.size, self.targets.shape[1])
        ).copy()
        if self._moving.size:
            held[:, :, self._moving] = self._closed.leave_one_out(self._lambdas(alphas), per_row=False)
        return held

    def _constants(self) -> Float:
        """The value of a target that has only one."""
        return np.where(
            [self._explained(y) for y in self.targets.T], self.targets[self.weight.rows > 0][0], 0.0
        )


def fit_positive(model: Any, X: Any, targets: Float, weight: RowWeights, alphas: Float) -> Coefficients:
    """Every target at its own alpha with coefficients ≥ 0, by descent within the box."""
    fit_intercept = model.fit_intercept
    spec = specification(SQUARED, 0.0, 1.0, fit_intercept, TOL, positive=True, max_iter=model.max_iter)
    coef, intercept = np.zeros((targets.shape[1], X.shape[1])), np.zeros(targets.shape[1])
    for target, (y, lam) in enumerate(zip(targets.T, weight.strengths(alphas), strict=True)):
        if is_explained(y, weight.rows, fit_intercept):
            intercept[target] = y[weight.rows > 0][0]
            continue
        path = fit_path(spec, X, y, weight.rows, [lam])
        warn_unless_met(path, words=_UNCONVERGED)
        coef[target], intercept[target] = path.coefs[0], path.intercepts[0]
    return Coefficients(coef, intercept)


def _alphas(alpha: Any, targets: int) -> Float:
    values = np.asarray(alpha, dtype=np.float64).ravel()
    if values.size not in (1, targets):
        raise ValueError(
            f"Number of targets and number of penalties do not correspond: {values.size} != {targets}"
        )
    if (values < 0).any():
        raise ValueError(f"alpha == {values.min():g}, must be >= 0.0.")
    return np.broadcast_to(values, targets)


def _check_solver(model: Any, X: Any) -> None:
    """The combinations that scikit-learn refuses, in its words."""
    if model.solver == "lbfgs" and not model.positive:
        raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
    if model.positive and model.solver not in ("auto", "lbfgs"):
        raise ValueError(
            f"solver='{model.solver}' does not support positive fitting. Please set the solver to 'auto' or 'lbfgs',"
            " or set `positive=False`"
        )
    if sp.issparse(X) and model.fit_intercept and model.solver not in _INTERCEPT_ON_SPARSE:
        raise ValueError(
            f"solver='{model.solver}' does not support fitting the intercept on sparse data. Please set the solver to"
            " 'auto' or 'lsqr', 'sparse_cg', 'sag', 'lbfgs' or set `fit_intercept=False`"
        )
    if (
        model.solver == "sag"
        and sp.issparse(X)
        and model.fit_intercept
        and model.max_iter is None
        and model.tol > 1e-4
    ):
        warn(
            '"sag" solver requires many iterations to fit an intercept with sparse inputs. Either set the solver to "auto"'
            ' or "sparse_cg", or set a low "tol" and a high "max_iter" (especially if inputs are not standardized).'
        )


def _solver_name(model: Any, X: Any) -> str:
    """What scikit-learn would have resolved ``solver`` to, for code that reads ``solver_``."""
    if model.solver != "auto":
        return str(model.solver)
    if model.positive:
        return "lbfgs"
    return "sparse_cg" if sp.issparse(X) and model.fit_intercept else "cholesky"
