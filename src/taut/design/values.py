"""Values: the cells of one column as numbers, dates or text; what cannot be read as such is missing."""

from __future__ import annotations

import datetime
import enum
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np

from taut.design.dates import ISO, Moment, find_dates, is_gap, reader_of
from taut.design.notation import Notation, read_number
from taut.design.stored import Frame
from taut.types import Float

Column: TypeAlias = "nw.Series[Any]"

RUN = 1 << 20
"""Cells that are read as text together."""


class Part(enum.IntEnum):
    """Which number is taken from a cell: its value, or one part of a date (year; month 1-12; Monday = 1; hour 0-23)."""

    VALUE = 0
    YEAR = 1
    MONTH = 2
    WEEKDAY = 3
    HOUR = 4

    @property
    def suffix(self) -> str:
        """What is added to the column's name in the name of the feature."""
        return "" if self is Part.VALUE else f" {self.name.lower()}"


def date_parts(form: str, timed: bool) -> tuple[Part, ...]:
    """The parts of dates in this form: the weekday where it has days, the hour where times stand behind."""
    weekday = (Part.WEEKDAY,) if "%d" in form else ()
    return (Part.YEAR, Part.MONTH, *weekday, *((Part.HOUR,) if timed else ()))


def is_number(dtype: Any) -> bool:
    """Whether cells of this type are numbers or truth values already."""
    return bool(dtype.is_numeric()) or dtype == nw.Boolean


def is_date(dtype: Any) -> bool:
    """Whether cells of this type are dates or times."""
    return isinstance(dtype, nw.Date | nw.Datetime) or dtype in (nw.Date, nw.Datetime)


def is_category(dtype: Any) -> bool:
    """Whether cells of this type are the levels of a category, whatever they look like."""
    return isinstance(dtype, nw.Categorical | nw.Enum) or dtype in (nw.Categorical, nw.Enum)


def number_block(frame: Frame, name: str, notation: Notation) -> Float:
    """Return a column as numbers (n,); NaN where there is no finite number."""
    values = raw_numbers(frame, [name], [notation])[:, 0]
    values[np.isinf(values)] = np.nan
    return values


def raw_numbers(frame: Frame, names: list[str], notations: Sequence[Notation]) -> Float:
    """Return the named columns, each written in its notation, as one (n, m) array in Fortran order; NaN for no number."""
    # A table of very many columns takes long to say what all of them are.
    schema = frame.schema if len(names) > 1 else {c: frame[c].dtype for c in names}
    ready = [c for c in names if is_number(schema[c])]
    block = np.empty((len(frame), len(names)), order="F")
    if ready:
        # To select one of very many columns takes long, too.
        numeric = frame[ready[0]].to_frame() if len(ready) == 1 else frame.select(ready)
        block[:, [is_number(schema[c]) for c in names]] = _cast(numeric)
    for j, (name, notation) in enumerate(zip(names, notations, strict=True)):
        if not is_number(schema[name]):
            block[:, j] = parse_numbers(frame[name], notation)
    return block


def _cast(numeric: nw.DataFrame[Any]) -> Any:
    """Columns of numbers and truth values as doubles (n, m), NaN where a cell is missing."""
    plain = numeric.implementation.is_polars() and all(kind == nw.Float64 for kind in numeric.schema.values())
    doubles = numeric if plain else numeric.select(nw.all().cast(nw.Float64))
    block = doubles.to_numpy()
    if block.dtype == np.float64:
        return block
    # The columns of a pandas frame that Arrow holds have a missing value of their own, which only a column can turn to NaN.
    return np.column_stack([column.to_numpy() for column in doubles.iter_columns()])


class Cells(NamedTuple):
    """How often each text stands in a column, in the order of their first cells, and whether cells are missing."""

    counts: Counter[str]
    gaps: bool


def counted(column: Column) -> Cells:
    """Count the cells as texts."""
    counts: Counter[str | None] = Counter()
    for start in range(0, len(column), RUN):
        run = column[start : start + RUN]
        found = Counter(texts(run) if run.dtype == nw.Object else cells_of(run))
        for cell, count in found.items():
            counts[_text(cell)] += count
    gaps = counts.pop(None, 0)
    return Cells(Counter({cell: count for cell, count in counts.items() if cell is not None}), gaps > 0)


def texts(column: Column) -> list[str | None]:
    """Return the cells as text without surrounding blanks, None where missing."""
    cells = cells_of(column)
    if column.dtype == nw.Object:  # its cells may be anything, lists too
        return [_text(cell) for cell in cells]
    text = {cell: _text(cell) for cell in set(cells)}
    if all(cell is said for cell, said in text.items()):
        return cells
    return [text[cell] for cell in cells]


def cells_of(column: Column) -> list[Any]:
    """The cells as Python's own values, None where missing, whatever the library writes there."""
    cells = column.to_list()
    if not column.null_count():
        return cells
    gone = column.is_null().to_list()
    return [None if missing else cell for cell, missing in zip(cells, gone, strict=True)]


def _text(cell: object) -> str | None:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # the level that the same column of whole numbers has
    return str(cell).strip() or None


def parse_numbers(column: Column, notation: Notation) -> Float:
    """Read text as numbers (true and false as 1 and 0); NaN for everything else."""
    return _mapped(texts(column), lambda text: read_number(text, notation))


def _mapped(cells: Iterable[str | None], read: Callable[[str], float]) -> Float:
    known: dict[str | None, float] = {None: np.nan}
    for cell in cells:
        if cell not in known and cell is not None:
            known[cell] = read(cell)
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def date_numbers(column: Column, parts: Sequence[Part], form: str) -> Float:
    """Return parts of each date as numbers (n, m); NaN where missing or not a date in the form, ISO 8601 where it is empty."""
    cells, read = texts(column), reader_of(form or ISO)
    moments = {cell: None if cell is None else read(cell) for cell in dict.fromkeys(cells)}
    known = {cell: [_part(moment, part) for part in parts] for cell, moment in moments.items()}
    return np.array([known[cell] for cell in cells], dtype=np.float64).reshape(len(cells), len(parts))


def _part(moment: Moment | None, part: Part) -> float:
    if moment is None:
        return np.nan
    day = moment.day
    if part is Part.HOUR:
        return float(moment.time.hour if moment.time else 0)
    return float({Part.YEAR: day.year, Part.MONTH: day.month, Part.WEEKDAY: day.isoweekday()}[part])


def times(frame: Frame, name: str, notation: Notation, form: str = "") -> Float:
    """Return a column as numbers that grow with time: dates and times as days since year 1, numbers as they are.

    ``form``: how its dates are written, empty to find out. NaN where a cell is missing or is no number, and all NaN where
    texts are no dates of one form either.
    """
    column = frame[name]
    if is_number(column.dtype) and not form:
        return number_block(frame, name, notation)
    cells = texts(column)
    levels = {cell: 1 for cell in cells if cell is not None and not is_gap(cell)}
    if not form and all(_instant(level) is not None for level in levels):
        return _mapped(cells, lambda text: np.nan if (found := _instant(text)) is None else found)
    found = find_dates(levels, form)
    if found:
        read = reader_of(found.form)
        return _mapped(cells, lambda text: np.nan if (moment := read(text)) is None else moment.days)
    return number_block(frame, name, notation)


def _instant(text: str) -> float | None:
    """Days since year 1 of a date or time as ISO 8601 writes it, at UTC where no zone is said."""
    if len(text) < 8 or text.isdigit():
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    day = found.replace(tzinfo=found.tzinfo or datetime.UTC) - datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)
    return day / datetime.timedelta(days=1)
