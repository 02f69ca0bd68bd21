"""Fitting: one call from a table to a ``Fit``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

import taut.estimators as estimators
import taut.path as paths
import taut.selection as selection
import taut.solvers as solvers
import taut.streaming as streaming
from taut.arrays import is_sparse
from taut.design import Classes, DataError, Sparse, Target, as_sparse
from taut.losses import Loss
from taut.messages import written
from taut.options import ChoiceOptions, ModelOptions, TrainingOptions
from taut.signature import describes, explains_arguments
from taut.tabular.checkpoint import CheckpointFolder, key_of
from taut.tabular.diagnostics import DiagnosticRows, gather_diagnostics, is_plain
from taut.tabular.fitted import Fit
from taut.tabular.inputs import PreparedData, SplitRows, prepare
from taut.tabular.options import Options, TableOptions
from taut.tabular.record import Scales
from taut.tabular.test_scores import find_confusion, score_test_rows
from taut.tabular.words.equivalents import equivalent
from taut.version import __version__

if TYPE_CHECKING:
    from taut.estimators import Candidate, Fitted, Plan
    from taut.selection import Folds
    from taut.solvers import CheckpointStore, Progress
    from taut.streaming import Moments

LARGEST_SUM = float(np.finfo(np.float64).max)
"""What a sum of weights beyond all numbers is kept as."""
TARGET = "y"
"""What the values are called that are given for a target."""


ORDER = (
    "penalty l1_ratio lam rule cv hidden loss weights frequency_weights penalize_biases layer_penalties bias_penalties"
    " test_size seed standardize skip activation final fallback lambdas tol max_epochs batch_size learning_rate restarts"
    " finish_iterations categorical numeric drop keep interactions degree splines header checkpoint bootstrap relax adaptive"
    " scoring groups time repeats offset names progress log_target delimiter decimal thousands quote encoding header_line"
    " skip_rows comment na_values keep_na dates early_stop group_factors"
)
"""The keywords of ``fit`` as its signature lists them; all others stand after these."""


@explains_arguments(TableOptions, order=ORDER, **Options.of("").keywords)
@describes(ModelOptions, TrainingOptions, ChoiceOptions)
def fit(
    table: Any,
    target: Any = None,
    task: str | None = None,
    *,
    checkpoint: str | FilePath | None = None,
    names: Sequence[str] = (),
    progress: Progress | None = None,
    **options: Unpack[TableOptions],
) -> Fit:
    """Fit the whole regularization path of a linear model or network to a table, and choose its strength.

    What is predicted from what
    ---------------------------
    table : a CSV, Parquet, Arrow, svmlight or .npz file, a data frame of any kind, or a scipy sparse matrix (n, p), which is
        never written out; or ``Moments``, the sums that ``taut.moments`` takes of a table of any size.
    target : the column to predict; for a sparse matrix the values (n,) themselves; known for moments.
    task : ``"regression"`` or ``"classification"``; None decides: text, truth values or exactly two values mean
        classification, other numbers regression.
    log_target : fit the logarithm of a positive target; predictions and test scores are in the units of the target (a
        prediction is the exponential of what was fitted, an estimate of the median), the path and its folds of the logarithm.
    header : False for a CSV without names.
    names : names of the columns of a sparse matrix, x1 … xp by default.

    How the file is written
    -----------------------
    delimiter, quote, encoding, header_line, skip_rows, comment : of a CSV, where detection would say otherwise: one character
        (``"tab"``, ``"blanks"``); one, or ``"none"``; a name that Python knows; the number of the line that names the
        columns, from 1; how many lines are left out at the top; what lines that are left out begin with.
    decimal, thousands : the marks in numbers, ``","``, or of single columns, ``{"price": ","}``.
    dates : how dates are written, a form of ``strptime``, for every column or ``{"day": "%d-%m-%Y"}``.
    na_values : further texts that stand for missing cells.
    keep_na : columns in which ``NA`` and its like are values.

    All of these are kept with the fit: files to predict are read in the same way.

    Columns and features
    --------------------
    categorical, numeric, drop, keep : columns to read as categories or as numbers, to leave out, or to keep
        although they look like identifiers or free text.
    interactions : add the products of all pairs of columns.
    degree : add powers of numbers up to this.
    splines : add natural cubic splines of numbers with so many knots.

    Rows
    ----
    weights : a column of row weights ≥ 0, relative to each other.
    offset : a column that is added to the linear predictor as it stands, such as the log of an exposure; it is no feature,
        and rows to predict need it, too.
    groups : a column of groups, such as a patient's number, that no fold and no test part splits; it is no feature.
    time : a column of dates, times or numbers: folds train on the past alone, and the test part is the latest rows; it stays
        a feature unless dropped.
    test_size : share of rows held out for the test (by class for classes), drawn with ``seed``; 0 for none.
    seed : draws the test part, the folds and a network's first weights.

    The model
    ---------
    loss : default squared error, or cross-entropy for classes; ``"huber"`` and ``"poisson"`` for numbers.
    hidden : sizes of hidden layers; ``()`` is a linear model. A network is taken only where it beats the linear model
        (``fallback``).
    group_factors : the group lasso λ Σ_g √|g| ‖w_g‖ in the lasso's place, a group for each column of the table: the levels of
        a category, and all else that is made of one column, enter or leave together.
    <ModelOptions>

    The training of a network
    -------------------------
    <TrainingOptions>

    The choice of the strength and of the final model
    --------------------------------------------------
    <ChoiceOptions>
    repeats : how often folds are drawn anew.

    How the fit is run
    ------------------
    checkpoint : a folder for finished parts of the fit; the same call goes on from there after it was ended by force,
        to the same bits. It is removed when the fit is done.
    bootstrap : how many bootstrap fits measure variance, bias and stability along the path; 0 for none.
    progress : called with the number of (λ, fold) pairs finished.

    Returns the ``Fit``. Raises ``DataError`` for data that cannot be used, ValueError for an argument that is none.

    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.), §3.4 and §7.10.
    """
    if isinstance(table, streaming.Moments):
        return _fit_moments(table, target, task, checkpoint, progress, options)
    if target is None:
        raise ValueError("target: name the column to predict")
    if not isinstance(target, str):
        table, target = _with_target(table, target, names), TARGET
    elif len(names):
        raise ValueError("names are those of a sparse matrix that is given with the values of its target")
    return _fit_prepared_once(prepare(table, Options.of(target, task, **options)), checkpoint, progress)


def _fit_moments(
    moments: Moments,
    target: Any,
    task: str | None,
    checkpoint: Any,
    progress: Progress | None,
    options: TableOptions,
) -> Fit:
    from taut.tabular.fitting_moments import prepare_moments  # a table needs no sums

    if target not in (None, moments.target):
        raise ValueError(f"these moments are for the target {moments.target!r}, not {target!r}")
    return _fit_prepared_once(prepare_moments(moments, task, options), checkpoint, progress)


def _fit_prepared_once(
    prepared: PreparedData, checkpoint: str | FilePath | None, progress: Progress | None
) -> Fit:
    """The fit, its finished parts kept in the folder ``checkpoint`` until it is done."""
    if checkpoint is None:
        return fit_prepared(prepared, progress)
    with CheckpointFolder(FilePath(checkpoint), key_of(prepared)) as store:
        done = fit_prepared(prepared, progress, store)
    if not done.path.interrupted:
        store.remove()
    return done


def _with_target(X: Any, y: Any, names: Sequence[str]) -> Sparse:
    """A sparse matrix and its target as one table."""
    if np.ndim(y) == 0 and not is_sparse(X):
        raise DataError(
            f"the target is the name of a column, a string, not {written(y)}; rename the columns, such as"
            f" frame.columns = frame.columns.map(str), and ask for {str(y)!r}"
        )
    if not is_sparse(X):
        raise DataError(
            "the target is the name of a column; its values go with a scipy sparse matrix alone"
            " (for a dense matrix and y, use taut.Regressor or taut.Classifier)"
        )
    return as_sparse(X, names, {TARGET: np.asarray(y)})


def fit_prepared(
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
