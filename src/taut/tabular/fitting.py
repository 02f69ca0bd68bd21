"""Fitting: one call from a table to a ``Fit``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

import taut.streaming as streaming
from taut.arrays import is_sparse
from taut.design import DataError, Sparse, as_sparse
from taut.messages import written
from taut.options import ChoiceOptions, ModelOptions, TrainingOptions
from taut.signature import describes, explains_arguments
from taut.tabular.automatic import fit_automatically
from taut.tabular.checkpoint import CheckpointFolder, key_of
from taut.tabular.fitted import Fit
from taut.tabular.inputs import PreparedData
from taut.tabular.one_model import fit_one_model
from taut.tabular.options import Options, TableOptions
from taut.tabular.streamed_table import prepare_table

if TYPE_CHECKING:
    from taut.solvers import CheckpointStore, Progress
    from taut.streaming import Moments

TARGET = "y"
"""What the values are called that are given for a target."""


ORDER = (
    "penalty l1_ratio lam rule cv hidden loss weights frequency_weights penalize_biases layer_penalties bias_penalties"
    " test_size seed standardize skip activation final fallback lambdas tol max_epochs batch_size learning_rate restarts"
    " finish_iterations categorical numeric drop keep text interactions degree splines header checkpoint bootstrap relax"
    " adaptive scoring groups time repeats offset names progress log_target delimiter decimal thousands quote encoding"
    " header_line skip_rows comment na_values keep_na dates early_stop group_factors model budget streamed"
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
    text : columns of texts: each word, and each pair of neighbouring words, of five training rows or more (in small tables of
        1 % of them, three at least) is a sparse feature called ``column: word word``, weighted by TF-IDF.
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
    loss : default squared error, or cross-entropy for classes; ``"huber"``, ``"poisson"``, ``"gamma"`` and ``"tweedie"`` for
        numbers.
    model : ``"auto"`` fits the lasso, the elastic net, the ridge and a network (``hidden``, or 64 neurons) on the same folds,
        and takes the simplest that is no worse than the best by more than one standard error of their paired difference; the
        table of what was tried stays with the fit, ``tried``. None fits the one model that the other options say.
    budget : with ``model="auto"``: seconds after which no further model is fitted, and the one under way is given up; the
        lasso is always finished. None is ten times the lasso's time, a minute at least. Where nothing ended early, the same
        call gives the same bits.
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
    streamed : True fits a Parquet file from sums that two passes over its rows take, as ``taut.moments`` does, in memory that
        does not grow with the rows; False reads all rows. None does the former beyond a million rows of numbers where
        nothing that is asked needs rows (a squared error, no network, bootstrap, scorer, groups, time, offset or repeats).

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
    return _fit_prepared_once(prepare_table(table, Options.of(target, task, **options)), checkpoint, progress)


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


def fit_prepared(
    prepared: PreparedData, progress: Progress | None = None, store: CheckpointStore | None = None
) -> Fit:
    """The fit that the options ask for: of one model, or of the simplest of several that are as good as the best."""
    fit_asked = fit_automatically if prepared.setting.options.search else fit_one_model
    return fit_asked(prepared, progress, store)


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
