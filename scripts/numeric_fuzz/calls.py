"""One call of taut: its result, what it warned of, how it failed, and whether it ended within its time."""

from __future__ import annotations

import contextlib
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from numba.core import event

import taut

LIMIT = 5.0
"""Seconds of processor time for one call."""
PACKAGE = str(Path(taut.__file__).parent)
LONGEST = 400
"""Characters that one or two sentences have at most."""


class Finding(NamedTuple):
    """Something that is not promised: its kind, and what was seen."""

    kind: str
    text: str


class TooSlow(BaseException):
    """The call used up its time; no ``except Exception`` holds it back."""


class Outcome(NamedTuple):
    """What a call gave: a result, or a refusal's message, and findings."""

    result: Any
    refusal: str
    findings: list[Finding]


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """TooSlow where the block uses more processor time; what runs compiled is stopped when it returns."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def called(function: Callable[[], Any], limit: float = LIMIT) -> Outcome:
    """Call it; a call in which numba compiled something is not blamed for its time, and made again."""
    compiled: list[Any] = []
    listener = _Compilations(compiled)
    with event.install_listener("numba:compile", listener):
        try:
            return _called(function, limit)
        except TooSlow:
            pass
    if compiled:
        try:
            return _called(function, 60.0 + limit)
        except TooSlow:
            pass
    return Outcome(None, "", [Finding("slow", f"more than {limit:g} s of processor time")])


class _Compilations(event.Listener):
    """Notes that something was compiled."""

    def __init__(self, seen: list[Any]) -> None:
        self._seen = seen

    def on_start(self, event: Any) -> None:
        """One more."""
        self._seen.append(event)

    def on_end(self, event: Any) -> None:
        """Nothing."""


def _called(function: Callable[[], Any], limit: float) -> Outcome:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            with limited(limit):
                result = function()
        except Exception as error:
            found = _of_error(error)
            return Outcome(None, f"{type(error).__name__}: {error}", [found] if found else [])
    said = sorted(
        {f"{one.message} ({Path(one.filename).name}:{one.lineno})" for one in caught if _numerical(one)}
    )
    more = f" and {len(said) - 1} more" if len(said) > 1 else ""
    return Outcome(result, "", [Finding("warning", said[0] + more)] if said else [])


def _numerical(warning: warnings.WarningMessage) -> bool:
    return issubclass(warning.category, RuntimeWarning)


def _of_error(error: Exception) -> Finding | None:
    """None where it is a ValueError or TypeError of taut's own with a message of one or two sentences."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text, place = str(error), f"{Path(last.filename).name}:{last.lineno}"
    # What NumPy raises has no line of its own: the last one calls it.
    raised = (last.line or "").startswith("raise")
    own = last.filename.startswith(PACKAGE) and "_kernels" not in last.filename and raised
    short = 0 < len(text) <= LONGEST and "\n" not in text
    if type(error) in (ValueError, TypeError) and own and short:
        return None
    return Finding("exception", f"{type(error).__name__} at {place}: {text[:200]}")
