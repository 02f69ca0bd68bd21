"""Two processes that share a fit over gloo have one and the same state, and the zeros of the fit by one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
PROGRAM = Path(__file__).resolve().parent / "parallel_fits.py"


def fits(folder: Path, size: int) -> list[Any]:
    """What each of ``size`` processes ends with."""
    files = [folder / f"{size}-{rank}.json" for rank in range(size)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(rank), str(size), str(folder), str(file)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, file in enumerate(files)
    ]
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-2000:]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: Any) -> list[Any]:
    if not torch.distributed.is_available():
        pytest.skip("this PyTorch has no torch.distributed")
    return fits(tmp_path_factory.mktemp("shared"), 2)


def test_processes_agree_and_find_the_zeros_of_one_process(shared: list[Any], tmp_path: Path) -> None:
    first, second = shared
    assert first["names"] == ["0.weight", "2.weight"]
    assert first == second
    (alone,) = fits(tmp_path, 1)
    for key in ("weights", "moments"):
        for mine, reference in zip(first[key], alone[key], strict=True):
            np.testing.assert_allclose(mine, reference, rtol=1e-6, atol=1e-9)
    for mine, reference in zip(first["weights"], alone["weights"], strict=True):
        zeros = np.array(reference) == 0
        assert ((np.array(mine) == 0) == zeros).all()
        assert zeros.any()
        assert not zeros.all()


def test_sharded_models_are_refused_by_name(shared: list[Any]) -> None:
    for one in shared:
        assert len(one["refused"]) == 2
        assert all("FSDP" in words and "DistributedDataParallel" in words for words in one["refused"])
