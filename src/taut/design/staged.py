"""Staging: a large file that is packed, or written in another way, becomes a plain one on disk, a piece at a time."""

from __future__ import annotations

import codecs
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taut.design.delimited import SAMPLE_BYTES, lone_returns
from taut.design.encodings import Encoding, broken, marked_encoding, unmarked_encoding
from taut.design.faults import DataError
from taut.design.layout import Layout
from taut.design.reading_options import ReadingOptions
from taut.design.rewriting import RaggedLines, write_plain
from taut.design.scratch import no_scratch
from taut.design.source import STANDARD_INPUT, is_pipe

CHUNK = 1 << 22
GZIP_MAGIC = b"\x1f\x8b"
FREE_SIZE = 1 << 26
"""Bytes that a compressed file may always hold."""
MAX_RATIO = 200
"""How many times its size a compressed file may grow beyond that: text does not shrink further, bombs do."""


@dataclass(frozen=True)
class Staged:
    """A plain file; ``keeps`` is the folder that it lies in, if it is ours."""

    path: Path
    keeps: tempfile.TemporaryDirectory[str] | None = None

    @property
    def packed(self) -> bool:
        """Whether it is gzipped."""
        with self.path.open("rb") as file:
            return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    def head(self) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(SAMPLE_BYTES)


def spooled(path: Path) -> Staged:
    """The file itself, or all that comes out of a pipe, which can be read only once, as a file of our own."""
    if not is_pipe(path):
        return Staged(path)
    with _scratch() as (folder, made), made.open("wb") as out:
        if str(path) == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, out)
        else:
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, out)
    return Staged(made, keeps=folder)


def unpack_file(staged: Staged, name: str) -> Staged:
    """The same file unpacked, where it is gzipped; ``DataError`` for one that is damaged or a bomb."""
    if not staged.packed:
        return staged
    with _scratch() as (folder, made), staged.path.open("rb") as packed, made.open("wb") as out:
        pieces = iter(lambda: packed.read(CHUNK), b"")
        for piece in unpack_pieces(pieces, staged.path.stat().st_size, name):
            out.write(piece)
    return Staged(made, keeps=folder)


def unpack_pieces(pieces: Iterator[bytes], size: int, name: str) -> Iterator[bytes]:
    """Unpack what a gzip file of so many bytes holds, in pieces, so that a bomb ends before it fills anything."""
    limit, made, rest = FREE_SIZE + MAX_RATIO * size, 0, b""
    stream = zlib.decompressobj(wbits=31)
    try:
        while rest := rest or next(pieces, b""):
            if stream.eof:
                rest = rest.lstrip(b"\0")  # padding is allowed between members
                stream = zlib.decompressobj(wbits=31) if rest else stream
                continue
            part = stream.decompress(rest, CHUNK)
            rest = stream.unconsumed_tail or stream.unused_data
            made += len(part)
            if made > limit:
                raise DataError(
                    f"{name}: unpacks to more than {MAX_RATIO} times its size; unpack it and look at it first"
                )
            yield part
    except zlib.error as error:
        raise DataError(f"{name}: not a readable gzip file ({error}); copy it again") from error
    if not stream.eof:
        raise DataError(f"{name}: the gzip file is cut off; copy it again")


def utf8_file(staged: Staged, name: str, options: ReadingOptions) -> tuple[Staged, Encoding]:
    """The same text as UTF-8, lines ended by line feeds, where a mark, or an option, says that it is written otherwise."""
    head = staged.head()
    encoding = options.encoding or marked_encoding(head)
    if encoding in ("", "utf-8-sig"):
        return (_line_fed(staged) if lone_returns(head) else staged), Encoding("utf-8")
    made = _transcoded(staged, name, encoding, options.encoding is not None)
    return (_line_fed(made) if lone_returns(made.head()) else made), Encoding(encoding)


def told_by_words(staged: Staged, name: str) -> tuple[Staged, Encoding]:
    """The same text as UTF-8, where its bytes are none; see ``unmarked_encoding``."""
    with staged.path.open("rb") as file:
        found = unmarked_encoding(iter(lambda: file.read(CHUNK), b""), name)
    return _transcoded(staged, name, found.name, asked=True), found


def _transcoded(staged: Staged, name: str, encoding: str, asked: bool) -> Staged:
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    with _scratch() as (folder, made), staged.path.open("rb") as file, made.open("wb") as out:
        try:
            while piece := file.read(CHUNK):
                text = decoder.decode(piece)
                lines += text.count("\n")
                out.write(text.encode())
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            lines += error.object[: error.start].count(b"\n")
            raise broken(name, encoding, lines, error, asked) from error
        except UnicodeError as error:
            raise DataError(
                f"{name}: begins as {encoding} and breaks off ({error}); save it as UTF-8"
            ) from error
    return Staged(made, keeps=folder)


def _line_fed(staged: Staged) -> Staged:
    """The same file with line feeds for carriage returns."""
    with _scratch() as (folder, made), staged.path.open("rb") as file, made.open("wb") as out:
        while piece := file.read(CHUNK):
            out.write(piece.replace(b"\r", b"\n"))
    return Staged(made, keeps=folder)


def rewritten_file(
    staged: Staged, layout: Layout, span: tuple[int, int], name: str
) -> tuple[Staged, RaggedLines]:
    """The rows in a stretch of a file of UTF-8, written plainly; ``DataError`` names a fault."""
    with _scratch() as (folder, made), made.open("w", encoding="utf-8", newline="") as out:
        ragged = write_plain(_lines_within(staged.path, *span), layout, layout.above, out, name)
    return Staged(made, keeps=folder), ragged


def _lines_within(path: Path, start: int, stop: int) -> Iterator[str]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (line := file.readline(stop - start)):
            start += len(line)
            yield line.decode()


@contextmanager
def _scratch() -> Iterator[tuple[tempfile.TemporaryDirectory[str], Path]]:
    """A folder of our own and a file in it; ``DataError`` where the disk is full."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="taut-")
        yield folder, Path(folder.name) / "table"
    except OSError as error:
        raise no_scratch(error) from error
