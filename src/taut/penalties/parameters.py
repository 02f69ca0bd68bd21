"""What the constructors of penalties accept: numbers, and vectors per coordinate, also by column name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from taut.arrays import is_traced, to_numpy

PerCoordinate: TypeAlias = "float | Sequence[float] | NDArray[np.float64] | Mapping[str, float] | None"
"""A number for all coordinates, one number each (p,), or numbers by column name; None for the default.

A penalty stores a float, a read-only float64 array, a dict of its own, or None.
"""

V = TypeVar("V")


def number(name: str, value: Any, above: float | None = None) -> float:
    """``value`` as a finite float that is ≥ 0, or > ``above`` where given; what JAX traces stays as it is."""
    if is_traced(value):
        return value  # type: ignore[no-any-return]  # it computes as a float does
    try:
        x = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(x) or (x < 0 if above is None else x <= above):
        range_ = "≥ 0" if above is None else f"> {above:g}"
        raise ValueError(f"{name} must be a finite number {range_}, got {x:g}")
    return x


def per_coordinate(name: str, value: Any, low: float, high: float) -> PerCoordinate:
    """``value`` checked to lie in [low, high], stored so that it cannot change."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {str(key): _within(f"{name}[{key!r}]", x, low, high) for key, x in value.items()}
    values = np.array(to_numpy(value), dtype=np.float64) + 0.0  # our own copy, and no −0
    if values.ndim == 0:
        return _within(name, values, low, high)
    if values.ndim > 1:
        raise ValueError(f"{name} must be a number or one number per coordinate, got shape {values.shape}")
    for j in np.flatnonzero(~((values >= low) & (values <= high)))[:1]:
        _within(f"{name}[{j}]", values[j], low, high)
    values.flags.writeable = False
    return values


def _within(name: str, value: Any, low: float, high: float) -> float:
    x = float(value) + 0.0
    if not low <= x <= high:  # NaN fails too
        raise ValueError(f"{name} must be {f'≥ {low:g}' if math.isinf(high) else f'≤ {high:g}'}, got {x:g}")
    return x


def by_position(
    name: str, given: Mapping[str, V], names: Sequence[str], sources: Sequence[str] | None
) -> list[V | None]:
    """The entry of ``given`` for each design column, by its own name, else by its source's; None without one.

    Raises ValueError for a name in ``given`` that is neither, with close matches.
    """
    origins = names if sources is None else sources
    if len(origins) != len(names):
        raise ValueError(f"sources must name a table column for each of {len(names)}, got {len(origins)}")
    known = {*names, *origins}
    for key in given:
        if key not in known:
            raise ValueError(f"{name} names a column {key!r} that is not there{_hint(key, sorted(known))}")
    return [given.get(own, given.get(origin)) for own, origin in zip(names, origins, strict=True)]


def _hint(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=3)
    if close:
        return f": did you mean {', '.join(map(repr, close))}?"
    return f": the columns are {', '.join(map(repr, known[:10]))}{', …' if len(known) > 10 else ''}"


def bound(
    name: str, value: PerCoordinate, default: float, names: Sequence[str], sources: Sequence[str] | None
) -> PerCoordinate:
    """``value`` with column names replaced by positions; numbers stay, arrays must fit ``names``."""
    if isinstance(value, Mapping):
        entries = by_position(name, value, names, sources)
        return np.array([default if x is None else x for x in entries], dtype=np.float64)
    if isinstance(value, np.ndarray):
        check_length(name, value, len(names))
    return value


def resolved(name: str, value: PerCoordinate, default: float) -> float | NDArray[np.float64]:
    """``value`` as a number or an array; raises ValueError where it is still given by column name."""
    if isinstance(value, Mapping):
        raise ValueError(f"{name} is given by column name: call bind(names) first")
    if isinstance(value, np.ndarray):
        return value
    return default if value is None else float(value)  # type: ignore[arg-type]


def check_length(name: str, values: NDArray[Any], n: int) -> None:
    """Raise ValueError unless ``values`` has one entry for each of the n coordinates."""
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} entries for {n} coordinates: give one per coordinate")


def same(a: object, b: object) -> bool:
    """Whether two stored parameters are equal, arrays by their entries."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.array_equal(a, b)
    return a == b


def hashable(value: Any) -> Hashable:
    """A hashable stand-in for a stored parameter, equal for equal parameters."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    return frozenset(value.items()) if isinstance(value, Mapping) else value
