"""Polluted tables read exactly as the clean ones, or are refused in a sentence that names the place; never differently in silence."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.robustness.judging import judge
from tests.robustness.pollution import FAMILIES, POLLUTIONS, combinations, polluted
from tests.robustness.sheets import TABLES

SINGLE = [(t, n) for n in POLLUTIONS for t in TABLES if polluted(t, (n,), 1) is not None]
COMBINED = combinations(300, seed=0)
ASKED = ("encoding: Windows-1251", "encoding: GB18030", "encoding: EUC-KR")
"""Encodings that short texts do not tell from others: the reader asks."""
REFUSED = ("rows: one is long", *ASKED)


@pytest.mark.parametrize(("table", "name"), SINGLE)
def test_a_pollution_changes_nothing_or_is_refused(table: str, name: str) -> None:
    sheet = polluted(table, (name,), 1)
    assert sheet is not None
    outcome = judge(sheet)
    expected = {"exact", "refused"} if name in ASKED else {"refused" if name in REFUSED else "exact"}
    assert outcome.kind in expected, outcome.words


@pytest.mark.parametrize("part", range(10))
def test_combinations_change_nothing_or_are_refused(part: int) -> None:
    outcomes = {case: judge(polluted(*case)) for case in COMBINED[part::10]}
    assert {case: o.words for case, o in outcomes.items() if o.kind == "different"} == {}


def test_few_combinations_are_refused() -> None:
    """A reader that refused everything would never be wrong: most combinations that hold no reason to refuse are read."""
    reasons = [case for case in COMBINED if not set(case[1]) & set(REFUSED)]
    found = Counter(judge(polluted(*case)).kind for case in reasons[::5])
    assert found["exact"] >= 0.9 * sum(found.values())


def test_a_wrong_reader_is_found_out() -> None:
    """The judge compares: a sheet whose file says something else than its table is different."""
    sheet = polluted("narrow", ("delimiter: semicolon",), 1)
    assert sheet is not None
    rows = [list(row) for row in sheet.rows]
    rows[3][0] = "7.25"
    assert judge(sheet.after("forged", rows=tuple(map(tuple, rows)))).kind == "different"


def test_every_family_is_there() -> None:
    assert len(POLLUTIONS) >= 85
    assert set(FAMILIES.values()) >= {
        "delimiter",
        "quotes",
        "line ends",
        "above",
        "below",
        "header",
        "encoding",
        "numbers",
        "dates",
    }
