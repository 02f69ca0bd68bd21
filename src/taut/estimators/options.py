"""The words that arguments may be, and what each stands for: nothing behind this door compares strings."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from taut.estimators.strength import CrossValidated, Fixed, InformationCriterion, LeaveOneOut, Strength
from taut.families import FAMILIES, as_loss
from taut.losses import Loss
from taut.messages import written
from taut.penalties import Penalty, as_penalty
from taut.selection.choice import FALLBACKS
from taut.selection.criteria import CRITERIA
from taut.selection.scores import RULES

BLENDS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Blends that relax="cv" chooses from, as in glmnet: of equally good ones the most penalised."""

FINALS = ("refit", "average")


def as_penalties(penalty: Any, l1_ratio: Any) -> tuple[Penalty, ...]:
    """The shapes that compete: one, or one for each of several l1_ratios of an elastic net."""
    if np.ndim(l1_ratio) == 0:
        return (as_penalty(penalty, l1_ratio),)
    ratios = list(l1_ratio)
    if penalty != "elasticnet" or not ratios:
        raise ValueError(
            f"several l1_ratios need penalty='elasticnet' and at least one ratio, got {written(l1_ratio)}"
        )
    return tuple(as_penalty(penalty, ratio) for ratio in ratios)


def as_gammas(relax: Any) -> tuple[float, ...]:
    """The blends of relaxed and penalised fit: None is the penalised one, "cv" a choice between five."""
    if relax is None:
        return (1.0,)
    if isinstance(relax, Real) and not isinstance(relax, bool | np.bool_) and 0.0 <= float(relax) <= 1.0:
        return (float(relax),)
    if isinstance(relax, str) and relax == "cv":
        return BLENDS
    raise ValueError(
        f'relax must be None, a number from 0 (refit) to 1 (penalised), or "cv", got {written(relax)}'
    )


def as_power(adaptive: Any) -> float:
    """The power of the pilot's coefficients: None or 0 for none."""
    given = 0.0 if adaptive is None else adaptive
    power = float(given) if isinstance(given, Real) else np.nan
    if not (np.isfinite(power) and power >= 0.0):
        raise ValueError(f"adaptive must be a power of at least 0 or None, got {written(adaptive)}")
    return power


def as_strength(lam: Any, rule: str) -> Strength:
    """How ``lam`` asks for the strength to be found."""
    if isinstance(lam, Real) and not isinstance(lam, bool | np.bool_):
        return Fixed(_strength(float(lam)))
    if rule not in [*RULES]:
        raise ValueError(f"rule must be one of {sorted(RULES)}, got {written(rule)}")
    criteria = {name: InformationCriterion(name) for name in CRITERIA}
    strengths: dict[str, Strength] = {"cv": CrossValidated(rule), "loo": LeaveOneOut(rule), **criteria}
    if not isinstance(lam, str) or lam not in strengths:
        raise ValueError(f"lam must be a number or one of {sorted(strengths)}, got {written(lam)}")
    return strengths[lam]


def _strength(lam: float) -> float:
    if not (np.isfinite(lam) and lam >= 0):
        raise ValueError(f"lam must be a finite number of at least 0, got {lam:g}")
    return lam


def as_regression_loss(loss: Any) -> Loss:
    """The loss for a numeric target; classes belong to ``Classifier``."""
    chosen = as_loss(loss)
    if chosen.traits.classes:
        names = sorted(name for name, known in FAMILIES.items() if not known.make().traits.classes)
        raise ValueError(
            f"Regressor's loss must be one of {names}, got {written(loss)}; for classes use taut.Classifier"
        )
    return chosen


def averages(final: str) -> bool:
    """Whether ``final`` asks for the mean of the folds' models in place of the one of all rows."""
    if final not in FINALS:
        raise ValueError(f"final must be one of {list(FINALS)}, got {written(final)}")
    return final == FINALS[1]


def check_fallback(fallback: str) -> str:
    """``fallback`` if it is a known rule."""
    if fallback not in [*FALLBACKS]:
        raise ValueError(f"fallback must be one of {sorted(FALLBACKS)}, got {written(fallback)}")
    return fallback
