"""Writing: how the cells of every column of a table are written, concluded from all of them, and said."""

from __future__ import annotations

import enum
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np

from taut.design.dates import Dates, find_dates, mixed_forms, reader_of
from taut.design.faults import DataError, brief, clean
from taut.design.notation import (
    MAX_LIMIT_SHARE,
    MAX_ODD_SHARE,
    MISSING,
    OTHER,
    Evidence,
    Notation,
    notation_of,
    odd_tokens,
    take_apart,
    usual,
    weigh,
)
from taut.design.reading_options import NONE, ReadingOptions, for_column
from taut.design.source import Source
from taut.design.sparse import Sparse
from taut.design.stored import Frame, Rows
from taut.design.values import Part, counted, date_parts, is_category, is_date, is_number, number_block

SHOWN = 3
FIRST_DAY, LAST_DAY = 1900_01_01, 2100_12_31
FEWEST_DAYS = 3
"""Whole numbers are dates where so many different ones all are days of the calendar (20200105)."""
PEEKED = 64
NUMBERS_PER_UNIT = 3
"""Different numbers for each unit from which a column holds measurements and not levels such as ``1 low`` and ``2 high``."""


class CellKind(enum.Enum):
    """What the cells of a text column are."""

    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True)
class Written:
    """How the cells of a column are written: numbers in a notation, dates in a form, or text.

    ``odd`` are filled cells that are read as missing, ``remarks`` what is to be said of it all; ``digits``: text of digits
    that are no codes by their looks.
    """

    kind: CellKind
    form: str = ""
    parts: tuple[Part, ...] = (Part.VALUE,)
    odd: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    digits: bool = False


TEXT = Written(CellKind.TEXT)


@dataclass(frozen=True)
class Writings:
    """How every column of a table is written that does not hold numbers already; ``decimal`` is the mark of the others.

    ``warnings`` name the columns of which nothing in the table tells how to read them.
    """

    decimal: str = "."
    columns: Mapping[str, Written] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def notation(self, name: str) -> Notation:
        """How the numbers of a column are written."""
        found = self.columns.get(name, TEXT)
        return notation_of(found.form if found.kind is CellKind.NUMBER else "", self.decimal)

    def date_form(self, name: str) -> str:
        """The form of a column's dates; empty where it has none."""
        found = self.columns.get(name, TEXT)
        return found.form if found.kind is CellKind.DATE else ""


@dataclass(frozen=True)
class Known:
    """What is known of a table before its cells are looked at.

    ``decimal``: the mark in the columns that are numbers already; ``concluded``: whether those types were concluded from
    text, as in a CSV, and are not the table's own; ``numeric`` and ``categorical``: columns that are read as asked.
    """

    decimal: str = "."
    concluded: bool = False
    numeric: Sequence[str] = ()
    categorical: Sequence[str] = ()
    options: ReadingOptions = field(default_factory=ReadingOptions)


