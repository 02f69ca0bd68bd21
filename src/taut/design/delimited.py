"""Delimited text: encoding, delimiter, decimal mark and header of a CSV file, found and said."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import narwhals as nw

from taut.design.faults import DataError, brief, clean
from taut.design.source import Found, Source, Wanted

if TYPE_CHECKING:
    import polars as pl

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 50
NULL_TOKENS = ("?", " ?", "NA", " NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_POINT = re.compile(r"[+-]?\d+\.\d+")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # ESC is left: it colours logs, and names are cleaned


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written: its delimiter, its decimal mark, its columns, and whether a header names them."""

    delimiter: str
    decimal: str
    columns: tuple[str, ...]
    header: bool = True


def read_delimited(data: bytes, name: str, wanted: Wanted) -> Found:
    """Read a CSV file of any usual kind. Raises ``DataError``, which names the line."""
    data, encoding = _as_utf8(data, name)
    check_text(data, name)
    layout = layout_of(data)
    if layout is not None:
        plain = io.StringIO()
        write_plain(io.StringIO(data.decode(), newline=""), layout, plain, name)
        data = plain.getvalue().encode()
    dialect = dialect_of(data, name, wanted.header)
    frame = parse(data, dialect, name, set(wanted.texts))
    if not frame.height and (fault := _open_quote(data, dialect.delimiter)):
        raise DataError(f"{name}: {fault}; correct that line")
    notes = (*renamed(data, dialect), *told_short(short_lines(frame, data, dialect)))
    source = Source(name, "", dialect.delimiter, dialect.decimal, encoding, wanted.header, notes)
    return Found(nw.from_native(frame, eager_only=True), as_written(source, layout))


