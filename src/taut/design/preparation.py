"""Preparation: the way from any table of the training table's columns to the design matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.design.columns import LeftOut, Levels, Read, Reason
from taut.design.derived import Derived
from taut.design.faults import DataError, brief, clean, closest
from taut.design.notation import notation_of
from taut.design.scratch import allocate
from taut.design.stored import Frame, holds_sparse, sparse_part
from taut.design.values import Part, counted, date_numbers, is_number, raw_numbers
from taut.design.vocabulary import Vocabulary, beside_words, taken
from taut.design.writing import settled
from taut.types import Float

SHOWN_LEVELS = 3
SHOWN_COLUMNS = 5
SHOWN_MISSING = 20
BLOCK = 1 << 21
"""Numbers that are worked on together."""


@dataclass
class Told:
    """What is new in a table, gathered column by column, and run of rows by run of rows."""

    rows: int = 0
    infinite: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    unseen: dict[Levels, frozenset[str]] = field(default_factory=dict)

    def add(self, other: Told) -> None:
        """Take up what other rows of the same table had."""
        self.rows += other.rows
        for own, theirs in zip(self._counts, other._counts, strict=True):
            own.update(theirs)
        for levels, strange in other.unseen.items():
            self.unseen[levels] = self.unseen.get(levels, frozenset()) | strange

    @property
    def _counts(self) -> tuple[Counter[str], ...]:
        return self.infinite, self.unreadable, self.gaps

    @property
    def remarks(self) -> tuple[str, ...]:
        """All of it in words."""
        lost = [name for name, rows in self.unreadable.items() if rows == self.rows]
        unreadable = [
            f"{clean(n)}: no cell is of the kind seen in training, all read as missing" for n in lost
        ]
        gaps = [f"{clean(n)}: {c} missing, filled with the training median" for n, c in self.gaps.items()]
        unseen = [_unseen(levels, tuple(sorted(strange))) for levels, strange in self.unseen.items()]
        return (*told_infinities([*self.infinite.items()]), *unreadable, *gaps, *unseen)


class Design(NamedTuple):
    """A design matrix (n, p), raw (fits standardise it), of a sparse table or with words of texts a CSR array; ``told`` is
    what is new in it."""

    matrix: Any
    told: Told

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is new, in words."""
        return self.told.remarks


@dataclass(frozen=True)
class Numbers:
    """The number features: where they are read, the training medians for gaps, which gaps are flagged."""

    reads: tuple[Read, ...]
    medians: tuple[float, ...]
    flagged: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The values' names, then those of the missing-value indicators."""
        named = tuple(f"{r.source}{r.part.suffix}" for r in self.reads)
        return named + tuple(f"{n} missing" for n, flag in zip(named, self.flagged, strict=True) if flag)

    @property
    def sources(self) -> tuple[str, ...]:
        """The table's column behind each of ``names``."""
        named = tuple(r.source for r in self.reads)
        return named + tuple(n for n, flag in zip(named, self.flagged, strict=True) if flag)

    def take(self, places: Sequence[int]) -> Numbers:
        """Return the features at the given places alone."""
        reads = tuple(self.reads[j] for j in places)
        return Numbers(reads, tuple(self.medians[j] for j in places), tuple(self.flagged[j] for j in places))


