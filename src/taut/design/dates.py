"""Dates: the forms in which they are written, and the moment that a cell in one of them says."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from taut.design.notation import MAX_ODD_SHARE, MISSING

NO_DATE = frozenset(
    {"0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000", "0000/00/00", "00000000"}
)
"""What databases write where there is no date."""

ISO = "%Y-%m-%d"
FORMS = (
    ISO, "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y",
    "%d/%m/%y", "%d-%m-%y", "%d-%b-%Y", "%d %b %Y", "%d. %b %Y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%y",
    "%d %b %y", "%Y-%b-%d", "%Y%m%d", "%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y",
)  # fmt: skip
"""The forms that are found; of two that fit as many cells, the earlier is taken."""

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = {name[:size]: number for number, name in enumerate(_MONTHS, 1) for size in (3, len(name))} | {
    "sept": 9
}
_PARTS = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d{2})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "b": r"(?P<b>[A-Za-z]{3,9})\.?",
    "H": r"(?P<H>\d{1,2})", "I": r"(?P<H>\d{1,2})", "M": r"(?P<M>\d{1,2})", "S": r"(?P<S>\d{1,2})", "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp])\.?[Mm]\.?", "z": r"(?P<z>Z|[+-]\d{2}(?::?\d{2})?)", "Z": r"[A-Za-z][A-Za-z_/]*",
    "a": r"[A-Za-z]{2,9}\.?", "%": "%",
}  # fmt: skip
"""What each directive of strptime stands for; %B and %A are taken as %b and %a."""
_TIME = (
    r"(?:(?:T|,?\s+)(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s?(?P<p>[AaPp])\.?[Mm]\.?)?(?:\s?(?P<z>Z|[+-]\d{2}(?::?\d{2})?)|\s?[A-Za-z][A-Za-z_/]*)?)?"
)
_CENTURY = 69
"""Years of two digits below this are of this century, as POSIX has it."""


class Moment(NamedTuple):
    """A date, its time as written (None where there is none), and its seconds ahead of UTC (0 where no zone is said)."""

    day: datetime.date
    time: datetime.time | None
    ahead: int

    @property
    def days(self) -> float:
        """Days since year 1, at UTC."""
        clock = self.time or datetime.time()
        seconds = 3600 * clock.hour + 60 * clock.minute + clock.second + 1e-6 * clock.microsecond - self.ahead
        return self.day.toordinal() + seconds / 86_400.0


@cache
def reader_of(form: str) -> Callable[[str], Moment | None]:
    """The reader of cells in a form of strptime, a time behind it or not; ValueError for an unknown directive."""
    pattern = _pattern(form)

    def read(text: str) -> Moment | None:
        found = pattern.fullmatch(text)
        return None if found is None else _moment(found.groupdict())

    return read


def _pattern(form: str) -> re.Pattern[str]:
    pieces, named = [], set()
    for literal, directive in re.findall(r"([^%]*)(?:%(.?))?", form):
        pieces.append(r"\s+".join(map(re.escape, literal.split(" "))))
        kind = {"B": "b", "A": "a"}.get(directive, directive)
        if kind in named or (kind and kind not in _PARTS):
            raise ValueError(f"%{directive} in {form!r}: a form of dates has {_known()}, each once")
        if kind:
            pieces.append(_PARTS[kind])
            named.add(kind)
    if not {"m", "b"} & named or not {"Y", "y"} & named:
        raise ValueError(f"{form!r} is no form of dates: a year (%Y or %y) and a month (%m or %b) are needed")
    weekday = "" if "a" in named else r"(?:[A-Z][a-z]{2,8},?\s+)?"
    return re.compile(weekday + "".join(pieces) + ("" if {"H", "I"} & named else _TIME))


def _known() -> str:
    return " ".join(f"%{directive}" for directive in _PARTS)


def _moment(parts: Mapping[str, str | None]) -> Moment | None:
    """The moment of what a form found; None where there is no such day or time."""
    month = parts.get("m")
    number = int(month) if month else _MONTH.get((parts.get("b") or "").lower(), 0)
    try:
        day = datetime.date(_year(parts), number, int(parts.get("d") or 1))
        time = _clock(parts)
    except ValueError:
        return None
    return Moment(day, time, _ahead(parts.get("z") or ""))


def _year(parts: Mapping[str, str | None]) -> int:
    if full := parts.get("Y"):
        return int(full)
    short = int(parts.get("y") or 0)
    return short + (2000 if short < _CENTURY else 1900)


def _clock(parts: Mapping[str, str | None]) -> datetime.time | None:
    if not (written := parts.get("H")):
        return None
    hour, half = int(written), (parts.get("p") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * (half == "p")
    fraction = int((parts.get("f") or "0").ljust(6, "0")[:6])
    return datetime.time(hour, int(parts.get("M") or 0), int(parts.get("S") or 0), fraction)


def _ahead(zone: str) -> int:
    digits = zone.replace(":", "")
    if len(digits) < 3:
        return 0
    seconds = 3600 * int(digits[1:3]) + 60 * int(digits[3:] or 0)
    return -seconds if digits[0] == "-" else seconds


class Dates(NamedTuple):
    """How the dates of a column are written: their form, whether times stand behind, cells that are none, other readings."""

    form: str
    timed: bool
    odd: tuple[str, ...] = ()
    rival: str = ""


def is_gap(text: str) -> bool:
    """Whether a cell of a column of dates says that there is none."""
    return text.lower() in MISSING or text in NO_DATE


def find_dates(counts: Mapping[str, int], asked: str = "") -> Dates | None:
    """The form in which all but 2 % of the filled cells are dates; None where there is none.

    ``asked``: the form, however many cells are dates in it.
    """
    cells = {text: count for text, count in counts.items() if not is_gap(text)}
    filled = sum(cells.values())
    if not filled or not (asked or _may_be_dates(cells)):
        return None
    least = 1 if asked else filled * (1.0 - MAX_ODD_SHARE)
    fits = [(form, fit) for form in ([asked] if asked else FORMS) if (fit := _weight(form, cells, least))]
    if not fits:
        return None
    best = max(fit for _, fit in fits)
    form, *rivals = [form for form, fit in fits if fit == best]
    moments = {text: reader_of(form)(text) for text in cells}
    if not asked and _are_seasons(form, moments.values()):
        return None
    odd = tuple(text for text, moment in moments.items() if moment is None)
    timed = any(moment is not None and moment.time is not None for moment in moments.values())
    return Dates(form, timed, odd, next((r for r in rivals if _differ(form, r, cells)), ""))


def _may_be_dates(cells: Mapping[str, int]) -> bool:
    """Whether a few of the cells are dates: text is acquitted soon."""
    few = [text for text, _ in zip(cells, range(20), strict=False)]
    return any(reader_of(form)(text) is not None for text in few for form in FORMS)


def _weight(form: str, cells: Mapping[str, int], least: float) -> int:
    """How many cells are dates in this form; 0 where they are fewer than ``least``."""
    read, rest = reader_of(form), sum(cells.values())
    for text, count in cells.items():
        if read(text) is None:
            rest -= count
            if rest < least:
                return 0
    return rest


def _are_seasons(form: str, moments: Iterable[Moment | None]) -> bool:
    """Whether a year and a month are two years in a row (2010-11) in every cell."""
    if form != "%Y-%m":
        return False
    return all((m.day.year + 1) % 100 == m.day.month for m in moments if m is not None)


def _differ(form: str, rival: str, cells: Mapping[str, int]) -> bool:
    """Whether two forms that fit read a cell as different days."""
    first, second = reader_of(form), reader_of(rival)
    return any((a := first(text)) and (b := second(text)) and a.day != b.day for text in cells)


def mixed_forms(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The forms that together, none alone, make dates of all but 2 % of the filled cells; empty where they do not."""
    left = {text: count for text, count in counts.items() if not is_gap(text)}
    filled = sum(left.values())
    if not filled or not _may_be_dates(left):
        return ()
    forms = []
    while left:
        form = max(FORMS, key=lambda form: _weight(form, left, 1))
        if not _weight(form, left, 1):
            break
        forms.append(form)
        left = {text: count for text, count in left.items() if reader_of(form)(text) is None}
    return tuple(forms) if sum(left.values()) <= MAX_ODD_SHARE * filled else ()
