"""Columns: what each column of a table holds (numbers, dates, categories), and which are of no use."""

from __future__ import annotations

import enum
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from taut.design.dates import ISO
from taut.design.faults import DataError, brief
from taut.design.stored import Frame
from taut.design.values import RUN, Cells, Column, Part, counted, date_parts, is_date, is_number, texts
from taut.design.writing import TEXT, CellKind, Writings
from taut.types import Float

MOST_ROWS_OF_RARE = 5
"""Below this many training rows (in small tables below 1 % of them, and below 2) a level is rare."""
MAX_LEVEL_SHARE = 0.5
FEW_LEVELS = 12
MAX_LEVELS = 1000
FREE_TEXT_WORDS = 3.0

_ID_WORDS = r"id|uuid|guid|index|idx|row|rownames?|row[._ ]?(names?|id|nr|no)"
_ID_NAME = re.compile(rf"(.*[_. -])?({_ID_WORDS})|unnamed.*|", re.I)
_ID_CAMEL = re.compile(r".*[a-z](Id|ID)|I[Dd]")


class Reason(enum.Enum):
    """Why a column is not in the design matrix."""

    CONSTANT = "constant"
    DUPLICATE = "duplicate"
    EMPTY = "empty"
    IDENTIFIER = "id-like"
    FREE_TEXT = "free text"
    UNUSED = "without effect"
    DROPPED = "dropped as asked"
    UNSUPPORTED = "of a type that is not read"


@dataclass(frozen=True)
class LeftOut:
    """A column that is not in the design matrix, the reason, and the fact behind it."""

    name: str
    reason: Reason
    detail: str = ""


class Read(NamedTuple):
    """Where the numbers of one feature come from: a column, the part of its cells, how they are written.

    ``form``: of a number, 1234.5 in its notation (empty: the usual one of the table); of a date, its form.
    """

    source: str
    part: Part = Part.VALUE
    form: str = ""


@dataclass(frozen=True)
class Overrides:
    """What the caller says about columns: read as categories, as numbers or as texts of words, leave out, or keep come what
    may."""

    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    text: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is spoken of."""
        return (*self.categorical, *self.numeric, *self.drop, *self.keep, *self.text)

    def check(self) -> None:
        """``DataError`` where a column is asked to be two things."""
        kinds, text = {*self.categorical, *self.numeric}, {*self.text}
        both = (
            {*self.categorical} & {*self.numeric}
            or text & kinds
            or {*self.drop} & {*self.keep, *kinds, *text}
        )
        if both:
            raise DataError(f"column {brief(min(both))} is asked to be two things; name it once")


@dataclass(frozen=True)
class Levels:
    """A categorical column: one 0/1 feature per level, one for all rare ones, one for missing cells.

    A penalty shrinks every level towards the common mean, so no level is dropped as a reference. Two levels
    and nothing else need a single feature: standardised, the second is the first with its sign turned.
    Levels of few rows are ``pooled``: none of them has rows enough for a coefficient of its own.
    """

    source: str
    levels: tuple[str, ...]
    missing: bool
    share: float
    pooled: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether one feature carries the whole column."""
        return len(self.levels) == 2 and not self.missing and not self.pooled

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the encoded columns."""
        if self.single:
            return (f"{self.source}={self.levels[1]}",)
        named = tuple(f"{self.source}={level}" for level in self.levels)
        rare = (f"{self.source} rare",) if self.pooled else ()
        return (*named, *rare, *((f"{self.source} missing",) if self.missing else ()))

    @property
    def places(self) -> dict[str | None, int]:
        """The encoded column of each level; −1 for a missing cell where training had none."""
        known: dict[str | None, int] = {level: j for j, level in enumerate(self.levels)}
        rest = len(self.levels) + bool(self.pooled)
        return known | dict.fromkeys(self.pooled, len(self.levels)) | {None: rest if self.missing else -1}

    @property
    def members(self) -> list[tuple[str | None, ...]]:
        """The levels behind each of ``names``."""
        if self.single:
            return [(self.levels[1],)]
        named: list[tuple[str | None, ...]] = [(level,) for level in self.levels]
        return [*named, *([self.pooled] if self.pooled else []), *([(None,)] if self.missing else [])]

    def codes(self, column: Column) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        """Return the place of each cell's level (n,), −1 for none, and the levels never seen before."""
        place = self.places
        strange = len(self.levels) if self.pooled else -1
        found = np.empty(len(column), dtype=np.intp)
        unseen: set[str] = set()
        for start in range(0, len(column), RUN):
            cells = texts(column[start : start + RUN])
            found[start : start + RUN] = [place.get(cell, strange) for cell in cells]
            unseen |= {str(cell) for cell in {*cells} if cell not in place}
        return found, tuple(sorted(unseen))

    def feature(self, codes: NDArray[np.intp], number: int) -> Float:
        """Feature ``number`` (n,) of cells with these codes."""
        if self.single:
            return np.where((codes == 0) | (codes == 1), codes == 1.0, self.share)
        one: Float = (codes == number).astype(np.float64)
        return one


@dataclass(frozen=True)
class Typing:
    """The columns of a table sorted by what they hold; filled column by column.

    ``fewest``: the rows that a level must have; None: as many as the size of the table suggests.
    """

    reads: list[Read] = field(default_factory=list)
    levels: list[Levels] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    fewest: int | None = None


