"""Header: the names of columns, from the first lines of a file alone, and the error for one that is not among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taut.design.delimited import SAMPLE_BYTES, as_utf8, check_text, read_delimited, sample_of, tidy_ends
from taut.design.faults import DataError, brief, closest
from taut.design.formats import reader_of
from taut.design.layout import find_layout
from taut.design.reading_options import ReadingOptions
from taut.design.source import is_pipe

SHOWN_COLUMNS = 12
PLAIN = ReadingOptions()
"""Nothing is said of how the file is written."""


def unknown_column(
    name: str, columns: Sequence[str], place: str, role: str = "column", headed: bool = True
) -> DataError:
    """Return the error for a column that is not there: it lists the columns, the closest match first.

    ``headed``: whether ``place`` is a file whose first line names them.
    """
    shown = ", ".join(brief(c)[1:-1] for c in columns[:SHOWN_COLUMNS])
    more = f", … ({len(columns)} in all)" if len(columns) > SHOWN_COLUMNS else ""
    hint = closest(name, columns) or "."
    bare = _no_header(columns) if headed else ""
    return DataError(f"{place}: no {role} {brief(name)}{hint} Columns: {shown}{more}{bare}")


def column_names(path: Path) -> tuple[str, ...] | None:
    """The columns of a CSV file of usual size or less, as ``read_table`` would name them; None for any other file.

    Nothing is read that a type would be told by, and nothing that takes long is imported.
    """
    try:
        if is_pipe(path) or path.stat().st_size > SAMPLE_BYTES:
            return None
        data = path.read_bytes()
        if reader_of(data, path.name) is not read_delimited:
            return None
        data = tidy_ends(as_utf8(data, path.name, PLAIN)[0])
        check_text(data, path.name)
        return find_layout(sample_of(data), path.name, PLAIN).columns
    except (DataError, OSError, ValueError):
        return None  # whoever reads all of it says what is wrong, and where


def _no_header(columns: Sequence[str]) -> str:
    """A hint where the names look like cells."""
    numbers = [c for c in columns if is_number(c)]
    if not numbers:
        return ""
    return f" ({brief(numbers[0])} is a number: if the file has no header, say --no-header)"


def is_number(text: str) -> bool:
    """Whether a text is a number as Python writes it."""
    try:
        float(text)
    except ValueError:
        return False
    return True
