"""Numerals: numbers as a reader wants them, grouped, and rounded where their error begins."""

from __future__ import annotations

import math
from typing import Any


def grouped(value: float, decimals: int = 0) -> str:
    """The number with blanks between its thousands; negative ``decimals`` round before the point."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else f"{value:g}"
    rounded = round(value, decimals)
    return f"{rounded:,.{max(decimals, 0)}f}".replace(",", " ")


def counted(count: int, noun: str) -> str:
    """A count with its noun in the right number."""
    return f"{grouped(count)} {noun}{'' if count == 1 else 's'}"


def decimals_for(value: float, digits: int) -> int:
    """How many decimals show ``digits`` significant digits of ``value``."""
    if value == 0 or not math.isfinite(value):
        return digits - 1
    return digits - 1 - math.floor(math.log10(abs(value)))


def significant(value: float, digits: int = 3) -> str:
    """The number to ``digits`` significant digits, in powers of ten where it is very small or very large."""
    if value != 0 and math.isfinite(value) and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    return grouped(value, decimals_for(value, digits))


def signed(value: float, digits: int = 3) -> str:
    """``significant`` with its sign."""
    return significant(value, digits) if value < 0 else f"+{significant(value, digits)}"


def with_error(value: float, error: float) -> str:
    """``value ± error``, both to two significant digits of the error."""
    if not math.isfinite(error) or error <= 0:
        return significant(value, 4)
    decimals = decimals_for(error, 2)
    return f"{grouped(value, decimals)} ± {grouped(error, decimals)}"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def finite(value: Any) -> Any:
    """The value with None for every number in it that is not finite: JSON has no word for those."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
