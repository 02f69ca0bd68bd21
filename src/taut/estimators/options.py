"""The words that arguments may be, and what each stands for: nothing behind this door compares strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from taut.estimators.strength import CrossValidated, Fixed, InformationCriterion, LeaveOneOut, Strength
from taut.losses import LOSSES, Huber, Loss, Poisson, SquaredError, as_loss
from taut.objective import PerLayer
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

BLENDS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Blends that relax="cv" chooses from, as in glmnet: of equally good ones the most penalised."""

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


def as_layers(
    given: Any,
    l1_ratio: Any,
    hidden: Sequence[int],
    names: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
) -> PerLayer:
    """The penalties of a network's layers from words and penalties; the first is bound to the ``names`` of columns."""
    if given is None:
        return None
    if np.ndim(l1_ratio) > 0:
        raise ValueError(
            "several l1_ratios compete in penalty='elasticnet' alone: give layers with one l1_ratio"
        )
    each = [given] * (len(hidden) + 1) if isinstance(given, str | Penalty) else list(given)
    shapes = [None if shape is None else as_penalty(shape, l1_ratio) for shape in each]
    first = shapes[0] if shapes else None
    return shapes if first is None or names is None else [first.bind(names, sources), *shapes[1:]]


def as_penalties(penalty: Any, l1_ratio: Any) -> tuple[Penalty, ...]:
    """The shapes that compete: one, or one for each of several l1_ratios of an elastic net."""
    if np.ndim(l1_ratio) == 0:
        return (as_penalty(penalty, l1_ratio),)
    ratios = list(l1_ratio)
    if penalty != "elasticnet" or not ratios:
        raise ValueError(
            f"several l1_ratios need penalty='elasticnet' and at least one ratio, got {l1_ratio!r}"
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
    raise ValueError(f'relax must be None, a number from 0 (refit) to 1 (penalised), or "cv", got {relax!r}')


def as_power(adaptive: Any) -> float:
    """The power of the pilot's coefficients: None or 0 for none."""
    power = 0.0 if adaptive is None else float(adaptive)
    if not (np.isfinite(power) and power >= 0.0):
        raise ValueError(f"adaptive must be a power of at least 0 or None, got {adaptive!r}")
    return power


def as_strength(lam: Any, rule: str) -> Strength:
    """How ``lam`` asks for the strength to be found."""
    if isinstance(lam, Real) and not isinstance(lam, bool | np.bool_):
        return Fixed(_strength(float(lam)))
    if rule not in RULES:
        raise ValueError(f"rule must be one of {sorted(RULES)}, got {rule!r}")
    criteria = {name: InformationCriterion(name) for name in CRITERIA}
    strengths: dict[str, Strength] = {"cv": CrossValidated(rule), "loo": LeaveOneOut(rule), **criteria}
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
