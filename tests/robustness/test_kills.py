"""Processes that are killed or interrupted: what they had finished is kept, and nothing is torn."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.kill_and_resume import kills, tables
from tests.tables import features


@pytest.mark.sampled(1)
@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods() or sys.platform == "darwin",
    reason="needs fork",
)
@pytest.mark.parametrize("shape", ["network", "wide classes"])
def test_ten_kills_lose_and_tear_nothing(shape: str, tmp_path: Path) -> None:
    """Five of each."""
    assert kills(tables(tmp_path)[shape], tmp_path, shape, 5, seed=3) >= 2


@pytest.mark.slow
def test_a_true_ctrl_c_leaves_with_130_and_the_way_to_go_on(tmp_path: Path) -> None:
    """SIGINT to a process of its own, sent when the first part is on the disk."""
    features("price").write_csv(tmp_path / "d.csv")
    code = "from taut.tabular import checkpoint; checkpoint.SECONDS = 0.0; from taut.cli import main; main()"
    call = [sys.executable, "-c", code, "fit", "d.csv", "--target", "price", "--hidden", "32", "--cv", "5"]
    with subprocess.Popen(
        call, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        folder = tmp_path / "d.taut" / "checkpoint"
        deadline = time.monotonic() + 60.0
        while run.poll() is None and len([*folder.glob("*")]) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said == (
        "taut: interrupted; what is finished is kept in d.taut/checkpoint/: the same command goes on from there\n"
    )
    assert [p.name for p in (tmp_path / "d.taut").iterdir()] == ["checkpoint"]
