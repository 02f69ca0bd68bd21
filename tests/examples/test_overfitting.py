"""The example examples/overfitting.py shows what a penalty does to a network that has far more weights than rows."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "examples" / "overfitting.py"
SHRINKING = ["L1", "L2", "elastic net"]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("overfitting", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["overfitting"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def histories(example: ModuleType) -> dict:
    return {name: example.train(penalty) for name, penalty in example.PENALTIES.items()}


def test_without_a_penalty_the_training_loss_vanishes_while_new_rows_get_worse(histories: dict) -> None:
    free = histories["none"]
    assert free.weights.size > 40 * 100  # weights per row
    assert free.train[-1] < 0.01 * free.train[0]
    turn = int(np.argmin(free.validation))
    assert turn < len(free.validation) / 4
    assert free.validation[-1] > 1.1 * free.validation[turn]


@pytest.mark.parametrize("name", SHRINKING)
def test_a_penalty_closes_the_gap_and_predicts_better(name: str, histories: dict) -> None:
    assert histories[name].gap < 0.6 * histories["none"].gap
    assert histories[name].validation[-1] < 0.8 * histories["none"].validation[-1]
    assert histories[name].train[-1] > histories["none"].train[-1]


@pytest.mark.parametrize("name", SHRINKING)
def test_the_histogram_of_the_weights_shrinks(name: str, histories: dict) -> None:
    quantiles = np.linspace(0.5, 0.99, 50)
    penalised, free = (np.quantile(np.abs(histories[key].weights), quantiles) for key in (name, "none"))
    assert (penalised < 0.5 * free).all()


def test_zeros_are_exact_where_the_penalty_has_a_kink_and_only_there(histories: dict) -> None:
    zeros = {name: np.mean(history.weights == 0) for name, history in histories.items()}
    assert zeros["none"] == 0
    assert zeros["L2"] < 0.05
    assert min(zeros["L1"], zeros["elastic net"]) > 0.9


def test_growing_lambda_goes_from_overfit_to_underfit(example: ModuleType) -> None:
    path = example.along_lambda()
    best = int(np.argmin(path.validation))
    assert 0 < best < len(path.lambdas) - 1
    strongest, weakest = 0, -1
    assert path.validation[strongest] > 2 * path.validation[best]  # underfit: bad on old rows as on new ones
    assert path.train[strongest] > 0.8 * path.validation[strongest]
    assert path.validation[weakest] > 2 * path.validation[best]  # overfit: perfect on old rows
    assert path.train[weakest] < 0.01 * path.validation[weakest]
    assert (np.diff(path.train) < 1e-3).all()  # neighbours may lie in different basins
    assert path.nonzeros[strongest] == 0


def test_it_prints_and_draws(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(example, "EPOCHS", 7)
    monkeypatch.setattr(example, "HIDDEN", (4,))
    monkeypatch.setattr(sys, "argv", ["overfitting.py"])
    example.main()
    printed = capsys.readouterr().out
    assert "elastic net" in printed
    assert "best on new rows" in printed
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(sys, "argv", ["overfitting.py", str(tmp_path / "picture.png")])
    example.main()
    assert (tmp_path / "picture.png").stat().st_size > 10_000
