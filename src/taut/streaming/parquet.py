"""Parquet: a file in blocks of rows through whichever reader holds little of it, and where it is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taut.design import DataError, brief, clean

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"PAR1"
BUFFER = 1 << 20
"""Bytes of a column that are read from the file together."""


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise DataError(f"{clean(path)}: {(error.strerror or str(error)).lower()}") from error


def parquet_blocks(
    path: Path, skip: int, size_of: Callable[[int], int]
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Blocks of a file and the number of their first row, those before ``skip`` left out; an empty last one tells the end.

    ``DataError`` names row group and column where the file cannot be read to its end.
    """
    import polars as pl

    row = skip
    try:
        scan = pl.scan_parquet(path, glob=False)
        height = int(scan.select(pl.len()).collect().item())
        row = min(skip, height)
        for frame in _frames(path, scan, row, size_of(len(scan.collect_schema()))):
            yield frame, row
            row += frame.height
    except (DataError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        said = clean(next(iter(str(error).splitlines()), "unknown fault"))[:160]
        where = damaged_part(path)
        raise DataError(
            f"{clean(path.name)}: {where}cannot be read ({said}); write the file again"
        ) from error
    if row < height:
        raise DataError(f"{clean(path.name)}: ends after {row} of {height} rows; write the file again")
    yield pl.DataFrame(schema=scan.collect_schema()), row


def _frames(path: Path, scan: pl.LazyFrame, start: int, size: int) -> Iterator[pl.DataFrame]:
    """Rows from ``start`` on, by pyarrow where it is there: it alone holds a part of a row group, whatever its size."""
    try:
        import pyarrow.parquet
    except ImportError:
        yield from _sliced(scan.slice(start), size)
        return
    yield from _from(
        _by_pyarrow(pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER), size), start
    )


def _by_pyarrow(file: Any, size: int) -> Iterator[pl.DataFrame]:
    """A file's rows; pyarrow's default, to buffer what comes next, would hold the whole file.

    What pyarrow keeps of the blocks for later ones is given back at the end: some 100 MB that a fit needs.
    """
    import pyarrow

    with file:
        yield from map(_as_frame, file.iter_batches(batch_size=size, use_threads=False))
    pyarrow.default_memory_pool().release_unused()


def _as_frame(batch: Any) -> pl.DataFrame:
    import polars as pl

    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # a batch has columns
    return frame


def _from(frames: Iterator[pl.DataFrame], start: int) -> Iterator[pl.DataFrame]:
    """The frames without their first ``start`` rows."""
    for frame in frames:
        if start < frame.height:
            yield frame[start:]
        start = max(0, start - frame.height)


def collected(scan: pl.LazyFrame, size: int, name: str) -> Iterator[pl.DataFrame]:
    """The rows of a query in blocks of at most ``size``; ``DataError`` where it fails.

    By polars' ``collect_batches``, which runs a query once; polars calls it unstable, and older ones are asked for slices.
    """
    import polars as pl

    try:
        if getattr(scan, "collect_batches", None) is None:
            yield from _sliced(scan, size)
            return
        for frame in scan.collect_batches(chunk_size=size, maintain_order=True, engine="streaming"):
            for start in range(0, frame.height, size):
                yield frame[start : start + size]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        said = clean(next(iter(str(error).splitlines()), "unknown fault"))
        raise DataError(f"{name}: cannot be read to its end ({said})") from error


def _sliced(scan: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    start = 0
    while (frame := scan.slice(start, size).collect(engine="streaming")).height:
        yield frame
        start += size


def damaged_part(path: Path) -> str:
    """The first row group and column of a file that cannot be read, in words; empty where pyarrow is not there to tell."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return ""
    try:
        file: Any = pyarrow.parquet.ParquetFile(path, pre_buffer=False)
    except (OSError, pyarrow.ArrowException):
        return "its footer "
    for group in range(file.num_row_groups):
        for name in file.schema_arrow.names:
            try:
                file.read_row_group(group, columns=[name], use_threads=False)
            except (OSError, pyarrow.ArrowException):
                return f"row group {group + 1}, column {brief(name)} "
    return ""
