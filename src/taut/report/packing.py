"""Packing: arrays as JSON numbers, or as base64 of their little-endian bytes where there are many."""

from __future__ import annotations

import base64
import math
from typing import Any, NamedTuple

import numpy as np

from taut.types import Float


def rounded(values: Any, digits: int = 7) -> list[Any]:
    """Nested lists of numbers to so many significant digits; None for what is not finite."""
    return [rounded(v, digits) if np.ndim(v) else _number(float(v), digits) for v in np.asarray(values)]


def _number(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def packed_numbers(values: Float, dtype: str = "<f8") -> str:
    """The numbers in C order as base64."""
    return packed_bytes(np.ascontiguousarray(values).astype(dtype).tobytes())


def packed_bytes(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


class Series(NamedTuple):
    """F features with k numbers at each of L strengths: (F, k, L), exact zeros kept."""

    values: Float


def packed_series(series: Series) -> dict[str, Any]:
    """Each feature from the strength at which it is first used: ``first`` (F,), then its numbers, single precision."""
    values = series.values.astype("<f4")
    count, outputs, length = values.shape
    used = (values != 0).any(axis=1)
    first = np.where(used.any(axis=1), used.argmax(axis=1), length)
    parts = [values[j, :, first[j] :].tobytes() for j in range(count)]
    return {
        "outputs": outputs,
        "length": length,
        "first": first.tolist(),
        "values": packed_bytes(b"".join(parts)),
    }
