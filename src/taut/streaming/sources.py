"""Sources: anything that has rows, as blocks of a table that come one after the other and can be read again."""

from __future__ import annotations

import glob
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

import narwhals as nw

from taut.design import DataError, ReadingOptions, Stored, Wanted, brief, check_kinds, clean, read_table
from taut.streaming.parquet import is_parquet, parquet_blocks

if TYPE_CHECKING:
    import polars as pl

CELLS = 1 << 20
"""Cells of a block, about: 8 MB of numbers."""
FEWEST = 1 << 10
"""Rows that a block has at least, where the source has as many."""


class RowBlock(NamedTuple):
    """Rows of a table: the number of the first in the whole of it, and where they stand, in words."""

    frame: pl.DataFrame
    first: int
    place: str


class RowSource(ABC):
    """A source that can be read more than once."""

    name: str

    @abstractmethod
    def blocks(self, start: int = 0) -> Iterator[RowBlock]:
        """All rows in their order, those before ``start`` left out."""

    @abstractmethod
    def signature(self) -> tuple[tuple[str, int, int], ...]:
        """What tells whether the source is the one that was read before: names, sizes and times of its files."""

    def checked(self, schema: dict[str, Any], start: int = 0) -> Iterator[RowBlock]:
        """The blocks with the columns of ``schema``, which the first one fills; ``DataError`` where types change, or files."""
        before = self.signature()
        for block in self.blocks(start):
            if not schema:
                schema.update(block.frame.schema)
            yield block._replace(frame=check_kinds(block.frame, schema, block.place))
        check_unchanged(before, self.signature())


def check_unchanged(before: tuple[Any, ...], now: tuple[Any, ...]) -> None:
    """``DataError`` where a file is not the one that was read before."""
    for old, new in zip(before, now, strict=False):
        if old != new:
            raise DataError(f"{clean(Path(old[0]).name)} has changed since it was first read; begin again")
    if len(before) != len(now):
        raise DataError("files have come or gone since they were first read; begin again")


@final
@dataclass(frozen=True)
class Files(RowSource):
    """Files of one table, one after the other: Parquet in blocks, all others as ``taut.fit`` reads them."""

    name: str
    paths: tuple[Path, ...]
    options: ReadingOptions = field(default_factory=ReadingOptions)

    def signature(self) -> tuple[tuple[str, int, int], ...]:
        """Names, sizes and times of change."""
        try:
            found = [(path, path.stat()) for path in self.paths]
        except OSError as error:
            raise DataError(f"{error.filename}: {str(error.strerror).lower()}") from error
        return tuple((str(path), state.st_size, state.st_mtime_ns) for path, state in found)

    def blocks(self, start: int = 0) -> Iterator[RowBlock]:
        """The files in the order of their names."""
        first = 0
        for path in self.paths:
            skip = max(0, start - first)
            for frame, row in self._frames(path, skip):
                yield RowBlock(
                    frame, first + row, f"{clean(path.name)}, rows {row + 1} to {row + frame.height}"
                )
                end = row + frame.height
            first += end

    def _frames(self, path: Path, skip: int) -> Iterator[tuple[pl.DataFrame, int]]:
        """Blocks and the number of their first row in the file; the last may be empty, and tells where the file ends."""
        if is_parquet(path):
            yield from parquet_blocks(path, skip, rows_of_block)
            return
        found = read_table(path, Wanted(options=self.options)).frame
        if isinstance(found, Stored):
            yield from _slices(found.scan.slice, len(found), len(found.columns), skip)
        elif isinstance(found, nw.DataFrame):
            yield from frame_blocks(as_polars(found, clean(path.name)), skip)
        else:
            raise DataError(f"{clean(path.name)}: sparse files fit the memory; use taut.fit")


@final
@dataclass(frozen=True)
class Scan(RowSource):
    """A polars LazyFrame."""

    scan: pl.LazyFrame
    name: str = "polars LazyFrame"

    def signature(self) -> tuple[tuple[str, int, int], ...]:
        """Nothing tells whether a query gives the same rows again."""
        return ()

    def blocks(self, start: int = 0) -> Iterator[RowBlock]:
        """The query's rows in blocks."""
        from taut.streaming.parquet import collected

        row = start
        width = len(self.scan.collect_schema())
        for frame in collected(self.scan.slice(start), rows_of_block(width), self.name):
            yield RowBlock(frame, row, f"{self.name}, rows {row + 1} to {row + frame.height}")
            row += frame.height


