"""Reading: from a file or any data frame to one table, saying what was found on the way."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw

from taut.design.faults import DataError, brief, clean, closest
from taut.design.source import Found, Source, Wanted, from_sparse, take_matrix, with_rows
from taut.design.sparse import Sparse, is_matrix
from taut.design.stored import Frame
from taut.messages import written

SHOWN_COLUMNS = 12


def unknown_column(name: str, frame: Frame, source: Source, role: str = "column") -> DataError:
    """Return the error for a column that is not there: it lists the columns, the closest match first."""
    shown = ", ".join(brief(c)[1:-1] for c in frame.columns[:SHOWN_COLUMNS])
    more = f", … ({len(frame.columns)} in all)" if len(frame.columns) > SHOWN_COLUMNS else ""
    hint = closest(name, frame.columns) or "."
    bare = _no_header(frame.columns) if source.digest and source.header else ""
    return DataError(f"{source.name}: no {role} {brief(name)}{hint} Columns: {shown}{more}{bare}")


def _no_header(columns: list[str]) -> str:
    """A hint where the names look like cells."""
    numbers = [c for c in columns if _is_number(c)]
    if not numbers:
        return ""
    return f" ({brief(numbers[0])} is a number: if the file has no header, say --no-header)"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(table: object, wanted: Wanted = Wanted()) -> Found:  # noqa: B008  (an immutable default)
    """Read a file (CSV, Parquet, Arrow, svmlight, .npz; gzipped too), or take a scipy sparse matrix or a data frame.

    ``wanted.texts`` are read as text from a CSV, whatever their cells look like. Raises ``DataError``.
    """
    if isinstance(table, (str, Path)):
        return _read_file(Path(table), wanted)
    if isinstance(table, Sparse):
        return from_sparse(table, "sparse matrix")
    if is_matrix(table):
        return take_matrix(table, {}, "sparse matrix", wanted)
    return Found(_take_frame(table), Source("data frame"))


def _take_frame(table: object) -> nw.DataFrame[Any]:
    if isinstance(table, dict):
        table = _from_columns(table)
    try:
        frame: Any = nw.from_native(table)
    except nw.exceptions.DuplicateError as error:
        raise _twice(table) from error
    except TypeError as error:
        kind = type(table).__name__
        hint = (
            "; for a dense matrix and y, use taut.Regressor or taut.Classifier"
            if "array" in kind or "matrix" in kind
            else ""
        )
        raise DataError(f"a table is a file name or a data frame, not {kind}{hint}") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    strange = next((c for c in frame.columns if not isinstance(c, str)), None)
    if strange is not None:
        raise DataError(
            f"column names must be strings, got {written(strange)}; rename the columns, such as"
            " frame.columns = frame.columns.map(str)"
        )
    return with_rows(frame, "data frame")


def _twice(table: Any) -> DataError:
    """The error for a data frame in which a name stands twice."""
    names = table.column_names if type(table).__name__ == "Table" else table.columns
    name, count = Counter(map(str, names)).most_common(1)[0]
    return DataError(f"data frame: {count} columns are called {brief(name)}; rename them")


def _from_columns(columns: dict[Any, Any]) -> Any:
    import polars as pl

    try:
        return pl.DataFrame(columns)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise DataError(f"the columns do not make a table ({clean(str(error).splitlines()[0])})") from error


def _read_file(path: Path, wanted: Wanted) -> Found:
    from taut.design.formats import read_bytes, reader_of, streamed, unpacked

    large = streamed(path, wanted)
    if large is not None:
        return large
    data = read_bytes(path)
    name, digest = clean(path.name), hashlib.sha256(data).hexdigest()
    content = unpacked(data, name)
    found = reader_of(content, name)(content, name, wanted)
    return Found(with_rows(found.frame, name), replace(found.source, digest=digest))
