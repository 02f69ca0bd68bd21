"""Notation: how the numbers of a column are written (marks, currency, units), and what a cell then says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np

MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "--", "missing"})
TRUTH = {"true": 1.0, "false": 0.0}
MAX_ODD_SHARE = 0.02
"""Share of the filled cells of a column that may be something else than what the column is."""
MAX_LIMIT_SHARE = 0.5
"""Where more cells than this are limits (``<50``), they are the names of ranges."""

_CURRENCIES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW MXN MYR NGN NOK"
    " NZD PEN PHP PKR PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
"""ISO 4217 codes that may stand before a number; behind it any word is a unit."""
_MONEY = rf"(?:[A-Z]{{0,3}}[$€£¥₹₩₽₺₪฿₫₴]|{'|'.join(_CURRENCIES.split())}|Rs\.?|Fr\.|kr\.?)"
_UNIT = rf"(?:{_MONEY}|[%‰]|[°µ]?[^\W\d_][\w/²³·°^]{{0,11}})"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CELL = re.compile(
    rf"""(?P<limit>[<>≤≥]=?\s?)? (?P<open>\()? (?P<sign>[+-]\s?)? (?P<before>{_MONEY})?\s? (?P<inner>[+-]|\()?
    (?P<body>\d(?:[\d.,'_\ ]*\d)?[.,]?|[.,]\d+) (?P<power>[eE][+-]?\d+)? \s?(?P<behind>{_UNIT})? (?P<close>\))?""",
    re.VERBOSE,
)
_SAMPLE = re.compile(r"(?P<before>\D*)1(?P<thousands>\D?)234(?P<decimal>[.,])5 ?(?P<behind>.*)", re.DOTALL)
_WRITINGS = str.maketrans(
    dict.fromkeys("\u2212\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")
    | {"\u2019": "'"}
)
"""Signs that stand for a minus, a blank or an apostrophe."""


@dataclass(frozen=True)
class Notation:
    """How numbers are written: ``decimal`` mark, mark between ``thousands`` (empty: none), what stands before and behind.

    Where thousands are marked by the other of comma and point, blanks, apostrophes and underscores may mark them too:
    these can mean nothing else.
    """

    decimal: str = "."
    thousands: str = ","
    before: str = ""
    behind: str = ""

    @property
    def form(self) -> str:
        """The number 1234.5 in this notation, for files and readers."""
        gap = " " if self.behind[:1].isalpha() else ""
        return f"{self.before}1{self.thousands}234{self.decimal}5{gap}{self.behind}"

    @property
    def other(self) -> Notation:
        """The same with point and comma exchanged."""
        return usual(OTHER[self.decimal])

    @property
    def affix(self) -> tuple[str, str]:
        """What stands before and behind."""
        return self.before, self.behind


OTHER = {".": ",", ",": "."}


def usual(decimal: str) -> Notation:
    """The notation with this decimal mark, thousands marked by the other one, and no unit."""
    return Notation(decimal, OTHER[decimal])


@cache
def notation_of(form: str, decimal: str = ".") -> Notation:
    """The notation of ``Notation.form``; ValueError for another text. An empty one is the usual notation."""
    if not form:
        return usual(decimal)
    found = _SAMPLE.fullmatch(form)
    if found is None:
        raise ValueError(f"{form!r} is no number 1234.5 in some notation")
    return Notation(found["decimal"], found["thousands"], found["before"], found["behind"])


class Marked(NamedTuple):
    """A cell taken apart: the digits and marks of its number, and what stands around them."""

    body: str
    power: str
    negative: bool
    before: str
    behind: str
    limit: bool
    enclosed: bool

    @property
    def affix(self) -> tuple[str, str]:
        """What stands before and behind."""
        return self.before, self.behind

    def value(self, decimal: str, thousands: str) -> float:
        """The number with these marks; NaN where its digits are not grouped so."""
        body = _plain(self.body, decimal, thousands)
        if not body:
            return np.nan
        size = float(body + self.power)
        return -size if self.negative else size


def take_apart(text: str) -> Marked | None:
    """The parts of a cell that holds one number; None for any other cell."""
    found = _CELL.fullmatch(text.translate(_WRITINGS))
    if found is None:
        return None
    opened = bool(found["open"]) + (found["inner"] == "(")
    signs = [sign.strip() for sign in (found["sign"], found["inner"]) if sign and sign != "("]
    numbered = (
        found["behind"] and found["body"][-1] in ".,"
    )  # "1. White" is a level, not a number with a unit
    if numbered or opened != bool(found["close"]) or len(signs) + opened > 1:
        return None
    negative = bool(opened) or signs == ["-"]
    return Marked(
        found["body"], found["power"] or "", negative, found["before"] or "", found["behind"] or "",
        bool(found["limit"]), bool(opened),
    )  # fmt: skip


@cache
def _grouping(decimal: str, thousands: str) -> re.Pattern[str]:
    """The digits of a number with these marks: groups of three, or of two before the last three (as in India)."""
    whole = [r"\d+"]
    if thousands:
        marks = re.escape("".join(sorted({*" '_", thousands})))
        whole.append(rf"[1-9]\d{{0,2}}(?P<mark>[{marks}])\d{{3}}(?:(?P=mark)\d{{3}})*")
    if thousands == ",":
        whole.append(r"[1-9]\d?(?:,\d\d)+,\d{3}")
    return re.compile(rf"(?:{'|'.join(whole)})?(?:{re.escape(decimal)}\d*)?")


@cache
def _marks(decimal: str, thousands: str) -> dict[int, str]:
    return str.maketrans({decimal: ".", **dict.fromkeys(f"{OTHER[decimal]} '_", "")})


def _plain(body: str, decimal: str, thousands: str) -> str:
    """The digits with a decimal point and no other mark; empty where they are not grouped so."""
    if not _grouping(decimal, thousands).fullmatch(body):
        return ""
    return body.translate(_marks(decimal, thousands))


def read_number(text: str, notation: Notation) -> float:
    """Read one cell: a number in this notation, with its unit or without, or a truth value; NaN for anything else."""
    if notation.decimal == "." and _PLAIN.fullmatch(text):
        return float(text)
    marked = take_apart(text)
    if marked is not None and marked.affix in (("", ""), notation.affix):
        return marked.value(notation.decimal, notation.thousands)
    return TRUTH.get(text.lower(), np.nan)


def odd_tokens(levels: Iterable[str], notation: Notation) -> list[str]:
    """Return the distinct texts that are neither numbers nor a usual sign for a missing value."""
    return [t for t in levels if t.lower() not in MISSING and np.isnan(read_number(t, notation))]


@dataclass
class Evidence:
    """What the cells of a column say of their notation; counts of filled cells.

    ``point`` and ``comma``: numbers with that decimal mark alone; ``either``: with both, of different values (``1.234``);
    ``sample``: one of them; ``affixes``: what stands around numbers; ``limits``: numbers such as ``<2000``, of which
    ``limit`` is one; ``grouped``: the decimal marks with which some have their thousands marked; ``enclosed``: negative
    in parentheses; ``padded``: digits that begin with a zero; ``widths``: how many digits cells of digits alone have.
    """

    filled: int = 0
    numbers: int = 0
    point: int = 0
    comma: int = 0
    either: int = 0
    sample: str = ""
    affixes: dict[tuple[str, str], int] = field(default_factory=dict)
    limits: int = 0
    limit: str = ""
    grouped: set[str] = field(default_factory=set)
    enclosed: int = 0
    padded: int = 0
    widths: dict[int, int] = field(default_factory=dict)

    @property
    def decimal(self) -> str:
        """The decimal mark that more cells prove; empty where none proves any."""
        if self.point == self.comma:
            return ""
        return "." if self.point > self.comma else ","

    @property
    def affix(self) -> tuple[str, str]:
        """What stands around most numbers."""
        return max(self.affixes, key=lambda affix: self.affixes[affix], default=("", ""))


def weigh(counts: Mapping[str, int], whole: bool = False) -> Evidence:
    """Look at the distinct cells of a column; it ends early, unless ``whole``, where too many cells are no numbers."""
    found = Evidence(filled=sum(count for text, count in counts.items() if text.lower() not in MISSING))
    odd = 0
    for text, count in counts.items():
        lowered = text.lower()
        if lowered in MISSING:
            continue
        marked = take_apart(text)
        if marked is None:
            truth = lowered in TRUTH
            found.numbers += count if truth else 0
            odd += 0 if truth else count
            if odd > MAX_ODD_SHARE * found.filled and not whole:
                break
            continue
        _count(found, text, marked, count)
    return found


def _count(found: Evidence, text: str, marked: Marked, count: int) -> None:
    """Take up one cell that is a number."""
    as_point, as_comma = (marked.value(decimal, OTHER[decimal]) for decimal in ".,")
    if np.isnan(as_point) and np.isnan(as_comma):
        return
    found.numbers += count
    found.affixes[marked.affix] = found.affixes.get(marked.affix, 0) + count
    if text.isdecimal():
        found.widths[len(text)] = found.widths.get(len(text), 0) + count
        found.padded += count if len(text) > 1 and text[0] == "0" else 0
    if marked.limit:
        found.limits, found.limit = found.limits + count, found.limit or text
    found.enclosed += count if marked.enclosed else 0
    for decimal, value in ((".", as_point), (",", as_comma)):
        if not np.isnan(value) and any(mark in marked.body for mark in f"{OTHER[decimal]} '_"):
            found.grouped.add(decimal)
    if np.isnan(as_comma):
        found.point += count
    elif np.isnan(as_point):
        found.comma += count
    elif as_point != as_comma:
        found.either += count
        found.sample = found.sample or text
