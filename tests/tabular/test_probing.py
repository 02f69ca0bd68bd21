"""The hint that a network would predict better: where it would, and only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import taut
from taut.cli import main
from taut.tabular import Options, prepare, probe_hint
from taut.tabular.one_model import fit_one_model

RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 5))
NOISE = 0.3 * RNG.normal(size=300)
BENT = 2.0 * np.abs(X[:, 0]) + X[:, 1] + NOISE
PAIR = 2.0 * X[:, 0] * X[:, 1] + NOISE
LINE = 2.0 * X[:, 0] + X[:, 1] + NOISE


def rows(y: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(X, schema=list("abcde")).with_columns(y=pl.Series(y))


def hint(y: np.ndarray, **options: object) -> str:
    prepared = prepare(rows(y), Options.of("y", None, **{"cv": 5, "lambdas": 20, **options}))
    return probe_hint(prepared, fit_one_model(prepared))


@pytest.mark.parametrize("y", [BENT, PAIR], ids=["bent", "pair"])
def test_more_than_a_line_is_hinted_at_with_its_figures(y: np.ndarray) -> None:
    said = hint(y)
    assert said.endswith("(--auto, or --hidden 64)")
    own, linear = (float(part.split(" ±")[0].split()[-1]) for part in said.split(" against "))
    assert own < 0.8 * linear
    # The network does what the hint says of it.
    network = taut.fit(rows(y), "y", cv=5, lambdas=20, hidden=(64,), max_epochs=200)
    assert not network.is_linear


def test_nothing_is_said_of_a_line() -> None:
    assert hint(LINE) == ""
    assert hint(NOISE) == ""


@pytest.mark.parametrize(
    "options",
    [{"lam": "bic"}, {"hidden": (4,), "max_epochs": 5}, {"loss": "huber"}, {"log_target": True}],
    ids=str,
)
def test_other_fits_are_not_probed(options: dict[str, object]) -> None:
    assert hint(np.exp(BENT / 4.0), **options) == ""


def test_no_probe_is_begun_that_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taut.tabular.probing.PACE", 1.0)
    assert hint(BENT) == ""


def test_the_command_ends_with_it_and_keeps_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows(BENT).write_csv("bent.csv")
    asked = ["fit", "bent.csv", "--target", "y", "--cv", "5"]
    said = CliRunner().invoke(main, asked).output
    assert "random neurons predict better: CV RMSE" in said
    assert "random neurons" not in CliRunner().invoke(main, asked).output  # nothing was fitted
    plain = taut.fit("bent.csv", "y", cv=5)
    np.testing.assert_array_equal(taut.load("bent.taut").path.coefs, plain.path.coefs)
