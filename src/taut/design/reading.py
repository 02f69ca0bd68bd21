"""Reading: from a file or any data frame to one table, saying what was found on the way."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw

from taut.arrays import is_sparse
from taut.design.faults import DataError, brief, clean
from taut.design.header import is_number
from taut.design.source import Found, Source, Wanted, from_sparse, name_of, take_matrix, with_rows
from taut.design.sparse import Sparse
from taut.design.stored import Stored, Whole
from taut.messages import written

HALF = "holds half a character (a lone surrogate); decode the text with its encoding, or replace it"
_LONE = re.compile("[\ud800-\udfff]")


def read_table(table: object, wanted: Wanted = Wanted()) -> Found:  # noqa: B008  (an immutable default)
    """Read a file (CSV, Parquet, Arrow, svmlight, .npz; gzipped too), or take a scipy sparse matrix or a data frame.

    ``wanted.texts`` are read as text from a CSV, whatever their cells look like. Raises ``DataError``.
    """
    found = _read(table, wanted)
    if found.source.concluded or not wanted.options.na_values:
        return found
    return found._replace(frame=_with_gaps(found.frame, wanted.options.na_values))


def _read(table: object, wanted: Wanted) -> Found:
    if isinstance(table, (str, Path)):
        return _read_file(Path(table), wanted)
    if isinstance(table, Sparse):
        return from_sparse(table, "sparse matrix")
    if is_sparse(table):
        return take_matrix(table, {}, "sparse matrix", wanted)
    return Found(_take_frame(table), Source("data frame"))


def _with_gaps(frame: Whole, signs: Collection[str]) -> Whole:
    """A table with types of its own, without the cells that stand for missing ones."""
    if isinstance(frame, Sparse):
        return frame
    if isinstance(frame, Stored):
        scan = nw.from_native(frame.scan).with_columns(*_gaps(frame.schema, signs)).to_native()
        return replace(frame, scan=scan)
    return frame.with_columns(*_gaps(frame.schema, signs))


def _gaps(schema: nw.Schema, signs: Collection[str]) -> list[nw.Expr]:
    """The columns of text and of numbers without the cells that are one of the signs."""
    numbers = [float(sign) for sign in signs if is_number(sign)]
    made: list[nw.Expr] = []
    for name, dtype in schema.items():
        cell = nw.col(name)
        if dtype == nw.String:
            made.append(nw.when(~cell.str.strip_chars().is_in([*signs])).then(cell).alias(name))
        elif dtype.is_integer():
            whole = [int(number) for number in numbers if number.is_integer()]
            made.append(nw.when(~cell.is_in(whole)).then(cell).alias(name))
        elif dtype.is_float():
            made.append(nw.when(~cell.is_in(numbers)).then(cell).alias(name))
    return made


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
    _check_characters(frame)
    return with_rows(frame, "data frame")


def _check_characters(frame: nw.DataFrame[Any]) -> None:
    """``DataError`` for text with half a character (a lone surrogate), which no file can hold."""
    for name in frame.columns:
        cells = frame[name].to_list() if _holds_python(frame, name) else []
        for row, text in enumerate([name, *cells]):
            if isinstance(text, str) and _LONE.search(text):
                where = f"row {row}" if row else "its name"
                raise DataError(f"data frame: column {_escaped(name)}, {where}: {_escaped(text)} {HALF}")


def _escaped(text: str) -> str:
    """A text with half characters, as it can be printed."""
    return brief(text.encode("utf-8", "backslashreplace").decode())


def _holds_python(frame: nw.DataFrame[Any], name: str) -> bool:
    """Whether a column of texts is made of Python's own, which alone may have half characters."""
    kind = frame.schema[name]
    return kind == nw.Object or (kind == nw.String and frame.implementation.is_pandas_like())


def _twice(table: Any) -> DataError:
    """The error for a data frame in which a name stands twice."""
    names = table.column_names if type(table).__name__ == "Table" else table.columns
    name, count = Counter(map(str, names)).most_common(1)[0]
    return DataError(f"data frame: {count} columns are called {brief(name)}; rename them")


def _from_columns(columns: dict[Any, Any]) -> Any:
    import polars as pl

    try:
        return pl.DataFrame(columns)
    except UnicodeEncodeError as error:
        raise DataError(f"the text {_escaped(error.object)} {HALF}") from error
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise DataError(f"the columns do not make a table ({clean(str(error).splitlines()[0])})") from error


def _read_file(path: Path, wanted: Wanted) -> Found:
    from taut.design.formats import read_bytes, reader_of, streamed, unpacked
    from taut.design.staged import spooled

    name, file = name_of(path), spooled(path)
    large = streamed(file, name, wanted)
    if large is not None:
        return large
    data = read_bytes(file.path)
    digest = hashlib.sha256(data).hexdigest()
    content = unpacked(data, name)
    found = reader_of(content, name)(content, name, wanted)
    return Found(with_rows(found.frame, name), replace(found.source, digest=digest))
