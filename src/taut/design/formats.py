"""Formats: which kind of file the bytes are, told by their beginning and never by the name, and the readers of each."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import scipy

from taut.design import source
from taut.design.delimited import read_delimited
from taut.design.faults import DataError, brief, clean
from taut.design.scratch import memory
from taut.design.source import Found, Reader, Source, Wanted, from_sparse, take_matrix
from taut.design.sparse import as_sparse
from taut.design.staged import FREE_SIZE, GZIP_MAGIC, MAX_RATIO, Staged, unpack_file, unpack_pieces

CHUNK = 1 << 22
PACKED = 8
"""A gzipped file is taken for so many times as large."""
NEEDED = 3
"""Times its size that svmlight text and arrays of .npz take in memory while they are read."""
EXACT = 2.0**53
"""Labels that are whole numbers below this are integers, as they stand in the file."""
SAVED = ("data", "indices", "indptr", "shape", "format", "_is_array")
"""What scipy.sparse.save_npz writes."""

UNREADABLE = (
    ValueError, OSError, EOFError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise on an archive that is damaged, encrypted or packed in an unknown way."""

SVMLIGHT = "svmlight: the label is the column label, index j the column xj"

FOREIGN = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet; export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet; export the sheet as CSV"),
    (b"%PDF", "a PDF; give the table as CSV or Parquet"),
    (b"\x89HDF", "an HDF5 file; export the table as CSV or Parquet"),
    (b"\x80\x02", "a pickle, which is never opened; export the table as CSV or Parquet"),
    (b"\x80\x03", "a pickle, which is never opened; export the table as CSV or Parquet"),
    (b"\x80\x04", "a pickle, which is never opened; export the table as CSV or Parquet"),
    (b"\x80\x05", "a pickle, which is never opened; export the table as CSV or Parquet"),
    (b"\x93NUMPY", "a single array; save X and y together with numpy.savez"),
    (b"BZh", "compressed with bzip2; unpack it, or use gzip"),
    (b"\xfd7zXZ", "compressed with xz; unpack it, or use gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it, or use gzip"),
    (b"SQLite format 3", "a database; export the table as CSV"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file; save its arrays with numpy.savez, or scipy.sparse.save_npz"),
    (b"RDX2\n", "an R workspace; write the table with write.csv"),
    (b"RDX3\n", "an R workspace; write the table with write.csv"),
    (b"X\n\0\0\0", "an R object; write the table with write.csv"),
)
FOREIGN_TEXT = (
    (re.compile(rb'\s*(\[\s*)?\{\s*"'), "JSON; export the table as CSV or Parquet"),
    (
        re.compile(rb"\s*<(!doctype|html|table|\?xml)", re.IGNORECASE),
        "a web page or XML; save the table as CSV",
    ),
)
_SVMLIGHT = re.compile(rb"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?([ \t]+\d+:[^ \t\r\n]+)+[ \t]*(#.*)?\r?$")


