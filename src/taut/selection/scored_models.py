"""One strength of a path as scikit-learn's scorers expect a model."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from taut.path import Path
from taut.types import Float


@final
class ScoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """One strength of a path, on rows of that offset, as a scorer expects a regressor."""

    def __init__(self, path: Path, index: int, offset: Float | None) -> None:
        self.path, self.index, self.offset = path, index, offset

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Float:
        """The fitted mean."""
        return self.path.predict_at(X, self.index, self.offset)


@final
class ScoredClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One strength of a path, on rows of that offset, as a scorer expects a classifier."""

    def __init__(self, path: Path, index: int, offset: Float | None, classes: Any) -> None:
        self.path, self.index, self.offset, self.classes = path, index, offset, classes
        self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, X: Any) -> Float:
        """η."""
        return self.path.decision_at(X, self.index, self.offset)

    def predict_proba(self, X: Any) -> Float:
        """Probabilities (n, k)."""
        mean = self.path.predict_at(X, self.index, self.offset)
        return np.column_stack([1.0 - mean, mean]) if mean.ndim == 1 else mean

    def predict(self, X: Any) -> Any:
        """The most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
