"""Learning a preparation from the training rows alone: which features there are, and what fills their gaps."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from taut.design.columns import Facts, LeftOut, Levels, Overrides, Read, Reason, identifiers, type_columns
from taut.design.derived import Expansion, learn_derived
from taut.design.faults import DataError, brief, clean
from taut.design.preparation import (
    Numbers,
    Preparation,
    all_sources,
    blocks_of,
    drop_infinities,
    number_values,
    told_infinities,
    without,
)
from taut.design.stored import Frame, Rows, holds_sparse, sparse_part
from taut.design.values import Part
from taut.design.vocabulary import learn_vocabulary
from taut.design.writing import Known, Writings, conclude
from taut.types import Float

LARGEST = 1e150
"""Numbers beyond this cannot be squared."""
EXACT = 2.0**53
"""Integers up to this are exact as numbers of 8 bytes."""

PLAIN, AS_FOUND = Expansion(), Overrides()


@dataclass
class _Seen:
    """What learning has seen, gathered a block of columns at a time: the number features, and every feature's print."""

    reads: list[Read] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    flagged: list[bool] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    gaps: list[bytes] = field(default_factory=list)
    infinite: list[tuple[str, int]] = field(default_factory=list)
    rounded: list[str] = field(default_factory=list)
    empty: list[LeftOut] = field(default_factory=list)
    named: list[LeftOut] = field(default_factory=list)

    @property
    def remarks(self) -> list[str]:
        """What is to be said of the numbers."""
        rounded = [
            f"{clean(name)}: integers beyond 2^53 are rounded to 16 digits" for name in self.rounded[:3]
        ]
        return [*told_infinities(self.infinite), *rounded]


def learn_preparation(
    frame: Frame,
    rows: NDArray[np.int64],
    decimal: str = ".",
    overrides: Overrides = AS_FOUND,
    expansion: Expansion = PLAIN,
    writings: Writings | None = None,
    facts: Facts | None = None,
) -> Preparation:
    """Learn from training rows alone; ``rows`` are their places in the whole table (they unmask counters).

    ``writings``: how the whole table is written; None concludes it from these rows, as text with this ``decimal`` mark.
    ``facts``: what all training rows say, where ``frame`` is a sample of them: medians are the sample's then.
    """
    overrides.check()
    if holds_sparse(frame):
        return _as_it_stands(frame, overrides)
    if writings is None:
        writings = conclude(frame, Known(decimal, True, overrides.numeric, overrides.categorical))
    if overrides.text:
        return _with_words(frame, rows, overrides, expansion, writings, facts)
    learned, named = _learn_columns(frame, rows, overrides, expansion, writings, facts)
    if not learned.selected and named:  # better a column that looks like an id than none
        kept = replace(overrides, keep=(*overrides.keep, *(x.name for x in named)))
        learned = _learn_columns(frame, rows, kept, expansion, writings, facts)[0]
    if not learned.selected:
        text = next((x.name for x in learned.left_out if x.reason is Reason.FREE_TEXT), None)
        words = "" if text is None else f"; --text {shlex.quote(clean(text))} makes words of it"
        raise DataError(
            "no column is left to fit on: every one is constant, empty, id-like or free text (--keep overrides"
            f"{words})"
        )
    return learned


def _with_words(
    frame: Frame,
    rows: NDArray[np.int64],
    overrides: Overrides,
    expansion: Expansion,
    writings: Writings,
    facts: Facts | None,
) -> Preparation:
    """The preparation of all other columns, of which there may be none, and the words of the text columns."""
    names = tuple(dict.fromkeys(overrides.text))
    found = [learn_vocabulary(frame, name, writings) for name in names]
    rest = (frame if isinstance(frame, Rows) else Rows(frame)).drop(names)
    learned = _learn_columns(rest, rows, replace(overrides, text=()), expansion, writings, facts)[0]
    said = [remark for _, remarks in found for remark in remarks]
    return replace(learned, words=tuple(own for own, _ in found), remarks=(*learned.remarks, *said))


