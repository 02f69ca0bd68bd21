"""``taut show`` and ``taut compare``."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import taut
from taut.tabular import ComparedModel, is_close
from taut.tabular.words.layout import WIDTH
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
        table = lines[start + 1 : start + 9]
        rows = [line[9:].split("  ")[0] for line in table]
        networks = ("network 4, L1", "network 4, L2", "network 4, elastic net")
        linear = [name.replace("unpenalised", "unpenalised linear") for name in self.NAMES]
        assert sorted(rows) == sorted([*linear, *networks])
        assert table[0].split()[0] in ("best", "advised")
        assert sum(line.startswith("advised ") for line in table) == 1
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
        close = [m for m in found["models"] if m["within_one_standard_error"]]
        assert found["models"][0] in close
        simplest = min(close, key=lambda m: ("network" in m["name"], m["kept"]))
        assert found["advised"] == simplest["name"]
        assert simplest["name"] in found["advice"]

    def test_models_are_compared_fold_by_fold(self) -> None:
        plain, best = fitted("price"), fitted("price", penalty="l2")
        entry, first = ComparedModel("plain", plain), ComparedModel("best", best)
        apart = plain.scores.folds[:, plain.index] - best.scores.folds[:, best.index]
        weight = plain.scores.fold_weights / plain.scores.fold_weights.sum()
        mean = weight @ apart
        error = np.sqrt(weight @ (apart - mean) ** 2 / (len(apart) - 1))
        assert is_close(entry, first) == (mean <= error)
        assert is_close(first, entry) == (-mean <= error)
        assert is_close(first, first)

    def test_a_constant_loss_on_every_fold_is_clearly_worse(self) -> None:
        fit = fitted("price")
        worse = replace(fit, scores=replace(fit.scores, folds=fit.scores.folds + 1e-3))
        assert not is_close(ComparedModel("worse", worse), ComparedModel("best", fit))

    @pytest.mark.parametrize("columns", [100, 80, 64])
    def test_the_table_holds_on_the_terminal(self, columns: int, here: Path) -> None:
        token = WIDTH.set(columns)
        try:
            lines = run(
                "compare", "houses.csv", "--target", "price", *FEW, "--hidden", "4"
            ).stdout.splitlines()
        finally:
            WIDTH.reset(token)
        start = next(i for i, line in enumerate(lines) if "CV RMSE ± SE" in line)
        assert max(map(len, lines[start : start + 9])) <= columns
        assert ("seconds" in lines[start]) == (columns == 100)

    def test_the_command_fits_what_is_advised(self, here: Path) -> None:
        call = ["houses.csv", "--target", "price", *FEW, "--drop", "town", "--seed", "3"]
        found = json.loads(run("compare", *call, "--linear", "--json").stdout)
        words = shlex.split(found["command"])
        assert words[:3] == ["taut", "fit", "houses.csv"]
        fit = json.loads(run(*words[1:], "--json").stdout)
        advised = next(m for m in found["models"] if m["name"] == found["advised"])
        assert fit["lam"] == advised["lam"]
        assert fit["test"][0]["score"] == advised["test"][0]["score"]
        assert f"Next     {found['command']}" in run("compare", *call, "--linear").stdout

    def test_noise_advises_the_null_model(self, here: Path) -> None:
        rng = np.random.default_rng(0)
        pl.DataFrame(
            {"x": rng.normal(size=60), "z": rng.normal(size=60), "y": rng.normal(size=60)}
        ).write_csv("n.csv")
        result = run("compare", "n.csv", "--target", "y", *FEW, "--linear")
        assert (
            "Advice   No model is better than the null model by more than one standard error" in result.stdout
        )


def test_coefficients_of_two_classes_name_the_class(here: Path) -> None:
    data = pl.read_csv("houses.csv").with_columns(dear=(pl.col("price") > 100).cast(pl.Int64)).drop("price")
    data.write_csv("dear.csv")
    assert run("fit", "dear.csv", "--target", "dear", *FEW).exit_code == 0
    head, *rows = run("show", "dear.taut", "--coefficients").stdout.splitlines()
    assert "log odds of" in head
    assert rows
    assert all("dear=1" in row for row in rows)
    assert "log odds of dear=1" in run("show", "dear.taut").stdout
