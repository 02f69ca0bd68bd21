"""Staging: a large file that is packed, or written in another way, becomes a plain one on disk, a piece at a time."""

from __future__ import annotations

import codecs
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taut.design.delimited import MARKS, SAMPLE_BYTES, Layout, layout_of, write_plain
from taut.design.faults import DataError
from taut.design.scratch import no_scratch

CHUNK = 1 << 22
GZIP_MAGIC = b"\x1f\x8b"
FREE_SIZE = 1 << 26
"""Bytes that a compressed file may always hold."""
MAX_RATIO = 200
"""How many times its size a compressed file may grow beyond that: text does not shrink further, bombs do."""


@dataclass(frozen=True)
class Staged:
    """A plain file, and how the one that it was made of was written; ``keeps`` is the folder that it lies in, if it is ours."""

    path: Path
    encoding: str = ""
    layout: Layout | None = None
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


def plain_text(staged: Staged, name: str) -> Staged:
    """The same text as UTF-8 with cells behind delimiters, in double quotes where they need some."""
    staged = _as_utf8(staged, name)
    layout = layout_of(staged.head())
    if layout is None:
        return staged
    for encoding in ("utf-8", "cp1252"):
        try:
            made, folder = _rewritten(staged.path, layout, encoding, name)
        except UnicodeDecodeError:
            continue
        found = staged.encoding or ("utf-8" if encoding == "utf-8" else "windows-1252")
        return Staged(made, found, layout, folder)
    raise AssertionError("every byte is a character of Windows-1252, or stands for one")


def _as_utf8(staged: Staged, name: str) -> Staged:
    head = staged.head()
    encoding = next((encoding for mark, encoding in MARKS if head.startswith(mark)), "")
    if not encoding:
        return staged
    decoder = codecs.getincrementaldecoder(encoding)()
    with _scratch() as (folder, made), staged.path.open("rb") as file, made.open("wb") as out:
        try:
            while piece := file.read(CHUNK):
                out.write(decoder.decode(piece).encode())
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            raise DataError(
                f"{name}: begins as {encoding} and breaks off ({error}); save it as UTF-8"
            ) from error
    return Staged(made, encoding, keeps=folder)


def _rewritten(
    path: Path, layout: Layout, encoding: str, name: str
) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    errors = "strict" if encoding == "utf-8" else "replace"
    with (
        _scratch() as (folder, made),
        path.open(encoding=encoding, errors=errors, newline="") as file,
        made.open("w", encoding="utf-8", newline="") as out,
    ):
        write_plain(file, layout, out, name)
    return made, folder


@contextmanager
def _scratch() -> Iterator[tuple[tempfile.TemporaryDirectory[str], Path]]:
    """A folder of our own and a file in it; ``DataError`` where the disk is full."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="taut-")
        yield folder, Path(folder.name) / "table"
    except OSError as error:
        raise no_scratch(error) from error
