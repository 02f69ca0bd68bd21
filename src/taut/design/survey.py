"""Survey: what all rows say of the columns, gathered block by block in any order: exact counts, and a sample of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from taut.design.columns import Facts
from taut.design.faults import DataError, brief
from taut.design.hashing import mixed
from taut.design.values import Cells, is_number

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 20_000
"""Rows of the sample from which medians and the marks of written numbers are learnt."""
SAMPLED_CELLS, FEWEST_SAMPLED = 1 << 23, 2_000
"""Of a wide table so many cells are sampled, but not fewer rows."""
FEWEST_ROWS = 10
"""Rows that a level, or the gaps of a column, must have to be a feature of sums that leave their owner."""
MOST_LEVELS = 100_000
"""Different texts of a column that are counted; beyond them the sample says what the column holds."""
SALT = 0x5EED_0F_5A3B1E
KEY = "\x00row"
"""The column of row numbers beside a sample's own columns."""

Keys = NDArray[np.uint64]


@dataclass
class NumberFacts:
    """A column of numbers: how many cells hold one, the least and the largest, and a print that adds over rows."""

    filled: int = 0
    gaps: int = 0
    gap_print: int = 0
    low: float = np.inf
    high: float = -np.inf
    print: int = 0

    def add(self, other: NumberFacts) -> None:
        """Take up other rows."""
        self.filled += other.filled
        self.gaps += other.gaps
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.print = (self.print + other.print) % 2**64
        self.gap_print = (self.gap_print + other.gap_print) % 2**64


@dataclass
class TextFacts:
    """A column of texts: how often each stands there, and its print; ``overflow`` where there are too many to count."""

    counts: Counter[str | None] = field(default_factory=Counter)
    prints: Counter[str | None] = field(default_factory=Counter)
    overflow: bool = False

    def add(self, other: TextFacts) -> None:
        """Take up other rows."""
        self.counts.update(other.counts)
        for level, found in other.prints.items():
            self.prints[level] = (self.prints[level] + found) % 2**64
        self.overflow |= other.overflow or len(self.counts) > MOST_LEVELS
        if self.overflow:
            gaps = {None: self.counts[None]}
            self.counts, self.prints = Counter(gaps), Counter()


