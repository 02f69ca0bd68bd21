"""Models that earlier versions wrote load, and predict as they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import taut

FOLDER = Path(__file__).parent / "golden"
MODELS = sorted(FOLDER.glob("*/*/model.safetensors"))


def test_every_release_has_its_models() -> None:
    assert {file.parents[1].name for file in MODELS} >= {"0.1.0"}
    assert len(MODELS) >= 3


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("file", MODELS, ids=lambda file: f"{file.parents[1].name} {file.parent.name}")
def test_a_golden_model_loads_and_predicts_as_it_did(file: Path) -> None:
    fit = taut.load(file)
    expected = json.loads((file.parent / "expected.json").read_text(encoding="utf-8"))
    rows = file.parent / "rows.csv"
    assert fit.version == file.parents[1].name
    assert list(fit.features) == expected["features"]
    assert (fit.path.lambdas.tolist(), fit.index) == (expected["lambdas"], expected["index"])
    if fit.classes:
        assert fit.predict(rows).tolist() == expected["predictions"]
    else:
        np.testing.assert_allclose(fit.predict(rows), expected["predictions"], rtol=1e-12)
    np.testing.assert_allclose(fit.decision(rows), expected["decision"], rtol=1e-12, atol=1e-12)
    assert str(fit).startswith("Read ")
