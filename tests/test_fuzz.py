"""What fuzzing found stays found, and a few seconds of it run with every change (scripts/fuzz.py is the nightly)."""

from __future__ import annotations

import random

import pytest
from scripts.fuzz import CORPUS, TARGETS, Finding, mutated, seeds

FOUND = sorted(file for target in TARGETS for file in (CORPUS / target).glob("*"))


@pytest.mark.parametrize("file", FOUND, ids=lambda file: f"{file.parent.name} {file.name}")
def test_an_input_that_was_a_finding_is_none_any_more(file: object) -> None:
    from pathlib import Path

    assert isinstance(file, Path)
    TARGETS[file.parent.name](file.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_random_mutations_end_in_results_or_promised_errors(target: str) -> None:
    rng, pool = random.Random(20), seeds(target)
    for _ in range(40):
        TARGETS[target](mutated(rng.choice(pool), rng))


def test_a_broken_promise_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr("taut.load", fails)
    with pytest.raises(Finding, match="two"):
        TARGETS["model"](b"")
