"""A folder to work in, and a fitted model in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tables import features, fitted


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of prices, a table of classes and a fitted model."""
    monkeypatch.chdir(tmp_path)
    features("price").write_csv("houses.csv")
    features("sold").write_csv("sales.csv", separator=";")
    return tmp_path


@pytest.fixture
def model(here: Path) -> Path:
    return fitted("price").save(here / "model.taut")
