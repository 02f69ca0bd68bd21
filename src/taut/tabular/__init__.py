"""From a table to a chosen model: ``fit`` and ``load``, and the ``Fit`` that they return."""

from taut.design import DataError
from taut.tabular.fit import Fit, load
from taut.tabular.fitting import fit, fit_prepared
from taut.tabular.inputs import prepare

__all__ = ["DataError", "Fit", "fit", "fit_prepared", "load", "prepare"]
