"""What was read and what is wanted of it: the types that every reader of a format takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from taut.design.faults import DataError
from taut.design.sparse import Sparse, as_sparse, numbered
from taut.design.stored import Whole

W = TypeVar("W", bound="Whole")

LARGE = 1 << 27
"""Bytes from which a file is streamed."""


@dataclass(frozen=True)
class Source:
    """What was read: a name for messages, the file's SHA-256 (empty for a frame), how a CSV reads.

    ``header`` says whether the first line of a CSV names the columns; ``notes`` what was odd in it, in words; ``width``
    how many columns a sparse matrix had (0: it was none), ``names`` how they were called by the caller.
    """

    name: str
    digest: str = ""
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    header: bool = True
    notes: tuple[str, ...] = ()
    width: int = 0
    names: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the file departs from a plain comma-separated UTF-8 file with decimal points, in words."""
        spoken = {"\t": "tab", " ": "blanks"}.get(self.delimiter, f"'{self.delimiter}'")
        found = (
            (self.delimiter != ",", f"delimiter {spoken}"),
            (self.decimal != ".", "decimal comma"),
            (self.encoding != "utf-8", f"encoding {self.encoding}"),
            (not self.header, "no header, columns named c1, c2, …"),
        )
        return tuple(text for departs, text in found if departs)


class Wanted(NamedTuple):
    """What the caller knows of a table: columns to be read as text, whether there is a header, known columns.

    ``progress`` is called with the bytes read of a file that is streamed; ``trained`` is what the model was fitted to.
    """

    texts: Collection[str] = ()
    header: bool = True
    columns: Collection[str] = ()
    progress: Callable[[int], None] | None = None
    trained: Source | None = None


class Found(NamedTuple):
    """What a format's reader returns: the table, and what it can say about the file."""

    frame: Whole
    source: Source


Reader: TypeAlias = Callable[[bytes, str, Wanted], Found]


def take_matrix(X: Any, own: dict[str, Any], name: str, wanted: Wanted) -> Found:
    """Take a scipy sparse matrix without names: its columns are those of the matrix that the model was fitted to."""
    trained = wanted.trained
    if trained is not None and trained.width and trained.width != X.shape[-1]:
        raise DataError(
            f"{name}: {X.shape[-1]} columns, and the model was fitted to {trained.width}; give them all, in the same order"
        )
    return from_sparse(as_sparse(X, trained.names if trained else (), own, name), name)


def from_sparse(table: Sparse, name: str) -> Found:
    """The table with what is to be remembered of its columns."""
    width = len(table.names)
    names = () if table.names == numbered(width) else table.names
    return Found(with_rows(table, name), Source(name, width=width, names=names))


def with_rows(frame: W, name: str) -> W:
    """Return the table; ``DataError`` where it has no rows."""
    if not frame.columns or not len(frame):
        raise DataError(f"{name}: there are no rows below the header")
    return frame
