"""Delimited text: a CSV file of any usual kind becomes a table, and what was found on the way is said."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import narwhals as nw

from taut.design.ambiguous import AmbiguousColumns
from taut.design.dialects import BLANKS, find_quotes
from taut.design.encodings import Encoding, decoded, marked_encoding, unmarked_encoding
from taut.design.faults import DataError
from taut.design.layout import Layout, Sample, find_layout
from taut.design.reading_options import ReadingOptions
from taut.design.rewriting import LONGEST_TOKEN, NULL_TOKENS, SIGN, RaggedLines, guard, write_plain
from taut.design.source import Found, Source, Wanted

if TYPE_CHECKING:
    import polars as pl

SAMPLE_BYTES = 1 << 20
PART_BYTES = 1 << 14
PARTS = 3
FEWEST_LINES = 3
"""Lines that the top of a file holds at least, however long they are."""
CTRL_Z = b"\x1a"
SURPLUS = "\0"
"""The name of a column of empty cells behind the last one, which no other column can have."""

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # ESC is left: it colours logs, and names are cleaned
_FILLED = re.compile(rb"\S")
_BLANK_LINES = (b"\n\n", b"\n\r\n")
_ODD_ENDS = (CTRL_Z, *_BLANK_LINES)
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class Untidy(Exception):
    """Lines that a fast reader does not take as they stand; a careful one does, or names the fault."""


@dataclass(frozen=True)
class Text:
    """What is said about cells besides their layout: columns of text, columns in which NA is a value, more signs of gaps."""

    texts: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    gaps: tuple[str, ...] = ()


def text_of(wanted: Wanted) -> Text:
    """Columns with marks or dates of their own are read as text: only whoever knows the marks can read them."""
    options = wanted.options
    return Text(
        frozenset({*wanted.texts, *options.marked, *options.keep_na}),
        frozenset(options.keep_na),
        options.na_values,
    )


def read_delimited(data: bytes, name: str, wanted: Wanted) -> Found:
    """Read a CSV file of any usual kind. Raises ``DataError``, which names the line."""
    data, encoding = as_utf8(data, name, wanted.options)
    data = tidy_ends(data)
    check_text(data, name)
    layout = find_layout(sample_of(data), name, wanted.options)
    layout = settle_quotes(layout, data, wanted.options)
    text, ambiguous = text_of(wanted), ambiguous_of(layout, wanted, whole=True)
    frame, ragged = _parsed(data, layout, name, text, ambiguous)
    notes = (*encoding.notes, *layout.notes, *ragged.notes)
    return Found(
        nw.from_native(frame, eager_only=True), source_of(name, layout, encoding.spoken, wanted, notes)
    )


def source_of(name: str, layout: Layout, encoding: str, wanted: Wanted, notes: tuple[str, ...]) -> Source:
    """What is remembered of a delimited file."""
    quotes = {"'": ("cells stand in single quotes",), "": ("quotes are part of the text",)}.get(
        layout.dialect.quote, ()
    )
    return Source(
        name, "", layout.dialect.delimiter, layout.decimal, encoding, wanted.options.header, (*quotes, *notes),
        concluded=True,
    )  # fmt: skip


def as_utf8(data: bytes, name: str, options: ReadingOptions) -> tuple[bytes, Encoding]:
    """Return the bytes as UTF-8 without a mark, and the encoding that they had: as asked, marked, or told by the words."""
    if options.encoding is not None:
        text = decoded(data, options.encoding, name, asked=True)
        return text.removeprefix("\ufeff").encode(), Encoding(options.encoding)
    marked = marked_encoding(data)
    if marked:
        return decoded(data, marked, name).encode(), Encoding(marked)
    try:
        data.decode()
    except UnicodeDecodeError:
        check_text(tidy_ends(data), name)
        found = unmarked_encoding(iter([data]), name)
        return decoded(data, found.name, name, asked=True).encode(), found
    return data, Encoding("utf-8")


def tidy_ends(data: bytes) -> bytes:
    """Carriage returns alone become line feeds; a final Ctrl-Z of DOS goes, and blank lines at the end."""
    if lone_returns(data):
        data = _LONE_RETURN.sub(b"\n", data)
    if data.endswith(_ODD_ENDS):
        data = data.rstrip(CTRL_Z + b"\r\n") + b"\n"
    return data


def lone_returns(data: bytes) -> bool:
    """Whether carriage returns end the lines."""
    if b"\r" not in data:
        return False
    return data.count(b"\r") - data.count(b"\r\n") > data.count(b"\n")


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


def sample_of(data: bytes) -> Sample:
    """Whole lines from the top, the middle and the end of UTF-8 bytes."""
    size = len(data)
    if size <= SAMPLE_BYTES:
        return Sample(data.decode())
    end = SAMPLE_BYTES
    for _ in range(FEWEST_LINES):
        end = max(end, data.find(b"\n", end) + 1 or size) if data.count(b"\n", 0, end) < FEWEST_LINES else end
    head = data[: data.rfind(b"\n", 0, end) + 1 or size]
    starts = [len(head) + (size - len(head)) * k // (PARTS + 1) for k in range(1, PARTS + 1)]
    parts = (whole_lines(data[start : start + PART_BYTES]) for start in starts)
    tail = whole_lines(data[max(len(head) - 1, size - PART_BYTES) :], last=True)
    return Sample(head.decode(), tuple(p for p in parts if p), tail)


def whole_lines(piece: bytes, last: bool = False) -> str:
    """The lines that lie in a piece as a whole, the last one too where the piece ends the file."""
    start = piece.find(b"\n") + 1
    end = len(piece) if last else piece.rfind(b"\n") + 1
    return piece[start:end].decode(errors="ignore") if 0 < start < end else ""


def settle_quotes(layout: Layout, data: bytes, options: ReadingOptions) -> Layout:
    """The layout with what all quotes of the file say: escaped ones, ones behind a blank, ones that are text."""
    dialect = replace(layout.dialect, padded=False)
    mark, quote = dialect.delimiter, dialect.quote
    if not find_quotes(data, mark, quote).formed:
        escape = b"\\" + quote.encode()
        if f"{mark} {quote}".encode() in data:
            dialect = replace(dialect, padded=dialect.delimiter != BLANKS)
        elif escape in data and find_quotes(data.replace(escape, b"\\\\"), mark, quote).formed:
            dialect = replace(dialect, escaped=True)
        elif options.quote is None and dialect.delimiter != BLANKS and _quotes_are_text(layout, data):
            dialect = replace(dialect, quote="")
    return replace(layout, dialect=dialect)


def _quotes_are_text(layout: Layout, data: bytes) -> bool:
    """Whether all lines have as many cells as there are columns if quotes are taken as text, and none is in a number."""
    quote, mark = layout.dialect.quote.encode(), layout.dialect.delimiter.encode()
    for line in data.split(b"\n")[layout.above : -layout.below or None]:
        if line.strip() and line.count(mark) != layout.width - 1:
            return False
        if quote in line:
            cells = zip(line.split(mark), layout.numbers, strict=False)
            if any(quote in cell and number for cell, number in cells):
                return False
    return True


def _parsed(
    data: bytes, layout: Layout, name: str, text: Text, ambiguous: AmbiguousColumns | None = None
) -> tuple[pl.DataFrame, RaggedLines]:
    """The table, read fast where the lines allow it, else rewritten before."""
    start, stop = place_of_line(data, layout.above), place_of_last(data, layout.below)
    if not _FILLED.search(data, start, stop):
        raise DataError(f"{name}: there are no rows below the header")
    try:
        if layout.above == 1 and not layout.below:
            return parse(data, layout, text, ambiguous, headed=True), RaggedLines()
        return parse(data[start:stop], layout, text, ambiguous), RaggedLines()
    except Untidy:
        lines = io.StringIO(data[start:stop].decode(), newline="\n")
    plain = io.StringIO()
    ragged = write_plain(lines, layout, layout.above, plain, name)
    try:
        return parse(plain.getvalue().encode(), layout.rewritten, text, ambiguous), ragged
    except Untidy as error:
        raise no_table(name) from error


def no_table(name: str) -> DataError:
    """The error for lines that no reader takes."""
    return DataError(f"{name}: its lines are no table of cells; say how it is written (--delimiter, --quote)")


def place_of_line(data: bytes, lines: int) -> int:
    """Where the line behind so many begins."""
    place = 0
    for _ in range(lines):
        place = data.find(b"\n", place) + 1 or len(data)
    return place


def place_of_last(data: bytes, lines: int) -> int:
    """Where the last so many lines begin; the end for none."""
    place = len(data)
    for _ in range(lines):
        place = data.rfind(b"\n", 0, place - 1) + 1
    return place


def parse(
    body: bytes,
    layout: Layout,
    text: Text,
    ambiguous: AmbiguousColumns | None = None,
    *,
    headed: bool = False,
) -> pl.DataFrame:
    """Read rows of cells, below a line of names where ``headed``; ``Untidy`` where a fast reader could be wrong.

    ``ambiguous`` takes up the columns that should have been read as text.
    """
    import polars as pl

    dialect = layout.dialect
    quotes = find_quotes(body, dialect.delimiter, dialect.quote)
    if not (dialect.is_plain and quotes.formed):
        raise Untidy
    if quotes.any_of(LONGEST_TOKEN):
        body = guard(body, dialect)
    body = _unpadded(body, layout)
    try:
        frame = _polars_csv(body, layout, text, (*NULL_TOKENS, *text.gaps), headed)
        if text.kept:
            kept = _polars_csv(body, layout, text, (), headed)
            frame = frame.with_columns(kept[name] for name in text.kept if name in layout.columns)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise Untidy from error
    if (
        frame.width != layout.width
        or _has_blank_lines(frame, body)
        or _has_short_lines(frame, body, layout, headed)
    ):
        raise Untidy
    frame = _tidied(frame, layout, text)
    if ambiguous is None:
        return frame
    as_text = partial(_as_text, body, layout, text, headed)
    ambiguous.look(frame, body, as_text)
    again = ambiguous.columns - text.texts if ambiguous.whole else None
    return frame.with_columns(as_text([*again])) if again else frame


def _as_text(body: bytes, layout: Layout, text: Text, headed: bool, columns: list[str]) -> pl.DataFrame:
    """Some columns of the same rows, every cell as it stands."""
    import polars as pl

    places = sorted(layout.columns.index(name) for name in columns)
    frame = pl.read_csv(
        io.BytesIO(body),
        separator=layout.dialect.delimiter,
        quote_char=layout.dialect.quote or None,
        infer_schema=False,
        null_values=[*NULL_TOKENS, *text.gaps],
        has_header=False,
        skip_rows=int(headed),
        columns=places,
    )
    frame.columns = [layout.columns[place] for place in places]
    return _tidied(frame, replace(layout, surplus=False), text)


def ambiguous_of(layout: Layout, wanted: Wanted, whole: bool) -> AmbiguousColumns:
    """What may be in doubt of a file of this layout: its decimal mark, where no option says it."""
    said = any(not name for name, _ in (*wanted.options.decimal, *wanted.options.thousands))
    mark = "," if _has_decimal_commas(layout) else "."
    return AmbiguousColumns(
        layout.dialect.delimiter, mark, wanted.labels, not said, mark != layout.decimal, whole
    )


def _has_decimal_commas(layout: Layout) -> bool:
    """Whether the fast reader takes commas for decimal marks."""
    return layout.decimal == "," and layout.dialect.delimiter != ","


def _has_blank_lines(frame: pl.DataFrame, body: bytes) -> bool:
    """Whether there may be lines without a cell, which were read as rows of gaps."""
    if not all(column.null_count() for column in frame.iter_columns()):
        return False
    return body[:1] in b"\r\n" or any(blank in body for blank in _BLANK_LINES)


def _has_short_lines(frame: pl.DataFrame, body: bytes, layout: Layout, headed: bool) -> bool:
    """Whether a line has fewer cells than there are columns: they were read as missing."""
    if frame.width < 2 or not frame[frame.columns[-1]].null_count():
        return False  # a short line leaves the last column empty
    dialect = layout.dialect
    if not dialect.quote or dialect.quote.encode() not in body:
        return body.count(dialect.delimiter.encode()) < (frame.height + headed) * (frame.width - 1)
    lines = io.StringIO(body.decode(), newline="\n")
    return any(0 < len(row.cells) < frame.width for row in dialect.rows(lines))


def _unpadded(body: bytes, layout: Layout) -> bytes:
    """Blanks around a delimiter removed, where no quote can stand around them."""
    mark, quote = layout.dialect.delimiter.encode(), layout.dialect.quote.encode()
    if (mark + b" " not in body and b" " + mark not in body) or (quote and quote in body):
        return body
    edge = re.escape(mark)
    return re.sub(rb"(?m)^ +| +$|(?<=%b) +| +(?=%b|\r$)" % (edge, edge), b"", body)


def _tidied(frame: pl.DataFrame, layout: Layout, text: Text) -> pl.DataFrame:
    """The columns alone, without the guard of texts and blanks around; ``Untidy`` where a cell stands behind the last one."""
    import polars as pl

    if layout.surplus:
        if frame[frame.columns[-1]].null_count() < frame.height:
            raise Untidy
        frame = frame[:, :-1]
    if pl.String not in frame.dtypes:
        return frame
    strings = pl.col(pl.String)
    frame = frame.with_columns(strings.str.strip_prefix(SIGN).str.strip_chars(" "))
    if text.gaps:
        strange = strings.str.strip_chars().is_in(text.gaps)
        frame = frame.with_columns(pl.when(strange.not_()).then(strings).name.keep())
    return frame


def _polars_csv(body: bytes, layout: Layout, text: Text, gaps: Iterable[str], headed: bool) -> pl.DataFrame:
    import polars as pl

    names = [*layout.columns, *([SURPLUS] if layout.surplus else [])]
    return pl.read_csv(
        io.BytesIO(body),
        separator=layout.dialect.delimiter,
        quote_char=layout.dialect.quote or None,
        decimal_comma=_has_decimal_commas(layout),
        infer_schema_length=None,
        null_values=list(gaps),
        has_header=headed,
        new_columns=names,
        schema_overrides={name: pl.String for name in names if name in text.texts},
    )
