"""Fitting one model: prepared rows, and the options of one model, to a ``Fit``."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import taut.estimators as estimators
import taut.path as paths
import taut.selection as selection
import taut.solvers as solvers
from taut.design import Classes, Target
from taut.losses import Loss
from taut.tabular.diagnostics import DiagnosticRows, gather_diagnostics, is_plain
from taut.tabular.fitted import Fit
from taut.tabular.inputs import PreparedData, SplitRows
from taut.tabular.options import Options
from taut.tabular.record import Scales
from taut.tabular.test_scores import find_confusion, score_test_rows
from taut.tabular.words.equivalents import equivalent
from taut.version import __version__

if TYPE_CHECKING:
    from taut.estimators import Candidate, Fitted, Plan
    from taut.selection import Folds
    from taut.solvers import CheckpointStore, Progress

LARGEST_SUM = float(np.finfo(np.float64).max)
"""What a sum of weights beyond all numbers is kept as."""


def fit_one_model(
    prepared: PreparedData, progress: Progress | None = None, store: CheckpointStore | None = None
) -> Fit:
    """Fit the training rows, choose, and judge the test rows; finished parts are kept in ``store``."""
    start = time.perf_counter()
    setting, train = prepared.setting, prepared.train
    options, preparation = setting.options, setting.preparation
    plan = options.plan(setting.target, preparation.names, preparation.sources)
    plan = replace(plan, spec=replace(plan.spec, store=store))
    codes = train.y if isinstance(setting.target, Classes) else None
    frequencies = train.weight * train.weight_unit if options.frequency_weights else None
    data = selection.as_data(plan.spec, train.X, train.y, train.weight, train.offset, frequencies)
    data = data if train.counts is None else replace(data, counts=train.counts)

    @cache
    def folds() -> Folds:
        return draw_folds(options, train, codes)

    fitted = estimators.fit_model(plan, data, folds, progress, _labels(setting.target))
    estimators.warn_unmet(fitted.chosen.paths, fitted.chosen.index, options.model["tol"])
    tested = score_test_rows(prepared, plan, fitted)
    chosen, spread = fitted.chosen, _scales(train, plan.spec.loss)
    held = folds() if plan.needs_folds else None
    evidence = gather_diagnostics(prepared, plan, DiagnosticRows(data, held), fitted, progress)
    fit = Fit(
        setting, chosen.path, chosen.index, chosen.scores, fitted.choice, fitted.layers,
        spread, tested, _same_as(plan, fitted, options, spread), time.perf_counter() - start, __version__,
        evidence, _mix(plan, chosen, options), chosen.gamma, fitted.members,
        fitted.temperature, fitted.errors, find_confusion(prepared, fitted),
    )  # fmt: skip
    return fit if train.folds is None else _of_sums(fit)


def _of_sums(fit: Fit) -> Fit:
    """The fit without what single rows alone say: the rows that it was fitted to are none of the table's."""
    scores = None if fit.scores is None else replace(fit.scores, losses=None, predictions=None)
    tested = tuple(replace(one, error=float("nan")) for one in fit.tested)
    return replace(
        fit, scores=scores, tested=tested, errors=None, evidence=replace(fit.evidence, groups=None)
    )


def _labels(target: Target) -> Any:
    return target.labels if isinstance(target, Classes) else None


def draw_folds(options: Options, train: SplitRows, codes: Any) -> Folds:
    """The folds of the training rows: at random or by class, of whole groups, or in order of time."""
    if train.folds is not None:
        return selection.from_splits(
            ((train.folds != k, train.folds == k) for k in np.unique(train.folds)), len(train.y)
        )
    if options.time is not None:
        return selection.ordered_folds(np.asarray(train.units), options.cv)
    draws = [
        selection.make_folds(
            options.cv, train.X, train.y, sample_weight=train.weight, labels=codes, groups=train.units,
            random_state=options.seed + draw,
        )
        for draw in range(options.repeats)
    ]  # fmt: skip
    return draws[0] if len(draws) == 1 else selection.repeated(draws)


def _mix(plan: Plan, chosen: Candidate, options: Options) -> float | None:
    """The l1_ratio of the elastic net that was taken."""
    if options.model["penalty"] != "elasticnet":
        return None
    return float(options.ratios[plan.penalties.index(chosen.spec.penalty)])


def _same_as(plan: Plan, fitted: Fitted, options: Options, spread: Scales) -> str | None:
    """scikit-learn's call for the chosen model, where it is linear, fitted on all rows, and scikit-learn
    has it (it has no offsets)."""
    linear = isinstance(fitted.chosen.path, paths.LinearPath)
    if options.offset is not None or spread.weight >= LARGEST_SUM:
        return None
    if not linear or options.penalizes_intercept or not is_plain(plan, fitted.chosen):
        return None
    scale = spread.target if options.model["standardize"] else 1.0
    return equivalent(
        plan.spec.loss,
        fitted.chosen.spec.penalty,
        fitted.chosen.lam,
        len(spread.features),
        spread.weight,
        scale,
        options.log_target,
    )


def _scales(train: SplitRows, loss: Loss) -> Scales:
    total = float(train.weight.sum())
    shares = train.weight / total
    matrix = solvers.as_matrix(train.X)
    features = matrix.scale(shares, matrix.center(shares))
    y = train.shifted
    target = float(np.sqrt(shares @ (y - shares @ y) ** 2)) if loss.traits.in_units_of_y else 1.0
    return Scales(features, target, min(total * train.weight_unit, LARGEST_SUM))
