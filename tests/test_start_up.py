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
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.fixture(scope="module")
def scikit_learn(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What importing scikit-learn costs here."""
    code = "import sklearn.linear_model, sklearn.model_selection"
    return min(processor_seconds(code, tmp_path_factory.mktemp("none")) for _ in range(3))


@pytest.mark.parametrize("code", PATHS.values(), ids=PATHS)
def test_a_path_within_six_seconds_at_first_and_one_second_later(
    code: str, scikit_learn: float, tmp_path: Path
) -> None:
    slowness = max(1.0, scikit_learn / UNIT)
    assert processor_seconds(DATA + code, tmp_path) <= 6.0 * slowness
    assert min(processor_seconds(DATA + code, tmp_path) for _ in range(2)) <= 1.0 * slowness


def test_a_network_within_nine_seconds_at_first_and_one_second_later(
    scikit_learn: float, tmp_path: Path
) -> None:
    slowness = max(1.0, scikit_learn / UNIT)
    assert processor_seconds(DATA + NETWORK, tmp_path) <= 9.0 * slowness
    assert min(processor_seconds(DATA + NETWORK, tmp_path) for _ in range(2)) <= 1.0 * slowness


@pytest.mark.parametrize("code", ESTIMATORS.values(), ids=ESTIMATORS)
def test_an_estimator_within_a_second_of_scikit_learns_import(
    code: str, scikit_learn: float, tmp_path: Path
) -> None:
    slowness = max(1.0, scikit_learn / UNIT)
    processor_seconds(DATA + code, tmp_path)
    later = min(processor_seconds(DATA + code, tmp_path) for _ in range(2))
    assert later <= scikit_learn + 1.0 * slowness