def _learn_columns(
    frame: Frame,
    rows: NDArray[np.int64],
    overrides: Overrides,
    expansion: Expansion,
    writings: Writings,
    facts: Facts | None,
) -> tuple[Preparation, list[LeftOut]]:
    """The preparation of all columns, and those left out because their numbers only name the rows."""
    decimal = writings.decimal
    typing = type_columns(frame, writings, overrides, facts)
    seen = _Seen()
    integers = {name for name, dtype in frame.schema.items() if dtype.is_integer()}
    for block in blocks_of(len(typing.reads), len(frame)):
        reads = typing.reads[block]
        values = number_values(frame, reads, decimal)
        seen.infinite += drop_infinities(values, reads)
        seen.rounded += [n for n in _beyond(values, reads) if n in integers]
        _learn_numbers(seen, values, reads, _usable(seen, values, reads, rows, overrides), facts)
    numbers = Numbers(tuple(seen.reads), tuple(seen.medians), tuple(seen.flagged))
    prints = [
        *seen.values,
        *seen.gaps,
        *(one for levels in typing.levels for one in _of_levels(levels, frame, facts)),
    ]
    selected, gone = _select(prints, all_sources(numbers, typing.levels), frame.columns)
    left_out = (*typing.left_out, *seen.empty, *seen.named, *gone)
    remarks = (*typing.remarks, *seen.remarks)
    learned = Preparation(numbers, tuple(typing.levels), selected, left_out, remarks, decimal)
    learned = without(learned, {x.name for x in gone})
    plain = expansion == PLAIN or not selected
    return learned if plain else _expanded(learned, frame, expansion), seen.named


def _as_it_stands(frame: Frame, overrides: Overrides) -> Preparation:
    """Every column of a sparse table is a feature: one without effect costs nothing and gets the coefficient 0."""
    dropped = {*overrides.drop}
    reads = tuple(Read(name) for name in frame.columns if name not in dropped)
    X = sparse_part(frame, [read.source for read in reads])
    filled = int(np.count_nonzero(X.data))
    if not filled:
        raise DataError("no column is left to fit on: every one is zero in every training row, or dropped")
    large = int(np.abs(X.data).argmax())
    if abs(X.data[large]) > LARGEST:
        raise DataError(
            f"column {brief(reads[X.indices[large]].source)} holds {X.data[large]:g}, which cannot be squared;"
            " give it in another unit, or leave it out (--drop)"
        )
    p = len(reads)
    numbers = Numbers(reads, (0.0,) * p, (False,) * p)
    left_out = tuple(LeftOut(name, Reason.DROPPED) for name in overrides.drop)
    said = (f"sparse: {100.0 * filled / (X.shape[0] * p):.2g} % of the cells are not 0",)
    return Preparation(numbers, (), tuple(range(p)), left_out, said)


def _expanded(learned: Preparation, frame: Frame, asked: Expansion) -> Preparation:
    """The preparation with the derived features that vary and are no copies."""
    plain = learned.transform(frame).matrix
    count, values = plain.shape[1], len(learned.numbers.reads)
    numeric = [f < values and len(np.unique(plain[:, j])) > 2 for j, f in enumerate(learned.selected)]
    derived = learn_derived(plain, learned.plain_sources, numeric, asked)
    kept = _distinct([*_prints(plain), *_prints(derived.columns(plain))], range(count + len(derived.terms)))[
        0
    ]
    terms = [j - count for j in kept if j >= count]
    return replace(learned, derived=derived.take(terms, range(count)) if terms else type(derived)())


def _beyond(values: Float, reads: Sequence[Read]) -> list[str]:
    """Columns whose numbers are too large for integers to be exact; ``DataError`` for those beyond all use."""
    with np.errstate(invalid="ignore"):
        sizes = np.abs(values)
        large = (sizes > EXACT).any(axis=0)
        if (sizes > LARGEST).any():
            row, j = np.argwhere(sizes > LARGEST)[0].tolist()
            raise DataError(
                f"column {brief(reads[j].source)} holds {values[row, j]:g}, which cannot be squared;"
                " give it in another unit, or leave it out (--drop)"
            )
    return [reads[j].source for j in np.flatnonzero(large).tolist()]


