"""The benchmark of whole fits: it goes on where it was ended, and judges by paired errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.intervals import Table

OWN, PEER = quality.OWN[2], quality.PEERS[0]


def small(classes: bool) -> Table:
    """Two hundred rows of which the first column says most."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 3))
    eta = 2.0 * X[:, 0] + rng.normal(size=200)
    return Table(X, (eta > 0).astype(float) if classes else eta, classes)


@pytest.mark.parametrize("classes", [False, True])
def test_records_go_on_and_the_table_is_written(classes: bool, tmp_path: Path) -> None:
    """What is kept is not measured again, and a fit that did not end counts against its method."""
    out = tmp_path / "quality.json"
    asked: list[str] = []

    def run(name: str, method: str, split: int) -> quality.Record:
        asked.append(f"{name}|{split}|{method}")
        if method in (quality.OWN[0], quality.PEERS[2], quality.TREES):
            return quality.measured(small(classes), method, split, 200)
        return {"ended": "more than 1 s", "seconds": 1}

    quality.measure(["a"], list(quality.METHODS), 1, out, run)
    assert len(asked) == len(quality.METHODS) == len(json.loads(out.read_text()))
    records = quality.measure(["a", "b"], list(quality.METHODS), 1, out, run)
    assert [key for key in asked[len(quality.METHODS) :] if not key.startswith("b|")] == []
    text = quality.written(records)
    assert "| a | 1 |" in text
    assert "| b | 1 |" in text
    assert "everything: 0 of 2 sets" in text
    assert np.mean(records[f"a|0|{quality.OWN[0]}"]["losses"]) < 0.45


def test_as_good_is_within_one_paired_error_of_the_best() -> None:
    rng = np.random.default_rng(0)
    base = rng.exponential(size=400)
    noise = rng.normal(size=400)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    near, far = base + 0.9 * 0.05 + noise, base + 1.1 * 0.05 + noise
    assert quality.is_as_good({OWN: near, PEER: base}, OWN, (PEER,))
    assert not quality.is_as_good({OWN: far, PEER: base}, OWN, (PEER,))
    assert not quality.is_as_good({OWN: None, PEER: base}, OWN, (PEER,))
    assert quality.is_as_good({OWN: far, PEER: None}, OWN, (PEER,))


def test_groups_stay_together() -> None:
    """No group has training and test rows."""
    table = small(False)
    grouped = Table(table.X, table.y, groups=np.repeat(np.arange(20), 10))
    train, test = quality.parts(grouped, 0, 200)
    assert grouped.groups is not None
    assert not set(grouped.groups[train]) & set(grouped.groups[test])
    assert len(train) + len(test) == 200
