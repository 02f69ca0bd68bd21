"""Signatures and docstrings of calls that share options: completed from the records in ``taut.options``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from textwrap import fill
from typing import Any, ParamSpec, TypeVar

from taut.messages import unknown_argument
from taut.options import defaults_of, options_of

P = ParamSpec("P")
R = TypeVar("R")
Documented = TypeVar("Documented", bound=Callable[..., Any])

WIDTH = 116
"""Columns of a docstring."""


def explains_arguments(
    *records: type, order: str = "", **defaults: object
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function whose ``**options`` are those of ``records``: complete when it is called, and shown in its signature.

    ``defaults`` are its own where they are not the records'. Keywords stand in the signature in ``order``, names with spaces
    between them; one that is not named there stands after those. A TypeError for an unknown keyword says what is meant.
    """
    filled = {name: None for record in records for name in record.__annotations__}
    filled |= defaults_of(*records) | defaults

    def explained(function: Callable[P, R]) -> Callable[P, R]:
        signature = _signature(function, records, filled, order.split())
        known = {name: None for name in signature.parameters if name != "self"}
        place = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in known:
                    raise TypeError(unknown_argument(place, name, kwargs[name], known))
            return function(*args, **{**filled, **kwargs})  # type: ignore[arg-type]

        called.__signature__ = signature  # type: ignore[attr-defined]
        return called

    return explained


def _signature(
    function: Callable[..., Any], records: tuple[type, ...], filled: dict[str, Any], order: list[str]
) -> inspect.Signature:
    """The function's own signature, its ``**options`` written out."""
    own = inspect.signature(function)
    kinds = {name: kind for record in records for name, kind in record.__annotations__.items()}
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_plain(kinds[name])
        )
        for name, default in filled.items()
    ]
    listed = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    places = {name: place for place, name in enumerate(order)}
    keywords = [*(p for p in listed if p.kind is p.KEYWORD_ONLY), *shared]
    keywords.sort(key=lambda p: places.get(p.name, len(places)))
    return own.replace(parameters=[*(p for p in listed if p.kind is not p.KEYWORD_ONLY), *keywords])


def _plain(kind: Any) -> Any:
    """An annotation as it is written, without what is said of the option."""
    inner = getattr(kind, "__origin__", kind)
    return getattr(inner, "__forward_arg__", inner)


def describes(*records: type) -> Callable[[Documented], Documented]:
    """A function or class in whose docstring ``<ModelOptions>`` in a line of its own becomes the options of that record."""

    def described(documented: Documented) -> Documented:
        text = documented.__doc__ or ""  # none under python -OO
        for record in records:
            text = text.replace(f"<{record.__name__}>", _lines(record).lstrip())
        documented.__doc__ = text
        return documented

    return described


def _lines(record: type) -> str:
    entries = (f"{name} : {option.meaning}" for name, option in options_of(record).items())
    indents = {"initial_indent": "    ", "subsequent_indent": "        "}
    return "\n".join(fill(entry, WIDTH, break_on_hyphens=False, **indents) for entry in entries)  # type: ignore[arg-type]
