"""Fixtures of the tests of robustness."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tables import fitted


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fitted("price").save(tmp_path / "m.safetensors")
