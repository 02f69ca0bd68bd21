"""The choice between a network and the linear model it contains, by their losses on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from taut.selection.scores import error_of_blocks
from taut.types import Float, Index

ROUNDING = 1e-12
"""Losses that differ by less than this share of their size are equal."""


@dataclass(frozen=True)
class Choice:
    """Which model was taken, and by how much.

    ``model`` is "network" or "linear"; ``gain`` the mean over rows of (linear loss − network loss), out of
    fold, positive where the network is better, in the units of the scores; ``standard_error`` of that mean;
    ``reason`` one clause. Gain and error are NaN where the two were not compared.
    """

    model: str
    reason: str
    gain: float = float("nan")
    standard_error: float = float("nan")

    def __str__(self) -> str:
        return f"{self.model}: {self.reason}"


def paired_gain(
    linear: Float,
    network: Float,
    weight: Float,
    counts: Float | None = None,
    blocks: Index | None = None,
) -> tuple[float, float]:
    """Mean of (linear − network) and its standard error, from losses (n,) of the same held-out rows.

    mean = Σ w d / Σ w and SE = √(Σ w²(d − mean)²/c) / Σ w · √(m/(m − 1)), m = Σ c over the rows of positive weight that
    both models were judged on (NaN elsewhere), c = ``counts`` (n,): how many rows each one stands for, one by default.
    The scale of the weights does not matter; what is rounding alone counts as no difference. With ``blocks`` (n,), the
    group or the stretch of time of each row, the blocks are what is counted: ``error_of_blocks``.
    """
    difference = linear - network
    difference[np.abs(difference) <= ROUNDING * (np.abs(linear) + np.abs(network))] = 0.0
    judged = np.isfinite(difference) & (weight > 0)
    d, w = difference[judged], weight[judged] / weight[judged].sum()
    own = np.ones(d.size) if counts is None else counts[judged]
    return mean_and_error(d, w, own, None if blocks is None else blocks[judged])


def mean_and_error(
    values: Float, shares: Float, counts: Float, blocks: Index | None = None
) -> tuple[float, float]:
    """Σ w v and √(Σ w²(v − mean)²/c · m/(m − 1)), m = Σ c, of values v (n,) with ``shares`` w (n,) that sum to 1.

    ``counts`` c (n,): how many rows each value stands for. The error is infinite where there is one row. With ``blocks``
    (n,) it is ``error_of_blocks``.
    """
    # By a power of two, which changes no digit: a rate far outside the data may be too large to be squared.
    unit = np.ldexp(1.0, int(np.frexp(np.abs(values).max(initial=0.0))[1]) - 1)
    scaled = values / unit
    mean = float(shares @ scaled)
    if blocks is not None:
        own = np.unique(blocks, return_inverse=True)[1]
        sums: list[Float] = [
            np.asarray(np.bincount(own, each), dtype=np.float64) for each in (shares * scaled, shares)
        ]
        return float(mean * unit), float(error_of_blocks(*sums) * unit)
    m = float(counts.sum())
    error = float(np.sqrt(shares**2 / counts @ (scaled - mean) ** 2 * m / (m - 1))) if m > 1 else float("inf")
    return float(mean * unit), float(error * unit)


class Fallback(NamedTuple):
    """When the linear model takes the network's place: is a network worth fitting, and the decision."""

    network_may_win: bool
    decide: Callable[[float, float], Choice]


def choose(fallback: str, gain: float, standard_error: float) -> Choice:
    """Apply ``fallback``: "1se" takes the network where it wins by more than one standard error, "2se" by more than two,
    "never" always, "always" never."""
    return as_fallback(fallback).decide(gain, standard_error)


def as_fallback(fallback: str) -> Fallback:
    """The rule of that name."""
    if fallback not in [*FALLBACKS]:
        raise ValueError(f"fallback must be one of {list(FALLBACKS)}, got {fallback!r}")
    return FALLBACKS[fallback]


def _clear_win(needed: float, gain: float, standard_error: float) -> Choice:
    """The network where it is ahead by more than ``needed`` standard errors."""
    said = _paired(gain, standard_error)
    if standard_error > 0:
        said = f"{said[:-1]}; more than {needed:g} in its favour {'is' if needed == 1.0 else 'are'} needed)"
    return Choice("network" if gain > needed * standard_error else "linear", said, gain, standard_error)


def _always_network(gain: float, standard_error: float) -> Choice:
    return Choice("network", f"as asked; {_paired(gain, standard_error)}", gain, standard_error)


def _always_linear(gain: float, standard_error: float) -> Choice:
    return Choice("linear", f"as asked; {_paired(gain, standard_error)}", gain, standard_error)


FALLBACKS: dict[str, Fallback] = {
    "1se": Fallback(True, partial(_clear_win, 1.0)),
    "2se": Fallback(True, partial(_clear_win, 2.0)),
    "never": Fallback(True, _always_network),
    "always": Fallback(False, _always_linear),
}


def _paired(gain: float, standard_error: float) -> str:
    if np.isnan(gain):
        return "the two were not compared on held-out rows"
    if gain == 0.0 and standard_error == 0.0:
        return "on every held-out row the network's loss is the linear model's"
    side = "lower" if gain > 0 else "higher"
    errors = abs(gain) / standard_error if standard_error > 0 else float("inf")
    return (
        f"the network's out-of-fold loss is {side} by {abs(gain):.3g} ± {standard_error:.2g} "
        f"({errors:.1f} standard errors)"
    )
