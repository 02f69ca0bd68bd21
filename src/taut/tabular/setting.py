"""Setting: what a fit starts from, the rows that were read and split, the preparation, the target and the
options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.design import (
    Classes,
    DataError,
    Frame,
    Preparation,
    Source,
    Split,
    Target,
    Wanted,
    brief,
    find_leaks,
    learn_preparation,
    number_block,
    read_table,
    split_rows,
    understand_target,
    unknown_column,
)
from taut.design.learning import LARGEST
from taut.losses import Poisson
from taut.tabular.numerals import counted
from taut.tabular.options import Options, choose_loss

Float = NDArray[np.float64]


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
class Setting:
    """What a fit starts from, without the rows: ``reason`` says why the task is what it is, ``model`` what
    is fitted, ``leaks`` which columns say too much of the target, ``command`` the words of the command line
    that asked for it (none for a call)."""

    source: Source
    sizes: Sizes
    preparation: Preparation
    target: Target
    reason: str
    model: str
    options: Options
    leaks: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """Every column that the training table had."""
        own = {self.options.target, *([self.options.weights] if self.options.weights else [])}
        return frozenset({*self.preparation.columns, *(x.name for x in self.preparation.left_out), *own})


@dataclass(frozen=True, eq=False)
class Part:
    """Rows ready to fit or to judge: X (n, p) as it stands in the table, y (n,), weights (n,)."""

    X: Float
    y: Float
    weight: Float


@dataclass(frozen=True, eq=False)
class Prepared:
    """A setting with its training and test rows."""

    setting: Setting
    train: Part
    test: Part | None


def prepare(table: Any, options: Options) -> Prepared:
    """Read, decide the task, split, and learn the preparation from the training rows alone. Raises
    ``DataError``."""
    frame, source = read_table(table, Wanted(texts=options.categorical, header=options.header))
    _require_columns(frame, source, options)
    target, values, reason = understand_target(frame, options.target, options.task, source.decimal)
    model = options.words(target)
    _check_target(values, target, options)
    weight = _weights(frame, source, options.weights)
    split = _split(values, target, options)
    features = frame.drop([options.target, *([options.weights] if options.weights else [])])
    if not features.columns:
        raise DataError(f"{source.name}: there is no column besides the target")
    preparation = learn_preparation(
        features[split.train], split.train, source.decimal, options.overrides, options.expansion
    )
    sizes = Sizes(
        len(frame), len(features.columns), len(split.train), len(split.test), int(np.isnan(values).sum())
    )
    train, test = (_part(preparation, features, rows, values, weight) for rows in split)
    assert train is not None  # a split without training rows is refused
    plain = train.X[:, : len(preparation.plain_names)]
    leaks = find_leaks(plain, train.y, preparation.plain_sources, isinstance(target, Classes))
    setting = Setting(source, sizes, preparation, target, reason, model, options, leaks)
    return Prepared(setting, train, test)


def _part(preparation: Preparation, features: Frame, rows: Any, values: Float, weight: Float) -> Part | None:
    return (
        Part(preparation.transform(features[rows]).matrix, values[rows], weight[rows]) if len(rows) else None
    )


def _check_target(values: Float, target: Target, options: Options) -> None:
    """``DataError`` where a value of the target cannot be fitted, naming its row."""
    if isinstance(target, Classes):
        return
    poisson = isinstance(choose_loss(options.loss, target), Poisson)
    faults = (
        (np.abs(values) > LARGEST, "which cannot be squared; give it in another unit"),
        ((values < 0) & poisson, "and the Poisson loss needs at least 0; leave out the loss"),
    )
    for bad, why in faults:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(f"target {brief(target.name)}, row {row + 1}: {values[row]:g}, {why}")


def _require_columns(frame: Frame, source: Source, options: Options) -> None:
    if options.target not in frame.columns:
        raise unknown_column(options.target, frame, source, "target column")
    if options.weights is not None and options.weights not in frame.columns:
        raise unknown_column(options.weights, frame, source, "weights column")
    strange = next((c for c in options.overrides.names if c not in frame.columns), None)
    if strange is not None:
        raise unknown_column(strange, frame, source)
    own = next((c for c in (options.target, options.weights) if c in options.overrides.names), None)
    if own is not None:
        raise DataError(f"column {brief(own)} is the target or the weights; it takes no other option")
    if options.weights == options.target:
        raise DataError(f"{brief(options.target)} cannot be both the target and the weights")


def _weights(frame: Frame, source: Source, name: str | None) -> Float:
    if name is None:
        return np.ones(len(frame))
    weight = number_block(frame, [name], source.decimal)[:, 0]
    bad = np.flatnonzero(~(weight >= 0))
    if bad.size:
        found = "missing or no number" if np.isnan(weight[bad[0]]) else f"{weight[bad[0]]:g}"
        raise DataError(
            f"weights column {brief(name)}, row {bad[0] + 1}: {found}; weights must be at least 0"
        )
    if not weight.any():
        raise DataError(f"weights column {brief(name)} is zero in every row; at least one row must count")
    return weight


def _split(values: Float, target: Target, options: Options) -> Split:
    rows = np.flatnonzero(~np.isnan(values))
    codes = values if isinstance(target, Classes) else None
    split = split_rows(rows, codes, options.test_size, options.seed)
    if len(np.unique(values[split.train])) < 2:
        raise DataError(
            f"{counted(len(split.train), 'training row')} {'holds' if len(split.train) == 1 else 'hold'} one value of"
            f" {brief(target.name)}; use more rows, or a smaller test part (--test-size)"
        )
    return split
