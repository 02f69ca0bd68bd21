"""Fitting: one call from a table to a ``Fit``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from taut import __version__
from taut.design import Classes, DataError, Sparse, Target, as_sparse, is_matrix, per_column, spelt
from taut.estimators.fitting import Fitted, Plan, fit_model
from taut.estimators.strength import Candidate
from taut.estimators.unmet import warn_unmet
from taut.losses import Huber, Loss, SquaredError
from taut.messages import explains_arguments, written
from taut.path import LinearPath
from taut.path.journal import Journal
from taut.penalties import Penalty
from taut.selection import Folds, as_data, make_folds, ordered_folds, repeated
from taut.solvers.base import Progress
from taut.solvers.matrix import as_matrix
from taut.tabular.assess import assess
from taut.tabular.checkpoint import Checkpoint, key_of
from taut.tabular.equivalents import equivalent
from taut.tabular.evidence import Rows, gather_evidence, is_plain
from taut.tabular.options import Options
from taut.tabular.record import Fit, Spread
from taut.tabular.setting import Part, Prepared, prepare

LARGEST_SUM = float(np.finfo(np.float64).max)
"""What a sum of weights beyond all numbers is kept as."""
TARGET = "y"
"""What the values are called that are given for a target."""


@explains_arguments()
def fit(
    table: Any,
    target: Any,
    task: str | None = None,
    *,
    penalty: str | Penalty = "l1",
    l1_ratio: float | Sequence[float] = 0.5,
    lam: str | float = "cv",
    rule: str = "min",
    cv: Any = 10,
    hidden: Sequence[int] = (),
    loss: str | Loss | None = None,
    log_target: bool = False,
    weights: str | None = None,
    frequency_weights: bool = False,
    penalize_biases: bool = False,
    layer_penalties: Any = None,
    bias_penalties: Any = None,
    test_size: float = 0.2,
    seed: int = 0,
    standardize: bool = True,
    skip: bool = True,
    activation: str = "relu",
    final: str = "refit",
    fallback: str = "2se",
    lambdas: Any = None,
    tol: float = 1e-6,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    restarts: int | None = None,
    finish_iterations: int | None = None,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    interactions: bool = False,
    degree: int = 1,
    splines: int = 0,
    header: bool = True,
    checkpoint: str | FilePath | None = None,
    bootstrap: int = 0,
    relax: str | float | None = None,
    adaptive: float | None = None,
    scoring: str | Sequence[str] = (),
    groups: str | None = None,
    time: str | None = None,
    repeats: int = 1,
    offset: str | None = None,
    delimiter: str | None = None,
    decimal: str | Mapping[str, str] | None = None,
    thousands: str | Mapping[str, str] | None = None,
    quote: str | None = None,
    encoding: str | None = None,
    header_line: int | None = None,
    skip_rows: int = 0,
    comment: str | None = None,
    na_values: str | Sequence[str] = (),
    keep_na: str | Sequence[str] = (),
    dates: str | Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    progress: Progress | None = None,
) -> Fit:
    """Fit the whole regularization path of a linear model or network to a table, and choose its strength.

    Parameters
    ----------
    table : a CSV, Parquet, Arrow, svmlight or .npz file, a data frame of any kind, or a scipy sparse matrix (n, p), which is
        never written out.   target : the column to predict; for a sparse matrix the values (n,) themselves.
    task : ``"regression"`` or ``"classification"``; None decides: text, truth values or exactly two values
    mean
        classification, other numbers regression.
    penalty : ``"l1"``, ``"l2"``, ``"elasticnet"`` (with ``l1_ratio``) or a ``Penalty``, whose factors may
    be given by
        the table's column names.
        Of several l1_ratios the best is taken, on shared folds.
    lam : ``"cv"``, ``"aic"``, ``"bic"``, ``"ebic"``, ``"gcv"``, ``"loo"`` (ridge), or a number.
    rule : ``"min"`` or ``"1se"``.   cv : number of folds, a scikit-learn splitter, or pairs of rows (train, test) of the
        training part.   repeats : how often folds are drawn anew.   groups : a column of groups, such as a patient's
        number, that no fold and no test part splits; it is no feature.   time : a column of dates, times or numbers:
        folds train on the past alone, and the test part is the latest rows; it stays a feature unless dropped.
    scoring : scikit-learn's names of scorers to judge the folds by beside the loss; the first then chooses.
    relax, adaptive : the unpenalised refit of what is kept, and factors from a pilot fit; see ``Regressor``.
    hidden : sizes of hidden layers; ``()`` is a linear model. A network is taken only where it beats the
    linear model
        (``fallback``); see ``Regressor`` for this and the other settings of the fit.
    loss : default squared error, or cross-entropy for classes; ``"huber"`` and ``"poisson"`` for numbers.
    log_target : fit the logarithm of a positive target; predictions and test scores are in the units of the target (a
        prediction is the exponential of what was fitted, an estimate of the median), the path and its folds of the logarithm.
    layer_penalties, bias_penalties : a network's own penalties per layer, in words or as penalties; see ``Regressor``.
    weights : a column of row weights ≥ 0, relative to each other.   frequency_weights : they are whole numbers and count
        repetitions of a row: information criteria then have Σ weights rows; see ``Regressor``.
    offset : a column that is added to the linear predictor as it stands, such as the log of an exposure; it is no feature,
        and rows to predict need it, too.
    test_size : share of rows held out for the test (by class for classes), drawn with ``seed``; 0 for none.
    categorical, numeric, drop, keep : columns to read as categories or as numbers, to leave out, or to keep
        although they look like identifiers or free text.
    interactions : add the products of all pairs of columns.   degree : add powers of numbers up to this.
    splines : add natural cubic splines of numbers with so many knots.   header : False for a CSV without names.
    checkpoint : a folder for finished parts of the fit; the same call goes on from there after it was ended by force,
        to the same bits. It is removed when the fit is done.
    bootstrap : how many bootstrap fits measure variance, bias and stability along the path; 0 for none.
    delimiter, quote, encoding, header_line, skip_rows, comment : how a CSV is written, where detection would say otherwise: one
        character (``"tab"``, ``"blanks"``); one, or ``"none"``; a name that Python knows; the number of the line that names the
        columns, from 1; how many lines are left out at the top; what lines that are left out begin with.
    decimal, thousands : the marks in numbers, ``","``, or of single columns, ``{"price": ","}``.
    dates : how dates are written, a form of ``strptime``, for every column or ``{"day": "%d-%m-%Y"}``.
    na_values : further texts that stand for missing cells.   keep_na : columns in which ``NA`` and its like are values.
        All of these are kept with the fit: files to predict are read in the same way.
    names : names of the columns of a sparse matrix, x1 … xp by default.
    progress : called with the number of (λ, fold) pairs finished.

    Raises ``DataError`` for data that cannot be used, ValueError for an argument that is none.
    """
    if not isinstance(target, str):
        table, target = _with_target(table, target, names), TARGET
    elif len(names):
        raise ValueError("names are those of a sparse matrix that is given with the values of its target")
    options = Options(
        target, task, penalty, _ratios(l1_ratio), lam, rule, cv, tuple(np.atleast_1d(hidden).tolist()), loss, weights,
        frequency_weights, penalize_biases, layer_penalties, bias_penalties, test_size, seed, standardize, skip,
        activation, final, fallback, lambdas, tol, max_epochs, batch_size, learning_rate, restarts, finish_iterations,
        _several(categorical), _several(numeric), _several(drop), _several(keep), interactions, degree, splines, header,
        bootstrap, relax, adaptive,
        _several(scoring), groups, time, repeats, offset, None if delimiter is None else spelt(delimiter),
        per_column(decimal), per_column(thousands), quote, encoding, header_line, skip_rows, comment,
        _several(na_values), _several(keep_na), per_column(dates), log_target,
    )  # fmt: skip
    prepared = prepare(table, options)
    if checkpoint is None:
        return fit_prepared(prepared, progress)
    with Checkpoint(FilePath(checkpoint), key_of(prepared)) as journal:
        done = fit_prepared(prepared, progress, journal)
    if not done.path.interrupted:
        journal.remove()
    return done


def _several(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name or several."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def _with_target(X: Any, y: Any, names: Sequence[str]) -> Sparse:
    """A sparse matrix and its target as one table."""
    if np.ndim(y) == 0 and not is_matrix(X):
        raise DataError(
            f"the target is the name of a column, a string, not {written(y)}; rename the columns, such as"
            f" frame.columns = frame.columns.map(str), and ask for {str(y)!r}"
        )
    if not is_matrix(X):
        raise DataError(
            "the target is the name of a column; its values go with a scipy sparse matrix alone"
            " (for a dense matrix and y, use taut.Regressor or taut.Classifier)"
        )
    return as_sparse(X, names, {TARGET: np.asarray(y)})


def fit_prepared(prepared: Prepared, progress: Progress | None = None, journal: Journal | None = None) -> Fit:
    """Fit the training rows, choose, and judge the test rows; finished parts are kept in ``journal``."""
    start = time.perf_counter()
    setting, train = prepared.setting, prepared.train
    options, preparation = setting.options, setting.preparation
    plan = options.plan(setting.target, preparation.names, preparation.sources)
    plan = replace(plan, spec=replace(plan.spec, journal=journal))
    codes = train.y if isinstance(setting.target, Classes) else None
    frequencies = train.weight * train.weight_unit if options.frequency_weights else None
    data = as_data(plan.spec, train.X, train.y, train.weight, train.offset, frequencies)

    @cache
    def folds() -> Folds:
        return draw_folds(options, train, codes)

    fitted = fit_model(plan, data, folds, progress, _labels(setting.target))
    warn_unmet(fitted.chosen.paths, fitted.chosen.index, options.tol)
    tested = assess(prepared, plan, fitted)
    chosen, spread = fitted.chosen, _spread(train, plan.spec.loss)
    held = folds() if plan.needs_folds else None
    evidence = gather_evidence(prepared, plan, Rows(data, held), fitted, progress)
    return Fit(
        setting, chosen.path, chosen.index, chosen.scores, fitted.choice, fitted.layers,
        spread, tested, _same_as(plan, fitted, options, spread), time.perf_counter() - start, __version__,
        evidence, _mix(plan, chosen, options), chosen.gamma,
    )  # fmt: skip


def _ratios(l1_ratio: float | Sequence[float]) -> float | tuple[float, ...]:
    return tuple(l1_ratio) if isinstance(l1_ratio, Sequence | np.ndarray) else l1_ratio


def _labels(target: Target) -> Any:
    return target.labels if isinstance(target, Classes) else None


def draw_folds(options: Options, train: Part, codes: Any) -> Folds:
    """The folds of the training rows: at random or by class, of whole groups, or in order of time."""
    if options.time is not None:
        return ordered_folds(np.asarray(train.units), options.cv)
    draws = [
        make_folds(
            options.cv, train.X, train.y, sample_weight=train.weight, labels=codes, groups=train.units,
            random_state=options.seed + draw,
        )
        for draw in range(options.repeats)
    ]  # fmt: skip
    return draws[0] if len(draws) == 1 else repeated(draws)


def _mix(plan: Plan, chosen: Candidate, options: Options) -> float | None:
    """The l1_ratio of the elastic net that was taken."""
    if options.penalty != "elasticnet":
        return None
    return float(options.ratios[plan.penalties.index(chosen.spec.penalty)])


def _same_as(plan: Plan, fitted: Fitted, options: Options, spread: Spread) -> str | None:
    """scikit-learn's call for the chosen model, where it is linear, fitted on all rows, and scikit-learn
    has it (it has no offsets)."""
    linear = isinstance(fitted.chosen.path, LinearPath)
    if options.offset is not None or spread.weight >= LARGEST_SUM:
        return None
    if not linear or plan.averaged or options.penalizes_intercept or not is_plain(plan, fitted.chosen):
        return None
    scale = spread.target if options.standardize else 1.0
    return equivalent(
        plan.spec.loss,
        fitted.chosen.spec.penalty,
        fitted.chosen.lam,
        len(spread.features),
        spread.weight,
        scale,
        options.log_target,
    )


def _spread(train: Part, loss: Loss) -> Spread:
    total = float(train.weight.sum())
    shares = train.weight / total
    matrix = as_matrix(train.X)
    features = matrix.scale(shares, matrix.center(shares))
    y = train.shifted
    target = float(np.sqrt(shares @ (y - shares @ y) ** 2)) if isinstance(loss, SquaredError | Huber) else 1.0
    return Spread(features, target, min(total * train.weight_unit, LARGEST_SUM))
