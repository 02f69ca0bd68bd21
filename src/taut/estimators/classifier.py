"""The estimator for classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from taut.estimators.base import LossTarget, PathEstimator
from taut.estimators.options import ORDER
from taut.losses import Logistic, Multinomial
from taut.messages import written
from taut.options import EstimatorOptions
from taut.path import check_class_weight, check_labels, check_present
from taut.signature import explains_arguments
from taut.types import Float


@final
class Classifier(ClassifierMixin, PathEstimator):  # type: ignore[misc]
    """A regularized linear model or neural network for classes, its strength chosen from the data.

    Two classes: logistic regression, η the log odds of ``classes_[1]``. More: the softmax of one η per class.
    Parameters and attributes are those of ``Regressor``, but for ``loss`` and these:

    Parameters
    ----------
    class_weight : None, ``"balanced"`` (each class weighs the same), or a dict from class to weight. It
        multiplies the sample weights, in the fit and in the scores.

    Attributes
    ----------
    classes_ : the classes, sorted.
    temperature_ : what ``predict_proba`` divides η by: 1, or for a network the number that lowers the loss of its
        out-of-fold predictions, where that is by more than one standard error; no coefficient is changed.
    coef_, intercept_ : (1, p) and (1,) for two classes, (k, p) and (k,) for more; linear models.
    """

    @explains_arguments(EstimatorOptions, order=ORDER, restarts=1)
    def __init__(
        self,
        hidden: Any = (),
        *,
        class_weight: Any = None,
        fit_intercept: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        **options: Unpack[EstimatorOptions],
    ) -> None:
        self.hidden, self.class_weight, self.fit_intercept = hidden, class_weight, fit_intercept
        self.random_state, self.warm_start = random_state, warm_start
        self._set(options)

    def decision_function(self, X: Any, offset: Any = None) -> Float:
        """η: (n,) log odds of ``classes_[1]`` for two classes, (n, k) for more.

        ``offset`` (n,): what is added to η; a model that was fitted with one needs one here.
        """
        eta = self._eta(X, offset)
        return eta[:, 0] if len(self.classes_) == 2 else eta

    def predict_proba(self, X: Any, offset: Any = None) -> Float:
        """Probabilities (n, k), in the order of ``classes_``: the link's at η / ``temperature_``."""
        eta = self.decision_function(X, offset) / self.temperature_
        mean = np.asarray(self.loss_.inverse_link(eta))
        return np.column_stack([1.0 - mean, mean]) if mean.ndim == 1 else mean

    def predict_set(self, X: Any, coverage: float = 0.9, offset: Any = None) -> NDArray[np.bool_]:
        """Which classes (n, k) are in sets that hold a share ``coverage`` of new rows' own, in the order of ``classes_``.

        Adaptive sets by CV+: from the most probable class on, as many as held-out rows needed, the predicted one always.
        What is certain, ``offset`` and errors as in ``Regressor.predict_interval``.

        Romano, Sesia and Candès, *Classification with Valid and Adaptive Coverage*, NeurIPS 2020.
        """
        errors, rows = self._judged(X, offset)
        found = errors.sets(self.loss_, rows, coverage, offset)
        found[np.arange(len(found)), np.searchsorted(self.classes_, self.predict(X, offset))] = True
        return found

    def predict(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """The most probable class of each row."""
        eta = self.decision_function(X, offset)
        best = (eta > 0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1)
        classes: NDArray[Any] = self.classes_[best]
        return classes

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """The share of rows whose class is predicted, by weight."""
        return float(accuracy_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def _check(self, X: Any, y: Any) -> tuple[Any, Any]:
        check_labels(y)
        X, y = validate_data(self, X, y, accept_sparse=self._sparse(), dtype=np.float64)
        check_classification_targets(y)
        return X, y

    def _target(self, y: Any, weight: Float) -> LossTarget:
        self.classes_, codes = np.unique(y, return_inverse=True)
        totals: Float = np.asarray(np.bincount(codes, weight, len(self.classes_)), dtype=np.float64)
        self._check_classes(totals)
        each = _class_weights(self.class_weight, self.classes_, y, totals)
        check_present(self.classes_, totals * each)
        loss = Logistic() if len(self.classes_) == 2 else Multinomial()
        return LossTarget(loss, codes.astype(np.float64), weight * each[codes], codes)

    def _check_classes(self, totals: Float) -> None:
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {written(self.classes_[0])}: a classifier needs at least two classes"
            )
        check_present(self.classes_, totals)

    def _linear_shape(self, coef: Float, intercept: Float) -> tuple[Float, Any]:
        return coef, intercept


def _class_weights(class_weight: Any, classes: NDArray[Any], y: Any, totals: Float) -> Float:
    """The weight of each class; "balanced" is Σ weight / (k · weight of the class), repetitions counted."""
    if isinstance(class_weight, str) and class_weight == "balanced":
        return np.asarray(totals.sum() / (len(classes) * totals), dtype=np.float64)
    if class_weight is not None and not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight must be 'balanced', None or a dict from class to weight, got {written(class_weight)}"
        )
    check_class_weight(class_weight)
    return np.asarray(compute_class_weight(class_weight, classes=classes, y=y), dtype=np.float64)
