"""``taut show`` and ``taut compare``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import taut
from tests.cli.calls import FEW, run
from tests.tables import fitted


class TestShow:
    def test_the_summary(self, model: Path) -> None:
        assert run("show", model).stdout == f"{fitted('price')}\n"

    def test_the_parts_in_full(self, model: Path) -> None:
        fit = fitted("price")
        path = run("show", model, "--path").stdout.splitlines()
        assert len(path) == len(fit.path) + 1
        kept = run("show", model, "--coefficients").stdout.splitlines()
        assert len(kept) == int(fit.path.nonzeros[fit.index]) + 1
        lines = run("show", model, "--columns").stdout.splitlines()
        assert lines[2].startswith("x3: number; gaps become ")
        assert lines[2].endswith(", with an indicator")
        assert lines[3:] == [
            "town: category of 3 levels ('Aa', 'Bb', 'Cc'); gaps are no level",
            "size: category of 2 levels ('big', 'small'); gaps are no level",
            "row_id: left out, id-like, 72 distinct values in 72 rows",
        ]

    def test_json(self, model: Path) -> None:
        found = json.loads(run("show", model, "--json").stdout)
        assert len(found["coefficients"]) == found["features"]
        assert run("show", model, "--quiet").output == ""


class TestCompare:
    NAMES = ("null", "unpenalised", "lasso", "elastic net", "ridge")

    @pytest.fixture(autouse=True)
    def _brief_training(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("taut.solvers.networks.settings.Training.epochs", lambda self, first: 1)

    def test_a_leaderboard_with_networks(self, here: Path) -> None:
        result = run("compare", "houses.csv", "--target", "price", *FEW, "--hidden", "4")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        start = next(i for i, line in enumerate(lines) if "CV RMSE ± SE" in line)
        rows = [line.strip().split("  ")[0] for line in lines[start + 1 : start + 9]]
        networks = ("network 4, L1", "network 4, L2", "network 4, elastic net")
        assert sorted(rows) == sorted([*self.NAMES, *networks])
        assert "← best score" in lines[start + 1]
        assert sum("← advised" in line for line in lines) == 1
        assert rows[-1] == "null"
        assert sum(line.startswith("Advice ") for line in lines) == 1
        assert not list(here.glob("*.taut"))

    def test_the_scores_are_those_of_the_fits(self, here: Path) -> None:
        found = json.loads(
            run("compare", "houses.csv", "--target", "price", *FEW, "--linear", "--json").stdout
        )
        by_name = {model["name"]: model for model in found["models"]}
        assert sorted(by_name) == sorted(self.NAMES)
        assert [m["cv"]["score"] for m in found["models"]] == sorted(
            m["cv"]["score"] for m in found["models"]
        )
        lasso = taut.fit(here / "houses.csv", "price", cv=2)
        assert by_name["lasso"]["cv"]["score"] == pytest.approx(np.sqrt(lasso.scores.mean[lasso.index]))
        assert by_name["lasso"]["kept"] == lasso.path.nonzeros[lasso.index]
        assert by_name["null"]["kept"] == 0
        assert by_name["null"]["test"][0]["score"] == pytest.approx(lasso.tested[-1].score)
        free = next(judged for judged in lasso.tested if judged.model == "unpenalised")
        assert by_name["unpenalised"]["test"][0]["score"] == pytest.approx(free.score, rel=1e-6)

    def test_the_advice_is_the_simplest_within_one_standard_error(self, here: Path) -> None:
        found = json.loads(
            run("compare", "houses.csv", "--target", "price", *FEW, "--hidden", "4", "--json").stdout
        )
        best = found["models"][0]["cv"]
        limit = best["score"] + best["standard_error"]
        close = [m for m in found["models"] if m["cv"]["score"] <= limit]
        assert [m["name"] for m in close] == [
            m["name"] for m in found["models"] if m["within_one_standard_error"]
        ]
        simplest = min(close, key=lambda m: ("network" in m["name"], m["kept"]))
        assert found["advised"] == simplest["name"]
        assert simplest["name"] in found["advice"]

    def test_noise_advises_the_null_model(self, here: Path) -> None:
        rng = np.random.default_rng(0)
        pl.DataFrame(
            {"x": rng.normal(size=60), "z": rng.normal(size=60), "y": rng.normal(size=60)}
        ).write_csv("n.csv")
        result = run("compare", "n.csv", "--target", "y", *FEW, "--linear")
        assert (
            "Advice   No model is better than the null model by more than one standard error" in result.stdout
        )
