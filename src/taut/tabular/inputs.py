"""Fit inputs: what a fit starts from, the rows that were read and split, the preparation, the target and the options."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import taut.path as paths
from taut.design import (
    LARGEST,
    Classes,
    DataError,
    Frame,
    Known,
    Preparation,
    Quantity,
    Rows,
    Source,
    Sparse,
    Split,
    Target,
    Understood,
    Wanted,
    Writings,
    brief,
    cells_of,
    conclude,
    find_leaks,
    learn_preparation,
    number_block,
    read_table,
    split_groups,
    split_rows,
    split_times,
    suspects,
    texts,
    times,
    understand_target,
    unknown_column,
)
from taut.families import family_of
from taut.messages import outside
from taut.tabular.conflicts import check_choices
from taut.tabular.hints import find_hints
from taut.tabular.offsets import read_offset
from taut.tabular.options import Options, choose_loss
from taut.tabular.sparse_tables import as_dense_as_asked, beside, needs_dense_words
from taut.tabular.words.numbers import counted
from taut.types import Float


@dataclass(frozen=True)
class Sizes:
    """Rows of the table, its columns without target and weights, rows in either part, rows without a
    target."""

    rows: int
    columns: int
    train: int
    test: int
    dropped: int


@dataclass(frozen=True)
class FitInputs:
    """What a fit starts from, without the rows: ``reason`` says why the task is what it is, ``model`` what
    is fitted, ``leaks`` which columns say too much of the target, ``command`` the words of the command line
    that asked for it (none for a call), ``hints`` what the table suggests, ``asked`` what was asked for where
    ``options`` are those of one model of an automatic fit."""

    source: Source
    sizes: Sizes
    preparation: Preparation
    target: Target
    reason: str
    model: str
    options: Options
    leaks: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    asked: Options | None = None

    def key(self, digest: str, version: str) -> str:
        """A name for what was asked for, of the data of that digest, by that version."""
        return (self.asked or self.options).key(digest, version)

    @property
    def known(self) -> frozenset[str]:
        """Every column that the training table had."""
        own = self.options.roles.values()
        return frozenset({*self.preparation.columns, *(x.name for x in self.preparation.left_out), *own})


@dataclass(frozen=True, eq=False)
class SplitRows:
    """Rows ready to fit or to judge: X (n, p) as it stands in the table, sparse where that is; y (n,), weights (n,).

    ``units`` (n,): the group or the time of each row, where the options name a column of them; ``offset`` (n,) likewise.
    The table has ``weight_unit`` times ``weight``, a power of two. ``counts`` and ``folds`` (n,) where the rows stand for
    the sums of others: how many each one stands for, and which fold holds it out.
    """

    X: Any
    y: Float
    weight: Float
    units: NDArray[Any] | None = None
    offset: Float | None = None
    weight_unit: float = 1.0
    counts: Float | None = None
    folds: NDArray[Any] | None = None

    @property
    def shifted(self) -> Float:
        """y − offset (n,): what a squared or Huber loss is fitted to."""
        return self.y if self.offset is None else self.y - self.offset


@dataclass(frozen=True, eq=False)
class PreparedData:
    """A setting with its training and test rows."""

    setting: FitInputs
    train: SplitRows
    test: SplitRows | None


def prepare(
    table: Any, options: Options, progress: Callable[[int], None] | None = None, *, networks: bool = False
) -> PreparedData:
    """Read, decide the task, split, and learn the preparation from the training rows alone. Raises
    ``DataError``. ``progress`` is called with the bytes read of a file that is streamed; ``networks`` says that some
    will be fitted beside what the options ask for."""
    check_choices(options)
    wanted = Wanted(options.read_as_text, options.reading, progress=progress, labels=(options.target,))
    frame, source = read_table(table, wanted)
    if isinstance(frame, Sparse):
        sparse, source, options = beside(frame, source, options)
        frame, source = as_dense_as_asked(sparse, source, options, networks)
    _require_columns(frame, source, options)
    writings = _writings(frame, source, options)
    source = replace(source, decimal=writings.decimal) if source.concluded else source
    understood = understand_target(frame, options.target, options.task, writings)
    target, values, reason, remarks = _as_fitted(understood, options)
    model = options.words(target)
    weight, weight_unit = paths.moderate(_weights(frame, options, writings))
    units = _units(frame, options, writings)
    offset = read_offset(frame, source.name, options.offset, writings.notation(options.offset or ""))
    split = _split(values, target, units, options)
    _check_class_weights(values, target, weight, split)
    features = Rows(frame).drop(list(options.roles.values()))
    if not features.columns:
        raise DataError(f"{source.name}: there is no column besides the {' and the '.join(options.roles)}")
    preparation = learn_preparation(
        features.take(split.train),
        split.train,
        writings.decimal,
        options.overrides,
        options.expansion,
        writings,
    )
    preparation = replace(preparation, remarks=(*remarks, *preparation.remarks))
    sizes = Sizes(
        len(frame), len(features.columns), len(split.train), len(split.test), int(np.isnan(values).sum())
    )
    whole = SplitRows(None, values, weight, units, offset, weight_unit)
    dense = needs_dense_words(preparation, len(frame), source, options, networks)
    train, test = (_part(preparation, features, rows, whole, dense) for rows in split)
    assert train is not None  # a split without training rows is refused
    leaks = _leaks(preparation, train, target)
    hints = find_hints(target, values, train.X, split.train, preparation, options)
    setting = FitInputs(source, sizes, preparation, target, reason, model, options, leaks, hints=hints)
    return PreparedData(setting, train, test)


def _writings(frame: Frame, source: Source, options: Options) -> Writings:
    """How the table is written; a warning for each column of which nothing tells how to read it."""
    found = conclude(
        frame,
        Known(source.decimal, source.concluded, options.numeric, options.categorical, options.reading),
    )
    for words in found.warnings:
        warnings.warn(words, UserWarning, stacklevel=outside())
    return found


def _leaks(preparation: Preparation, train: SplitRows, target: Target) -> tuple[str, ...]:
    classes, sources = isinstance(target, Classes), preparation.sources
    plain = len(preparation.plain_sources)
    derived = range(plain, plain + len(preparation.derived.terms))
    if isinstance(train.X, np.ndarray):
        return find_leaks(train.X[:, :plain], train.y, sources[:plain], classes)
    found = [j for j in suspects(train.X, train.y, classes).tolist() if j not in derived]
    return find_leaks(train.X[:, found].toarray(), train.y, [sources[j] for j in found], classes)


def _part(
    preparation: Preparation, features: Rows, rows: Any, whole: SplitRows, dense: bool
) -> SplitRows | None:
    """The given rows of the table, ``whole`` but for its X; None where there are none. ``dense``: sparse X is written out."""
    if not len(rows):
        return None
    units, offset = (None if column is None else column[rows] for column in (whole.units, whole.offset))
    X = preparation.transform(features.take(rows)).matrix
    X = X.toarray() if dense else X
    return SplitRows(X, whole.y[rows], whole.weight[rows], units, offset, whole.weight_unit)


def _as_fitted(found: Understood, options: Options) -> Understood:
    """The target and its values as they are fitted: logarithms where that is asked for."""
    target, values = found.target, found.y
    _check_target(values, target, options)
    if not options.log_target:
        return found
    if not isinstance(target, Quantity):
        raise DataError(
            f"target {brief(target.name)}: log_target is for numbers, and this one has classes; leave it out (--log-target)"
        )
    low = np.flatnonzero(values <= 0)
    if low.size:
        row = int(low[0])
        raise DataError(
            f"target {brief(target.name)}, row {row + 1}: {values[row]:g} has no logarithm; leave out --log-target, or the rows"
            " that are not above 0"
        )
    logged = replace(target, log=True)
    return found._replace(target=logged, y=logged.fitted(values))


def _check_target(values: Float, target: Target, options: Options) -> None:
    """``DataError`` where a value of the target cannot be fitted, naming its row."""
    if isinstance(target, Classes):
        return
    loss = choose_loss(options.loss, target)
    low, high, label = loss.traits.lowest, loss.traits.highest, family_of(loss).label
    faults = (
        (np.abs(values) > LARGEST, "which cannot be squared; give it in another unit"),
        (values < low, f"and the {label} needs at least {low:g}; leave out the loss"),
        (values > high, f"and the {label} needs at most {high:g}; leave out the loss"),
    )
    for bad, why in faults:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(f"target {brief(target.name)}, row {row + 1}: {values[row]:g}, {why}")
    gaps = np.isnan(values)
    if gaps.all():
        return
    try:
        # Rows without a target are left out later; until then the largest one stands in their place.
        loss.check_target(np.where(gaps, values[~gaps].max(), values))
    except ValueError as error:
        raise DataError(f"target {brief(target.name)}: {error}") from None


def _unknown(name: str, frame: Frame, source: Source, role: str = "column") -> DataError:
    headed = bool(source.digest) and source.header
    return unknown_column(name, frame.columns, source.name, role, headed)


def _require_columns(frame: Frame, source: Source, options: Options) -> None:
    roles = options.roles | ({"time": options.time} if options.time else {})
    for role, name in roles.items():
        if name not in frame.columns:
            raise _unknown(name, frame, source, f"{role} column")
    strange = next((c for c in options.spoken_of if c not in frame.columns), None)
    if strange is not None:
        raise _unknown(strange, frame, source)
    own = next(((role, c) for role, c in options.roles.items() if c in options.overrides.names), None)
    if own is not None:
        raise DataError(f"column {brief(own[1])} is the {own[0]}; it takes no other option")
    for role, name in roles.items():
        other = next(other for other, same in roles.items() if same == name)
        if other != role:
            raise DataError(f"{brief(name)} cannot be both the {other} and the {role}")


def _weights(frame: Frame, options: Options, writings: Writings) -> Float:
    name = options.weights
    if name is None:
        return np.ones(len(frame))
    weight = number_block(frame, name, writings.notation(name))
    bad = np.flatnonzero(~((weight >= 0) & np.isfinite(weight)))
    if bad.size:
        found = "missing or no number" if np.isnan(weight[bad[0]]) else f"{weight[bad[0]]:g}"
        raise DataError(
            f"weights column {brief(name)}, row {bad[0] + 1}: {found}; weights must be finite and at least 0"
        )
    part = paths.no_counts(weight) if options.frequency_weights else bad
    if part.size:
        raise DataError(
            f"weights column {brief(name)}, row {part[0] + 1}: {weight[part[0]]:g}; weights that count repetitions"
            " must be whole numbers"
        )
    if not weight.any():
        raise DataError(f"weights column {brief(name)} is zero in every row; at least one row must count")
    return weight


def _units(frame: Frame, options: Options, writings: Writings) -> NDArray[Any] | None:
    """The group or the time of each row; ``DataError`` names the first row that has none."""
    if options.groups is not None:
        cells = texts(frame[options.groups])
        gaps = np.array([cell is None for cell in cells])
        _check_gaps(frame, "groups", options.groups, gaps, "a group")
        return np.unique(np.array(cells, dtype=str), return_inverse=True)[1]
    if options.time is not None:
        moments = times(
            frame, options.time, writings.notation(options.time), writings.date_form(options.time)
        )
        _check_gaps(frame, "time", options.time, np.isnan(moments), "a date, a time or a number")
        return moments
    return None


def _check_gaps(frame: Frame, role: str, name: str, gaps: NDArray[np.bool_], kind: str) -> None:
    if gaps.any():
        row = int(np.flatnonzero(gaps)[0])
        cell = cells_of(frame[name])[row]
        found = "missing" if cell is None else f"{brief(str(cell))} is not {kind}"
        raise DataError(f"{role} column {brief(name)}, row {row + 1}: {found}; every row needs {kind}")


def _split(values: Float, target: Target, units: Any, options: Options) -> Split:
    rows = np.flatnonzero(~np.isnan(values))
    codes = values if isinstance(target, Classes) else None
    if options.groups is not None:
        split = split_groups(rows, units, options.test_size, options.seed)
    elif options.time is not None:
        split = split_times(rows, units, options.test_size)
    else:
        split = split_rows(rows, codes, options.test_size, options.seed)
    if len(np.unique(values[split.train])) < 2:
        raise DataError(
            f"{counted(len(split.train), 'training row')} {'holds' if len(split.train) == 1 else 'hold'} one value of"
            f" {brief(target.name)}; use more rows, or a smaller test part (--test-size)"
        )
    if isinstance(target, Classes):
        _check_classes(values, target, rows, split)
    return split


def _check_classes(values: Float, target: Classes, rows: Any, split: Split) -> None:
    """``DataError`` where a class has no row to train on."""
    gone = np.setdiff1d(values[rows], values[split.train])
    if gone.size:
        count = counted(int(np.count_nonzero(values == gone[0])), "row")
        more = f" (like {gone.size - 1} more)" if gone.size > 1 else ""
        raise DataError(
            f"target {brief(target.name)}: class {brief(str(target.labels[int(gone[0])]))} {more} has {count}, all in the"
            f" test part; use more rows of it or leave it out, or --test-size 0"
        )


def _check_class_weights(values: Float, target: Target, weight: Float, split: Split) -> None:
    """``DataError`` where every training row of a class has the weight zero."""
    if not isinstance(target, Classes):
        return
    totals = np.bincount(values[split.train].astype(np.intp), weight[split.train], len(target.labels))
    gone = np.flatnonzero(totals == 0.0)
    if gone.size:
        raise DataError(
            f"target {brief(target.name)}: every training row of class {brief(str(target.labels[gone[0]]))} has the weight"
            " zero; leave its rows out, or give one a weight"
        )
