"""Streaming: a file too large to be held is read in blocks, typed as a whole, and laid down on disk in columns."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from taut.design import delimited
from taut.design.delimited import Dialect
from taut.design.faults import DataError, clean
from taut.design.scratch import no_scratch
from taut.design.source import Found, Source, Wanted
from taut.design.staged import Staged, plain_text
from taut.design.stored import Stored

if TYPE_CHECKING:
    import polars as pl

BOM = codecs.BOM_UTF8
BLOCK = 1 << 25
"""Bytes of a file that are read together."""
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
    staged = plain_text(given, name)
    tell = _scaled(wanted.progress, size / max(1, staged.path.stat().st_size))
    path, head = staged.path, staged.head().removeprefix(BOM)
    encoding = "utf-8"
    texts = set(wanted.texts)
    while True:
        text = head if encoding == "utf-8" else head.decode("cp1252", errors="replace").encode()
        dialect = delimited.dialect_of(text, name, wanted.header)
        parts = _Parts(tempfile.TemporaryDirectory(prefix="taut-"))
        try:
            _lay_down(path, name, dialect, encoding, texts, parts, tell)
        except UnicodeDecodeError:
            encoding = "windows-1252"
            continue
        odd = parts.disagreeing()
        if not odd:
            break
        texts |= odd
    notes = (*delimited.renamed(text, dialect), *delimited.told_short(parts.short))
    found = Source(name, "", dialect.delimiter, dialect.decimal, encoding, wanted.header, notes)
    return Found(parts.table(name), delimited.as_written(found, staged.layout, staged.encoding))


def _scaled(progress: Callable[[int], None] | None, share: float) -> Callable[[int], None] | None:
    """Progress in bytes of the file as it was given, told of those that it was rewritten to."""
    if progress is None or share == 1.0:
        return progress
    return lambda count: progress(round(share * count))


@dataclass(frozen=True)
class _Parts:
    """The blocks of a file, each a file of columns in a folder of their own; ``kinds`` their types where not empty."""

    folder: tempfile.TemporaryDirectory[str]
    kinds: dict[str, set[Any]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    short: list[int] = field(default_factory=list)

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
    path: Path, name: str, dialect: Dialect, encoding: str, texts: set[str], parts: _Parts,
    progress: Callable[[int], None] | None,
) -> None:  # fmt: skip
    """Parse every block under a header of its own, so that each is read as the whole would be."""
    header = io.StringIO()
    csv.writer(header, delimiter=dialect.delimiter, lineterminator="\n").writerow(dialect.columns)
    named = replace(dialect, header=True)
    first = header.getvalue().encode()
    before = 0
    with path.open("rb") as file:
        for number, block in enumerate(_blocks(file, name)):
            lines = block.count(b"\n")
            text = _text(block.removeprefix(BOM) if number == 0 else block, encoding)
            if number == 0 and dialect.header:
                text, skipped = _without_header(text, dialect)
                before += skipped
                lines -= skipped
            delimited.check_text(text or first, name, before)
            data = first + text
            frame = delimited.parse(data, named, name, texts, before - 1)
            parts.short.extend(delimited.short_lines(frame, data, named, before - 1))
            if frame.height:
                parts.add(frame)
            before += lines
            if progress is not None:
                progress(len(block))
    if not parts.files:
        raise DataError(f"{name}: there are no rows below the header")


def _text(block: bytes, encoding: str) -> bytes:
    """The block as UTF-8; UnicodeDecodeError where it is none and was said to be."""
    if encoding == "utf-8":
        block.decode()
        return block
    return block.decode("cp1252", errors="replace").encode()


def _without_header(text: bytes, dialect: Dialect) -> tuple[bytes, int]:
    """The text below its first record, and how many lines that took."""
    lines = io.StringIO(text[: delimited.SAMPLE_BYTES].decode(errors="ignore"), newline="")
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    next(cells for cells in reader if cells)
    end = 0
    for _ in range(reader.line_num):
        end = text.find(b"\n", end) + 1 or len(text)
    return text[end:], reader.line_num


def _blocks(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The file in blocks that end where a record does."""
    rest, done = b"", 0
    while chunk := file.read(BLOCK):
        data = rest + chunk
        cut = _record_end(data)
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


def _record_end(data: bytes) -> int:
    """The end of the last line outside quotes; 0 where there is none."""
    cut = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, cut)
    while cut and quotes % 2:
        earlier = data.rfind(b"\n", 0, cut - 1) + 1
        quotes -= data.count(b'"', earlier, cut)
        cut = earlier
    return cut