def _as_utf8(data: bytes, name: str) -> tuple[bytes, str]:
    """Return the bytes as UTF-8; other text is read as Windows-1252, the usual export of spreadsheets."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding).encode(), encoding
            except UnicodeError as error:
                raise DataError(
                    f"{name}: begins as {encoding} and breaks off ({error}); save it as UTF-8"
                ) from error
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode(), "windows-1252"
    return data.removeprefix(codecs.BOM_UTF8), "utf-8"


def check_text(data: bytes, name: str, before: int = 0) -> None:
    """Refuse what is no text, naming the line (``before`` stand above) of the first byte that text does not hold."""
    if not data.strip():
        raise DataError(f"{name}: the file is empty")
    odd = _BINARY.search(data)
    if odd is None:
        return
    line = before + data.count(b"\n", 0, odd.start()) + 1
    found = "a NUL byte" if odd[0] == b"\0" else f"the control character {odd[0][0]:#04x}"
    raise DataError(
        f"{name}: line {line} holds {found}, so this is no text table; give CSV (as UTF-8) or Parquet"
    )


class Layout(NamedTuple):
    """How the cells stand of a table that is rewritten before it is read: in single quotes, or apart by runs of blanks."""

    delimiter: str
    quoted: bool = False


BLANKS = Layout(" ")


def layout_of(head: bytes) -> Layout | None:
    """The layout of a table that begins like this; None where a delimiter and double quotes tell its cells apart."""
    lines = _sample(head)
    quoted = _single_quoted(lines)
    if quoted:
        return Layout(quoted, quoted=True)
    divided = any(_agreement(_rows(lines, d))[0] == 1.0 for d in DELIMITERS)
    aligned = lines and not divided and _agreement(_blank_cells("".join(lines)))[0] == 1.0
    return BLANKS if aligned else None


def write_plain(lines: TextIO, layout: Layout, out: TextIO, name: str) -> None:
    """Rewrite a table of this layout with delimiters, or tabs for blanks, and with double quotes where they are needed."""
    writer = csv.writer(out, delimiter="\t" if layout is BLANKS else layout.delimiter, lineterminator="\n")
    try:
        if layout is BLANKS:
            writer.writerows(cells for line in lines for cells in _blank_cells(line))
        else:
            writer.writerows(csv.reader(lines, delimiter=layout.delimiter, quotechar="'"))
    except csv.Error as error:
        raise DataError(f"{name}: not a readable table ({error}); delimit its cells by commas") from error


def as_written(source: Source, layout: Layout | None, encoding: str = "") -> Source:
    """The source of a rewritten table as it was before, ``encoding`` too where it is given."""
    quotes = ("cells stand in single quotes",) if layout is not None and layout.quoted else ()
    return replace(
        source,
        delimiter=source.delimiter if layout is None else layout.delimiter,
        encoding=encoding or source.encoding,
        notes=(*quotes, *source.notes),
    )


def _single_quoted(lines: list[str]) -> str:
    """The delimiter of a table with single quotes: half of the lines have such a cell, none a double quote."""
    if any('"' in line for line in lines):
        return ""
    for d in DELIMITERS:
        edge = re.escape(d)
        cell = re.compile(rf"(^|{edge})'[^']*'(?={edge}|\s*$)")
        quoted = sum(cell.search(line) is not None for line in lines)
        if quoted and 2 * quoted >= len(lines) and _agreement(_rows(lines, d, "'"))[0] == 1.0:
            return d
    return ""


def _rows(lines: list[str], delimiter: str, quote: str = '"') -> list[list[str]]:
    """The cells of some lines; none where they cannot be told apart."""
    try:
        return list(csv.reader(lines, delimiter=delimiter, quotechar=quote))
    except csv.Error:
        return []


def _blank_cells(text: str) -> list[list[str]]:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return _rows([line for line in lines if line], " ")


def dialect_of(data: bytes, name: str, header: bool) -> Dialect:
    """Find the delimiter (that gives the most lines the first one's number of cells), then the decimal mark."""
    lines = _sample(data)
    tables = {d: _rows(lines, d) for d in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: _agreement(tables[d]))
    rows = tables[delimiter]
    if not rows:
        raise DataError(f"{name}: {_open_quote(data, delimiter) or 'no table'}; correct that line")
    if len(rows[0]) == 1 and len(lines[0].split()) > 1:
        what = (
            "remove the lines above the header"
            if lines[0].startswith("#")
            else "delimit cells by , ; | or tab"
        )
        raise DataError(f"{name}: one column found ({brief(lines[0].strip())}); {what}")
    decimal = _decimal(rows[1:] if header else rows, delimiter)
    columns = _names(rows[0]) if header else tuple(f"c{j + 1}" for j in range(len(rows[0])))
    return Dialect(delimiter, decimal, columns, header)


def _names(cells: list[str]) -> tuple[str, ...]:
    """Names without surrounding blanks, each once: a second "a" is called "a (2)"."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    named = [cell.strip() or "unnamed" for cell in cells]
    taken = set(named)
    for cell in named:
        seen[cell] += 1
        name = cell
        while seen[cell] > 1 and (name == cell or name in taken):
            name = f"{cell} ({seen[cell]})"
            seen[cell] += name in taken
        taken.add(name)
        names.append(name)
    return tuple(names)


def renamed(data: bytes, dialect: Dialect) -> list[str]:
    """What is to be said about names that stand twice in the header."""
    if not dialect.header:
        return []
    given = [cell.strip() or "unnamed" for cell in _rows(_sample(data), dialect.delimiter)[0]]
    twice = [(old, new) for old, new in zip(given, dialect.columns, strict=True) if old != new]
    return [f"{brief(old)} names several columns; another is called {brief(new)}" for old, new in twice[:3]]


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


def parse(data: bytes, dialect: Dialect, name: str, texts: set[str], before: int = 0) -> pl.DataFrame:
    """Read lines, ``before`` which others stand, with the columns ``texts`` as text; ``DataError`` names a bad line."""
    import polars as pl

    try:
        return _polars_csv(data, dialect, {c: pl.String for c in dialect.columns if c in texts})
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = clean(next(iter(str(error).splitlines()), "unknown fault"))
        raise DataError(f"{name}: {_fault(data, dialect, before) or said}; correct that line") from error


def _polars_csv(data: bytes, dialect: Dialect, texts: dict[str, Any]) -> pl.DataFrame:
    import polars as pl

    return pl.read_csv(
        io.BytesIO(data),
        separator=dialect.delimiter,
        decimal_comma=dialect.decimal == ",",
        infer_schema_length=None,
        null_values=list(NULL_TOKENS),
        has_header=dialect.header,
        new_columns=list(dialect.columns),
        schema_overrides=texts,
    )


def _fault(data: bytes, dialect: Dialect, before: int) -> str:
    """Find the first line with more cells than columns, or the quote that is never closed; empty if neither is."""
    wanted = len(dialect.columns)
    lines = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=dialect.delimiter)
    try:
        for cells in lines:
            if len(cells) > wanted:
                return f"line {before + lines.line_num} has {len(cells)} cells, the first line has {wanted}"
    except csv.Error as error:
        return f"line {before + lines.line_num}: {error}"
    return _open_quote(data, dialect.delimiter, before)


def _open_quote(data: bytes, delimiter: str, before: int = 0) -> str:
    """The line where a quote is opened that is never closed; empty if there is none."""
    lines = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True)
    start = before
    try:
        for _ in lines:
            start = before + lines.line_num
    except csv.Error as error:
        if "limit" in str(error):
            return f"line {start + 1}: a cell of more than {csv.field_size_limit()} characters, or a quote never closed"
        words = {
            "unexpected end": "a quote is opened on it and never closed",
            "expected after": 'text follows a closing quote (a quote inside a cell is written "")',
        }
        return (
            f"line {start + 1}: {next((said for sign, said in words.items() if sign in str(error)), error)}"
        )
    return ""


def short_lines(frame: pl.DataFrame, data: bytes, dialect: Dialect, before: int = 0) -> list[int]:
    """The lines that end early: their last cells were read as missing."""
    if frame.width < 2 or not frame[frame.columns[-1]].null_count():
        return []  # a short line leaves the last column empty
    lines = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=dialect.delimiter)
    return [before + lines.line_num for cells in lines if 0 < len(cells) < frame.width]


def told_short(lines: list[int]) -> list[str]:
    """``short_lines`` in words."""
    if not lines:
        return []
    more = f" and {len(lines) - 1} more end" if len(lines) > 1 else " ends"
    return [f"line {lines[0]}{more} early: the cells that are not there read as missing"]
