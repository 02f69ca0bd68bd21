"""Learning what moments share, in a pass of its own over the rows: types, levels, medians, shift and scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw
import numpy as np

from taut.design import (
    SAMPLE,
    DataError,
    Expansion,
    Known,
    Overrides,
    Preparation,
    Quantity,
    Survey,
    brief,
    closest,
    conclude,
    learn_preparation,
    number_block,
    usual,
)
from taut.streaming.assignment import TEST, Assignment
from taut.streaming.shared import SharedPreparation, check_size, powers_of_two, row_weights
from taut.streaming.sources import RowBlock
from taut.types import Float

if TYPE_CHECKING:
    import polars as pl

RARE = ("(rare)",)
NARROW = 2.0**-6
"""The unit of a feature that is the same in the whole sample, in ranges of its values."""


@dataclass(frozen=True)
class MomentsRequest:
    """What is asked of moments: the target, which rows are held out, and what is said of columns."""

    target: str
    task: str | None = None
    assignment: Assignment = field(default_factory=Assignment)
    weights: str | None = None
    overrides: Overrides = field(default_factory=Overrides)
    expansion: Expansion = field(default_factory=Expansion)
    sample: int = SAMPLE
    first_row: int = 0

    @property
    def roles(self) -> dict[str, str]:
        """Columns that are no features, by what they are."""
        named = {"target": self.target, "weights": self.weights, "groups": self.assignment.groups}
        return {role: name for role, name in named.items() if name is not None}


class Surveyed(NamedTuple):
    """Facts of the training rows without the columns that are no features, and the sampled rows with all columns."""

    survey: Survey
    sample: pl.DataFrame
    rows: Any


def survey_blocks(
    blocks: Iterator[RowBlock], asked: MomentsRequest, progress: Callable[[int], None] | None
) -> Survey:
    """What the training rows of all blocks say of the columns."""
    survey = Survey(asked.sample)
    for block in blocks:
        survey.add(*training_rows(block, asked))
        if progress is not None:
            progress(block.frame.height)
    return survey


def training_rows(block: RowBlock, asked: MomentsRequest) -> tuple[pl.DataFrame, Any]:
    """The rows of a block that are trained on, and their numbers; ``DataError`` where the target is no number."""
    frame = block.frame
    _check_columns(frame, asked, block.place)
    rows = asked.first_row + block.first + np.arange(frame.height, dtype=np.int64)
    table = nw.from_native(frame, eager_only=True)
    known = ~np.isnan(number_block(table, asked.target, usual(".")))
    known &= asked.assignment.parts(frame, rows) != TEST
    known &= row_weights(frame, asked.weights, rows, block.place) > 0
    return frame.filter(known), rows[known]


def _check_columns(frame: pl.DataFrame, asked: MomentsRequest, place: str) -> None:
    for role, name in asked.roles.items():
        if name not in frame.columns:
            hint = closest(name, frame.columns) or f"; columns: {', '.join(map(brief, frame.columns[:12]))}"
            raise DataError(f"{place}: no {role} column {brief(name)}{hint}")
    unknown = next((name for name in asked.overrides.names if name not in frame.columns), None)
    if unknown is not None:
        raise DataError(f"{place}: no column {brief(unknown)}{closest(unknown, frame.columns)}")
    dtype = frame.schema[asked.target]
    if not (dtype.is_numeric() or str(dtype) == "Boolean"):
        raise DataError(
            f"target {brief(asked.target)} holds {dtype}, and sums are of numbers; give it as numbers, or use taut.fit"
        )


def learn_shared(survey: Survey, asked: MomentsRequest) -> SharedPreparation:
    """The preparation from exact counts and the sample's medians; shift and scale are the sample's means and deviations."""
    if survey.rows < 2:
        raise DataError(f"there are {survey.rows} rows to train on; use more rows, or a smaller test part")
    sample, rows = survey.sample()
    target, y = _target(sample, asked)
    features: Any = nw.from_native(sample.drop([*asked.roles.values()]), eager_only=True)
    if not features.columns:
        raise DataError(f"there is no column besides the {' and the '.join(asked.roles)}")
    known = Known(numeric=asked.overrides.numeric, categorical=asked.overrides.categorical)
    preparation = learn_preparation(
        features, rows, overrides=asked.overrides, expansion=asked.expansion,
        writings=conclude(features, known), facts=survey,
    )  # fmt: skip
    preparation = _without_rare_names(preparation)
    X = preparation.transform(features).matrix
    weight = row_weights(sample, asked.weights, rows, "the sample")
    columns = [*X.T, y]
    means = np.array([column.mean() for column in columns])
    deviations = np.array([column.std() if np.ptp(column) > 0 else 0.0 for column in columns])
    spread = np.where(deviations > 0, deviations, NARROW * _ranges(preparation, survey))
    said = {
        "categorical": list(asked.overrides.categorical), "numeric": list(asked.overrides.numeric),
        "drop": list(asked.overrides.drop), "keep": list(asked.overrides.keep),
        "interactions": asked.expansion.interactions, "degree": asked.expansion.degree,
        "splines": asked.expansion.splines,
    }  # fmt: skip
    return SharedPreparation(
        preparation, target, asked.assignment, asked.weights, means, powers_of_two(spread),
        len(features.columns), float(powers_of_two(np.array([weight.mean()]))[0]), said,
        "as asked" if asked.task else "numbers", 0 if survey.is_whole else len(rows),
    )  # fmt: skip


def _without_rare_names(preparation: Preparation) -> Preparation:
    """The preparation without the names of pooled levels: a level of few rows may name one of them."""
    pooled = (replace(levels, pooled=RARE if levels.pooled else ()) for levels in preparation.categories)
    return replace(preparation, categories=tuple(pooled))


def _target(sample: pl.DataFrame, asked: MomentsRequest) -> tuple[Quantity, Float]:
    target = Quantity(asked.target)
    y = target.encode(nw.from_native(sample, eager_only=True))
    check_size(asked.target, y, "the sample")
    distinct = np.unique(y)
    if distinct.size < 2:
        raise DataError(
            f"target {brief(asked.target)} has only the value {distinct[0]:g}; there is nothing to predict"
        )
    if asked.task == "classification" or (asked.task is None and distinct.size == 2):
        raise DataError(
            f"target {brief(asked.target)}: sums of squares know no classes; give task='regression' for the squared error of"
            " its numbers, or use taut.fit"
        )
    return target, y


def _ranges(preparation: Preparation, survey: Survey) -> Float:
    """How far the values of each feature lie apart, and those of the target: of numbers from all rows, else 1."""
    plain: Sequence[str] = preparation.names
    found = [survey.numbers.get(name) for name in plain]
    known = [one.high - one.low if one is not None and one.high > one.low else 1.0 for one in found]
    return np.array([*known, 1.0])
