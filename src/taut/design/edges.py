"""Edges: which rows of a sample are names, units, titles above and totals below, by what they hold and what follows them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from taut.design.dialects import BLANKS, Row, is_number
from taut.design.faults import brief

MOST_ABOVE = 60
"""Lines that may stand above the header."""
MOST_BELOW = 10
LONGEST_UNIT = 12
NUMERIC_SHARE = 0.8
ROW_NAMES = "row"
GAPS = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "--", "missing"})

_TOTAL = re.compile(
    r"(grand |sub)?totals?:?|sum:?|summe:?|gesamt:?|insgesamt:?|somme:?|totale:?|suma:?|mean:?|average:?",
    re.I,
)


def numeric_columns(rows: list[list[str]], width: int) -> list[bool]:
    """Which columns hold numbers, but for a few cells and gaps."""
    counts = [[0, 0] for _ in range(width)]
    for cells in rows:
        for place, cell in enumerate(cells[:width]):
            if cell.strip().lower() not in GAPS:
                counts[place][0] += 1
                counts[place][1] += is_number(cell)
    return [filled > 0 and good >= NUMERIC_SHARE * filled for filled, good in counts]


def first_row(rows: list[Row], numbers: list[bool], named: bool) -> int:
    """Which of the rows is the header, or the first row of cells where the table is not ``named``."""
    for place in range(min(len(rows) - 1, MOST_ABOVE)):
        if not _stands_above(rows, place, numbers, named):
            return place
    return 0


def _stands_above(rows: list[Row], place: int, numbers: list[bool], named: bool) -> bool:
    """Whether a row is none of the table: a title, a comment, a remark on the whole."""
    cells, behind = rows[place].cells, rows[place + 1].cells
    width, count, filled = len(numbers), len(cells), [c for c in cells if c.strip()]
    if width == 1:
        return False
    names_follow = len(behind) in (width, width - 1) and _is_names(behind)
    rows_follow = len(behind) == width and any(map(is_number, behind))
    title = width > 2 and len(filled) == 1 and cells[0].strip() != ""
    title = title and (names_follow or (not named and numbers[0] and not is_number(cells[0])))
    values = any(numbers) and any(map(is_number, cells)) and not _fits(cells, numbers)
    return (
        cells[0].lower().startswith("sep=")
        or (cells[0].lstrip().startswith("#") and (count != width or names_follow))
        or count < width - 1
        or (count == width - 1 and not rows_follow and (names_follow or count == 1))
        or (count == width and title)
        or (count > width and names_follow)
        or (names_follow and values)
    )


def _is_names(cells: list[str]) -> bool:
    """Whether the cells could be names: none is a number, few are empty."""
    filled = [c for c in cells if c.strip()]
    return len(filled) >= max(1, len(cells) - 1) and not any(map(is_number, filled))


def _fits(cells: list[str], numbers: list[bool]) -> bool:
    """Whether some cell is a number where the column has numbers."""
    return any(number and is_number(cell) for cell, number in zip(cells, numbers, strict=False))


def above_words(rows: list[Row]) -> tuple[str, ...]:
    """What is to be said of rows that stand above the table."""
    if not rows:
        return ()
    text = brief(", ".join(c.strip() for c in rows[0].cells if c.strip()))
    if len(rows) == 1:
        return (f"line {rows[0].first} stands above the table and is left out: {text}",)
    return (f"lines {rows[0].first} to {rows[-1].last} stand above the table and are left out: {text}, …",)


def names_of(cells: list[str], count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names in a header, each once, and what is to be said of them."""
    said: tuple[str, ...] = ()
    if len(cells) == count - 1:
        cells = [ROW_NAMES, *cells]
        said = (
            f"the header has a name less than there are cells: the first column is called {brief(ROW_NAMES)}",
        )
    given = [unicodedata.normalize("NFC", cell.strip()) or "unnamed" for cell in cells]
    names = _each_once(given)
    twice = [(old, new) for old, new in zip(given, names, strict=True) if old != new]
    return names, (
        *said,
        *(f"{brief(old)} names several columns; another is called {brief(new)}" for old, new in twice[:3]),
    )


def _each_once(named: list[str]) -> tuple[str, ...]:
    """A second "a" is called "a (2)"."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    taken = set(named)
    for cell in named:
        seen[cell] += 1
        name = cell
        while seen[cell] > 1 and (name == cell or name in taken):
            name = f"{cell} ({seen[cell]})"
            seen[cell] += name in taken
        taken.add(name)
        names.append(name)
    return tuple(names)


def is_units(cells: list[str], numbers: list[bool]) -> bool:
    """Whether a row below the header says in what the columns of numbers are measured."""
    texts = [cell.strip() for cell in cells]
    measured = [t for t, number in zip(texts, numbers, strict=False) if number and t.lower() not in GAPS]
    rest = [t for t, number in zip(texts, numbers, strict=False) if not number]
    if len(cells) < len(numbers) - 1 or 2 * len(measured) < sum(numbers) or not measured:
        return False
    bare = all(not t or t[0] in "[(" or t in ("-", "1") for t in rest)
    return bare and all(len(t) <= LONGEST_UNIT and not is_number(t) for t in measured)


def feet_of(
    last: list[Row], rows: list[list[str]], numbers: list[bool], delimiter: str
) -> tuple[int, tuple[str, ...]]:
    """How many lines behind the last row are none, and what is said of them."""
    firsts = Counter(cells[0].strip() for cells in rows)
    feet: list[Row] = []
    for row in reversed(last[-MOST_BELOW:]):
        if not _is_foot(row.cells, numbers, firsts, delimiter):
            break
        feet.insert(0, row)
    if len(feet) in (0, MOST_BELOW, len(last)):
        return 0, ()
    text = brief(", ".join(c.strip() for c in feet[0].cells if c.strip()))
    what = "the last line is" if len(feet) == 1 else f"the last {len(feet)} lines are"
    return last[-1].last - feet[0].first + 1, (f"{what} no row and left out: {text}",)


def _is_foot(cells: list[str], numbers: list[bool], firsts: Counter[str], delimiter: str) -> bool:
    width, first = len(numbers), cells[0].strip()
    if width < 2:
        return False
    if len(cells) == width:
        return _TOTAL.fullmatch(first) is not None and firsts[first] <= 1
    if len(cells) == 1 or first.startswith("#"):
        return not is_number(first)
    if len(cells) > width and delimiter != BLANKS:
        return False
    known = [c for c, number in zip(cells, numbers, strict=False) if number and c.strip()]
    return bool(known) and not any(map(is_number, known))
