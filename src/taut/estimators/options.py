"""The words that arguments may be, and what each stands for: nothing behind this door compares strings."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from taut.estimators.strength import CrossValidated, Fixed, InformationCriterion, Strength
from taut.losses import LOSSES, Huber, Loss, Poisson, SquaredError, as_loss
from taut.penalties import L1, L2, ElasticNet, Penalty
from taut.selection.choice import FALLBACKS
from taut.selection.criteria import CRITERIA
from taut.selection.scores import RULES

PENALTIES: dict[str, Callable[[float], Penalty]] = {
    "l1": lambda ratio: L1(),
    "l2": lambda ratio: L2(),
    "elasticnet": lambda ratio: ElasticNet(1.0, ratio, (1.0 - ratio) / 2.0),
}
"""Shapes by name; ``ratio`` is the ρ of scikit-learn and the alpha of glmnet: ρ Σ|w| + (1 − ρ)/2 Σw²."""

FINALS = ("refit", "average")

REGRESSION_LOSSES = (SquaredError, Huber, Poisson)


def as_penalty(penalty: Any, l1_ratio: float) -> Penalty:
    """The shape that ``penalty`` names or is."""
    if isinstance(penalty, Penalty):
        return penalty
    if not isinstance(penalty, str) or penalty not in PENALTIES:
        raise ValueError(f"penalty must be one of {sorted(PENALTIES)} or a taut.Penalty, got {penalty!r}")
    if not 0.0 <= l1_ratio <= 1.0:
        raise ValueError(f"l1_ratio must lie between 0 (ridge) and 1 (lasso), got {l1_ratio!r}")
    return PENALTIES[penalty](float(l1_ratio))


def as_strength(lam: Any, rule: str) -> Strength:
    """How ``lam`` asks for the strength to be found."""
    if isinstance(lam, Real) and not isinstance(lam, bool | np.bool_):
        return Fixed(_strength(float(lam)))
    if rule not in RULES:
        raise ValueError(f"rule must be one of {sorted(RULES)}, got {rule!r}")
    strengths = {"cv": CrossValidated(rule), **{name: InformationCriterion(name) for name in CRITERIA}}
    if not isinstance(lam, str) or lam not in strengths:
        raise ValueError(f"lam must be a number or one of {sorted(strengths)}, got {lam!r}")
    return strengths[lam]


def _strength(lam: float) -> float:
    if not (np.isfinite(lam) and lam >= 0):
        raise ValueError(f"lam must be a finite number of at least 0, got {lam:g}")
    return lam


def as_regression_loss(loss: Any) -> Loss:
    """The loss for a numeric target; classes belong to ``Classifier``."""
    chosen = as_loss(loss)
    if not isinstance(chosen, REGRESSION_LOSSES):
        names = sorted(name for name, known in LOSSES.items() if isinstance(known, REGRESSION_LOSSES))
        raise ValueError(
            f"Regressor's loss must be one of {names}, got {loss!r}; for classes use taut.Classifier"
        )
    return chosen


def as_hidden(hidden: Any) -> tuple[int, ...]:
    """The sizes of the hidden layers: none, one number, or a sequence of numbers."""
    sizes = (hidden,) if isinstance(hidden, Integral) else tuple(hidden)
    if not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
        raise ValueError(f"hidden must be the sizes of the hidden layers, such as (64,), got {hidden!r}")
    return tuple(int(size) for size in sizes)


def averages(final: str) -> bool:
    """Whether ``final`` asks for the mean of the folds' models in place of the one of all rows."""
    if final not in FINALS:
        raise ValueError(f"final must be one of {list(FINALS)}, got {final!r}")
    return final == FINALS[1]


def check_fallback(fallback: str) -> str:
    """``fallback`` if it is a known rule."""
    if fallback not in FALLBACKS:
        raise ValueError(f"fallback must be one of {sorted(FALLBACKS)}, got {fallback!r}")
    return fallback
