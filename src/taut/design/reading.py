"""Reading: from a CSV or Parquet file, or any data frame, to one table, saying what was found on the way."""

from __future__ import annotations

import csv
import difflib
import gzip
import hashlib
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

Frame: TypeAlias = "nw.DataFrame[Any]"

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 50
NULL_TOKENS = ("?", " ?", "NA", " NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"

_POINT = re.compile(r"[+-]?\d+\.\d+")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class DataError(ValueError):
    """The data cannot be used as they are; the message names the file, column or value and what to do."""


@dataclass(frozen=True)
class Source:
    """What was read: a name for messages, the file's SHA-256 (empty for a frame), how a CSV reads."""

    name: str
    digest: str = ""
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the file departs from a plain comma-separated UTF-8 file with decimal points, in words."""
        spoken = {"\t": "tab", " ": "blanks"}.get(self.delimiter, f"'{self.delimiter}'")
        found = (
            (self.delimiter != ",", f"delimiter {spoken}"),
            (self.decimal != ".", "decimal comma"),
            (self.encoding != "utf-8", f"encoding {self.encoding}"),
        )
        return tuple(text for departs, text in found if departs)


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written: its delimiter, its decimal mark and its header."""

    delimiter: str
    decimal: str
    header: tuple[str, ...]


def clean(text: object) -> str:
    """Return a name or value from the data without control sequences, so that it is safe to print."""
    return _CONTROL.sub("", str(text))


def closest(name: str, known: Iterable[str]) -> str:
    """Say which of the ``known`` names come closest to ``name``: a hint for a message, empty if none is."""
    lowered = {each.lower(): each for each in known}
    matches = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(repr(clean(lowered[m])) for m in matches)}?" if matches else ""


def unknown_column(name: str, frame: Frame, source: Source, role: str = "column") -> DataError:
    """Return the error for a column that is not there: it lists the columns, the closest match first."""
    shown = ", ".join(clean(c) for c in frame.columns[:12])
    more = f", … ({len(frame.columns)} in all)" if len(frame.columns) > 12 else ""
    hint = closest(name, frame.columns)
    return DataError(f"{source.name}: no {role} {clean(name)!r}{hint or '.'} Columns: {shown}{more}")


def read_table(table: object, text_columns: Collection[str] = ()) -> tuple[Frame, Source]:
    """Read a CSV or Parquet file, or take a data frame of any kind that narwhals knows.

    ``text_columns`` are read as text from a CSV, whatever their cells look like. Raises ``DataError``.
    """
    if isinstance(table, (str, Path)):
        return _read_file(Path(table), text_columns)
    return _take_frame(table), Source("data frame")


def _take_frame(table: object) -> Frame:
    if isinstance(table, dict):
        import polars as pl

        table = pl.DataFrame(table)
    try:
        frame: Any = nw.from_native(table)
    except TypeError as error:
        raise DataError(f"a table is a file name or a data frame, not {type(table).__name__}") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    strange = next((c for c in frame.columns if not isinstance(c, str)), None)
    if strange is not None:
        raise DataError(f"column names must be strings, got {strange!r}; rename the columns")
    return _with_rows(frame, "data frame")


def _with_rows(frame: Frame, name: str) -> Frame:
    if not frame.columns or not len(frame):
        raise DataError(f"{name}: there are no rows below the header")
    return frame


def _read_file(path: Path, text_columns: Collection[str]) -> tuple[Frame, Source]:
    data = _bytes(path)
    name, digest = clean(path.name), hashlib.sha256(data).hexdigest()
    if data[:4] == PARQUET_MAGIC:
        return _read_parquet(data, name), Source(name, digest)
    if data[:2] == GZIP_MAGIC:
        data = _gunzip(data, name)
    data, encoding = _as_utf8(data)
    data, aligned = _delimited(data)
    dialect = _dialect(data, name)
    frame = _parse(data, dialect, name, text_columns)
    delimiter = " " if aligned else dialect.delimiter
    return _with_rows(frame, name), Source(name, digest, delimiter, dialect.decimal, encoding)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{clean(path)}: {(error.strerror or str(error)).lower()}") from error