class Survey(Facts):
    """Exact counts of every column and the rows whose numbers have the smallest hashes: the same for any blocks, in any order.

    A print is Σ h(row) f(cell) modulo 2⁶⁴ with a hash h of the row's number: equal columns have equal prints, others have
    not but for one chance in some 10¹⁸ (Carter and Wegman, *J. Comput. Syst. Sci.* 18:143, 1979).
    """

    fewest = FEWEST_ROWS

    def __init__(self, size: int = SAMPLE) -> None:
        self.size = size
        self.rows = 0
        self.numbers: dict[str, NumberFacts] = {}
        self.texts: dict[str, TextFacts] = {}
        self.others: Counter[str] = Counter()
        self._parts: list[pl.DataFrame] = []
        self._kept = 0

    def add(self, frame: pl.DataFrame, rows: NDArray[np.int64]) -> None:
        """Take up rows of a table, ``rows`` (n,) being their numbers in the whole of it."""
        if not frame.height:
            return
        keys = mixed(rows.astype(np.uint64), SALT)
        self.size = min(self.size, max(FEWEST_SAMPLED, SAMPLED_CELLS // frame.width))
        self.rows += frame.height
        table = nw.from_native(frame, eager_only=True)
        kinds = {name: is_number(dtype) for name, dtype in table.schema.items()}
        self._add_numbers(table, [n for n, number in kinds.items() if number], keys)
        for name in (n for n, number in kinds.items() if not number):
            self._add_texts(frame[name], keys)
        self._add_sample(frame, rows, keys)

    def merge(self, other: Survey) -> None:
        """Take up what another survey, of other rows of the same table, has seen."""
        self.size = min(self.size, other.size)
        self.rows += other.rows
        for name, number in other.numbers.items():
            self.numbers.setdefault(name, NumberFacts()).add(number)
        for name, text in other.texts.items():
            self.texts.setdefault(name, TextFacts()).add(text)
        self.others.update(other.others)
        self._parts += other._parts
        self._kept += other._kept
        self._thin()

    def sample(self) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """The sampled rows in the order of the table, and their numbers."""
        import polars as pl

        self._thin(whole=True)
        whole = pl.concat(self._parts, how="vertical_relaxed").sort(KEY)
        self._parts = [whole]
        return whole.drop(KEY), whole[KEY].to_numpy()

    @property
    def is_whole(self) -> bool:
        """Whether the sample holds every row."""
        return self.rows <= self.size

    def cells(self, name: str) -> Cells | None:
        """The texts of a column and how often each stands there; None where that was not counted."""
        found = self.texts.get(name)
        if found is None or found.overflow:
            return None
        counts = Counter({text: count for text, count in found.counts.items() if text is not None})
        return Cells(counts, found.counts[None] > 0)

    def gaps(self, name: str) -> bool:
        """Whether cells of a column are missing."""
        if name in self.numbers:
            return self.numbers[name].gaps > 0
        return name in self.others or (name in self.texts and self.texts[name].counts[None] > 0)

    def print_of_values(self, name: str) -> bytes | None:
        """Equal for equal columns of numbers, empty for one that does not vary; None for a column of another kind."""
        found = self.numbers.get(name)
        if found is None:
            return None
        varies = found.low < found.high
        return b"values" + found.print.to_bytes(8, "little") if varies else b""

    def print_of_gaps(self, name: str) -> bytes | None:
        """That of the missing-value indicator; empty, too, where it marks fewer than ``fewest`` rows, or all but so many."""
        found = self.numbers.get(name)
        return None if found is None else self._indicator(found.gaps, found.gap_print)

    def print_of_levels(self, name: str, levels: Collection[str | None]) -> bytes:
        """That of the indicator of some levels; empty as for gaps."""
        found = self.texts[name]
        count = sum(found.counts[level] for level in levels)
        return self._indicator(count, sum(found.prints[level] for level in levels) % 2**64)

    def _indicator(self, count: int, found: int) -> bytes:
        varies = self.fewest <= count <= self.rows - self.fewest
        return b"rows" + found.to_bytes(8, "little") if varies else b""

    def _add_numbers(self, table: nw.DataFrame[Any], names: list[str], keys: Keys) -> None:
        if not names:
            return
        block = table.select(names).select(nw.all().cast(nw.Float64)).to_numpy()
        for name, values in zip(names, block.T, strict=True):
            known = np.isfinite(values)
            own = values if known.all() else values[known]
            bits = (np.where(known, values, np.nan) + 0.0).view(np.uint64)  # −0 and 0 are one number
            self.numbers.setdefault(name, NumberFacts()).add(
                NumberFacts(
                    own.size,
                    values.size - own.size,
                    0 if own.size == values.size else int(keys[~known].sum()),
                    float(own.min(initial=np.inf)),
                    float(own.max(initial=-np.inf)),
                    int(((bits ^ (bits >> np.uint64(32))) * keys).sum()),
                )
            )

    def _add_texts(self, column: pl.Series, keys: Keys) -> None:
        import polars as pl

        name, dtype = column.name, column.dtype
        if dtype.is_nested() or dtype.is_temporal() or dtype == pl.Object:
            if column.null_count():
                self.others[name] += column.null_count()
            return
        text = pl.col(name).cast(pl.String).str.strip_chars()
        cells = column.to_frame().select(pl.when(text != "").then(text).alias("text"), pl.Series("key", keys))
        found = cells.group_by("text").agg(pl.len(), pl.col("key").sum())
        facts = TextFacts()
        for level, count, key in found.iter_rows():
            facts.counts[level], facts.prints[level] = count, key
        self.texts.setdefault(name, TextFacts()).add(facts)

    def _add_sample(self, frame: pl.DataFrame, rows: NDArray[np.int64], keys: Keys) -> None:
        import polars as pl

        own = (
            np.arange(len(keys)) if len(keys) <= self.size else np.argpartition(keys, self.size)[: self.size]
        )
        if self._kept >= self.size:
            own = own[keys[own] < self._limit]
        if own.size:
            self._parts.append(frame[own].with_columns(pl.Series(KEY, rows[own])))
            self._kept += own.size
            self._thin()

    _limit = np.uint64(2**64 - 1)

    def _thin(self, whole: bool = False) -> None:
        """Keep the rows of the smallest hashes, once there are half as many more as wanted."""
        import polars as pl

        if self._kept <= (self.size if whole else self.size + self.size // 2):
            return
        every = pl.concat(self._parts, how="vertical_relaxed")
        keys = mixed(every[KEY].to_numpy().astype(np.uint64), SALT)
        order = np.argpartition(keys, self.size)
        self._limit = keys[order[: self.size]].max()
        self._parts = [every[order[: self.size]]]
        self._kept = self.size


def check_kinds(found: pl.DataFrame, first: dict[str, Any], place: str) -> pl.DataFrame:
    """The columns in the order of the first block; ``DataError`` names one that is gone, or of another kind."""
    schema = dict(found.schema)  # asked once: a table of many columns takes long to say it
    if [*schema.items()] == [*first.items()]:
        return found
    gone = next((name for name in first if name not in schema), None)
    if gone is not None:
        raise DataError(f"{place}: column {brief(gone)} is missing, and the rows before have it")
    for name, dtype in first.items():
        own = schema[name]
        if _kind(own) != _kind(dtype):
            raise DataError(
                f"{place}: column {brief(name)} is {_kind(own)} ({own}), and {_kind(dtype)} ({dtype}) before; give all files"
                " the same types"
            )
    texts = [n for n, dtype in first.items() if _kind(dtype) == "text" and schema[n] != dtype]
    return found.select(list(first)).with_columns(found[name].cast(first[name]) for name in texts)


def _kind(dtype: Any) -> str:
    """What values of a type are, as far as sums care."""
    if dtype.is_numeric() or str(dtype) == "Boolean":
        return "numbers"
    return "dates" if dtype.is_temporal() else "nested" if dtype.is_nested() else "text"
