"""Preparation: what is learned from the training rows to turn any table of these columns into a matrix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.design.columns import LeftOut, Levels, Read, Reason, identifiers, type_columns
from taut.design.reading import DataError, Frame, clean, closest
from taut.design.values import Float, Part, date_numbers, number_block

SHOWN_LEVELS = 3


class Design(NamedTuple):
    """A design matrix (n, p), raw (fits standardise it); ``remarks`` say what the table had that is new."""

    matrix: Float
    remarks: tuple[str, ...]


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

    def encode(self, values: Float) -> Float:
        """Fill gaps in ``values`` (n, m) with the medians and append the indicators."""
        gaps = np.isnan(values)
        filled = np.where(gaps, np.asarray(self.medians), values)
        return np.hstack([filled, gaps[:, np.asarray(self.flagged, dtype=bool)]])


@dataclass(frozen=True)
class Preparation:
    """The way from a table to the design matrix, learned on training rows and the same ever after.

    Numbers come first, then the levels of each category; ``selected`` picks the features that vary and are
    no copies of another, in the order of the table's columns.
    """

    numbers: Numbers
    categories: tuple[Levels, ...]
    selected: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]
    decimal: str = "."

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the p features."""
        named = self.numbers.names + tuple(n for c in self.categories for n in c.names)
        return tuple(named[j] for j in self.selected)

    @property
    def sources(self) -> tuple[str, ...]:
        """The table's column that each feature comes from."""
        named = _sources(self.numbers, self.categories)
        return tuple(named[j] for j in self.selected)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that the design matrix needs."""
        return tuple(dict.fromkeys([*(r.source for r in self.numbers.reads), *self.text_columns]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns to be read as text."""
        return tuple(c.source for c in self.categories)

    def take(self, places: Sequence[int]) -> Preparation:
        """The same preparation for the features at the given places alone, reading only the columns they
        need."""
        chosen = replace(self, selected=tuple(self.selected[j] for j in places))
        needed = set(chosen.sources)
        unused = [name for name in self.columns if name not in needed]
        left_out = (*self.left_out, *(LeftOut(name, Reason.UNUSED) for name in unused))
        return _without(replace(chosen, left_out=left_out), set(unused))

    def transform(self, frame: Frame, name: str = "the table") -> Design:
        """Return the design matrix of a table with the same columns; ``DataError`` names a missing one."""
        self._require(frame, name)
        values = _number_values(frame, self.numbers.reads, self.decimal)
        encoded = [c.encode(frame[c.source]) for c in self.categories]
        whole = np.hstack([self.numbers.encode(values), *(features for features, _ in encoded)])
        unseen = [_unseen(c.source, u) for c, (_, u) in zip(self.categories, encoded, strict=True) if u]
        return Design(np.asfortranarray(whole[:, list(self.selected)]), (*self._new_gaps(values), *unseen))

    def _new_gaps(self, values: Float) -> list[str]:
        gaps = np.isnan(values).sum(axis=0)
        new = [j for j in np.flatnonzero(gaps) if not self.numbers.flagged[j]]
        named = [(clean(self.numbers.reads[j].source), gaps[j]) for j in new]
        return [f"{name}: {count} missing, filled with the training median" for name, count in named]

    def _require(self, frame: Frame, name: str) -> None:
        present = set(frame.columns)
        missing = next((c for c in self.columns if c not in present), None)
        if missing is not None:
            hint = closest(missing, present) or "; the model needs every column that it was fitted with"
            raise DataError(f"{name}: column {clean(missing)!r} is missing{hint}")


def _unseen(source: str, levels: tuple[str, ...]) -> str:
    more = ", …" if len(levels) > SHOWN_LEVELS else ""
    shown = ", ".join(repr(clean(v)) for v in levels[:SHOWN_LEVELS]) + more
    return f"{clean(source)}: {shown} not seen in training, read as no level"


def _number_values(frame: Frame, reads: Sequence[Read], decimal: str) -> Float:
    values = np.empty((len(frame), len(reads)), order="F")
    plain = [r.part is Part.VALUE for r in reads]
    values[:, plain] = number_block(frame, [r.source for r in reads if r.part is Part.VALUE], decimal)
    for j, read in enumerate(reads):
        if read.part is not Part.VALUE:
            values[:, j] = date_numbers(frame[read.source], read.part, read.form)
    return values


def learn_preparation(frame: Frame, rows: NDArray[np.int64], decimal: str = ".") -> Preparation:
    """Learn from training rows alone; ``rows`` are their places in the whole table (they unmask counters)."""
    typing = type_columns(frame, decimal)
    values = _number_values(frame, typing.reads, decimal)
    usable, unusable = _usable(values, typing.reads, rows)
    reads = [r for r, u in zip(typing.reads, usable, strict=True) if u]
    numbers = _learn_numbers(values[:, usable], reads)
    whole, sources = _expand(frame, values[:, usable], numbers, typing.levels)
    selected, gone = _select(whole, sources, frame.columns)
    if not selected:
        raise DataError("no column is left to fit on: every one is constant, empty, id-like or free text")
    left_out = (*typing.left_out, *unusable, *gone)
    learned = Preparation(numbers, tuple(typing.levels), selected, left_out, tuple(typing.remarks), decimal)
    return _without(learned, {x.name for x in gone})


