"""Choosing: the strength by cross-validation or information criteria; network or linear by paired rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.selection.adaptive import adaptive_penalty, fit_members
    from taut.selection.choice import FALLBACKS, Choice, as_fallback, choose, mean_and_error, paired_gain
    from taut.selection.conflict import OptionConflict
    from taut.selection.criteria import CRITERIA, Criteria, path_criteria
    from taut.selection.crossval import (
        CrossValidation,
        cross_validate,
        held_out_decisions,
        held_out_losses,
        relaxed,
        score_folds,
    )
    from taut.selection.data import Data, as_data, decisions
    from taut.selection.folds import (
        Folds,
        as_splitter,
        from_splits,
        make_folds,
        ordered_folds,
        repeated,
        split_rows,
    )
    from taut.selection.held_out import HeldOutLoss
    from taut.selection.leave_one_out import closed_ridge, leave_one_out_scores
    from taut.selection.scores import RULES, Scores, marked, with_measures
    from taut.selection.scoring import as_scorers, check_scorers, measure_folds, told_of_classes
    from taut.selection.stable_features import Stability, stability, stability_selection
    from taut.selection.temperature import find_temperature
    from taut.selection.tradeoff import TradeOff, bias_variance, bootstrap

open_door(
    __name__,
    {
        "adaptive": "adaptive_penalty fit_members",
        "choice": "Choice FALLBACKS as_fallback choose mean_and_error paired_gain",
        "conflict": "OptionConflict",
        "criteria": "CRITERIA Criteria path_criteria",
        "crossval": "CrossValidation cross_validate held_out_decisions held_out_losses relaxed score_folds",
        "data": "Data as_data decisions",
        "folds": "Folds as_splitter from_splits make_folds ordered_folds repeated split_rows",
        "held_out": "HeldOutLoss",
        "leave_one_out": "closed_ridge leave_one_out_scores",
        "scores": "RULES Scores marked with_measures",
        "scoring": "as_scorers check_scorers measure_folds told_of_classes",
        "stable_features": "Stability stability stability_selection",
        "temperature": "find_temperature",
        "tradeoff": "TradeOff bias_variance bootstrap",
    },
)
