"""The only room that knows numba: functions of arrays and scalars, compiled on first use and cached on disk."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast, final

import numba
from numba.core import event

F = TypeVar("F", bound=Callable[..., Any])


@final
class _Undisturbed(event.Listener):  # type: ignore[misc]  # numba has no types
    """No garbage collection while numba compiles: it would walk through all of the compiler's living objects in vain."""

    def __init__(self) -> None:
        self._depth, self._enabled = 0, False

    def on_start(self, _: Any) -> None:
        """A compilation begins, within another one perhaps."""
        if self._depth == 0:
            self._enabled = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, _: Any) -> None:
        """It has ended, however it did."""
        self._depth -= 1
        if self._depth == 0 and self._enabled:
            gc.enable()


event.register("numba:compile", _Undisturbed())


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
