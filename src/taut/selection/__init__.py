"""Choosing: the strength by cross-validation or information criteria; network or linear by paired rows."""

from taut.selection.adaptive import adaptive_penalty, fit_members
from taut.selection.choice import Choice, choose, paired_gain
from taut.selection.criteria import Criteria, path_criteria
from taut.selection.crossval import (
    CrossValidation,
    cross_validate,
    held_out_losses,
    relaxed,
    score_folds,
)
from taut.selection.data import Data, as_data
from taut.selection.folds import Folds, from_splits, make_folds, ordered_folds, repeated
from taut.selection.leave_one_out import closed_ridge, leave_one_out_scores
from taut.selection.scores import Scores
from taut.selection.scoring import check_scorers, measure_folds
from taut.selection.stability import Stability, stability, stability_selection
from taut.selection.tradeoff import TradeOff, bias_variance, bootstrap, uses

__all__ = [
    "Choice",
    "Criteria",
    "CrossValidation",
    "Data",
    "Folds",
    "Scores",
    "Stability",
    "TradeOff",
    "adaptive_penalty",
    "as_data",
    "bias_variance",
    "bootstrap",
    "check_scorers",
    "choose",
    "closed_ridge",
    "cross_validate",
    "fit_members",
    "from_splits",
    "held_out_losses",
    "leave_one_out_scores",
    "make_folds",
    "measure_folds",
    "ordered_folds",
    "paired_gain",
    "path_criteria",
    "relaxed",
    "repeated",
    "score_folds",
    "stability",
    "stability_selection",
    "uses",
]
