"""What both estimators share: validated rows in, the plan of their arguments, the fitted attributes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from taut.estimators.fitting import Fitted, Plan, fit_model
from taut.estimators.intervals import NO_ERRORS, HeldOutErrors
from taut.estimators.options import make_plan
from taut.estimators.unmet import warn_unmet
from taut.losses import Loss
from taut.options import EstimatorOptions
from taut.path import LinearPath, Path, as_weight, check_groups, check_hidden, with_offset
from taut.selection import Folds, Scores, as_data, make_folds
from taut.solvers import Progress
from taut.types import Float

SMALL = 2_000
"""Entries of X up to which a path is solved to ``TIGHT`` whatever ``tol`` allows."""
TIGHT = 1e-12


@dataclass(frozen=True, eq=False)
class LossTarget:
    """The target as the loss wants it, the rows' weights, and the classes to stratify folds by, if any."""

    loss: Loss
    values: Float
    weight: Float
    labels: NDArray[Any] | None = None


class PathEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """Fits a path, chooses its strength, predicts with the chosen model: what Regressor and Classifier share.

    Constructor arguments are kept as given and read in ``fit``, as scikit-learn asks.
    """

    @abstractmethod
    def _check(self, X: Any, y: Any) -> tuple[Any, Any]:
        """X and y, validated; the features counted and named."""

    @abstractmethod
    def _target(self, y: Any, weight: Float) -> LossTarget:
        """The target in the loss's terms; learns the classes."""

    @abstractmethod
    def _linear_shape(self, coef: Float, intercept: Float) -> tuple[Float, Any]:
        """``coef_`` and ``intercept_`` from coefficients (k, p) and intercepts (k,)."""

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        progress: Progress | None = None,
        offset: Any = None,
    ) -> Self:
        """Fit the path and the folds, choose λ, and keep the chosen model.

        ``X`` (n, p) numbers, or sparse for a linear model; ``y`` (n,), or (n, q) for several numeric outputs;
        ``sample_weight`` (n,) ≥ 0, relative to each other (``frequency_weights``: whole numbers of repetitions);
        ``groups`` (n,) for splitters that use them; ``progress`` is called with the number of (λ, fold) pairs done;
        ``offset`` (n,) is added to η as it stands, without a coefficient, and every prediction then needs one. Raises
        ValueError for anything that cannot be fitted, and says what to do; where a convex fit misses ``tol``, one
        ``ConvergenceWarning`` says by how much.
        """
        seed = _seed(self.random_state)
        X, y = self._check(X, y)
        groups = check_groups(groups, X.shape[0])
        target = self._target(y, as_weight(sample_weight, X.shape[0]))
        plan = self._plan(target.loss, seed)
        plan = replace(plan, spec=replace(plan.spec, tol=full_digits(self.tol, X.shape)))

        def folds() -> Folds:
            options = {"sample_weight": target.weight, "labels": target.labels, "groups": groups}
            return make_folds(self.cv, X, y, random_state=seed, **options)

        frequencies = sample_weight if self.frequency_weights else None
        data = as_data(plan.spec, X, target.values, target.weight, offset, frequencies)
        fitted = fit_model(plan, data, folds, progress, getattr(self, "classes_", None))
        warn_unmet(fitted.chosen.paths, fitted.chosen.index, float(self.tol))
        self._keep(fitted, plan, target.loss)
        return self

    def _set(self, options: EstimatorOptions) -> None:
        for name, value in options.items():
            setattr(self, name, value)

    def _plan(self, loss: Loss, seed: int) -> Plan:
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        given = self.get_params(deep=False)
        shared = {name: given[name] for name in EstimatorOptions.__annotations__}
        own = {
            "loss": loss,
            "hidden": self.hidden,
            "fit_intercept": self.fit_intercept,
            "random_state": seed,
        }
        start = getattr(self, "_layers", None) if self.warm_start else None
        return make_plan(list(names), None, start, **shared, **own)

    def _keep(self, fitted: Fitted, plan: Plan, loss: Loss) -> None:
        chosen, other, layers = fitted.chosen, fitted.other, fitted.layers
        ratios = np.atleast_1d(np.asarray(self.l1_ratio, dtype=np.float64))
        self.l1_ratio_ = float(ratios[plan.penalties.index(chosen.spec.penalty)])
        self.gamma_ = chosen.gamma
        if loss.traits.classes:
            self.temperature_ = fitted.temperature
        self.measures_ = {} if chosen.scores is None else dict(chosen.scores.measures)
        if isinstance(chosen.path, LinearPath) and chosen.path.iterations is not None:
            self.n_iter_ = max(1, int(chosen.path.iterations[chosen.index]))
        self.chosen_, self.lam_, self.loss_ = fitted.choice, chosen.lam, loss
        self.path_, self.scores_, self.criteria_ = chosen.path, chosen.scores, chosen.criteria
        self.rival_path_ = None if other is None else other.path
        self.rival_scores_ = None if other is None else other.scores
        self._layers, self._errors = layers, fitted.errors
        if len(layers.coefs) == 1:
            self.coef_, self.intercept_ = self._linear_shape(layers.coefs[0].T, layers.intercepts[0])
            return
        self.coefs_, self.intercepts_ = list(layers.coefs), list(layers.intercepts)
        p, k = layers.coefs[0].shape[0], layers.coefs[-1].shape[1]
        self.skip_coef_ = np.zeros((p, k)) if layers.skip is None else layers.skip

    def _eta(self, X: Any, offset: Any) -> Float:
        """η (n, k) of validated rows, their offset (n,) included."""
        X = self._validated(X)
        return with_offset(
            self._layers.decision(X), offset, self.path_.has_offset, f"this {type(self).__name__}"
        )

    def _validated(self, X: Any) -> Any:
        """Rows to predict."""
        check_is_fitted(self)
        return validate_data(self, X, reset=False, accept_sparse=self._sparse(), dtype=np.float64)

    def _judged(self, X: Any, offset: Any) -> tuple[HeldOutErrors, Any]:
        """What held-out rows say, and rows to predict; ValueError where no row was held out."""
        X = self._validated(X)
        # Also asks for the offset of a model that was fitted with one.
        with_offset(np.zeros(X.shape[0]), offset, self.path_.has_offset, f"this {type(self).__name__}")
        if self._errors is None:
            raise ValueError(f"{NO_ERRORS}: use lam='cv', folds that hold every row out, and a single output")
        return self._errors, X

    def _sparse(self) -> Any:
        """The sparse formats that X may come in."""
        return False if check_hidden(self.hidden) else ("csr", "csc")

    def __getstate__(self) -> dict[str, Any]:
        """The state without rows: a saved model carries no training data, nor what was said of single rows."""
        state = dict(super().__getstate__())
        paths = {name: _without_data(state[name]) for name in ("path_", "rival_path_") if name in state}
        scores = {name: _without_rows(state[name]) for name in ("scores_", "rival_scores_") if name in state}
        return {**state, **paths, **scores}

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: linear models take sparse X."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = bool(self._sparse())
        return tags


def full_digits(tol: Any, shape: tuple[int, int]) -> Any:
    """``tol``, and ``TIGHT`` where X is so small that it costs nothing: weights and repetitions then agree to 1e-7."""
    small = isinstance(tol, Real) and shape[0] * shape[1] <= SMALL
    return min(float(tol), TIGHT) if small and float(tol) > 0.0 else tol


def _seed(random_state: Any) -> int:
    """One number that folds and networks follow from: ``random_state`` itself where it is one."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _without_data(path: Path | None) -> Path | None:
    return replace(path, problem=None) if isinstance(path, LinearPath) else path


def _without_rows(scores: Scores | None) -> Scores | None:
    return None if scores is None else replace(scores, losses=None, predictions=None)
