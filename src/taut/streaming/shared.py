"""What the parts of moments share: the preparation, the target, the folds and the units of the sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from taut.design import (
    LARGEST,
    DataError,
    Preparation,
    Quantity,
    Told,
    brief,
    number_block,
    to_document,
    usual,
)
from taut.streaming.assignment import Assignment
from taut.types import Float

if TYPE_CHECKING:
    import polars as pl

WORDS = {
    "target": "the target",
    "assignment": "the folds",
    "weights": "the column of weights",
    "preparation": "the preparation of the columns",
    "units": "the shift and the scale of the sums",
}


@final
@dataclass(frozen=True, eq=False)
class SharedPreparation:
    """What moments must share to be added: how columns become features, which rows are held out, in which units sums are.

    ``preparation`` makes the p features; ``target`` is the number to predict; ``assignment`` draws folds and test part;
    ``weights`` names a column of row weights, which enter in ``weight_unit``; a row (x, y) enters the sums as
    (a − ``shift``)/``scale``, a = (x, y), with units that are powers of two; ``columns`` is how many columns the table has
    besides target and weights; ``asked`` what was said of columns; ``sampled`` how many rows medians come from, 0 where
    from all.
    """

    preparation: Preparation
    target: Quantity
    assignment: Assignment
    weights: str | None
    shift: Float
    scale: Float
    columns: int
    weight_unit: float = 1.0
    asked: dict[str, Any] = field(default_factory=dict)
    reason: str = "numbers"
    sampled: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The features."""
        return self.preparation.names

    @property
    def width(self) -> int:
        """Columns of the sums: 1, x and y."""
        return len(self.shift) + 1

    def difference(self, other: SharedPreparation) -> str:
        """What two of them do not share, in words; empty where they agree."""
        for name, one, two in zip(WORDS, self.compared, other.compared, strict=True):
            if one != two:
                return f"{WORDS[name]}{_detail(name, one, two)}"
        return ""

    @property
    def compared(self) -> tuple[Any, ...]:
        """What must agree, in the order of ``WORDS``."""
        document = to_document(self.preparation)
        own = {name: value for name, value in document.items() if name not in ("remarks", "left_out")}
        units = (self.shift.tolist(), self.scale.tolist(), self.weight_unit)
        return self.target, self.assignment, self.weights, own, units

    def prepared(self, frame: pl.DataFrame, rows: NDArray[np.int64], place: str) -> PreparedRows:
        """The features, the target, the weights and the parts of some rows; those without target or weight are left out."""
        table: Any = nw.from_native(frame, eager_only=True)
        _require(frame, [self.target.name, *([self.weights] if self.weights else [])], place)
        y = self.target.encode(table)
        known = ~np.isnan(y)
        check_size(self.target.name, y, place)
        parts = self.assignment.parts(frame, rows)
        weight = row_weights(frame, self.weights, rows, place)
        dropped = int((~known).sum())
        known &= weight > 0
        if not known.all():
            table, y, weight, parts = table.filter(known.tolist()), y[known], weight[known], parts[known]
            rows = rows[known]
        design = self.preparation.transform(table, place)
        return PreparedRows(design.matrix, y, weight / self.weight_unit, parts, design.told, dropped, rows)


@dataclass(frozen=True, eq=False)
class PreparedRows:
    """Rows of the design: X (n, p), y, weights, parts and numbers (n,), what is new in them, how many had no target."""

    X: Float
    y: Float
    weight: Float
    parts: NDArray[np.intp]
    told: Told
    dropped: int
    rows: NDArray[np.int64]


def row_weights(frame: pl.DataFrame, name: str | None, rows: NDArray[np.int64], place: str) -> Float:
    """The weights (n,) of some rows; ``DataError`` names the first that is none."""
    if name is None:
        return np.ones(frame.height)
    weight = number_block(nw.from_native(frame, eager_only=True), name, usual("."))
    bad = np.flatnonzero(~((weight >= 0) & np.isfinite(weight)))
    if bad.size:
        found = "missing or no number" if np.isnan(weight[bad[0]]) else f"{weight[bad[0]]:g}"
        raise DataError(
            f"{place}: weights column {brief(name)}, row {rows[bad[0]] + 1}: {found}; weights must be finite and at least 0"
        )
    return weight


def check_size(name: str, y: Float, place: str) -> None:
    """``DataError`` for a number whose square is none."""
    large = np.flatnonzero(np.abs(y) > LARGEST)
    if large.size:
        raise DataError(
            f"{place}: target {brief(name)} holds {y[large[0]]:g}, which cannot be squared; give it in another unit"
        )


def powers_of_two(scale: Float) -> Float:
    """The powers of two next to some scales, 1 where there is none: division by them changes no digit."""
    with np.errstate(divide="ignore"):
        found: Float = np.exp2(np.round(np.log2(scale)))
    return np.where((scale > 0) & np.isfinite(found), found, 1.0)


def _require(frame: pl.DataFrame, names: list[str], place: str) -> None:
    gone = next((name for name in names if name not in frame.columns), None)
    if gone is not None:
        raise DataError(f"{place}: column {brief(gone)} is missing")


def _detail(name: str, one: Any, two: Any) -> str:
    """The first thing that differs."""
    if name == "target":
        return f" ({brief(one.name)} and {brief(two.name)})"
    if name == "assignment":
        kinds = ("folds", "test_size", "seed", "groups")
        odd = next(kind for kind in kinds if getattr(one, kind) != getattr(two, kind))
        return f" ({odd} {getattr(one, odd)} and {getattr(two, odd)})"
    if name == "preparation":
        return _of_preparation(one, two)
    return ""


def _of_preparation(one: dict[str, Any], two: dict[str, Any]) -> str:
    """The column of which features differ."""
    first = [read[0] for read in one["reads"]], [read[0] for read in two["reads"]]
    odd = {*first[0]} ^ {*first[1]}
    levels = {c[0]: c[1:] for c in one["categories"]}, {c[0]: c[1:] for c in two["categories"]}
    odd |= {*levels[0]} ^ {*levels[1]}
    if odd:
        return f" (column {brief(min(odd))})"
    other = next((name for name in levels[0] if levels[0][name] != levels[1][name]), None)
    if other is not None:
        return f" (the levels of {brief(other)})"
    medians = zip(first[0], one["medians"], two["medians"], strict=True)
    moved = next((name for name, a, b in medians if a != b), None)
    return f" (the median of {brief(moved)})" if moved is not None else ""
