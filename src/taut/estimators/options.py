"""The words that arguments may be, and what each stands for: nothing behind this door compares strings."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Unpack

import numpy as np

from taut.estimators.fitting import Plan
from taut.estimators.layers import Layers
from taut.estimators.strength import CrossValidated, Fixed, InformationCriterion, LeaveOneOut, Strength
from taut.families import FAMILIES, as_loss
from taut.losses import Loss
from taut.messages import written
from taut.options import (
    ChoiceOptions,
    PlanOptions,
    defaults_of,
)
from taut.path import make_spec, strength_count
from taut.penalties import Penalty, as_penalty
from taut.selection import CRITERIA, RULES, OptionConflict, as_fallback

ORDER = (
    "penalty l1_ratio lam rule cv loss class_weight skip final fallback activation fit_intercept standardize penalize_biases"
    " layer_penalties bias_penalties lambdas tol max_epochs batch_size learning_rate restarts finish_iterations random_state"
    " scoring relax adaptive frequency_weights early_stop warm_start"
)
"""The keywords of the estimators as their signatures list them; all others stand after these."""


BLENDS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Blends that relax="cv" chooses from, as in glmnet: of equally good ones the most penalised."""

FINALS = ("refit", "average")


def make_plan(
    names: Sequence[str], sources: Sequence[str] | None, start: Layers | None, **options: Unpack[PlanOptions]
) -> Plan:
    """What to fit: every word of the options looked up, the penalties bound to the columns' ``names`` (see ``make_spec``).

    ``start``: the model of an earlier fit, from which one without folds goes on.
    """
    given: dict[str, Any] = {**defaults_of(PlanOptions), **options}
    choice = {name: given.pop(name) for name in ChoiceOptions.__annotations__}
    as_fallback(choice["fallback"])
    shapes = as_penalties(given["penalty"], given["l1_ratio"])
    if len(shapes) > 1 and isinstance(choice["lam"], Real):
        raise OptionConflict("a number for lam chooses nothing: give one l1_ratio, or lam='cv'")
    bound = tuple(shape.bind(names, sources) for shape in shapes)
    spec = make_spec(names, sources, **given | {"penalty": bound[0]})
    return Plan(
        spec,
        as_strength(choice["lam"], choice["rule"]),
        strength_count(choice["lambdas"], spec.hidden),
        averages(choice["final"]),
        choice["fallback"],
        bound,
        as_power(choice["adaptive"]),
        as_gammas(choice["relax"]),
        choice["scoring"],
        start,
        choice["early_stop"],
        choice["lambdas"] is None,
    )


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