def _usable(
    seen: _Seen, values: Float, reads: Sequence[Read], rows: NDArray[np.int64], overrides: Overrides
) -> NDArray[np.bool_]:
    """Mark the columns that hold something, and more than the number of the row."""
    names = [r.source if r.part is Part.VALUE else " " for r in reads]
    empty = np.isnan(values).all(axis=0)
    asked = {*overrides.keep, *overrides.numeric}
    named = identifiers(values, names, rows) & ~empty & np.array([n not in asked for n in names], dtype=bool)
    seen.empty += [LeftOut(names[j], Reason.EMPTY) for j in np.flatnonzero(empty)]
    seen.named += [LeftOut(names[j], Reason.IDENTIFIER, "numbers the rows") for j in np.flatnonzero(named)]
    usable: NDArray[np.bool_] = ~(empty | named)
    return usable


def _learn_numbers(
    seen: _Seen, values: Float, reads: Sequence[Read], usable: NDArray[np.bool_], facts: Facts | None
) -> None:
    """Medians, gaps and prints of the usable columns; ``values`` is filled in place."""
    gaps: NDArray[np.bool_] = np.isnan(values)
    flagged: NDArray[np.bool_] = np.asarray(gaps.any(axis=0))
    medians = np.zeros(values.shape[1])
    whole, part = usable & ~flagged, usable & flagged
    medians[whole] = np.median(values[:, whole], axis=0)
    medians[part] = np.nanmedian(values[:, part], axis=0) if part.any() else 0.0
    np.copyto(values, medians, where=gaps)
    prints = _prints(values)
    if facts is not None:
        flagged = flagged | [facts.gaps(read.source) for read in reads]
        prints = [_of_values(read, own, facts) for read, own in zip(reads, prints, strict=True)]
    for j in np.flatnonzero(usable).tolist():
        seen.reads.append(reads[j])
        seen.medians.append(float(medians[j]))
        seen.flagged.append(bool(flagged[j]))
        seen.values.append(prints[j])
        if flagged[j]:
            own = _print(gaps[:, j].astype(np.float64))
            seen.gaps.append(own if facts is None else _known(facts.print_of_gaps(reads[j].source), own))


def _of_values(read: Read, own: bytes, facts: Facts) -> bytes:
    """The print of a feature of numbers, from all rows where they say it."""
    return _known(facts.print_of_values(read.source), own) if read.part is Part.VALUE else own


def _known(fact: bytes | None, own: bytes) -> bytes:
    return own if fact is None else fact


def _of_levels(levels: Levels, frame: Frame, facts: Facts | None) -> list[bytes]:
    """The prints of a category's features."""
    if facts is not None and facts.cells(levels.source) is not None:
        return [facts.print_of_levels(levels.source, own) for own in levels.members]
    codes = levels.codes(frame[levels.source])[0]
    return [_print(levels.feature(codes, j)) for j in range(len(levels.names))]


def _prints(values: Float) -> list[bytes]:
    return [_print(values[:, j]) for j in range(values.shape[1])]


def _print(column: Float) -> bytes:
    """Equal for equal columns; empty for one that does not vary."""
    if not np.ptp(column) > 0:
        return b""
    return hashlib.blake2b(np.ascontiguousarray(column).data, digest_size=16).digest()


def _select(
    prints: Sequence[bytes], sources: Sequence[str], order: list[str]
) -> tuple[tuple[int, ...], list[LeftOut]]:
    """Pick the features that vary and are no copy of one to their left; name the columns with none left."""
    place = {name: j for j, name in enumerate(order)}
    ordered = sorted(range(len(sources)), key=lambda j: place[sources[j]])
    selected, originals = _distinct(prints, ordered)
    copies = {sources[j]: sources[original] for j, original in originals.items()}
    kept = {sources[j] for j in selected}
    gone = [n for n in dict.fromkeys(sources[j] for j in ordered) if n not in kept]
    return tuple(selected), [_left_out(n, copies) for n in gone]


def _distinct(prints: Sequence[bytes], ordered: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """The columns that vary and are no copy of an earlier one in this order, and of which column the others are."""
    first: dict[bytes, int] = {}
    copies: dict[int, int] = {}
    selected = []
    for j in (j for j in ordered if prints[j]):
        original = first.setdefault(prints[j], j)
        if original == j:
            selected.append(j)
        else:
            copies[j] = original
    return selected, copies


def _left_out(name: str, copies: dict[str, str]) -> LeftOut:
    if name in copies:
        return LeftOut(name, Reason.DUPLICATE, f"same as {clean(copies[name])}")
    return LeftOut(name, Reason.CONSTANT)
