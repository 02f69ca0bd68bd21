"""Random numerical problems end well (scripts/numeric_fuzz is the long run), and a run tells what was tried."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import taut
from scripts import fuzz
from scripts.numeric_fuzz import calls, run
from scripts.numeric_fuzz.calls import called
from scripts.numeric_fuzz.draws import drawn
from scripts.numeric_fuzz.extended import EXTENDED
from scripts.numeric_fuzz.problems import LAYOUTS
from tests.robustness.numeric_fuzz.problems import FOUND, PER_TEST, SEED

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > EXTENDED, reason="the reference needs a long double of 64 binary digits"
)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("first", range(0, 300, PER_TEST))
def test_random_problems_have_no_findings(first: int) -> None:
    total = run.Tally()
    for index in range(first, first + PER_TEST):
        total.add(run.guarded(SEED, index))
    assert not total.rows, "\n".join(row.line(SEED) for row in total.rows)


@pytest.mark.parametrize(("seed", "index"), FOUND)
def test_problems_that_were_findings_are_none_any_more(seed: int, index: int) -> None:
    rows = run.guarded(seed, index).rows
    assert not rows, "\n".join(row.line(seed) for row in rows)


# Calls and runs.


def test_a_call_that_takes_too_long_or_warns_or_fails_is_a_finding() -> None:
    def endless() -> None:
        for _ in itertools.count():
            pass

    def failing(error: Exception) -> Callable[[], None]:
        def fails() -> None:
            raise error

        return fails

    assert [f.kind for f in called(endless, limit=0.2).findings] == ["slow"]
    assert [f.kind for f in called(lambda: np.float64(1.0) / np.zeros(2)).findings] == ["warning"]
    assert called(lambda: warnings.warn("tell", UserWarning, stacklevel=1)).findings == []
    for error in (
        KeyError("a"),
        np.linalg.LinAlgError("b"),
        ValueError("not taut's own"),
        ZeroDivisionError(),
    ):
        assert [f.kind for f in called(failing(error)).findings] == ["exception"]
    refused = called(lambda: taut.fit_path(np.ones((3, 1)), np.ones(2)))
    assert refused.findings == []
    assert refused.refusal.startswith("ValueError")
    assert called(lambda: 3).result == 3


def test_a_problem_is_its_number(tmp_path: Any) -> None:
    assert {drawn(1, index).layout for index in range(60)} == set(LAYOUTS)
    for index in range(12):
        one, two = drawn(3, index), drawn(3, index)
        assert one.told() == two.told()
        np.testing.assert_array_equal(one.X, two.X)
        np.testing.assert_array_equal(one.y, two.y)
        stored = one.stored(str(tmp_path))
        stored = stored.toarray() if hasattr(stored, "toarray") else np.asarray(stored, dtype=np.float64)
        np.testing.assert_array_equal(stored, one.X)
    assert drawn(3, 1).told() != drawn(4, 1).told()


def test_the_command_line_tells_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    code = fuzz.main(["numeric", "--count", "3", "--seed", "7"])
    told = capsys.readouterr().out
    assert code in (0, 1)
    assert "problems: 3" in told
    assert "findings: " in told
    fuzz.main(["numeric", "--only", "2", "--seed", "7"])
    assert drawn(7, 2).told() in capsys.readouterr().out


@pytest.mark.slow
def test_workers_try_the_same_problems(capsys: pytest.CaptureFixture[str]) -> None:
    alone = run.run(11, range(6), 1, 60.0)
    shared = run.run(11, range(6), 2, 60.0)
    assert shared.counts == alone.counts
    assert sorted(shared.rows) == sorted(alone.rows)


def test_a_fault_of_the_fuzzer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("reference")

    monkeypatch.setattr(run, "tried", fails)
    assert [row.finding.kind for row in run.guarded(1, 1).rows] == ["fuzzer"]


def test_the_limit_of_a_call_is_a_few_seconds() -> None:
    assert calls.LIMIT == 5.0
