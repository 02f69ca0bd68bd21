"""What starting costs: compile time of a first fit ever, and of small fits in later processes.

Processor seconds, so that neighbours do not count, in units of this machine: importing scikit-learn's linear models takes
0.65 s on the machine that the budgets were set on.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = 0.65
DATA = (
    "import numpy as np; rng = np.random.default_rng(0); X = rng.standard_normal((200, 20)); "
    "y = X[:, 0] + rng.standard_normal(200); c = (y > 0) * 1.0\nimport taut\n"
)
PATHS = {
    "squared": "taut.fit_path(X, y)",
    "squared, wide": "taut.fit_path(X[:15], y[:15])",
    "logistic": "taut.fit_path(X, c, loss='logistic')",
}
NETWORK = "taut.fit_path(X, y, hidden=(16,), lambdas=10)"
"""Compiles the linear engine and the network's, of which each alone is within the budget of a path: about 6 s on an idle core.

Compiling misses the caches more than importing does, so on a busy machine its share grows: hence the room.
"""
ESTIMATORS = {
    "regressor": "taut.Regressor().fit(X, y)",
    "classifier": "taut.Classifier(lambdas=30).fit(X, c)",
}


def processor_seconds(code: str, cache: Path) -> float:
    """Of a new process."""
    source = str(Path(__file__).resolve().parents[2] / "src")
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": source,
        "OMP_NUM_THREADS": "1",
        "TAUT_COMPILE_HELPER": "0",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def slowness(cache: Path) -> float:
    """How many times as long as on the machine of the budgets scikit-learn takes to be imported now."""
    code = "import sklearn.linear_model, sklearn.model_selection"
    return max(1.0, min(processor_seconds(code, cache) for _ in range(2)) / UNIT)


def first(code: str, cache: Path) -> float:
    """Seconds of a first fit in units of this machine as it is just before and just after: its speed drifts."""
    before = slowness(cache)
    spent = processor_seconds(DATA + code, cache)
    return spent / max(before, slowness(cache))


def later(code: str, cache: Path) -> float:
    """Seconds of the same in a later process."""
    return min(processor_seconds(DATA + code, cache) for _ in range(2)) / slowness(cache)


@pytest.mark.sampled("wide")
@pytest.mark.parametrize("code", PATHS.values(), ids=PATHS)
def test_a_path_starts_within_its_budget_at_first_and_later(code: str, tmp_path: Path) -> None:
    # A neighbour on the machine may spoil one measurement, hardly two.
    assert any(first(code, tmp_path / attempt) <= 6.0 for attempt in "ab")
    assert any(later(code, tmp_path / "a") <= 1.0 for _ in range(2))


@pytest.mark.slow
def test_a_network_starts_within_its_budget_at_first_and_later(tmp_path: Path) -> None:
    assert any(first(NETWORK, tmp_path / attempt) <= 9.0 for attempt in "ab")
    assert any(later(NETWORK, tmp_path / "a") <= 1.0 for _ in range(2))


@pytest.mark.slow
@pytest.mark.parametrize("code", ESTIMATORS.values(), ids=ESTIMATORS)
def test_an_estimator_starts_a_little_later_than_scikit_learn(code: str, tmp_path: Path) -> None:
    processor_seconds(DATA + code, tmp_path)
    assert any(later(code, tmp_path) <= UNIT + 1.0 for _ in range(2))
