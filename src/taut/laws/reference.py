"""Tables of penalties in plain NumPy, slowly and without closed forms: what the closed forms must equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.penalties import Kind, Table
from taut.types import Float

GOLDEN = (np.sqrt(5) - 1) / 2


def density(table: Table, a: Float) -> Float:
    """ρ(a) for magnitudes a ≥ 0, entry by entry, as the kernels must read the table."""
    lam, knee, flat = np.where(np.isinf(table.l1), 0.0, table.l1), table.knee, table.flat
    if table.kind == Kind.QUADRATIC:
        return lam * a + table.l2 * a**2
    bent = lam * a - (a - knee * lam) ** 2 / (2 * (flat - knee))
    beyond = lam**2 * (flat + knee) / 2
    return np.where(a > flat * lam, beyond, np.where(a <= knee * lam, lam * a, bent))


def table_value(table: Table, w: Float) -> float:
    """Ω(w), inf outside the box."""
    inside = np.all((w >= table.lower) & (w <= table.upper))
    return float(np.sum(density(table, np.abs(w)))) if inside else np.inf


def table_prox(table: Table, z: Float, step: float) -> Float:
    """The prox by golden-section search between 0 and z, where it must lie, within the box."""
    low = np.clip(np.minimum(z, 0.0), table.lower, table.upper)
    high = np.clip(np.maximum(z, 0.0), table.lower, table.upper)

    def objective(x: Float) -> Any:
        return (x - z) ** 2 / (2 * step) + density(table, np.abs(x))

    for _ in range(80):
        width = GOLDEN * (high - low)
        left, right = high - width, low + width
        lower_left = objective(left) <= objective(right)
        low, high = np.where(lower_left, low, left), np.where(lower_left, right, high)
    middle = (low + high) / 2
    return np.where(objective(np.zeros_like(z)) <= objective(middle), 0.0, middle)