def _gunzip(data: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise DataError(f"{name}: not a readable gzip file ({error})") from error


def _as_utf8(data: bytes) -> tuple[bytes, str]:
    """Return the bytes as UTF-8; other text is read as Windows-1252, the usual export of spreadsheets."""
    for mark in (b"\xff\xfe", b"\xfe\xff"):
        if data.startswith(mark):
            return data.decode("utf-16", errors="replace").encode(), "utf-16"
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode(), "windows-1252"
    return data.removeprefix(b"\xef\xbb\xbf"), "utf-8"


def _delimited(data: bytes) -> tuple[bytes, bool]:
    """Rewrite a table whose cells are set apart by runs of blanks and tabs as one with tabs alone."""
    lines = _sample(data)
    if any(_agreement(list(csv.reader(lines, delimiter=d)))[0] == 1.0 for d in DELIMITERS):
        return data, False
    if not lines or _agreement(_blank_cells("".join(lines)))[0] < 1.0:
        return data, False
    rewritten = io.StringIO()
    csv.writer(rewritten, delimiter="\t").writerows(_blank_cells(data.decode()))
    return rewritten.getvalue().encode(), True


def _blank_cells(text: str) -> list[list[str]]:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return list(csv.reader((line for line in lines if line), delimiter=" "))


def _read_parquet(data: bytes, name: str) -> Frame:
    import polars as pl

    try:
        return _with_rows(nw.from_native(pl.read_parquet(io.BytesIO(data)), eager_only=True), name)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}: not a readable Parquet file ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return clean(next(iter(str(error).splitlines()), "unknown fault"))


def _parse(data: bytes, dialect: Dialect, name: str, text_columns: Collection[str]) -> Frame:
    import polars as pl

    texts = {c: pl.String for c in dialect.header if c in set(text_columns)}
    try:
        frame = _polars_csv(data, dialect, texts)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}: {_ragged(data, dialect) or _first_line(error)}") from error
    return nw.from_native(frame, eager_only=True)


def _polars_csv(data: bytes, dialect: Dialect, texts: dict[str, Any]) -> pl.DataFrame:
    import polars as pl

    return pl.read_csv(
        io.BytesIO(data),
        separator=dialect.delimiter,
        decimal_comma=dialect.decimal == ",",
        infer_schema_length=None,
        null_values=list(NULL_TOKENS),
        schema_overrides=texts,
    )


def _ragged(data: bytes, dialect: Dialect) -> str:
    """Find the first line that has more cells than the header and say so; empty if there is none."""
    wanted = len(dialect.header)
    lines = csv.reader(io.StringIO(data.decode()), delimiter=dialect.delimiter)
    for number, cells in enumerate(lines, start=1):
        if len(cells) > wanted:
            return f"line {number} has {len(cells)} cells, the header has {wanted}; correct that line"
    return ""


def _dialect(data: bytes, name: str) -> Dialect:
    """Find the delimiter (that gives the most lines the header's number of cells), then the decimal mark."""
    lines = _sample(data)
    if not lines:
        raise DataError(f"{name}: the file is empty")
    tables = {d: list(csv.reader(lines, delimiter=d)) for d in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: _agreement(tables[d]))
    rows = tables[delimiter]
    if len(rows[0]) == 1 and len(lines[0].split()) > 1:
        raise DataError(
            f"{name}: one column found ({clean(lines[0].strip())[:60]!r}); delimit cells by , ; | or tab"
        )
    return Dialect(delimiter, _decimal(rows[1:], delimiter), tuple(rows[0]))


def _sample(data: bytes) -> list[str]:
    text = data[:SAMPLE_BYTES].decode(errors="ignore")
    lines = text.splitlines(keepends=True)
    whole = lines[:-1] if len(data) > SAMPLE_BYTES and len(lines) > 1 else lines
    return [line for line in whole if line.strip()][:SAMPLE_LINES]


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    width = len(rows[0]) if rows else 0
    return (sum(len(r) == width for r in rows) / len(rows) if width > 1 else 0.0), width


def _decimal(rows: list[list[str]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(_COMMA.fullmatch(c) is not None for c in cells)
    points = sum(_POINT.fullmatch(c) is not None for c in cells)
    return "," if commas > points else "."
