"""Pollution: what people and programs do to tables on the way into a file, each alone or several together.

After Vitagliano, Hameed, Jiang, Reisener, Wu and Naumann, "Pollock: A Data Loading Benchmark", VLDB 16 (2023): every
pollution starts from a file of known content, so that a reader can be told right from wrong to the last cell.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.robustness.sheets import ROWS, TABLES, TARGET, Cell, Sheet, plain

Rng = np.random.Generator
Pollute = Callable[[Sheet, Rng], "Sheet | None"]

POLLUTIONS: dict[str, Pollute] = {}
"""By name; None where a pollution does not suit a sheet (an encoding without its letters, a second header)."""
FAMILIES: dict[str, str] = {}
"""Which of them exclude each other: two delimiters, two encodings."""


def pollution(name: str, family: str) -> Callable[[Pollute], Pollute]:
    def kept(make: Pollute) -> Pollute:
        POLLUTIONS[name] = make
        FAMILIES[name] = family
        return make

    return kept


def _add(name: str, family: str, change: Callable[[Sheet], dict[str, object] | None]) -> None:
    def make(sheet: Sheet, _rng: Rng) -> Sheet | None:
        changes = change(sheet)
        return None if changes is None else replace(sheet, **changes)

    pollution(name, family)(make)


def _texts(sheet: Sheet) -> str:
    return "".join(c or "" for row in sheet.rows for c in row) + "".join(sheet.header or ())


# Delimiters
for _name, _mark in (("semicolon", ";"), ("tab", "\t"), ("pipe", "|")):
    _add(f"delimiter: {_name}", "delimiter", lambda s, mark=_mark: {"delimiter": mark})
_add(
    "delimiter: blanks",
    "delimiter",
    lambda s: None if any(c is None for row in s.rows for c in row) else {"delimiter": " "},
)
_add("delimiter: comma and blank", "delimiter", lambda s: {"pad": " "})

# Quotes and escapes
_add("quotes: around everything", "quotes", lambda s: {"quoting": "all"})
_add("quotes: around texts", "quotes", lambda s: {"quoting": "texts"})
_add("quotes: single", "quotes", lambda s: None if '"' in _texts(s) else {"quote": "'", "quoting": "texts"})
_add(
    "quotes: backslash",
    "quotes",
    lambda s: {"quoting": "texts", "escape": "backslash"} if '"' in _texts(s) else None,
)
_add(
    "quotes: none, though they stand in text",
    "delimiter",
    lambda s: {"quoting": "none", "delimiter": "\t"} if '"' in _texts(s) else None,
)

# Line ends
_add("line ends: CR LF", "line ends", lambda s: {"line_end": "\r\n"})
_add("line ends: CR", "line ends", lambda s: {"line_end": "\r"})
_add("line ends: none at the end", "end", lambda s: {"final": ""})
_add("line ends: blank lines at the end", "end", lambda s: {"final": "\n\n\n"})
_add("line ends: Ctrl-Z", "end", lambda s: {"final": "\n\x1a"})
_add("line ends: blank lines between", "between", lambda s: {"between": ((5, ""), (17, ""))})

_add("above: a title", "above", lambda s: {"above": ("Quarterly report",)})
_add("above: a title and a blank line", "above", lambda s: {"above": ("Quarterly report 2024, final", "")})
_add(
    "above: a padded title",
    "above",
    lambda s: {"above": ("Quarterly report" + s.delimiter * (len(s.table.names) - 1),)},
)
_add("above: comments", "above", lambda s: {"above": ("# exported by hand", "# 2024-05-01, second run")})
_add(
    "above: keys and values",
    "above",
    lambda s: {"above": ("Station: Zugspitze", "Height: 2962", "Instrument: A", "")},
)
_add("above: blank lines", "above", lambda s: {"above": ("", "")})
_add("below: a source", "below", lambda s: {"below": ("Source: ministry of works",)})
_add("below: a blank line and a note", "below", lambda s: {"below": ("", "(48 rows)")})
_add("below: a comment", "below", lambda s: {"below": ("# end",)})


@pollution("below: a line of totals", "below")
def _totals(sheet: Sheet, _rng: Rng) -> Sheet | None:
    cells = ["Total"] + ["9999.5" if kind == "number" else "" for kind in sheet.table.kinds[1:]]
    return replace(sheet, below=(sheet.delimiter.join(cells),)) if sheet.delimiter != " " else None


@pollution("header: a line of units", "header")
def _units(sheet: Sheet, rng: Rng) -> Sheet | None:
    if sheet.header is None or sheet.delimiter == " ":
        return None
    units = rng.choice(["kg", "EUR", "cm", "°C", "%"], len(sheet.table.names))
    cells = tuple(
        str(u) if kind == "number" else "" for u, kind in zip(units, sheet.table.kinds, strict=True)
    )
    return replace(sheet, units=cells)


@pollution("header: a line of units in brackets", "header")
def _bracketed(sheet: Sheet, _rng: Rng) -> Sheet | None:
    if sheet.header is None or sheet.delimiter == " ":
        return None
    return replace(sheet, units=tuple("[kg]" if kind == "number" else "[-]" for kind in sheet.table.kinds))


@pollution("header: a name twice", "header")
def _twice(sheet: Sheet, _rng: Rng) -> Sheet | None:
    if sheet.header is None or len(sheet.header) < 3:
        return None
    names = (sheet.header[0], sheet.header[0], *sheet.header[2:])
    true = (sheet.table.names[0], f"{sheet.table.names[0]} (2)", *sheet.table.names[2:])
    return replace(sheet, header=names, table=replace(sheet.table, names=true))


@pollution("header: a name missing", "header")
def _unnamed(sheet: Sheet, _rng: Rng) -> Sheet | None:
    if sheet.header is None or sheet.delimiter == " ":
        return None
    names = (sheet.header[0], "", *sheet.header[2:])
    true = (sheet.table.names[0], "unnamed", *sheet.table.names[2:])
    return replace(sheet, header=names, table=replace(sheet.table, names=true))


@pollution("header: none", "header")
def _bare(sheet: Sheet, _rng: Rng) -> Sheet | None:
    names = tuple(f"c{j + 1}" for j in range(len(sheet.table.names)))
    table = replace(sheet.table, names=names)
    options = {**sheet.options, "header": False, "target": names[-1]}
    return replace(sheet, header=None, table=table, options=options)


@pollution("header: names of R's rows", "header")
def _row_names(sheet: Sheet, _rng: Rng) -> Sheet | None:
    return replace(sheet, row_names=True) if sheet.header is not None else None


_add("header: U+0085 in a name", "name", lambda s: _renamed(s, 0, "We\x85ight", "We\x85ight"))
_add("header: U+2028 in a name", "name", lambda s: _renamed(s, 0, "We\u2028ight", "We\u2028ight"))
_add(
    "header: a decomposed name",
    "name",
    lambda s: _renamed(s, 0, unicodedata.normalize("NFD", "größe"), "größe"),
)
_add("header: a line break in a name", "name", lambda s: _renamed(s, 0, "net\nweight", "net\nweight"))


def _renamed(sheet: Sheet, place: int, written: str, true: str) -> dict[str, object] | None:
    if sheet.header is None or (sheet.quoting == "none" and "\n" in written):
        return None
    header = (*sheet.header[:place], written, *sheet.header[place + 1 :])
    names = (*sheet.table.names[:place], true, *sheet.table.names[place + 1 :])
    return {"header": header, "table": replace(sheet.table, names=names)}


@pollution("header: blanks around names", "padded names")
def _padded(sheet: Sheet, _rng: Rng) -> Sheet | None:
    if sheet.header is None or sheet.delimiter == " " or sheet.quote == "'":
        return None
    return replace(sheet, header=tuple(f" {name} " for name in sheet.header))


# Ragged rows
_add("rows: every line ends in a delimiter", "trailing", lambda s: _trailing(s, "all"))
_add("rows: lines of cells end in a delimiter", "trailing", lambda s: _trailing(s, "body"))
_add("rows: one line ends in a delimiter", "trailing", lambda s: _trailing(s, "11"))


def _trailing(sheet: Sheet, which: str) -> dict[str, object] | None:
    return None if sheet.delimiter == " " else {"trailing": which}


@pollution("rows: one is short", "ragged")
def _short(sheet: Sheet, rng: Rng) -> Sheet | None:
    """A line that ends early: its last cells are missing, which is said."""
    if sheet.delimiter == " ":
        return None
    at = int(rng.integers(4, ROWS - 4))
    true = list(sheet.table.rows)
    true[at] = (*true[at][:-1], None)
    rows = list(sheet.rows)
    rows[at] = rows[at][:-1]
    return replace(sheet, rows=tuple(rows), table=replace(sheet.table, rows=tuple(true)))


@pollution("rows: one is long", "ragged")
def _long(sheet: Sheet, rng: Rng) -> Sheet | None:
    at = int(rng.integers(4, ROWS - 4))
    rows = list(sheet.rows)
    rows[at] = (*rows[at], *rows[at][:2])
    return replace(sheet, rows=tuple(rows), refused="line") if sheet.quoting != "texts" else None


# Encodings
for _name, _encoding, _mark_bytes in (
    ("UTF-8 with a mark", "utf-8", b"\xef\xbb\xbf"),
    ("UTF-16", "utf-16", b""),
    ("UTF-16 without a mark", "utf-16-le", b""),
    ("UTF-32", "utf-32", b""),
    ("Windows-1252", "cp1252", b""),
):

    def _encoded(
        sheet: Sheet, _rng: Rng, encoding: str = _encoding, mark: bytes = _mark_bytes
    ) -> Sheet | None:
        try:
            sheet.text().encode(encoding)
        except UnicodeEncodeError:
            return None
        return replace(sheet, encoding=encoding, mark=mark)

    pollution(f"encoding: {_name}", "encoding")(_encoded)

SCRIPTS = {
    "Shift-JIS": ("shift_jis", ("上海のお茶", "大阪の珈琲", "東京の抹茶", "京都の水")),
    "Windows-1250": ("cp1250", ("Łódź śródmieście", "Źródło Gdańsk", "Šumava Žďár", "Győr")),
    "Windows-1251": ("cp1251", ("Москва и область", "Санкт-Петербург", "Новосибирск", "Казань")),
    "GB18030": ("gb18030", ("北京的茶叶", "上海的咖啡", "广州的水果", "深圳")),
    "Big5": ("big5", ("臺北的茶葉", "高雄的咖啡", "臺中的水果", "臺南")),
    "EUC-KR": ("euc_kr", ("서울의 녹차", "부산의 커피", "대구의 사과", "인천")),
}
for _name, (_encoding, _words) in SCRIPTS.items():

    def _script(
        sheet: Sheet, _rng: Rng, encoding: str = _encoding, said: tuple[str, ...] = _words
    ) -> Sheet | None:
        """The levels of the first text in another script, in the encoding that its files have."""
        place = sheet.table.kinds.index("text") if "text" in sheet.table.kinds else -1
        if place < 0 or sheet.table.names[place] == TARGET:
            return None
        levels = sorted({row[place] for row in sheet.table.rows if row[place] is not None})
        known: dict[Cell, Cell] = {level: said[i % len(said)] for i, level in enumerate(levels)}
        rows, true = (
            tuple((*row[:place], known.get(row[place], row[place]), *row[place + 1 :]) for row in rows)
            for rows in (sheet.rows, sheet.table.rows)
        )
        made = replace(sheet, rows=rows, table=replace(sheet.table, rows=true), encoding=encoding)
        try:
            made.data()
        except UnicodeEncodeError:
            return None
        return made

    pollution(f"encoding: {_name}", "encoding")(_script)


# Marks on numbers
def _digits(text: str, mark: str) -> str:
    sign = "-" if text.startswith("-") else ""
    whole, point, rest = text.removeprefix("-").partition(".")
    groups = f"{int(whole):,}".replace(",", mark)
    return f"{sign}{groups}{point}{rest}"


def _indian(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    whole, point, rest = text.removeprefix("-").partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return f"{sign}{','.join([*pairs, tail])}{point}{rest}"


def _swapped(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


NUMBERS: dict[str, Callable[[str], str]] = {
    "decimal comma": _swapped,
    "thousands 1,234.5": lambda t: _digits(t, ","),
    "thousands 1.234,5": lambda t: _swapped(_digits(t, ",")),
    "thousands 1 234,5": lambda t: _digits(t, " ").replace(".", ","),
    "thousands 1 234,5 (U+00A0)": lambda t: _digits(t, "\xa0").replace(".", ","),
    "thousands 1 234,5 (U+202F)": lambda t: _digits(t, "\u202f").replace(".", ","),
    "thousands 1'234.5": lambda t: _digits(t, "'"),
    "thousands 12,34,567": _indian,
    "$ before": lambda t: f"-${t[1:]}" if t.startswith("-") else f"${t}",
    "€ behind": lambda t: f"{t} €",
    "£ and thousands": lambda t: f"-£{_digits(t[1:], ',')}" if t.startswith("-") else f"£{_digits(t, ',')}",
    "EUR behind": lambda t: f"{t} EUR",
    "a unit behind": lambda t: f"{t} kg",
    "a unit behind, close": lambda t: f"{t}kg",
    "percent": lambda t: f"{t}%",
    "accounting negatives": lambda t: f"({t[1:]})" if t.startswith("-") else t,
    "minus U+2212": lambda t: t.replace("-", "−"),
    "plus signs": lambda t: t if t.startswith("-") else f"+{t}",
    "exponents": lambda t: f"{float(t):.17E}",
}
for _name, _spell in NUMBERS.items():

    def _marked(sheet: Sheet, _rng: Rng, spell: Callable[[str], str] = _spell) -> Sheet | None:
        numbers = [j for j, kind in enumerate(sheet.table.kinds) if kind == "number"]
        rows = tuple(
            tuple(spell(c) if c is not None and j in numbers else c for j, c in enumerate(row))
            for row in sheet.rows
        )
        return replace(sheet, rows=rows)

    pollution(f"numbers: {_name}", "numbers")(_marked)

# Dates
DATES = {
    "DD.MM.YYYY": "%d.%m.%Y", "DD/MM/YYYY": "%d/%m/%Y", "MM/DD/YYYY": "%m/%d/%Y", "YYYYMMDD": "%Y%m%d", "DD-Mon-YYYY": "%d-%b-%Y",
    "Mon D, YYYY": "%b %d, %Y", "MM/DD/YY": "%m/%d/%y", "YYYY/MM/DD": "%Y/%m/%d", "with a time": "%Y-%m-%d 00:00:00",
}  # fmt: skip
for _name, _form in DATES.items():

    def _dated(sheet: Sheet, _rng: Rng, form: str = _form) -> Sheet | None:
        import datetime

        if "date" not in sheet.table.kinds:
            return None
        place = sheet.table.kinds.index("date")
        rows = tuple(
            tuple(
                datetime.date.fromisoformat(c).strftime(form) if j == place and c is not None else c
                for j, c in enumerate(row)
            )
            for row in sheet.rows
        )
        return replace(sheet, rows=rows)

    pollution(f"dates: {_name}", "dates")(_dated)

# Gaps
for _sign in ("", "NA", "N/A", "NULL", "?", "-", "nan", "."):

    def _gaps(sheet: Sheet, rng: Rng, sign: str = _sign) -> Sheet | None:
        """Some cells of the first column of numbers missing; the sign stands there without quotes."""
        if sheet.delimiter == " " and not sign:
            return None
        place = sheet.table.kinds.index("number")
        gone = set(rng.choice(ROWS, 4, replace=False).tolist())
        true, rows = (
            tuple(
                tuple((filled if i in gone and j == place else c) for j, c in enumerate(row))
                for i, row in enumerate(old)
            )
            for old, filled in ((sheet.table.rows, None), (sheet.rows, sign or None))
        )
        return replace(sheet, rows=rows, table=replace(sheet.table, rows=true))

    pollution(f"gaps: {_sign or 'empty'}", "gaps")(_gaps)

_add("cells: blanks around", "pad", lambda s: _blank_around(s))


def _blank_around(sheet: Sheet) -> dict[str, object] | None:
    if sheet.delimiter == " ":
        return None
    return {"rows": tuple(tuple(None if c is None else f" {c} " for c in row) for row in sheet.rows)}


ORDER = ("dates", "numbers", "gaps", "ragged", "name", "header", "encoding", "padded names", "pad", "quotes", "delimiter", "line ends", "end",
         "between", "trailing", "above", "below")  # fmt: skip
"""Content first, then how it is written."""


def polluted(table: str, names: tuple[str, ...], seed: int) -> Sheet | None:
    """The table with these pollutions, None where one does not suit it; repeatable."""
    rng = np.random.default_rng([seed, *(sorted(POLLUTIONS).index(name) for name in names)])
    sheet: Sheet | None = plain(TABLES[table](np.random.default_rng(seed)))
    # The delimiter and the encoding decide what suits, so they come first; texts are spelt before they are put in lines.
    for name in sorted(names, key=lambda n: (FAMILIES[n] != "delimiter", ORDER.index(FAMILIES[n]))):
        if sheet is not None:
            made = POLLUTIONS[name](sheet, rng)
            sheet = None if made is None else replace(made, done=(*sheet.done, name))
    return sheet


def combinations(count: int, seed: int) -> list[tuple[str, tuple[str, ...], int]]:
    """So many random combinations of two and three pollutions of different families that suit a table."""
    rng = np.random.default_rng(seed)
    names, found = sorted(POLLUTIONS), []
    while len(found) < count:
        size = int(rng.integers(2, 4))
        chosen = tuple(str(n) for n in rng.choice(names, size, replace=False))
        table = str(rng.choice(sorted(TABLES)))
        number = int(rng.integers(1 << 30))
        if len({FAMILIES[n] for n in chosen}) == size and polluted(table, chosen, number) is not None:
            found.append((table, chosen, number))
    return found
