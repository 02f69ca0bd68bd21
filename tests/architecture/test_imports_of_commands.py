"""What every command imports: nothing that it does not use, so that it answers at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "examples/student-por.csv"
HEAVY = (
    "numba",
    "sklearn",
    "pandas",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
    "scipy.optimize",
    "scipy.linalg",
    "matplotlib",
)
RUN = """
import json, sys
sys.argv = ["taut", *json.loads(sys.argv[1])]
from taut.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def imported(*arguments: str, code: int = 0, **own: str) -> set[str]:
    """The modules that a command has imported at its end, in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | own
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found, modules = json.loads(done.stdout.splitlines()[-1])
    assert found == code, done.stderr
    return set(modules)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("fit") / "model")
    imported("fit", str(TABLE), "--target", "G3", "--cv", "3", "--quiet", "--out", folder)
    return folder


def test_a_model_is_shown_without_an_engine_and_without_polars(model: str) -> None:
    assert imported("show", model) & {*HEAVY, "polars", "rich"} == set()


def test_rows_are_predicted_without_an_engine(model: str) -> None:
    assert imported("predict", model, str(TABLE)) & {*HEAVY, "rich"} == set()


def test_a_file_that_is_not_there_is_missed_before_anything_is_imported(model: str) -> None:
    for command in (
        ["fit", "absent.csv", "--target", "a"],
        ["compare", "absent.csv", "--target", "a"],
        ["predict", model, "absent.csv"],
    ):
        assert imported(*command, code=3) & {*HEAVY, "numpy", "polars", "narwhals", "rich"} == set()


@pytest.mark.parametrize("command", ["fit", "compare"])
def test_a_target_that_is_not_there_is_missed_before_the_table_is_read(command: str) -> None:
    assert imported(command, str(TABLE), "--target", "G9", code=3) & {*HEAVY, "polars", "rich"} == set()


def test_columns_are_completed_without_reading_the_table() -> None:
    line = {
        "COMP_WORDS": f"taut fit {TABLE} --target G",
        "COMP_CWORD": "4",
        "_TAUT_COMPLETE": "bash_complete",
    }
    assert imported(**line) & {*HEAVY, "polars", "rich"} == set()


def test_a_small_path_needs_one_engine_and_no_scikit_learn() -> None:
    code = "import taut, sys, json; taut.fit_path([[0.0], [1.0], [3.0]], [1.0, 2.0, 6.0], lambdas=3); print(json.dumps(sorted(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    unused = {
        "sklearn",
        "pandas",
        "rich",
        "polars",
        "narwhals",
        "scipy.stats",
        "scipy.optimize",
        "scipy.special",
        "array_api_compat",
        "taut.path.network",
        "taut.solvers.networks.trainer",
        "taut.solvers.newton.solver",
        "taut.solvers.working_set.solver",
        "taut.solvers.groups.descent_solver",
        "taut.solvers.ridge.rotated_solver",
        "taut.solvers.first_order.proximal_gradient",
        "taut.solvers.newton.small_solver",
    }
    assert set(json.loads(done.stdout)) & unused == set()
