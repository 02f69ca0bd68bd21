"""Learning a preparation from the training rows alone: which features there are, and what fills their gaps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taut.design.columns import LeftOut, Overrides, Read, Reason, identifiers, type_columns
from taut.design.derived import Expansion, learn_derived
from taut.design.faults import DataError, brief, clean
from taut.design.preparation import (
    Numbers,
    Preparation,
    all_sources,
    drop_infinities,
    number_values,
    without,
)
from taut.design.reading import Frame
from taut.design.values import Float, Part

LARGEST = 1e150
"""Numbers beyond this cannot be squared."""
EXACT = 2.0**53
"""Integers up to this are exact as numbers of 8 bytes."""

PLAIN, AS_FOUND = Expansion(), Overrides()


def learn_preparation(
    frame: Frame,
    rows: NDArray[np.int64],
    decimal: str = ".",
    overrides: Overrides = AS_FOUND,
    expansion: Expansion = PLAIN,
) -> Preparation:
    """Learn from training rows alone; ``rows`` are their places in the whole table (they unmask counters)."""
    overrides.check()
    typing = type_columns(frame, decimal, overrides)
    values = number_values(frame, typing.reads, decimal)
    remarks = [
        *typing.remarks,
        *drop_infinities(values, typing.reads),
        *_rounded(frame, values, typing.reads),
    ]
    usable, unusable = _usable(values, typing.reads, rows, overrides)
    reads = [r for r, u in zip(typing.reads, usable, strict=True) if u]
    _check_sizes(values[:, usable], reads)
    numbers = _learn_numbers(values[:, usable], reads)
    encoded = (c.encode(frame[c.source])[0] for c in typing.levels)
    whole = np.asfortranarray(np.hstack([numbers.encode(values[:, usable]), *encoded]))
    selected, gone = _select(whole, all_sources(numbers, typing.levels), frame.columns)
    if not selected:
        raise DataError(
            "no column is left to fit on: every one is constant, empty, id-like or free text (--keep overrides)"
        )
    left_out = (*typing.left_out, *unusable, *gone)
    learned = Preparation(numbers, tuple(typing.levels), selected, left_out, tuple(remarks), decimal)
    return without(_expanded(learned, whole, expansion), {x.name for x in gone})


def _expanded(learned: Preparation, whole: Float, asked: Expansion) -> Preparation:
    """The preparation with the derived features that vary and are no copies."""
    if asked == PLAIN:
        return learned
    plain = whole[:, list(learned.selected)]
    values = len(learned.numbers.reads)
    numeric = [j < values and len(np.unique(whole[:, j])) > 2 for j in learned.selected]
    derived = learn_derived(plain, learned.plain_sources, numeric, asked)
    every = np.hstack([plain, derived.columns(plain)])
    kept = _distinct(every, range(every.shape[1]))[0]
    count = plain.shape[1]
    terms = [j - count for j in kept if j >= count]
    return replace(learned, derived=derived.take(terms, range(count)) if terms else type(derived)())


def _rounded(frame: Frame, values: Float, reads: Sequence[Read]) -> list[str]:
    """Say where whole numbers are too large to be exact."""
    with np.errstate(invalid="ignore"):
        large = (np.abs(values) > EXACT).any(axis=0)
    schema = frame.schema
    named = [reads[j].source for j in np.flatnonzero(large).tolist() if schema[reads[j].source].is_integer()]
    return [f"{clean(name)}: integers beyond 2^53 are rounded to 16 digits" for name in named[:3]]


def _check_sizes(values: Float, reads: Sequence[Read]) -> None:
    with np.errstate(invalid="ignore"):
        large = np.argwhere(np.abs(values) > LARGEST)
    if large.size:
        row, j = large[0].tolist()
        raise DataError(
            f"column {brief(reads[j].source)} holds {values[row, j]:g}, which cannot be squared;"
            " give it in another unit, or leave it out (--drop)"
        )


def _usable(
    values: Float, reads: list[Read], rows: NDArray[np.int64], overrides: Overrides
) -> tuple[NDArray[np.bool_], list[LeftOut]]:
    names = [r.source if r.part is Part.VALUE else " " for r in reads]
    empty = np.isnan(values).all(axis=0)
    asked = {*overrides.keep, *overrides.numeric}
    named = identifiers(values, names, rows) & ~empty & np.array([n not in asked for n in names], dtype=bool)
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
    selected, originals = _distinct(whole, ordered)
    copies = {sources[j]: sources[original] for j, original in originals.items()}
    kept = {sources[j] for j in selected}
    gone = [n for n in dict.fromkeys(sources[j] for j in ordered) if n not in kept]
    return tuple(selected), [_left_out(n, copies) for n in gone]


def _distinct(whole: Float, ordered: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """The columns that vary and are no copy of an earlier one in this order, and of which column the others are."""
    varying = np.ptp(whole, axis=0) > 0
    first: dict[bytes, int] = {}
    copies: dict[int, int] = {}
    selected = []
    for j in (j for j in ordered if varying[j]):
        original = first.setdefault(hashlib.blake2b(whole[:, j].tobytes(), digest_size=16).digest(), j)
        if original == j:
            selected.append(j)
        else:
            copies[j] = original
    return selected, copies


def _left_out(name: str, copies: dict[str, str]) -> LeftOut:
    if name in copies:
        return LeftOut(name, Reason.DUPLICATE, f"same as {clean(copies[name])}")
    return LeftOut(name, Reason.CONSTANT)
