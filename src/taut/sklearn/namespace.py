"""Arrays of other libraries where scikit-learn dispatches on them: fitted as NumPy, given back as what X is.

Without ``array_api_dispatch`` scikit-learn itself turns them into NumPy arrays. With it a fitted estimator lives in X's
library and on X's device, and its ``predict`` works there. https://data-apis.org/array-api
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import array_api_compat
import numpy as np
import scipy.sparse as sp
from sklearn import config_context, get_config

F = TypeVar("F", bound=Callable[..., Any])

_GIVEN_BACK = ("coef_", "intercept_", "classes_", "cv_results_")
"""Fitted attributes that ``predict`` meets X with, or that have a value per row."""


def fits_any_namespace(fit: F) -> F:
    """A ``fit`` of NumPy arrays for those of every library that scikit-learn dispatches on; X decides which it is."""

    @wraps(fit)
    def fitted(self: Any, X: Any, y: Any, sample_weight: Any = None, *args: Any, **params: Any) -> Any:
        if not (get_config()["array_api_dispatch"] and any(map(_foreign, (X, y, sample_weight)))):
            return fit(self, X, y, sample_weight, *args, **params)
        with config_context(array_api_dispatch=False):
            fit(self, as_numpy(X), as_numpy(y), as_numpy(sample_weight), *args, **params)
        if _foreign(X):
            _give_back(self, X)
        return self

    return cast(F, fitted)


def _foreign(values: Any) -> bool:
    """Whether these are an array of a library other than NumPy."""
    if isinstance(values, np.ndarray) or sp.issparse(values):
        return False
    return bool(array_api_compat.is_array_api_obj(values))


def as_numpy(values: Any) -> Any:
    """The same numbers as a NumPy array, from whatever device; what is no array stays as it is."""
    if not _foreign(values):
        return values
    if array_api_compat.is_torch_array(values) or array_api_compat.is_cupy_array(values):
        values = array_api_compat.to_device(values, "cpu")
    return np.asarray(values)


def require_numpy(model: Any, *arrays: Any) -> None:
    """TypeError where scikit-learn would dispatch on arrays that ``model`` and its ``predict`` do not take."""
    if get_config()["array_api_dispatch"]:
        for values in filter(_foreign, arrays):
            raise TypeError(
                f"{type(model).__name__} takes NumPy arrays only, got {type(values).__module__}.{type(values).__name__}: pass"
                " np.asarray of it, or turn array_api_dispatch off, which lets scikit-learn do that"
            )


def _give_back(model: Any, X: Any) -> None:
    """Numbers that belong with X move to its library and device; labels that are no numbers can not."""
    xp, device = array_api_compat.array_namespace(X), array_api_compat.device(X)
    for name in _GIVEN_BACK:
        values = vars(model).get(name)
        if values is not None and np.asarray(values).dtype.kind in "fiub":
            setattr(model, name, xp.asarray(values, device=device))
