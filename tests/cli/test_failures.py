"""Failures on the command line: one line each, and the documented exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taut import tabular
from taut.cli.outcome import Exit
from taut.model_file import ModelFileError
from tests.cli.calls import FEW, fails, run
from tests.tables import fitted


class TestFailures:
    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["fit", "houses.csv", "--target", "prise"], 3, ["'prise'", "did you mean 'price'"]),
            (["fit", "nowhere.csv", "--target", "price"], 3, ["nowhere.csv", "no such file"]),
            (["fit", "houses.csv", "--target", "price", "--weights", "x1"], 3, ["weights column 'x1'"]),
            (["fit", "houses.csv", "--target", "price", "--loss", "logistic"], 3, ["is for classes"]),
            (["fit", "broken.csv", "--target", "price"], 3, ["broken.csv", "line 3"]),
            (["predict", "houses.csv", "houses.csv"], 3, ["houses.csv", "not a model file"]),
            (["predict", "nowhere.taut", "houses.csv"], 3, ["nowhere.taut", "no such file"]),
            (["predict", ".", "houses.csv"], 3, [".: the folder holds no model.safetensors"]),
            (["predict", "model.taut", "sparse.csv"], 3, ["sparse.csv", "'x1'", "are missing"]),
            (["show", "houses.csv"], 3, ["not a model file"]),
            (["compare", "houses.csv", "--target", "prise"], 3, ["did you mean 'price'"]),
        ],
    )
    @pytest.mark.usefixtures("model")
    def test_data_and_models(self, arguments: list[str], code: int, words: list[str], here: Path) -> None:
        (here / "broken.csv").write_text("price,b\n1,2\n1,2,3\n")
        (here / "sparse.csv").write_text("x2,b\n1,2\n")
        fails(run(*arguments), code, *words)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["fit", "houses.csv"],
            ["fit", "houses.csv", "--target", "price", "--lam", "strong"],
            ["fit", "houses.csv", "--target", "price", "--lam", "-1"],
            ["fit", "houses.csv", "--target", "price", "--lam", "inf"],
            ["fit", "houses.csv", "--target", "price", "--hidden", "64,x"],
            ["fit", "houses.csv", "--target", "price", "--hidden", "0"],
            ["fit", "houses.csv", "--target", "price", "--l1-ratio", "2"],
            ["fit", "houses.csv", "--target", "price", "--cv", "1"],
            ["fit", "houses.csv", "--target", "price", "--test-size", "1"],
            ["fit", "houses.csv", "--target", "price", "--penalty", "l3"],
            ["fit", "houses.csv", "--target", "price", "--task", "ranking"],
            ["fit", "houses.csv", "--target", "price", "--groups", "town", "--time", "x1"],
            ["fit", "houses.csv", "--target", "price", "--bootstrap", "1"],
            ["fit", "houses.csv", "--target", "price", "--scoring", "charm"],
            ["compare", "houses.csv", "--target", "price", "--time", "x1", "--repeats", "2"],
            ["fit", "houses.csv", "--target", "price", "--restarts", "2"],
            ["fit", "houses.csv", "--target", "price", "--restarts", "0", "--hidden", "2"],
            ["fit", "houses.csv", "--target", "price", "--finish-iterations", "3"],
            ["fit", "houses.csv", "--target", "price", "--finish-iterations", "-1", "--hidden", "2"],
            ["frobnicate"],
        ],
    )
    @pytest.mark.usefixtures("here")
    def test_usage(self, arguments: list[str]) -> None:
        fails(run(*arguments), 2, "--help")

    @pytest.mark.parametrize(
        ("fault", "code", "words"),
        [
            (KeyboardInterrupt(), 130, ["interrupted"]),
            (ModelFileError("m: bad\x1b[2J\nworse"), 3, ["m: bad[2J worse"]),
            (ZeroDivisionError("by zero"), 1, ["ZeroDivisionError: by zero", "TAUT_DEBUG=1"]),
        ],
    )
    @pytest.mark.usefixtures("here")
    def test_whatever_happens_there_is_one_line(
        self, fault: BaseException, code: int, words: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def raises(*_: Any) -> None:
            raise fault

        monkeypatch.setattr(tabular, "fit_prepared", raises)
        result = run("fit", "houses.csv", "--target", "price", "--quiet")
        fails(result, code, *words)
        assert "\x1b" not in result.stderr
        assert not Path("houses.taut").exists()

    @pytest.mark.usefixtures("here")
    def test_a_missed_tolerance_is_an_exit_code_and_the_files_are_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fit = fitted("price")
        missed = tuple(replace(c, value=1e-3) for c in fit.path.certificates)
        loose = replace(fit, path=replace(fit.path, certificates=missed))
        monkeypatch.setattr(tabular, "fit_prepared", lambda *_: loose)
        result = run("fit", "houses.csv", "--target", "price", *FEW)
        assert result.exit_code == 4
        assert "1.0e-03, above 1e-06" in result.stderr
        assert "take a larger lam (rule 1se" in result.stderr
        assert "0 of 8 λ certified to 1e-06" in result.stdout
        assert "(--rule min)   not certified: gap 1e-03" in result.stdout
        assert Path("houses.taut/model.safetensors").exists()
        shown = run("show", "houses.taut")
        assert "Unmet    the chosen λ" in shown.stdout
        record = json.loads(run("show", "houses.taut", "--json").stdout)
        assert record["certificate"]["value"] == 1e-3
        assert record["certificate"]["met"] is False
        assert run("report", "houses.taut").exit_code == 0
        page = Path("houses.html").read_text(encoding="utf-8")
        assert "The tolerance is missed: the chosen λ" in page
        assert "1e-03, not certified" in page

    @pytest.mark.usefixtures("here")
    def test_a_comparison_tells_what_was_not_solved(self) -> None:
        result = run("compare", "houses.csv", "--target", "price", "--linear", "--cv", "2", "--tol", "1e-18")
        assert result.exit_code == 4
        assert "not certified" in result.stdout
        assert "note: " in result.stderr
        assert "the chosen λ" in result.stderr

    @pytest.mark.usefixtures("here")
    def test_frequency_weights_need_weights_that_are_whole(self) -> None:
        fit = ("fit", "houses.csv", "--target", "price", "--frequency-weights", "--lam", "bic")
        fails(run(*fit), 2, "name the column of weights")
        fails(run(*fit, "--weights", "x1"), 3, "weights column")

    def test_the_codes_are_the_documented_ones(self) -> None:
        assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 130]
