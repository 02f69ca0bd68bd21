"""Stability selection: the features that most resamples keep, with a bound on how many of them are there by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from taut.options import SpecOptions
from taut.selection.tradeoff import TradeOff, bias_variance
from taut.signature import explains_arguments
from taut.types import Float


@dataclass(frozen=True, eq=False)
class Stability:
    """Which of p features are stable over the strengths λ ≥ ``lam``, and how many of them may be false.

    ``frequencies`` (p,): the largest share, over those strengths, of the fits that used the feature; ``selected`` (p,):
    where it reaches ``threshold``; ``bound``: at most so many selected features are expected to be false;
    ``average_size`` q: how many features a fit uses at any of those strengths, on average; ``index`` the place of
    ``lam`` on the grid.

        bound = q² / ((2·threshold − 1) p)

    holds where the false features are exchangeable and chosen no more often than by guessing, for fits to halves of
    the rows (``resample="half"``); for bootstrap fits it is the same formula, and an approximation.

    Meinshausen and Bühlmann, *J. R. Statist. Soc. B* 72 (2010), theorem 1; Shah and Samworth, ibid. 75 (2013).
    """

    frequencies: Float
    selected: NDArray[np.bool_]
    threshold: float
    bound: float
    average_size: float
    lam: float
    index: int


def stability(measured: TradeOff, threshold: float = 0.75, false_selections: float = 1.0) -> Stability:
    """The stable features by the fits that ``bias_variance`` made: nothing is fitted again.

    ``threshold`` in (0.5, 1] is the share of fits that must use a feature; the strengths go down as far as the bound on
    false selections stays within ``false_selections``. Raises ValueError where even the strongest λ exceeds it.
    """
    if not 0.5 < threshold <= 1.0:
        raise ValueError(
            f"threshold = {threshold:g}: more than half of the fits must agree, so it lies in (0.5, 1]"
        )
    sizes = measured.ever_used.sum(axis=1)
    bounds = sizes**2 / ((2.0 * threshold - 1.0) * measured.ever_used.shape[1])
    within = np.flatnonzero(bounds <= false_selections)
    if within.size == 0:
        raise ValueError(
            f"at the strongest lam = {measured.lambdas[0]:g} already {bounds[0]:.3g} false selections are possible, "
            f"more than false_selections = {false_selections:g}: start the grid higher, or allow more"
        )
    index = int(within[-1])
    frequencies = measured.frequencies[: index + 1].max(axis=0)
    return Stability(
        frequencies, frequencies >= threshold, threshold, float(bounds[index]), float(sizes[index]),
        float(measured.lambdas[index]), index,
    )  # fmt: skip


@explains_arguments(SpecOptions)
def stability_selection(
    X: Any,
    y: Any,
    *,
    threshold: float = 0.75,
    false_selections: float = 1.0,
    fits: int = 100,
    resample: str = "half",
    lambdas: Any = None,
    sample_weight: Any = None,
    offset: Any = None,
    **options: Unpack[SpecOptions],
) -> Stability:
    """Fit paths to ``fits`` halves of the rows and keep the features that most of them use.

    Arguments as in ``bias_variance`` and ``stability``; ``random_state`` draws the halves.
    """
    measured = bias_variance(
        X,
        y,
        fits=fits,
        resample=resample,
        lambdas=lambdas,
        sample_weight=sample_weight,
        offset=offset,
        **options,
    )
    return stability(measured, threshold, false_selections)