def _expand(
    frame: Frame, values: Float, numbers: Numbers, categories: Sequence[Levels]
) -> tuple[Float, tuple[str, ...]]:
    whole = np.hstack([numbers.encode(values), *(c.encode(frame[c.source])[0] for c in categories)])
    return np.asfortranarray(whole), _sources(numbers, categories)


def _sources(numbers: Numbers, categories: Sequence[Levels]) -> tuple[str, ...]:
    return numbers.sources + tuple(c.source for c in categories for _ in c.names)


def _without(learned: Preparation, gone: set[str]) -> Preparation:
    """Forget the columns of which no feature was selected, so that a later table need not have them."""
    if not gone:
        return learned
    old = learned.numbers
    stay = [j for j, r in enumerate(old.reads) if r.source not in gone]
    sources = _sources(old, learned.categories)
    place = np.cumsum([s not in gone for s in sources]) - 1
    return replace(
        learned,
        numbers=old.take(stay),
        categories=tuple(c for c in learned.categories if c.source not in gone),
        selected=tuple(int(place[j]) for j in learned.selected),
    )


def _usable(
    values: Float, reads: list[Read], rows: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], list[LeftOut]]:
    names = [r.source if r.part is Part.VALUE else " " for r in reads]
    empty = np.isnan(values).all(axis=0)
    named = identifiers(values, names, rows) & ~empty
    left_out = [LeftOut(names[j], Reason.EMPTY) for j in np.flatnonzero(empty)]
    left_out += [LeftOut(names[j], Reason.IDENTIFIER, "numbers the rows") for j in np.flatnonzero(named)]
    usable: NDArray[np.bool_] = ~(empty | named)
    return usable, left_out


def _learn_numbers(values: Float, reads: list[Read]) -> Numbers:
    gaps: NDArray[np.bool_] = np.isnan(values.sum(axis=0))
    medians = np.zeros(values.shape[1])
    medians[~gaps] = np.median(values[:, ~gaps], axis=0)
    medians[gaps] = np.nanmedian(values[:, gaps], axis=0) if gaps.any() else 0.0
    return Numbers(tuple(reads), tuple(medians.tolist()), tuple(bool(g) for g in gaps))


def _select(whole: Float, sources: Sequence[str], order: list[str]) -> tuple[tuple[int, ...], list[LeftOut]]:
    """Pick the features that vary and are no copy of one to their left; name the columns with none left."""
    place = {name: j for j, name in enumerate(order)}
    ordered = sorted(range(len(sources)), key=lambda j: place[sources[j]])
    varying = np.ptp(whole, axis=0) > 0
    first: dict[bytes, int] = {}
    copies: dict[str, str] = {}
    selected = []
    for j in (j for j in ordered if varying[j]):
        original = first.setdefault(hashlib.blake2b(whole[:, j].tobytes(), digest_size=16).digest(), j)
        if original == j:
            selected.append(j)
        else:
            copies[sources[j]] = sources[original]
    kept = {sources[j] for j in selected}
    gone = [n for n in dict.fromkeys(sources[j] for j in ordered) if n not in kept]
    return tuple(selected), [_left_out(n, copies) for n in gone]


def _left_out(name: str, copies: dict[str, str]) -> LeftOut:
    if name in copies:
        return LeftOut(name, Reason.DUPLICATE, f"same as {clean(copies[name])}")
    return LeftOut(name, Reason.CONSTANT)


def to_document(preparation: Preparation) -> dict[str, Any]:
    """Return the preparation as plain lists, strings and numbers, for a JSON file."""
    numbers = preparation.numbers
    return {
        "reads": [[r.source, int(r.part), r.form] for r in numbers.reads],
        "medians": list(numbers.medians),
        "flagged": list(numbers.flagged),
        "categories": [[c.source, list(c.levels), c.missing, c.share] for c in preparation.categories],
        "selected": list(preparation.selected),
        "left_out": [[x.name, x.reason.value, x.detail] for x in preparation.left_out],
        "remarks": list(preparation.remarks),
        "decimal": preparation.decimal,
    }


def from_document(document: dict[str, Any]) -> Preparation:
    """Return the preparation that ``to_document`` wrote; KeyError, TypeError or ValueError otherwise."""
    reads = tuple(Read(str(s), Part(p), str(f)) for s, p, f in document["reads"])
    numbers = Numbers(reads, tuple(map(float, document["medians"])), tuple(map(bool, document["flagged"])))
    categories = tuple(
        Levels(str(s), tuple(map(str, levels)), bool(missing), float(share))
        for s, levels, missing, share in document["categories"]
    )
    left_out = tuple(LeftOut(str(n), Reason(r), str(d)) for n, r, d in document["left_out"])
    selected = tuple(map(int, document["selected"]))
    remarks = tuple(map(str, document["remarks"]))
    result = Preparation(numbers, categories, selected, left_out, remarks, str(document["decimal"]))
    width = len(numbers.names) + sum(len(c.names) for c in categories)
    aligned = {len(reads)} == {len(numbers.medians), len(numbers.flagged)}
    if not aligned or not all(0 <= j < width for j in selected):
        raise ValueError("the preparation's lists do not fit together")
    return result
