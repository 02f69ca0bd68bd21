"""Streaming: a file too large to be held is read in blocks, typed as a whole, and laid down on disk in columns."""

from __future__ import annotations

import codecs
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from taut.design import delimited
from taut.design.ambiguous import AmbiguousColumns
from taut.design.delimited import Text
from taut.design.faults import DataError, clean
from taut.design.layout import Layout, Sample, find_layout
from taut.design.reading_options import ReadingOptions
from taut.design.rewriting import RaggedLines
from taut.design.scratch import no_scratch
from taut.design.source import Found, Source, Wanted
from taut.design.staged import Staged, rewritten_file, told_by_words, utf8_file
from taut.design.stored import Stored

if TYPE_CHECKING:
    import polars as pl

BOM = codecs.BOM_UTF8
BLOCK = 1 << 25
"""Bytes of a file that are read together."""
PEEKED = 1 << 16
"""Bytes of the first lines that are looked at before the rest."""
LONGEST = 4
"""Blocks that one record may be long."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scan_columns(staged: Staged, name: str, kind: str) -> Found:
    """Take a Parquet or Arrow file as it lies: its columns are read when they are asked for."""
    import polars as pl

    path = staged.path
    try:
        scan = pl.scan_parquet(path, glob=False) if kind == "Parquet" else pl.scan_ipc(path, glob=False)
        height = int(scan.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        said = clean(next(iter(str(error).splitlines()), "unknown fault"))
        raise DataError(f"{name}: not a readable {kind} file ({said}); write it again") from error
    return Found(Stored(name, scan, height, staged.keeps), Source(name))


def stream_delimited(given: Staged, name: str, wanted: Wanted, size: int) -> Found:
    """Read a CSV file block by block; a column whose blocks disagree is read once more, as text.

    ``size`` is what the file has on disk, and what progress goes up to.
    """
    file, encoding = utf8_file(given, name, wanted.options)
    try:
        table = _open_table(file, name, wanted.options)
        parts, ragged = _read_table(table, name, wanted, size)
    except UnicodeDecodeError:
        file, encoding = told_by_words(file, name)
        table = _open_table(file, name, wanted.options)
        parts, ragged = _read_table(table, name, wanted, size)
    notes = (*encoding.notes, *table.layout.notes, *ragged.notes)
    source = delimited.source_of(name, table.layout, encoding.spoken, wanted, notes)
    return Found(parts.table(name), source)


class _Table(NamedTuple):
    """A file of UTF-8, its layout, and where its rows begin and end."""

    file: Staged
    layout: Layout
    start: int
    stop: int


def _open_table(staged: Staged, name: str, options: ReadingOptions) -> _Table:
    """Find the layout from samples of a file; UnicodeDecodeError where it is no UTF-8."""
    path = staged.path
    with path.open("rb") as file:
        head, parts, tail, stop = _pieces(file, path.stat().st_size)
    mark = len(BOM) if head.startswith(BOM) else 0
    text = head[mark:]
    delimited.check_text(text, name)
    found = find_layout(Sample(text.decode(), parts, tail), name, options)
    layout = delimited.settle_quotes(found, text, options)
    start = mark + delimited.place_of_line(text, layout.above)
    if layout.below:
        end = tail.encode() if tail else text
        stop -= len(end) - delimited.place_of_last(end, layout.below)
    return _Table(staged, layout, start, stop)


def _pieces(file: BinaryIO, size: int) -> tuple[bytes, tuple[str, ...], str, int]:
    """Whole lines from the top, the middle and the end of a file, and where its last line ends."""

    def read(start: int, count: int) -> bytes:
        file.seek(start)
        return file.read(count)

    last = read(max(0, size - delimited.PART_BYTES), delimited.PART_BYTES)
    stop = size - len(last) + len(last.rstrip(delimited.CTRL_Z + b"\r\n"))
    end = min(stop, delimited.SAMPLE_BYTES)
    while end < stop and read(0, end).count(b"\n") < delimited.FEWEST_LINES:
        end = min(stop, 2 * end)
    head = read(0, end)
    if end == stop:
        return head, (), "", stop
    head = head[: head.rfind(b"\n") + 1] or head
    parts = (
        delimited.whole_lines(
            read(len(head) + (stop - len(head)) * k // (delimited.PARTS + 1), delimited.PART_BYTES)
        )
        for k in range(1, delimited.PARTS + 1)
    )
    begin = max(len(head) - 1, stop - delimited.PART_BYTES)
    tail = delimited.whole_lines(read(begin, stop - begin), last=True)
    return head, tuple(part for part in parts if part), tail, stop


def _read_table(table: _Table, name: str, wanted: Wanted, size: int) -> tuple[_Parts, RaggedLines]:
    """The blocks of a table, rewritten before where a fast reader does not take it."""
    text, ragged = delimited.text_of(wanted), RaggedLines()
    plain = table
    while True:
        tell = _scaled(wanted.progress, size / max(1, plain.file.path.stat().st_size))
        parts = _Parts(
            tempfile.TemporaryDirectory(prefix="taut-"),
            delimited.ambiguous_of(plain.layout, wanted, whole=False),
        )
        try:
            _lay_down(plain, name, text, parts, tell)
        except delimited.Untidy as error:
            if plain is not table:
                raise delimited.no_table(name) from error
            block = next(iter(error.args), b"")
            layout = delimited.settle_quotes(table.layout, block, wanted.options)
            made, ragged = rewritten_file(table.file, layout, (table.start, table.stop), name)
            plain = _Table(made, layout.rewritten, 0, made.path.stat().st_size)
            continue
        odd = (parts.disagreeing() | parts.ambiguous.columns) - text.texts
        if not odd:
            return parts, ragged
        text = replace(text, texts=text.texts | odd)


def _scaled(progress: Callable[[int], None] | None, share: float) -> Callable[[int], None] | None:
    """Progress in bytes of the file as it was given, told of those that it was rewritten to."""
    if progress is None or share == 1.0:
        return progress
    return lambda count: progress(round(share * count))


@dataclass(frozen=True)
class _Parts:
    """The blocks of a file, each a file of columns in a folder of their own.

    ``ambiguous``: what they leave in doubt; ``kinds``: the types of the columns where they are not empty.
    """

    folder: tempfile.TemporaryDirectory[str]
    ambiguous: AmbiguousColumns
    kinds: dict[str, set[Any]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        for column in frame.iter_columns():
            known = self.kinds.setdefault(column.name, set())
            if column.null_count() < len(column):
                known.add(column.dtype)
        file = Path(self.folder.name) / f"{len(self.files):06}.arrow"
        try:
            frame.write_ipc(file, compression="lz4")
        except OSError as error:
            raise no_scratch(error) from error
        self.files.append(file)
        self.heights.append(frame.height)

    def disagreeing(self) -> set[str]:
        """Columns that are of several kinds, and not numbers everywhere."""
        return {
            n for n, kinds in self.kinds.items() if len(kinds) > 1 and not all(k.is_numeric() for k in kinds)
        }

    def table(self, name: str) -> Stored:
        import polars as pl

        def kind(found: set[Any]) -> Any:
            if len(found) > 1:
                return pl.Int64 if all(k.is_integer() for k in found) else pl.Float64
            return next(iter(found), pl.String)

        types = [pl.col(n).cast(kind(found)) for n, found in self.kinds.items()]
        scan = pl.concat([pl.scan_ipc(file).select(types) for file in self.files])
        return Stored(name, scan, sum(self.heights), self.folder)


def _lay_down(
    table: _Table, name: str, text: Text, parts: _Parts, progress: Callable[[int], None] | None
) -> None:
    """Parse every block as the whole would be; ``Untidy``, with the block, where a fast reader does not take it."""
    layout, before, told = table.layout, table.layout.above, table.start
    with table.file.path.open("rb") as file:
        file.seek(table.start)
        for block in _blocks(file, table, name):
            block.decode()  # a UnicodeDecodeError tells another encoding
            delimited.check_text(block, name, before)
            if not parts.files and _is_in_doubt(block, layout, text, parts.ambiguous):
                return  # all of it is read with more columns of text
            try:
                frame = delimited.parse(block, layout, text, parts.ambiguous)
            except delimited.Untidy as error:
                raise delimited.Untidy(block) from error
            if frame.height:
                parts.add(frame)
            before += block.count(b"\n")
            told += len(block)
            if progress is not None:
                progress(len(block) + (table.start if told == table.start + len(block) else 0))
    if not parts.files:
        raise DataError(f"{name}: there are no rows below the header")
    rest = table.file.path.stat().st_size - told
    if progress is not None and rest > 0:
        progress(rest)


def _is_in_doubt(block: bytes, layout: Layout, text: Text, ambiguous: AmbiguousColumns) -> bool:
    """Whether the first lines already tell of more columns that are to be read as text."""
    with suppress(delimited.Untidy):  # the whole block is looked at then
        delimited.parse(block[: block.find(b"\n", PEEKED) + 1], layout, text, ambiguous)
    return bool(ambiguous.certain - text.texts)


def _blocks(file: BinaryIO, table: _Table, name: str) -> Iterator[bytes]:
    """The rows of a file in blocks that end where a record does."""
    rest, done, left = b"", table.layout.above, table.stop - table.start
    while left > 0 and (chunk := file.read(min(BLOCK, left))):
        left -= len(chunk)
        data = rest + chunk
        cut = _record_end(data, table.layout.dialect.quote.encode())
        if cut:
            done += data.count(b"\n", 0, cut)
            yield data[:cut]
        rest = data[cut:]
        if len(rest) > LONGEST * BLOCK:
            raise DataError(
                f"{name}: line {done + 1}: a quote is opened on it or soon after and never closed; correct that line"
            )
    if rest:
        yield rest


def _record_end(data: bytes, quote: bytes) -> int:
    """The end of the last line outside quotes; 0 where there is none."""
    cut = data.rfind(b"\n") + 1
    quotes = data.count(quote, 0, cut) if quote else 0
    while cut and quotes % 2:
        earlier = data.rfind(b"\n", 0, cut - 1) + 1
        quotes -= data.count(quote, earlier, cut)
        cut = earlier
    return cut
