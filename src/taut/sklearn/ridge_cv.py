"""RidgeCV: exact leave-one-out for every alpha from one eigendecomposition, or any cross-validation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self, final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import linear_model
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_scalar
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import _num_samples, validate_data

from taut.messages import warn
from taut.path import check_numbers
from taut.selection import as_splitter, split_rows
from taut.sklearn.engine import in_kind, routing, weights_in_unit
from taut.sklearn.namespace import fits_any_namespace
from taut.sklearn.ridge import Ridge, RidgeFits, keep
from taut.types import Float

_SVD_ON_SPARSE = (
    "The 'svd' mode is not supported for sparse X, we fallback to `gcv_mode='eigen'`. Passing `gcv_mode='svd'` on sparse X"
    " will raise an error in 1.11, use the default or pass `gcv_mode='eigen'` to suppress this warning."
)


@final
class RidgeCV(linear_model.RidgeCV):  # type: ignore[misc]
    """scikit-learn's ``RidgeCV``, fitted by taut; ``gcv_mode`` has no effect, there is one decomposition.

    Without ``cv`` row i is left out in closed form, y_i − e_i/(1 − h_ii) (Golub, Heath and Wahba 1979).
    """

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose alpha and fit to X (n, p), dense or sparse, and y (n,) or (n, q)."""
        self._validate_params()
        routing(params, self)
        check_numbers("y", y)
        self._check_alphas()
        if self.cv is None:
            return self._leave_one_out(X, y, sample_weight, params)
        return self._search(X, y, sample_weight, params)

    def _check_alphas(self) -> None:
        """In scikit-learn's words; without ``cv`` alpha = 0 has no closed form."""
        values = np.atleast_1d(np.asarray(self.alphas, dtype=object))
        bounds = "neither" if self.cv is None else "left"
        for index, alpha in enumerate(values):
            name = "alphas" if values.size == 1 else f"alphas[{index}]"
            check_scalar(alpha, name, target_type=Real, min_val=0.0, include_boundaries=bounds)

    def _search(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> Self:
        for name in ("store_cv_results", "alpha_per_target"):
            if getattr(self, name):
                raise ValueError(f"cv!=None and {name}=True are incompatible")
        model = Ridge(fit_intercept=self.fit_intercept)
        if routing(params, self):
            model.set_fit_request(sample_weight=True)
        weight, alphas = weights_in_unit(sample_weight, X), np.atleast_1d(self.alphas)
        weights = {} if sample_weight is None else {"sample_weight": weight.rows}
        grid = {"alpha": weight.in_unit(alphas)}
        given = isinstance(self.cv, Integral) or callable(getattr(self.cv, "split", None))
        cv = self.cv if given else split_rows(as_splitter(self.cv).split(X), _num_samples(X))
        search = GridSearchCV(model, grid, cv=cv, scoring=self.scoring).fit(X, y, **weights, **params)
        best = search.best_estimator_
        self.alpha_, self.best_score_ = alphas[search.best_index_], search.best_score_
        self.coef_, self.intercept_, self.n_features_in_ = best.coef_, best.intercept_, best.n_features_in_
        for name in vars(best).keys() & {"feature_names_in_"}:
            self.feature_names_in_ = getattr(best, name)
        return self

    def _leave_one_out(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> Self:
        original = X
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc", "coo"],
            dtype=np.float64,
            multi_output=True,
            y_numeric=True,
        )
        if sp.issparse(X) and self.gcv_mode == "svd":
            warn(_SVD_ON_SPARSE, FutureWarning)
        weight = weights_in_unit(sample_weight, X)
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=np.float64))
        solved = RidgeFits(X, targets, weight, self.fit_intercept)
        held = solved.left_out(alphas)
        given = None if sample_weight is None else weight.rows
        scores, kept = self._scores(held, targets, y, weight.rows, self._score_params(given, params))
        best = scores.argmax(axis=0)
        chosen = alphas[best]
        self.alpha_ = chosen if chosen.ndim and chosen.size > 1 else float(np.ravel(chosen)[0])
        unit = weight.unit if self.scoring is None else 1.0
        with np.errstate(over="ignore"):
            top, kept = scores.max(axis=0) * unit, kept * unit
        self.best_score_ = top if np.ndim(top) and np.size(top) > 1 else float(np.ravel(top)[0])
        each = np.broadcast_to(chosen, targets.shape[1])
        kind = original if getattr(getattr(original, "dtype", None), "kind", "") == "f" else X
        keep(self, solved.at(each), kind, y.ndim == 2)
        if self.store_cv_results:
            shape = (len(y), alphas.size) if y.ndim == 1 else (len(y), targets.shape[1], alphas.size)
            self.cv_results_ = in_kind(np.moveaxis(kept, 1, 2).reshape(shape), kind)
        return self

    def _score_params(self, sample_weight: Any, params: dict[str, Any]) -> dict[str, Any]:
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        if not routing(params, self):
            return given
        return dict(process_routing(self, "fit", **given, **params).scorer.score)

    def _scores(
        self, held: Float, targets: Float, y: Any, weight: Float, score_params: dict[str, Any]
    ) -> tuple[Float, Float]:
        """Scores (A,) or (A, q) where every target has its own alpha, and what cv_results_ stores (n, A, q)."""
        several = self.alpha_per_target and targets.shape[1] > 1
        if self.scoring is None:
            errors = weight[:, None, None] * (targets[:, None] - held) ** 2
            return -(errors.mean(axis=0) if several else errors.mean(axis=(0, 2))), errors
        scorer = check_scoring(self, scoring=self.scoring)
        values: list[Any] = []
        for predictions in np.moveaxis(held, 1, 0):
            if several:
                columns = zip(predictions.T, targets.T, strict=True)
                values.append([scorer(_Held(one), _places(one), own, **score_params) for one, own in columns])
            else:
                shown = predictions[:, 0] if y.ndim == 1 else predictions
                values.append(scorer(_Held(shown), _places(shown), y, **score_params))
        return np.array(values, dtype=np.float64), held


@final
class _Held(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Known predictions as a scorer expects a regressor."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        """The known predictions, whatever X."""
        return self.values


def _places(values: Float) -> NDArray[np.intp]:
    return np.arange(len(values)).reshape(-1, 1)
