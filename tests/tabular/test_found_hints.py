"""Hints that follow from the numbers of a fit, and what is said of networks and models beside the chosen one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import taut
from taut.path import sent_norms
from taut.tabular.storing import run_record
from taut.tabular.words.found_hints import found_hints
from taut.tabular.words.page import content_of, fit_data
from taut.tabular.words.tables import input_norms
from tests.tables import features, fitted

NETWORK = {"hidden": (4,), "max_epochs": 3, "lambdas": 6, "cv": 3}


def hint(fit: taut.Fit, words: str) -> bool:
    return any(words in found for found in found_hints(fit))


class TestHints:
    def test_nothing_is_said_of_an_ordinary_fit(self) -> None:
        assert found_hints(fitted("price", lambdas=40)) == ()
        assert "Hint" not in str(fitted("price", lambdas=40))

    def test_min_is_the_last_strength(self) -> None:
        fit = taut.fit(features("price"), "price", cv=3, lambdas=[1.0, 0.5])
        assert fit.index == 1
        assert hint(fit, "min is the last λ of the path, 0.500")
        assert "Hint     min is the last λ" in str(fit)
        assert any("min is the last λ" in found for found in run_record(fit)["hints"])

    def test_min_is_the_null_model(self) -> None:
        rng = np.random.default_rng(4)
        noise = pl.DataFrame({"x": rng.normal(size=90), "z": rng.normal(size=90), "y": rng.normal(size=90)})
        fit = taut.fit(noise, "y", cv=5, lambdas=20)
        assert fit.index == 0
        assert hint(fit, "none of them helps")

    @pytest.mark.parametrize(("apart", "words"), [(10.0, "worse"), (-10.0, "better"), (0.5, "")])
    def test_a_test_that_the_folds_did_not_promise(self, apart: float, words: str) -> None:
        fit = fitted("price", lambdas=40)
        promised = np.sqrt(fit.scores.mean[fit.index])
        own = replace(fit.tested[0], score=promised + apart, error=1.0)
        changed = replace(fit, tested=(own, *fit.tested[1:]))
        assert hint(changed, "than the folds promised") == bool(words)
        assert not words or hint(changed, f"the test is {words} than the folds promised (RMSE ")

    def test_a_shifted_test_part_is_noticed(self) -> None:
        rng = np.random.default_rng(1)
        day, x = np.arange(400), rng.normal(size=400)
        y = np.where(day < 320, x, -3 * x) + 0.1 * rng.normal(size=400)
        fit = taut.fit(
            pl.DataFrame({"day": day, "x": x, "y": y}), "y", time="day", drop="day", cv=4, lambdas=20
        )
        assert hint(fit, "the test is worse than the folds promised")

    def test_a_number_of_what_does_not_exist(self) -> None:
        x = np.linspace(-1, 1, 60)
        noise = np.random.default_rng(0).normal(size=60)
        separated = pl.DataFrame({"x": x, "z": noise, "y": np.where(x > 0, "up", "down")})
        fit = taut.fit(separated, "y", cv=3, lambdas=6)
        assert any("does not exist" in judged.note for judged in fit.tested)
        assert hint(fit, "unpenalised does not exist: without a penalty some coefficients grow without bound")


class TestNetworksThatAreNotTaken:
    def test_the_line_says_how_to_keep_it(self) -> None:
        lost = fitted("price", **NETWORK)
        assert lost.choice.model == "linear"
        assert "--fallback never keeps the network" in " ".join(str(lost).split())
        kept = fitted("price", **NETWORK, fallback="never")
        assert kept.choice.model == "network"
        assert "--fallback never keeps" not in str(kept)

    def test_unpenalised_is_said_to_be_linear(self) -> None:
        fit = fitted("price", **NETWORK, fallback="never")
        assert "unpenalised linear: " in " ".join(str(fit).split())
        assert "unpenalised linear" not in str(fitted("price"))
        (test,) = (t for t in content_of(fit).tables if "test rows" in t.caption)
        assert "linear, no penalty" in [row[0] for row in test.rows]


class TestNormsOfInputs:
    @pytest.mark.parametrize("standardize", [True, False])
    def test_mean_the_same_everywhere(self, standardize: bool) -> None:
        fit = fitted("price", **NETWORK, fallback="never", standardize=standardize, final="refit")
        norms = input_norms(fit)
        sent = sent_norms(fit.path, fit.spread.features, fit.spread.target)[:, 0, fit.index]
        np.testing.assert_allclose(norms, sent, rtol=1e-9, atol=1e-12)
        told = dict(fit.coefficients().iter_rows())
        assert told == pytest.approx(dict(zip(fit.features, norms, strict=True)))
        strongest = fit.coefficients().row(0)
        assert f"{strongest[0]} {strongest[1]:.3g}"[:6] in str(fit)
        assert fit_data(fit)["kind"] == "network"

    def test_do_not_depend_on_the_unit_of_y(self) -> None:
        fit = fitted("price", **NETWORK, fallback="never")
        scaled = features("price").with_columns(pl.col("price") * 1024.0)
        other = taut.fit(scaled, "price", **NETWORK, fallback="never")
        np.testing.assert_allclose(input_norms(other), input_norms(fit), rtol=1e-6)


class TestPenaltiesByName:
    @pytest.mark.parametrize(("name", "penalty"), [("mcp", taut.MCP()), ("scad", taut.SCAD())])
    def test_concave_ones(self, name: str, penalty: taut.Penalty, tmp_path) -> None:
        fit = fitted("price", penalty=name)
        same = taut.fit(features("price"), "price", penalty=penalty, cv=3, lambdas=8)
        assert np.array_equal(fit.path.coefs, same.path.coefs)
        assert name.upper() in str(fit)
        again = taut.load(fit.save(tmp_path / "m.taut"))
        assert str(again) == str(fit)
        assert run_record(again)["options"]["penalty"] == name
        assert name.upper() in content_of(again).narrative[0].text

    def test_levels_of_a_factor_together(self, tmp_path) -> None:
        fit = fitted("price", group_factors=True)
        same = taut.fit(features("price"), "price", penalty=taut.GroupLasso(), cv=3, lambdas=8)
        assert np.array_equal(fit.path.coefs, same.path.coefs)
        town = [j for j, name in enumerate(fit.features) if name.startswith("town=")]
        used = fit.path.used[:, town]
        assert len(town) == 3
        assert (used.any(axis=1) == used.all(axis=1)).all()
        again = taut.load(fit.save(tmp_path / "m.taut"))
        assert str(again) == str(fit)
        assert "group lasso, features of one column together" in " ".join(str(again).split())
        assert run_record(again)["options"]["group_factors"] is True
        assert "such as the levels of a category" in content_of(again).narrative[0].text

    def test_one_penalty_at_a_time(self) -> None:
        with pytest.raises(ValueError, match="group_factors puts the group lasso in the lasso's place"):
            taut.fit(features("price"), "price", group_factors=True, penalty="mcp")