@final
@dataclass(frozen=True)
class Frames(RowSource):
    """Frames that come from a function, which gives them anew each time it is called."""

    make: Callable[[], Iterable[Any]]
    name: str = "frames"

    def signature(self) -> tuple[tuple[str, int, int], ...]:
        """Nothing tells whether the frames are the same again."""
        return ()

    def blocks(self, start: int = 0) -> Iterator[RowBlock]:
        """The frames, large ones in blocks."""
        first = 0
        for number, given in enumerate(self.make(), start=1):
            place = f"{self.name}, frame {number}"
            frame = as_polars(given, place)
            for part, row in frame_blocks(frame, max(0, start - first)):
                yield RowBlock(part, first + row, place)
            first += frame.height


def source_of(given: Any, options: ReadingOptions = ReadingOptions()) -> RowSource:  # noqa: B008  (an immutable default)
    """The rows of a file, a pattern of files, several of either, a frame of any kind, a query, or an iterable of frames.

    An iterator, which is read once, is laid down on disk. ``DataError`` for anything else.
    """
    import polars as pl

    if isinstance(given, str | Path):
        return Files(clean(given), _paths(given), options)
    if isinstance(given, pl.LazyFrame):
        return Scan(given)
    if type(given).__module__.startswith("pyarrow") and getattr(given, "to_batches", None):
        return Frames(lambda: (pl.from_arrow(batch) for batch in given.to_batches()), "pyarrow data")
    if callable(given):
        return Frames(given)
    try:
        frame = nw.from_native(given, eager_only=True)
    except TypeError:
        return _several(given, options)
    return Frames(lambda: [frame], "data frame")


def _several(given: Any, options: ReadingOptions) -> RowSource:
    if not isinstance(given, Iterable):
        raise DataError(
            f"{brief(type(given).__name__)} has no rows that are read: give files, a frame, a polars LazyFrame, a pyarrow"
            " dataset, a dask frame or array, or an iterable of frames"
        )
    if isinstance(given, list | tuple) and given and all(isinstance(one, str | Path) for one in given):
        files = tuple(p for one in given for p in _paths(one))
        return Files(clean(files[0].name) if len(files) == 1 else f"{len(files)} files", files, options)
    if isinstance(given, Iterator):
        return _laid_down(given)
    return Frames(lambda: given)


def _paths(given: str | Path) -> tuple[Path, ...]:
    if not glob.has_magic(str(given)) or Path(given).exists():
        return (Path(given),)
    found = sorted(glob.glob(str(given), recursive=True))
    if not found:
        raise DataError(f"{clean(given)}: no file has such a name")
    return tuple(map(Path, found))


def _laid_down(frames: Iterator[Any]) -> RowSource:
    """An iterator's frames as Arrow files in a folder that goes with the source; ``DataError`` where the disk is full."""
    import polars as pl

    folder = tempfile.TemporaryDirectory(prefix="taut-")
    files: list[Path] = []
    try:
        for number, given in enumerate(frames):
            file = Path(folder.name) / f"{number:06}.arrow"
            as_polars(given, f"frames, frame {number + 1}").write_ipc(file, compression="lz4")
            files.append(file)
    except OSError as error:
        raise DataError(f"frames of an iterator are laid down on disk, and that failed ({error})") from error

    def again(keeps: object = folder) -> Iterator[pl.DataFrame]:
        yield from (pl.read_ipc(file) for file in files)

    return Frames(again)


def as_polars(given: Any, place: str) -> pl.DataFrame:
    """A frame of any kind as one of polars."""
    try:
        frame: pl.DataFrame = nw.from_native(given, eager_only=True).to_polars()
    except (TypeError, ImportError, ValueError) as error:
        raise DataError(f"{place}: not a frame that can be read ({clean(error)[:120]})") from error
    return frame


def rows_of_block(width: int) -> int:
    """Rows of a block of so many columns."""
    return max(FEWEST, CELLS // max(1, width))


def frame_blocks(frame: pl.DataFrame, skip: int) -> Iterator[tuple[pl.DataFrame, int]]:
    """A frame in blocks, and the number of their first row."""
    yield from _slices(frame.slice, frame.height, frame.width, skip)


def _slices(
    take: Callable[[int, int], Any], height: int, width: int, skip: int
) -> Iterator[tuple[pl.DataFrame, int]]:
    size = rows_of_block(width)
    for row in range(min(skip, height), max(height, 1), size):
        yield take(row, size).lazy().collect(), row
