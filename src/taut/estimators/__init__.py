"""The scikit-learn face: Regressor and Classifier."""

from taut.estimators.classifier import Classifier
from taut.estimators.regressor import Regressor

__all__ = ["Classifier", "Regressor"]
