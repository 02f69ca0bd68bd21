"""Values: the cells of one column as numbers, dates or text; what cannot be read as such is missing."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np

from taut.design.stored import Frame
from taut.types import Float

Column: TypeAlias = "nw.Series[Any]"

MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "--", "missing"})
TRUTH = {"true": 1.0, "false": 0.0}
MAX_ODD_TOKENS = 3
MAX_ODD_SHARE = 0.02

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TIME = re.compile(r"[T ]\d{1,2}:.*")
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")


class Part(enum.IntEnum):
    """Which number is taken from a cell: its value, or one part of a date (year; month 1-12; Monday = 1)."""

    VALUE = 0
    YEAR = 1
    MONTH = 2
    WEEKDAY = 3

    @property
    def suffix(self) -> str:
        """What is added to the column's name in the name of the feature."""
        return "" if self is Part.VALUE else f" {self.name.lower()}"


DATE_PARTS = (Part.YEAR, Part.MONTH, Part.WEEKDAY)


def is_number(dtype: Any) -> bool:
    """Whether cells of this type are numbers or truth values already."""
    return bool(dtype.is_numeric()) or dtype == nw.Boolean


def is_date(dtype: Any) -> bool:
    """Whether cells of this type are dates or times."""
    return isinstance(dtype, nw.Date | nw.Datetime) or dtype in (nw.Date, nw.Datetime)


def number_block(frame: Frame, names: list[str], decimal: str) -> Float:
    """Return the named columns as one (n, m) array in Fortran order; NaN where there is no finite number."""
    block = raw_numbers(frame, names, decimal)
    block[np.isinf(block)] = np.nan
    return block


def raw_numbers(frame: Frame, names: list[str], decimal: str) -> Float:
    """Return the named columns as one (n, m) array in Fortran order; NaN where there is no number."""
    # A table of very many columns takes long to say what all of them are.
    schema = frame.schema if len(names) > 1 else {c: frame[c].dtype for c in names}
    ready = [c for c in names if is_number(schema[c])]
    block = np.empty((len(frame), len(names)), order="F")
    if ready:
        block[:, [is_number(schema[c]) for c in names]] = _cast(frame.select(ready))
    for j, name in enumerate(names):
        if not is_number(schema[name]):
            block[:, j] = parse_numbers(frame[name], decimal)
    return block


def _cast(numeric: nw.DataFrame[Any]) -> Any:
    """Columns of numbers and truth values as doubles (n, m), NaN where a cell is missing."""
    doubles = numeric.select(nw.all().cast(nw.Float64))
    block = doubles.to_numpy()
    if block.dtype == np.float64:
        return block
    # The columns of a pandas frame that Arrow holds have a missing value of their own, which only a column can turn to NaN.
    return np.column_stack([column.to_numpy() for column in doubles.iter_columns()])


def texts(column: Column) -> list[str | None]:
    """Return the cells as text without surrounding blanks, None where missing."""
    cells = cells_of(column)
    if column.dtype == nw.Object:  # its cells may be anything, lists too
        return [_text(cell) for cell in cells]
    text = {cell: _text(cell) for cell in set(cells)}
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


def parse_numbers(column: Column, decimal: str) -> Float:
    """Read text as numbers (true and false as 1 and 0); NaN for everything else."""
    return _mapped(texts(column), lambda text: as_number(text, decimal))


def _mapped(cells: Iterable[str | None], read: Callable[[str], float]) -> Float:
    known: dict[str | None, float] = {None: np.nan}
    for cell in cells:
        if cell not in known and cell is not None:
            known[cell] = read(cell)
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def as_number(text: str, decimal: str = ".") -> float:
    """Read one number, with a decimal comma where ``decimal`` says so; NaN if it is none."""
    point = text.replace(".", "").replace(",", ".") if decimal == "," and "," in text else text
    if _NUMBER.fullmatch(point):
        return float(point)
    return TRUTH.get(text.lower(), np.nan)


def odd_tokens(levels: Iterable[str], decimal: str) -> list[str]:
    """Return the distinct texts that are neither numbers nor a usual sign for a missing value."""
    return [t for t in levels if t.lower() not in MISSING and np.isnan(as_number(t, decimal))]


def date_format(levels: list[str]) -> str:
    """Return the one format in which every text is a date; empty if there is none."""
    if not levels or len(levels[0]) < 8 or not levels[0][0].isdigit():
        return ""
    return next((f for f in _DATE_FORMATS if all(_as_date(t, f) is not None for t in levels)), "")


def ambiguous(levels: list[str], form: str) -> bool:
    """Whether dates written with the month first could as well have the day first."""
    return form == "%m/%d/%Y" and all(_as_date(t, "%d/%m/%Y") is not None for t in levels)


def _as_date(text: str, form: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(_TIME.sub("", text), form).date()
    except ValueError:
        return None


def date_numbers(column: Column, part: Part, form: str) -> Float:
    """Return one part of each date as a number; NaN where missing or not a date in the format ``form``."""
    cells = texts(column)
    return _mapped(cells, lambda text: _part(_as_date(text, form or _DATE_FORMATS[0]), part))


def times(frame: Frame, name: str, decimal: str) -> Float:
    """Return a column as numbers that grow with time: dates and times as days since year 1, numbers as they are.

    NaN where a cell is missing or is no number, and all NaN where texts are no dates of one form either.
    """
    column = frame[name]
    if is_number(column.dtype):
        return number_block(frame, [name], decimal)[:, 0]
    cells = texts(column)
    levels = sorted({cell for cell in cells if cell is not None and cell.lower() not in MISSING})
    if all(_instant(level) is not None for level in levels):
        return _mapped(cells, lambda text: np.nan if (found := _instant(text)) is None else found)
    form = date_format(levels)
    if form:
        return _mapped(
            cells, lambda text: np.nan if (day := _as_date(text, form)) is None else day.toordinal()
        )
    return number_block(frame, [name], decimal)[:, 0]


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


def _part(date: datetime.date | None, part: Part) -> float:
    if date is None:
        return np.nan
    return float({Part.YEAR: date.year, Part.MONTH: date.month, Part.WEEKDAY: date.isoweekday()}[part])
