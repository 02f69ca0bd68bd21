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
    clean,
    learn_preparation,
    number_block,
    read_table,
    split_rows,
    understand_target,
    unknown_column,
)
from taut.tabular.options import Options

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
    is fitted."""

    source: Source
    sizes: Sizes
    preparation: Preparation
    target: Target
    reason: str
    model: str
    options: Options

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
    frame, source = read_table(table)
    _require_columns(frame, source, options)
    target, values, reason = understand_target(frame, options.target, options.task, source.decimal)
    weight = _weights(frame, source, options.weights)
    split = _split(values, target, options)
    own = [options.target, *([options.weights] if options.weights else [])]
    features = frame.drop(own)
    if not features.columns:
        raise DataError(f"{source.name}: there is no column besides the target")
    preparation = learn_preparation(features[split.train], split.train, source.decimal)
    sizes = Sizes(
        len(frame), len(features.columns), len(split.train), len(split.test), int(np.isnan(values).sum())
    )
    setting = Setting(source, sizes, preparation, target, reason, options.words(target), options)
    parts = [
        Part(preparation.transform(features[rows]).matrix, values[rows], weight[rows]) if len(rows) else None
        for rows in split
    ]
    assert parts[0] is not None  # a split without training rows is refused
    return Prepared(setting, parts[0], parts[1])


def _require_columns(frame: Frame, source: Source, options: Options) -> None:
    if options.target not in frame.columns:
        raise unknown_column(options.target, frame, source, "target column")
    if options.weights is not None and options.weights not in frame.columns:
        raise unknown_column(options.weights, frame, source, "weights column")
    if options.weights == options.target:
        raise DataError(f"{clean(options.target)!r} cannot be both the target and the weights")


def _weights(frame: Frame, source: Source, name: str | None) -> Float:
    if name is None:
        return np.ones(len(frame))
    weight = number_block(frame, [name], source.decimal)[:, 0]
    bad = np.flatnonzero(~(weight >= 0))
    if bad.size:
        found = "missing or no number" if np.isnan(weight[bad[0]]) else f"{weight[bad[0]]:g}"
        raise DataError(
            f"weights column {clean(name)!r}, row {bad[0] + 1}: {found}; weights must be at least 0"
        )
    return weight


def _split(values: Float, target: Target, options: Options) -> Split:
    rows = np.flatnonzero(~np.isnan(values))
    codes = values if isinstance(target, Classes) else None
    split = split_rows(rows, codes, options.test_size, options.seed)
    if len(np.unique(values[split.train])) < 2:
        raise DataError(
            f"{len(split.train)} training rows hold one value of {clean(target.name)!r}; use more rows"
        )
    return split
