"""The only room that knows numba: functions of arrays and scalars, compiled on first use and cached on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compile(*, fastmath: bool = False, inline: bool = False) -> Callable[[F], F]:
    """Compile with numba, cached on disk and without the interpreter lock.

    Only arrays and scalars may be arguments: a class, closure or function as an argument would defeat the disk cache
    and cost a compilation in every process. ``fastmath`` lets sums be reassociated (vectorised), which keeps NaN and
    infinity as they are. Rounding then depends on the processor, not on the run.
    """
    flags: Any = {"reassoc", "contract", "arcp", "nsz"} if fastmath else False
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
        return cast(F, numba.njit(**options)(function))

    return decorate