@dataclass
class _Columns:
    """What was concluded so far, and the columns of numbers of which two readings are possible."""

    known: Known
    found: dict[str, Written] = field(default_factory=dict)
    proven: Counter[str] = field(default_factory=Counter)
    open: dict[str, tuple[Evidence, Counter[str]]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def conclude(frame: Frame, known: Known = Known()) -> Writings:
    """Look at all cells of every text column: which are numbers, in which notation, and which are dates, in which form.

    Of a column in which ``1.234`` may be 1.234 or 1234 the other columns of the table decide, and where nothing does, it
    is read with a decimal point and a warning.
    """
    columns = _Columns(known)
    for name, dtype in _schema(frame):
        if known.concluded and dtype.is_float():
            columns.proven[known.decimal] += 1
        if name not in known.categorical:
            _look(columns, frame, name, dtype)
    told = _majority(columns.proven)
    for name, (evidence, counts) in columns.open.items():
        decimal = told or "."
        columns.found[name] = _numbers(name, evidence, counts, usual(decimal), known)
        if not told and evidence.either and columns.found[name].kind is CellKind.NUMBER:
            columns.warnings.append(_two_readings(name, evidence.sample))
    own = for_column(known.options.decimal, "") or told or ("." if known.concluded else known.decimal)
    return Writings(own, columns.found, tuple(columns.warnings))


def _schema(frame: Frame) -> Iterator[tuple[str, Any]]:
    """The columns with their types; of a sparse table those that stand beside the matrix."""
    whole = frame.whole if isinstance(frame, Rows) else frame
    if isinstance(whole, Sparse):
        yield from ((name, column.dtype) for name, column in whole.own.items())
    else:
        yield from frame.schema.items()


def _majority(proven: Mapping[str, int]) -> str:
    point, comma = proven.get(".", 0), proven.get(",", 0)
    return "" if point == comma else "." if point > comma else ","


def _look(columns: _Columns, frame: Frame, name: str, dtype: Any) -> None:
    """Conclude what one column is, or leave it open."""
    known = columns.known
    asked = dict(known.options.dates).get(name, "")
    if is_number(dtype):
        if asked or (dtype.is_integer() and name not in known.numeric and _may_be_days(frame, name)):
            found = find_dates(counted(frame[name]).counts, asked or "%Y%m%d")
            columns.found |= {} if found is None else {name: _dates(name, found)}
        return
    if is_date(dtype) or is_category(dtype) or dtype.is_nested() or dtype.is_temporal():
        return
    counts = counted(frame[name]).counts
    if counts:
        _look_at_text(columns, name, counts, asked)


def _look_at_text(columns: _Columns, name: str, counts: Counter[str], asked: str) -> None:
    known = columns.known
    every = for_column(known.options.dates, "") or ""
    wanted = name in known.numeric
    dates = None if wanted else _asked_dates(name, counts, asked) if asked else None
    dates = dates or (None if wanted else (every and _usual_dates(counts, every)) or find_dates(counts))
    if dates:
        columns.found[name] = _dates(name, dates)
        return
    evidence = weigh(counts, wanted)
    notation = _said_notation(known.options, name)
    if not wanted and not _is_number(evidence):
        columns.found[name] = replace(TEXT, remarks=_mixed(name, counts))
    elif not wanted and (why := _codes(evidence, known.concluded)):
        said = f"{clean(name)}: {why} (--numeric {shlex.quote(clean(name))} reads numbers)"
        columns.found[name] = replace(TEXT, remarks=(said,), digits=not evidence.padded)
    elif notation is None and not evidence.decimal:
        columns.open[name] = evidence, counts
    else:
        found = _numbers(name, evidence, counts, notation or usual(evidence.decimal), known)
        columns.found[name] = found
        if found.kind is CellKind.NUMBER and notation is None:
            columns.proven[evidence.decimal] += 1


def _said_notation(options: ReadingOptions, name: str) -> Notation | None:
    """The notation that the options say; None where they say nothing of this column."""
    decimal, mark = for_column(options.decimal, name), for_column(options.thousands, name)
    if decimal is None and mark is None:
        return None
    thousands = {None: "", NONE: "", "’": "'"}.get(mark, mark)
    if decimal is None:
        decimal = OTHER.get(thousands or "", ".")
    return Notation(decimal, OTHER[decimal] if mark is None else thousands or "")


def _asked_dates(name: str, counts: Counter[str], form: str) -> Dates:
    """Dates in the form that was asked for; ``DataError`` where no cell is one."""
    found = find_dates(counts, form)
    if found is None:
        cell = next((text for text in counts if text.lower() not in MISSING), "")
        raise DataError(
            f"column {brief(name)}: {brief(cell)} is no date in the form {form}; give its form (--dates)"
        )
    return found


def _usual_dates(counts: Counter[str], form: str) -> Dates | None:
    """Dates in the form that is usual in the table, where all but a few cells are."""
    found = find_dates(counts, form)
    filled = sum(count for text, count in counts.items() if text.lower() not in MISSING)
    odd = 0 if found is None else sum(counts[text] for text in found.odd)
    return found if odd <= MAX_ODD_SHARE * filled else None


def _may_be_days(frame: Frame, name: str) -> bool:
    """Whether whole numbers are days of the calendar, as in 20200105: a few rows acquit most columns."""
    few = Rows(frame.whole if isinstance(frame, Rows) else frame, np.arange(min(PEEKED, len(frame))))
    if not _are_days(number_block(few, name, usual("."))):
        return False
    values = number_block(frame, name, usual("."))
    return _are_days(values) and len(np.unique(values[~np.isnan(values)])) >= FEWEST_DAYS


def _are_days(values: Any) -> bool:
    days = np.unique(values[~np.isnan(values)])
    if not days.size or days[0] < FIRST_DAY or days[-1] > LAST_DAY:
        return False
    read = reader_of("%Y%m%d")
    return all(read(str(int(day))) is not None for day in days)


def _is_number(found: Evidence) -> bool:
    """Whether all but 2 % of the filled cells are numbers, and most of them no limits."""
    return (
        found.filled > 0
        and found.numbers >= (1.0 - MAX_ODD_SHARE) * found.filled
        and found.limits <= MAX_LIMIT_SHARE * found.filled
    )


def _codes(found: Evidence, concluded: bool) -> str:
    """Why numbers are codes: digits of one width that begin with zeros, or whole numbers that the table holds as text."""
    digits = sum(found.widths.values())
    if not digits or digits < (1.0 - MAX_ODD_SHARE) * found.filled:
        return ""
    if found.padded and len(found.widths) == 1:
        return "digits with leading zeros, read as categories"
    return "" if concluded else "whole numbers given as text, read as categories"


def _numbers(
    name: str, evidence: Evidence, counts: Counter[str], notation: Notation, known: Known
) -> Written:
    """The column read in this notation; text where more than 2 % of its filled cells are something else."""
    before, behind = evidence.affix
    notation = replace(notation, before=before, behind=behind)
    odd = odd_tokens(counts, notation)
    strays = sum(counts[text] for text in odd)
    around = evidence.affixes.get(evidence.affix, evidence.filled)
    if name in known.numeric:
        if strays == evidence.filled:
            why = f"{brief(odd[0])} is none" if odd else "all its cells are missing"
            raise DataError(f"column {brief(name)} is asked to be numeric and holds no number: {why}")
    elif (
        strays > MAX_ODD_SHARE * evidence.filled
        or evidence.numbers - around > MAX_ODD_SHARE * evidence.filled
    ):
        return replace(TEXT, remarks=_two_notations(name, evidence, len(counts)))
    removed = _removed(evidence, notation, known.decimal)
    said = [f"{clean(name)}: {removed}"] if removed else []
    return Written(
        CellKind.NUMBER, notation.form, odd=tuple(odd), remarks=(*said, *_read_as_missing(name, odd))
    )


def _removed(found: Evidence, notation: Notation, decimal: str) -> str:
    """What stood on the numbers, in words."""
    marks = [clean(mark) for mark in notation.affix if mark] + (
        ["thousands"] if notation.decimal in found.grouped else []
    )
    said = [f"{' and '.join(marks)} removed"] if marks else []
    said += ["decimal comma"] if notation.decimal == "," and decimal != "," and found.comma else []
    said += ["decimal point"] if notation.decimal == "." and decimal != "." and found.point else []
    said += ["negative in parentheses"] if found.enclosed else []
    if found.limits:
        said.append(f"{found.limits} cells at a limit such as {brief(found.limit)}, read as the limit")
    return "; ".join(said)


def _read_as_missing(name: str, odd: Sequence[str]) -> list[str]:
    if not odd:
        return []
    more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
    return [f"{clean(name)}: {', '.join(brief(t) for t in odd[:SHOWN])}{more} read as missing"]


def _two_readings(name: str, sample: str) -> str:
    """The warning of a column of which nothing tells the decimal mark."""
    number = take_apart(sample)
    assert number is not None  # it was counted as one
    point, comma = (number.value(decimal, OTHER[decimal]) for decimal in ".,")
    return (
        f"{clean(name)}: {brief(sample)} can be {point:.15g} or {comma:.15g}, and nothing in the table tells; read with a"
        f" decimal point, as {point:.15g} (--decimal {shlex.quote(clean(name) + '=,')} reads {comma:.15g})"
    )


def _two_notations(name: str, found: Evidence, levels: int) -> tuple[str, ...]:
    """What is said of a column of numbers that no one notation reads."""
    if found.point and found.comma:
        return (
            f"{clean(name)}: decimal points and decimal commas in one column, read as text (--decimal decides)",
        )
    if 1 < len(found.affixes) <= levels / NUMBERS_PER_UNIT:
        units = ", ".join(brief("".join(affix)) for affix in [*found.affixes][:SHOWN])
        return (f"{clean(name)}: numbers of several units ({units}), read as text",)
    return ()


def _dates(name: str, found: Dates) -> Written:
    said = []
    if found.rival:
        words = {"%m": "month", "%d": "day", "%Y": "year", "%y": "year"}
        one, other = (
            "/".join(words[part] for part in _directives(form) if part in words)
            for form in (found.form, found.rival)
        )
        said.append(
            f"{clean(name)}: dates read as {one}, and could be {other} (--dates {shlex.quote(f'{clean(name)}={found.rival}')})"
        )
    return Written(
        CellKind.DATE, found.form, date_parts(found.form, found.timed), found.odd,
        (*said, *_read_as_missing(name, found.odd)),
    )  # fmt: skip


def _directives(form: str) -> list[str]:
    return [form[j : j + 2] for j in range(len(form)) if form[j] == "%"]


def _mixed(name: str, counts: Counter[str]) -> tuple[str, ...]:
    """What is said of dates in several forms."""
    forms = mixed_forms(counts)
    if len(forms) < 2:
        return ()
    return (
        f"{clean(name)}: dates in several forms ({', '.join(forms[:SHOWN])}), read as text; write them in one",
    )


def settled(cells: Mapping[str, int], trained: Notation, told: str) -> Notation:
    """The notation of a column to predict: what its cells prove, else what the table does, else as in training."""
    found = weigh(cells, whole=True)
    decimal = found.decimal or (told if found.either else "") or trained.decimal
    return (
        trained
        if decimal == trained.decimal
        else replace(trained, decimal=decimal, thousands=trained.decimal)
    )


def table_decimal(frame: Frame, source: Source) -> str:
    """The decimal mark that the columns of a table show; empty where they show none, or both alike."""
    proven: Counter[str] = Counter()
    for name, dtype in _schema(frame):
        if source.concluded and dtype.is_float():
            proven[source.decimal] += 1
        elif dtype == nw.String and source.concluded:
            counts = counted(frame[name]).counts
            if _is_number(found := weigh(counts)) and found.decimal:
                proven[found.decimal] += 1
    return _majority(proven)
