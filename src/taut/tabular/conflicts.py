"""Conflicts: options of a fit that do not go together, found before anything is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import taut.selection as selection
from taut.families import as_loss
from taut.losses import SquaredError
from taut.messages import written

if TYPE_CHECKING:
    from taut.tabular.options import Options


AUTO = "auto"


def check_choices(options: Options) -> None:
    """ValueError where options do not go together, before anything is fitted."""
    if options.bootstrap < 0 or options.bootstrap == 1:
        raise ValueError(f"bootstrap = {options.bootstrap}: give at least 2 bootstrap fits, or 0 for none")
    for role in ("weights", "groups", "time", "offset"):
        name = getattr(options, role)
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{role} must be the name of a column of the table, got {written(name)}")
    for role in ("categorical", "numeric", "drop", "keep", "text"):
        for name in getattr(options, role):
            if not isinstance(name, str):
                raise ValueError(f"{role} must be names of columns of the table, got {written(name)}")
    if not isinstance(options.seed, Integral):
        raise ValueError(f"seed must be a whole number, got {written(options.seed)}")
    if options.scoring:
        selection.as_scorers(options.scoring)
    options.reading.check()
    if options.repeats < 1:
        raise ValueError(f"repeats = {options.repeats}: folds are drawn at least once")
    for conflict, words in (*_model_conflicts(options), *_row_conflicts(options)):
        if conflict:
            raise ValueError(words)
    _check_search(options)


CHOSEN = (
    *("penalty", "l1_ratio", "layer_penalties", "bias_penalties", "group_factors", "lam", "lambdas", "relax"),
    *("adaptive", "fallback", "bootstrap"),
)
"""What an automatic fit chooses itself, or what belongs to one model of those that it tries."""


def _check_search(options: Options) -> None:
    """ValueError for what does not go with an automatic fit, and for a budget without one."""
    if options.search is None:
        if options.budget is not None:
            raise ValueError("budget bounds the time of an automatic fit: ask for model='auto' too (--auto)")
        return
    if options.search != AUTO:
        raise ValueError(
            f"model must be {AUTO!r} or None, got {written(options.search)}; a network has hidden layers, hidden=(64,)"
        )
    budget = options.budget
    if budget is not None and not (isinstance(budget, Real) and 0.0 < float(budget) < math.inf):
        raise ValueError(f"budget must be a number of seconds above 0, got {written(budget)}")
    plain = type(options).of("").keywords
    for name in CHOSEN:
        given = options.keywords[name]
        if given != plain[name] and not (name == "lambdas" and isinstance(given, Integral)):
            raise ValueError(
                f"{name}: an automatic fit tries several models, each with its own choice; leave {name} out, or model='auto'"
                " (--auto)"
            )


def _model_conflicts(options: Options) -> Sequence[tuple[Any, str]]:
    """What does not go together in target, loss and penalty, and whether it is asked for."""
    squared = options.loss is None or as_loss(options.loss) == SquaredError()
    return (
        (
            options.log_target and not squared,
            "log_target fits the squared error of the logarithm; leave out the loss",
        ),
        (
            options.log_target and options.task == "classification",
            "log_target is for numbers, and task='classification' asks for classes; leave out one of them",
        ),
        (
            options.group_factors and options.model["penalty"] != "l1",
            "group_factors puts the group lasso in the lasso's place: leave out the penalty, or give"
            " penalty=taut.GroupLasso(…) alone",
        ),
    )


def _row_conflicts(options: Options) -> Sequence[tuple[Any, str]]:
    """The same of rows and folds, and of what is done with them."""
    drawn = isinstance(options.cv, Integral)
    return (
        (
            options.frequency_weights and options.weights is None,
            "frequency_weights says what weights count: name the column of weights too",
        ),
        (
            options.groups and options.time,
            "groups and time: rows stay together or follow time; give one of them",
        ),
        (options.time and options.repeats > 1, "repeats: time runs one way, so its folds are not drawn anew"),
        (
            (options.time or options.repeats > 1) and not drawn,
            "time and repeats need a number of folds for cv",
        ),
        (
            options.repeats > 1 and options.lam != "cv",
            "repeats: there are no folds to draw anew; they need lam='cv'",
        ),
        (
            options.bootstrap and options.relax is not None,
            "bootstrap fits are not relaxed; leave out one of them",
        ),
        (
            len(options.ratios) > 1 and isinstance(options.lam, Real),
            "a number for lam chooses nothing: give one l1_ratio, or lam='cv'",
        ),
    )