@dataclass(frozen=True)
class Preparation:
    """The way from a table to the design matrix, learned on training rows and the same ever after.

    Numbers come first, then the levels of each category; ``selected`` picks the features that vary and are
    no copies of another, in the order of the table's columns: the plain features. ``derived`` are made from
    them, and ``outputs`` says which of all these the matrix holds (None: all). The ``words`` of text columns follow.
    """

    numbers: Numbers
    categories: tuple[Levels, ...]
    selected: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]
    decimal: str = "."
    derived: Derived = field(default_factory=Derived)
    outputs: tuple[int, ...] | None = None
    words: tuple[Vocabulary, ...] = ()

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The names of the plain features."""
        named = self.numbers.names + tuple(n for c in self.categories for n in c.names)
        return tuple(named[j] for j in self.selected)

    @property
    def plain_sources(self) -> tuple[str, ...]:
        """The table's column behind each plain feature."""
        named = all_sources(self.numbers, self.categories)
        return tuple(named[j] for j in self.selected)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the p features."""
        dense = self._out((*self.plain_names, *self.derived.names(self.plain_names)))
        return (*dense, *(name for own in self.words for name in own.names))

    @property
    def sources(self) -> tuple[str, ...]:
        """The table's column that each feature comes from; two joined by a colon for a product."""
        dense = self._out((*self.plain_sources, *self.derived.sources(self.plain_sources)))
        return (*dense, *(own.source for own in self.words for _ in own.names))

    def _out(self, every: tuple[str, ...]) -> tuple[str, ...]:
        return every if self.outputs is None else tuple(every[j] for j in self.outputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that the design matrix needs."""
        return tuple(dict.fromkeys([*(r.source for r in self.numbers.reads), *self.text_columns]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns to be read as text."""
        return (*(c.source for c in self.categories), *(own.source for own in self.words))

    def take(self, places: Sequence[int]) -> Preparation:
        """The same preparation for the features at the given places alone, reading only the columns they
        need."""
        p = len(self.selected)
        every = range(p + len(self.derived.terms)) if self.outputs is None else self.outputs
        chosen = [every[j] for j in places if j < len(every)]
        terms = sorted({j - p for j in chosen if j >= p})
        plain = sorted(
            {j for j in chosen if j < p} | {i for t in terms for i in self.derived.terms[t].inputs}
        )
        moved = {j: new for new, j in enumerate([*plain, *(p + t for t in terms)])}
        part = replace(
            self,
            selected=tuple(self.selected[j] for j in plain),
            derived=self.derived.take(terms, plain) if terms else Derived(),
            outputs=tuple(moved[j] for j in chosen),
            words=taken(self.words, [j - len(every) for j in places if j >= len(every)]),
        )
        used = {*part.plain_sources, *(own.source for own in part.words)}
        unused = [name for name in self.columns if name not in used]
        left_out = (*self.left_out, *(LeftOut(name, Reason.UNUSED) for name in unused))
        return without(replace(part, left_out=left_out), set(unused))

    def settled(self, frame: Frame, told: str = "") -> Preparation:
        """The same preparation for a table whose text columns may write their numbers with the other decimal mark.

        ``told`` is the mark that the rest of the table shows; where nothing tells, numbers are read as in training.
        """
        if holds_sparse(frame):
            return self
        schema = frame.schema
        reads = [
            self._read_of(frame, read, told) if read.source in schema else read for read in self.numbers.reads
        ]
        return replace(self, numbers=replace(self.numbers, reads=tuple(reads)))

    def _read_of(self, frame: Frame, read: Read, told: str) -> Read:
        dtype = frame.schema[read.source]
        if read.part is not Part.VALUE or is_number(dtype) or dtype.is_nested():
            return read
        trained = notation_of(read.form, self.decimal)
        return read._replace(form=settled(counted(frame[read.source]).counts, trained, told).form)

    def transform(self, frame: Frame, name: str = "the table") -> Design:
        """Return the design matrix of a table with the same columns; ``DataError`` names a missing one."""
        self._require(frame, name)
        if holds_sparse(frame) and self._takes_sparse:
            return Design(self._sparse(frame), Told(len(frame)))
        plain = allocate(len(frame), len(self.selected))
        told = Told(len(frame))
        place = {feature: j for j, feature in enumerate(self.selected)}
        self._fill_numbers(frame, plain, place, told)
        self._fill_levels(frame, plain, place, told)
        return Design(beside_words(self._with_derived(plain), self.words, frame), told)

    @property
    def _takes_sparse(self) -> bool:
        """Whether the columns of a sparse table are features as they stand."""
        more = self.categories or self.derived.terms or self.words or any(self.numbers.flagged)
        return not more and all(read.part is Part.VALUE for read in self.numbers.reads)

    def _sparse(self, frame: Frame) -> Any:
        """The columns as they stand."""
        reads = self.numbers.reads
        wanted = self.selected if self.outputs is None else [self.selected[j] for j in self.outputs]
        return sparse_part(frame, [reads[j].source for j in wanted])

    def _fill_numbers(self, frame: Frame, plain: Float, place: dict[int, int], told: Told) -> None:
        """A block of columns at a time: the values, their gaps filled, and the indicators."""
        numbers = self.numbers
        behind = len(numbers.reads) + np.cumsum(numbers.flagged) - 1
        for block in blocks_of(len(numbers.reads), len(frame)):
            part = numbers.take(range(block.start, block.stop))
            values = number_values(frame, part.reads, self.decimal)
            told.infinite.update(dict(drop_infinities(values, part.reads)))
            gaps = np.isnan(values)
            empty = np.asarray(gaps.any(axis=0))
            told.unreadable.update(dict.fromkeys(_unreadable(frame, gaps, part), len(frame)))
            told.gaps.update(_new_gaps(gaps, part))
            for j, feature in enumerate(range(block.start, block.stop)):
                if (to := place.get(feature)) is not None:
                    plain[:, to] = values[:, j]
                    if empty[j]:
                        plain[gaps[:, j], to] = part.medians[j]
                if part.flagged[j] and (to := place.get(int(behind[feature]))) is not None:
                    plain[:, to] = gaps[:, j]

    def _fill_levels(self, frame: Frame, plain: Float, place: dict[int, int], told: Told) -> None:
        start = len(self.numbers.names)
        for levels in self.categories:
            codes, unseen = levels.codes(frame[levels.source])
            told.unseen |= {levels: frozenset(unseen)} if unseen else {}
            for j in range(len(levels.names)):
                if (to := place.get(start + j)) is not None:
                    plain[:, to] = levels.feature(codes, j)
            start += len(levels.names)

    def _with_derived(self, plain: Float) -> Float:
        if not self.derived.terms and self.outputs is None:
            return plain
        count = plain.shape[1]
        wanted = range(count + len(self.derived.terms)) if self.outputs is None else self.outputs
        matrix = allocate(len(plain), len(wanted))
        derived = self.derived.columns(plain)
        for to, j in enumerate(wanted):
            matrix[:, to] = plain[:, j] if j < count else derived[:, j - count]
        return matrix

    def _require(self, frame: Frame, name: str) -> None:
        missing = self.missing(frame)
        if len(missing) == 1:
            hint = closest(missing[0], frame.columns) or "; the model needs it"
            raise DataError(f"{name}: column {brief(missing[0])} is missing{hint}")
        if missing:
            hints = (
                (brief(c), closest(c, frame.columns).removeprefix("; ")) for c in missing[:SHOWN_MISSING]
            )
            named = ", ".join(f"{c} ({hint})" if hint else c for c, hint in hints)
            more = f" and {len(missing) - SHOWN_MISSING} more" if len(missing) > SHOWN_MISSING else ""
            raise DataError(f"{name}: the columns {named}{more} are missing; the model needs them all")

    def missing(self, frame: Frame) -> list[str]:
        """The columns that the design matrix needs and the table has not."""
        present = set(frame.columns)
        return [c for c in self.columns if c not in present]


def _unreadable(frame: Frame, gaps: NDArray[np.bool_], numbers: Numbers) -> list[str]:
    """Columns that held numbers in training and hold text now: all of it would read as missing."""
    empty = gaps.all(axis=0) if len(gaps) else np.zeros(gaps.shape[1], dtype=bool)
    names = dict.fromkeys(numbers.reads[j].source for j in np.flatnonzero(empty))
    return [name for name in names if frame[name].null_count() < len(frame)]


def _new_gaps(gaps: NDArray[np.bool_], numbers: Numbers) -> dict[str, int]:
    """How many gaps there are in each column that had none in training."""
    counts = gaps.sum(axis=0)
    new = [j for j in np.flatnonzero(counts) if not numbers.flagged[j]]
    return {numbers.reads[j].source: int(counts[j]) for j in new}


def _unseen(levels: Levels, unseen: tuple[str, ...]) -> str:
    more = ", …" if len(unseen) > SHOWN_LEVELS else ""
    shown = ", ".join(brief(v) for v in unseen[:SHOWN_LEVELS]) + more
    meaning = "as the rare levels" if levels.pooled else "as no level"
    return f"{clean(levels.source)}: {shown} not seen in training, read {meaning}"


def number_values(frame: Frame, reads: Sequence[Read], decimal: str) -> Float:
    """The numbers (n, m) that ``reads`` point at; NaN where there is none, infinities as they stand."""
    plain = [r for r in reads if r.part is Part.VALUE]
    notations = [notation_of(r.form, decimal) for r in plain]
    if len(plain) == len(reads):
        return raw_numbers(frame, [r.source for r in plain], notations)
    values = np.empty((len(frame), len(reads)), order="F")
    values[:, [r.part is Part.VALUE for r in reads]] = raw_numbers(
        frame, [r.source for r in plain], notations
    )
    places: dict[tuple[str, str], list[int]] = {}
    for j, read in enumerate(reads):
        if read.part is not Part.VALUE:
            places.setdefault((read.source, read.form), []).append(j)
    for (source, form), columns in places.items():  # a cell is read once for all its parts
        values[:, columns] = date_numbers(frame[source], [reads[j].part for j in columns], form)
    return values


def drop_infinities(values: Float, reads: Sequence[Read]) -> list[tuple[str, int]]:
    """Make infinite values missing, in place; return the columns where they stood, and how many."""
    infinite = np.isinf(values)
    if not infinite.any():
        return []
    values[infinite] = np.nan
    counts = infinite.sum(axis=0)
    return [(reads[j].source, int(counts[j])) for j in np.flatnonzero(counts).tolist()]


def told_infinities(found: Sequence[tuple[str, int]]) -> list[str]:
    """``drop_infinities`` of all columns in words."""
    said = [f"{clean(name)}: {count} infinite, read as missing" for name, count in found[:SHOWN_COLUMNS]]
    more = len(found) - SHOWN_COLUMNS
    return [*said, *([f"and {more} more columns with infinite values"] if more > 0 else [])]


def blocks_of(columns: int, rows: int) -> list[slice]:
    """Runs of columns that are worked on together: temporaries stay small however long the table is."""
    width = max(1, BLOCK // max(1, rows))
    return [slice(start, min(start + width, columns)) for start in range(0, columns, width)]


def all_sources(numbers: Numbers, categories: Sequence[Levels]) -> tuple[str, ...]:
    """The table's column behind each feature before any is selected."""
    return numbers.sources + tuple(c.source for c in categories for _ in c.names)


def without(learned: Preparation, gone: set[str]) -> Preparation:
    """Forget the columns of which no feature was selected, so that a later table need not have them."""
    if not gone:
        return learned
    old = learned.numbers
    stay = [j for j, r in enumerate(old.reads) if r.source not in gone]
    sources = all_sources(old, learned.categories)
    place = np.cumsum([s not in gone for s in sources]) - 1
    return replace(
        learned,
        numbers=old.take(stay),
        categories=tuple(c for c in learned.categories if c.source not in gone),
        selected=tuple(int(place[j]) for j in learned.selected),
    )