def read_bytes(path: Path) -> bytes:
    """Return the file's content; ``DataError`` in the system's words where it cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        said = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{clean(path)}: {said.lower()}") from error


def unpacked(data: bytes, name: str) -> bytes:
    """Return the bytes, unpacked if they are gzipped."""
    if not data.startswith(GZIP_MAGIC):
        return data
    return b"".join(unpack_pieces(iter([data]), len(data), name))


def reader_of(data: bytes, name: str) -> Reader:
    """Return the reader for these bytes; ``DataError`` for formats that are not read, saying what to do."""
    if data[:4] == b"PAR1":
        return _read_with("Parquet", "read_parquet")
    if data[:6] == b"ARROW1":
        return _read_with("Arrow", "read_ipc")
    if data[:4] == b"PK\x03\x04" and b".npy" in data[:CHUNK]:
        return read_npz
    for magic, words in FOREIGN:
        if data.startswith(magic):
            raise DataError(f"{name}: {words}")
    for begins, words in FOREIGN_TEXT:
        if begins.match(data[:CHUNK].removeprefix(BOM_UTF8)):
            raise DataError(f"{name}: {words}")
    first = next(
        (line for line in data[:CHUNK].split(b"\n") if line.strip() and not line.startswith(b"#")), b""
    )
    return read_svmlight if _SVMLIGHT.match(first) else read_delimited


def streamed(given: Staged, name: str, wanted: Wanted) -> Found | None:
    """Read a large CSV, Parquet or Arrow file block by block; None for a file that is small or of another kind."""
    from taut.design import streamed as large

    try:
        size = given.path.stat().st_size
        if size < source.LARGE // (PACKED if given.packed else 1):
            return None
    except (OSError, ValueError):
        return None  # whoever reads it whole says why it cannot be read
    staged = unpack_file(given, name)
    head, unpacked_size = staged.head(), staged.path.stat().st_size
    if head[:4] == b"PAR1" or head[:6] == b"ARROW1":
        found = large.scan_columns(staged, name, "Parquet" if head[:4] == b"PAR1" else "Arrow")
    elif reader_of(head, name) is read_delimited:
        found = large.stream_delimited(staged, name, wanted, size)
    else:
        check_memory(NEEDED * unpacked_size, name)
        return None
    return found._replace(source=replace(found.source, digest=large.digest_of(given.path)))


def check_memory(size: int, name: str) -> None:
    """``DataError`` for a file that is read whole and does not fit into the memory."""
    if size > memory():
        raise DataError(
            f"{name}: needs some {size / 1e9:.1f} GB of memory, and there are {memory() / 1e9:.1f};"
            " give it as CSV or Parquet, which are read in blocks"
        )


def _read_with(kind: str, function: str) -> Reader:
    def read(data: bytes, name: str, wanted: Wanted) -> Found:
        import polars as pl

        try:
            frame = getattr(pl, function)(io.BytesIO(data))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            said = clean(next(iter(str(error).splitlines()), "unknown fault"))
            raise DataError(f"{name}: not a readable {kind} file ({said}); write it again") from error
        return Found(nw.from_native(frame, eager_only=True), Source(name))

    return read


def read_npz(data: bytes, name: str, wanted: Wanted) -> Found:
    """Read arrays of equal length: a vector is a column of its name, column j of a matrix K is Kj (from 1)."""
    _check_unpacked_size(data, name)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except UNREADABLE as error:
        raise DataError(
            f"{name}: not a readable .npz file ({clean(error)[:80]}); save arrays of numbers or text"
        ) from error
    if "indptr" in arrays:
        return _sparse_npz(arrays, name, wanted)
    lengths = {len(a) if a.ndim else 0 for a in arrays.values()}
    odd = next((k for k, a in arrays.items() if a.ndim not in (1, 2)), None)
    if odd is not None or len(lengths) != 1:
        found = (
            f"{brief(odd)} has {arrays[odd].ndim} dimensions"
            if odd is not None
            else "the arrays' lengths differ"
        )
        raise DataError(f"{name}: {found}; save X (n, p) and y (n,)")
    return Found(_frame(_columns(arrays)), Source(name))


def _sparse_npz(arrays: dict[str, Any], name: str, wanted: Wanted) -> Found:
    """What scipy.sparse.save_npz wrote, and the vectors that numpy.savez may have put beside it."""
    try:
        kind = arrays["format"].item()
        kind = kind.decode() if isinstance(kind, bytes) else kind
        make = {"csr": scipy.sparse.csr_array, "csc": scipy.sparse.csc_array}[kind]
        X = make((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"].tolist()))
        X.check_format(full_check=True)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise DataError(
            f"{name}: not a readable sparse matrix ({clean(error)[:80]}); save it as CSR or CSC"
        ) from error
    own = {key: array for key, array in arrays.items() if key not in SAVED}
    return take_matrix(X, own, name, wanted)


def _check_unpacked_size(data: bytes, name: str) -> None:
    try:
        size = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except UNREADABLE as error:
        raise DataError(f"{name}: not a readable .npz file ({clean(error)[:80]}); save it again") from error
    check_memory(NEEDED * size, name)
    if size > FREE_SIZE + MAX_RATIO * len(data):
        raise DataError(
            f"{name}: unpacks to more than {MAX_RATIO} times its size; unpack it and look at it first"
        )


def _columns(arrays: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for key, array in arrays.items():
        columns |= (
            {key: array} if array.ndim == 1 else {f"{key}{j + 1}": array[:, j] for j in range(array.shape[1])}
        )
    return columns


def _frame(columns: dict[str, Any]) -> nw.DataFrame[Any]:
    import polars as pl

    return nw.from_native(pl.DataFrame(columns), eager_only=True)


def read_svmlight(data: bytes, name: str, wanted: Wanted) -> Found:
    """Read "label index:value …" lines: the label is the column ``label``, index j the column xj."""
    from sklearn.datasets import load_svmlight_file

    try:
        X, y = load_svmlight_file(io.BytesIO(data), zero_based=False)[:2]
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{name}: not a readable svmlight file ({clean(error)[:80]}); correct that line"
        ) from error
    X.resize(X.shape[0], max(X.shape[1], _widest(wanted.columns)))
    try:
        labels = (
            y.astype(np.int64) if np.array_equal(y, np.round(y)) and np.abs(y).max(initial=0.0) < EXACT else y
        )
        found = from_sparse(as_sparse(X, own={"label": labels}, source=name), name)
    except DataError as error:
        raise DataError(f"{error} (svmlight)") from error
    return found._replace(source=replace(found.source, notes=(SVMLIGHT,)))


def _widest(columns: Collection[str]) -> int:
    """The largest index among the columns of a model: a file for prediction need not reach it."""
    return max((int(c[1:]) for c in columns if re.fullmatch(r"x\d+", c)), default=0)
