"""The only room that knows numba: functions of arrays and scalars, compiled on first use and cached on disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numba
from numba.core import event

from taut.solvers._kernels.compilation import COMPILATION

F = TypeVar("F", bound=Callable[..., Any])


event.register("numba:compile", COMPILATION)


def compile(*, fastmath: bool = False, inline: bool = False, finite: bool = False) -> Callable[[F], F]:
    """Compile with numba, cached on disk and without the interpreter lock.

    Only arrays and scalars may be arguments: a class, closure or function as an argument would defeat the disk cache
    and cost a compilation in every process. ``fastmath`` lets sums be reassociated (vectorised), which keeps NaN and
    infinity as they are. Rounding then depends on the processor, not on the run. ``finite`` divides single precision by
    an estimated reciprocal and a Newton step, as good as rounding, which takes a divisor that is not infinite.
    """
    flags: Any = (
        {"reassoc", "contract", "arcp", "nsz"} | ({"ninf"} if finite else set()) if fastmath else False
    )
    options: dict[str, Any] = {
        "cache": True,
        "nogil": True,
        "fastmath": flags,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,
    }
    if inline:
        options["inline"] = "always"

    def decorate(function: F) -> F:
        try:
            return cast(F, numba.njit(**options)(function))
        except RuntimeError as error:
            if "cannot cache" not in str(error):  # otherwise there is no folder that numba may write to
                raise
            _warn_uncached()
            return cast(F, numba.njit(**{**options, "cache": False})(function))

    return decorate


@cache
def _warn_uncached() -> None:
    """Say once that everything is compiled anew in every process."""
    warnings.warn(
        "no folder for compiled functions can be written: every process compiles them anew, which takes a minute;"
        " set NUMBA_CACHE_DIR to one that can",
        UserWarning,
        stacklevel=2,
    )
