"""What fuzzing found stays found, and a few seconds of it run with every change (scripts/fuzz.py is the nightly)."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts.fuzz import (
    CORPUS,
    TARGETS,
    Finding,
    attempt,
    drawing,
    mutated,
    run_guided,
    run_hypothesis,
    seeds,
)

# No warning of NumPy's reaches a user: it would say that a number was lost on the way, and not which.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

FOUND = sorted(file for target in TARGETS for file in (CORPUS / target).glob("*"))


@pytest.mark.parametrize("file", FOUND, ids=lambda file: f"{file.parent.name} {file.name}")
def test_an_input_that_was_a_finding_is_none_any_more(file: object) -> None:
    assert isinstance(file, Path)
    TARGETS[file.parent.name](file.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_random_mutations_end_in_results_or_promised_errors(target: str) -> None:
    rng, pool = random.Random(20), seeds(target)
    for _ in range(40):
        TARGETS[target](mutated(rng.choice(pool), rng))


@pytest.mark.parametrize("target", TARGETS)
def test_drawn_inputs_end_in_results_or_promised_errors(target: str) -> None:
    tried, found = run_hypothesis(target, seconds=60.0, seed=3, most=30)
    assert tried >= 10
    assert found == 0


@pytest.mark.slow
def test_a_drawn_input_that_breaks_a_promise_is_shrunk_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(data: bytes) -> None:
        if len(data) > 40:
            raise Finding("too long")

    monkeypatch.setitem(TARGETS, "csv", fails)
    monkeypatch.setattr("scripts.fuzz.CORPUS", tmp_path)
    assert run_hypothesis("csv", seconds=30.0, seed=1, most=20)[1] > 0
    assert min(len(file.read_bytes()) for file in (tmp_path / "csv").iterdir()) < 60


def test_a_finding_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        raise KeyError(data.decode())

    monkeypatch.setitem(TARGETS, "csv", fails)
    monkeypatch.setattr("scripts.fuzz.CORPUS", tmp_path)
    monkeypatch.setattr("scripts.fuzz.SEEN", set())
    assert not attempt("csv", b"a")
    assert attempt("csv", b"b")
    assert len(list((tmp_path / "csv").iterdir())) == 1


def test_choices_that_atheris_makes_become_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes lead Hypothesis: other bytes, other inputs."""
    drawn: set[bytes] = set()
    monkeypatch.setitem(TARGETS, "csv", drawn.add)
    draw = drawing("csv")
    for seed in range(40):
        draw(random.Random(seed).randbytes(2000))
    assert len(drawn) > 5


def test_without_atheris_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    with pytest.raises(SystemExit, match=r"needs atheris: pip install 'taut\[fuzz\]'"):
        run_guided("csv", 1.0, drawn=False)


def test_atheris_searches() -> None:
    call = [sys.executable, "-m", "scripts.fuzz", "options", "--guided", "--seconds", "3"]
    ended = subprocess.run(call, capture_output=True, text=True, check=False)
    if find_spec("atheris") is None:
        assert "needs atheris" in ended.stderr
        return
    assert ended.returncode == 0, ended.stderr
    assert "options: 0 findings" in ended.stdout
    assert "NEW" in ended.stderr  # an input that reached code that the seeds had not


def test_a_broken_promise_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr("taut.load", fails)
    with pytest.raises(Finding, match="two"):
        TARGETS["model"](b"")
