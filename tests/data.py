"""Where the tests find the real data sets; a test whose data are absent skips and says which file it wanted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("TAUT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def data_path(*parts: str) -> Path:
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"data set {'/'.join(parts)} is not on this machine (set TAUT_DATA to its folder)")
    return path
