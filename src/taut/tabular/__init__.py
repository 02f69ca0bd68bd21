"""From a table to a chosen model: ``fit`` and ``load``, and the ``Fit`` that they return."""

from taut.design import DataError
from taut.tabular.fitting import fit, fit_prepared
from taut.tabular.record import Fit
from taut.tabular.setting import prepare
from taut.tabular.storing import load

__all__ = ["DataError", "Fit", "fit", "fit_prepared", "load", "prepare"]
