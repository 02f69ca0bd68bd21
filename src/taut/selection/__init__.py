"""Choosing: the strength by cross-validation or information criteria; network or linear by paired rows."""

from taut.selection.choice import Choice, choose, paired_gain
from taut.selection.criteria import Criteria, path_criteria
from taut.selection.crossval import (
    CrossValidation,
    Data,
    as_data,
    cross_validate,
    held_out_losses,
    score_folds,
)
from taut.selection.folds import Folds, from_splits, make_folds
from taut.selection.scores import Scores
from taut.selection.tradeoff import TradeOff, bootstrap, uses

__all__ = [
    "Choice",
    "Criteria",
    "CrossValidation",
    "Data",
    "Folds",
    "Scores",
    "TradeOff",
    "as_data",
    "bootstrap",
    "choose",
    "cross_validate",
    "from_splits",
    "held_out_losses",
    "make_folds",
    "paired_gain",
    "path_criteria",
    "score_folds",
    "uses",
]