class Facts(ABC):
    """What all training rows say of the columns, where only a sample of them is at hand.

    ``fewest``: the rows that a level must have to be a feature; below them it is pooled.
    """

    fewest: int

    @abstractmethod
    def cells(self, name: str) -> Cells | None:
        """The texts of a column and how often each stands there; None where that was not counted."""

    @abstractmethod
    def gaps(self, name: str) -> bool:
        """Whether cells of a column are missing."""

    @abstractmethod
    def print_of_values(self, name: str) -> bytes | None:
        """Equal for equal columns of numbers, empty for one that does not vary; None where that is not known."""

    @abstractmethod
    def print_of_gaps(self, name: str) -> bytes | None:
        """That of the missing-value indicator."""

    @abstractmethod
    def print_of_levels(self, name: str, levels: Collection[str | None]) -> bytes:
        """That of the indicator of some levels of a column whose cells are counted, None being a missing cell."""


def type_columns(
    frame: Frame, writings: Writings, overrides: Overrides, facts: Facts | None = None
) -> Typing:
    """Decide for every column what it holds, from its type and how its cells are written, or as asked."""
    found = Typing(fewest=None if facts is None else facts.fewest)

    def cells_of_all(name: str) -> Cells:
        known = None if facts is None else facts.cells(name)
        return counted(frame[name]) if known is None else known

    for name, dtype in frame.schema.items():
        written = writings.columns.get(name, TEXT)
        if name in overrides.drop:
            found.left_out.append(LeftOut(name, Reason.DROPPED))
            continue
        found.remarks.extend(written.remarks)
        if name in overrides.categorical:
            _as_levels(found, name, cells_of_all(name))
        elif written.kind is not CellKind.TEXT:
            found.reads.extend(Read(name, part, written.form) for part in written.parts)
        elif is_number(dtype):
            found.reads.append(Read(name))
        elif is_date(dtype):
            timed = isinstance(dtype, nw.Datetime) or dtype == nw.Datetime
            found.reads.extend(Read(name, part) for part in date_parts(ISO, timed))
        elif dtype.is_nested() or dtype.is_temporal():
            found.left_out.append(LeftOut(name, Reason.UNSUPPORTED, str(dtype)))
        else:
            _type_text(found, name, cells_of_all(name), kept=name in overrides.keep)
    return found


def _type_text(found: Typing, name: str, cells: Cells, kept: bool) -> None:
    total = sum(cells.counts.values())
    if total and not kept and _too_many(cells.counts, total, found.fewest):
        found.left_out.append(_unusable(name, cells.counts, total))
    else:
        _as_levels(found, name, cells)


def _as_levels(found: Typing, name: str, cells: Cells) -> None:
    counts = cells.counts
    total = sum(counts.values())
    if not total:
        found.left_out.append(LeftOut(name, Reason.EMPTY))
        return
    rare = _rare(counts, total, found.fewest)
    levels = tuple(sorted(counts.keys() - rare))
    share = counts[levels[-1]] / total if levels else 1.0
    found.levels.append(Levels(name, levels, cells.gaps, share, tuple(sorted(rare))))


def _rare(counts: Counter[str], total: int, asked: int | None = None) -> set[str]:
    """The levels of few rows; none where there is only one, which may stand for itself, or no other level.

    Below a number of rows that is ``asked`` for, a level does not stand for itself either.
    """
    if asked is not None:
        few = {level for level, count in counts.items() if count < asked}
        return few if len(few) < len(counts) else set()
    rare = {level for level, count in counts.items() if count < fewest_rows(total)}
    return rare if 1 < len(rare) < len(counts) else set()


def fewest_rows(total: int) -> int:
    """The training rows of ``total`` in which a level must stand to have a coefficient of its own."""
    return min(max(2, -(-total // 100)), MOST_ROWS_OF_RARE)


def _too_many(counts: Counter[str], total: int, asked: int | None = None) -> bool:
    levels = len(counts)
    scattered = levels > MAX_LEVEL_SHARE * total and (levels > FEW_LEVELS or levels == total)
    return scattered or levels - len(_rare(counts, total, asked)) > MAX_LEVELS


def _unusable(name: str, counts: Counter[str], total: int) -> LeftOut:
    reason = Reason.FREE_TEXT if are_sentences(counts) else Reason.IDENTIFIER
    return LeftOut(name, reason, f"{len(counts)} distinct values in {total} rows")


def are_sentences(cells: Collection[str]) -> bool:
    """Whether texts, of which there is one at least, have words enough on average to be free text."""
    return sum(len(text.split()) for text in cells) >= FREE_TEXT_WORDS * len(cells)


def identifiers(values: Float, names: list[str], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark columns that only name the rows: a counter along the file, or distinct integers called an id."""
    steps = values - rows[:, None]
    counter = np.isin(steps[0], (0.0, 1.0)) & (steps == steps[0]).all(axis=0)
    if len(rows) < 3:
        return np.zeros(len(names), dtype=bool)
    spoken = [_ID_NAME.fullmatch(c) is not None or _ID_CAMEL.fullmatch(c) is not None for c in names]
    named = np.array(spoken, dtype=bool)
    for j in np.flatnonzero(named & ~counter):
        named[j] = _distinct_integers(values[:, j])
    result: NDArray[np.bool_] = counter | named
    return result


def _distinct_integers(values: Float) -> bool:
    finite = values[~np.isnan(values)]
    whole = finite.size > 0 and bool((finite == np.round(finite)).all())
    return whole and len(np.unique(finite)) > 0.95 * len(finite)
