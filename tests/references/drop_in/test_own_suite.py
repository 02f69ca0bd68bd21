"""scikit-learn's own test files pass on taut's drop-ins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    "linear_model/tests/test_coordinate_descent.py": 270,
    "linear_model/tests/test_sparse_coordinate_descent.py": 150,
    "linear_model/tests/test_ridge.py": 1000,
    "linear_model/tests/test_logistic.py": 270,
    "neural_network/tests/test_mlp.py": 50,
}
"""scikit-learn's files, and how many of their tests must at least apply and pass."""


@pytest.mark.sampled("test_sparse_coordinate_descent")
@pytest.mark.parametrize("file", FILES)
def test_scikit_learns_own_tests_pass(file):
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.references.drop_in.plugin",
        "-c",
        os.devnull,
        "--tb=short",
    ]
    path = Path(sklearn.__file__).parent
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env["SCIPY_ARRAY_API"] = "1"  # or its tests with arrays of other libraries are skipped
    env["LOKY_MAX_CPU_COUNT"] = (
        "1"  # scikit-learn's conftest would give every BLAS all cores, whatever the environment says
    )
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    # Not from scikit-learn's own folder: it has a package called tests.
    command = [sys.executable, "-m", "pytest", *options, f"--rootdir={path}", str(path / file)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=env, cwd=ROOT, timeout=900
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= FILES[file]
