"""Automatic fits: what is tried, what is taken, what a budget ends, and that the fit is the one that was asked for alone."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

import taut
from taut import tabular
from taut.tabular import automatic
from taut.tabular.tried import ENDED, NEEDS_DENSE
from tests.cli.calls import fails, run
from tests.tables import features

FEW: dict[str, Any] = {"cv": 3, "lambdas": 8}
ALL_PAIRS = (1 + 2 + 1 + 2) * 4 * 8
"""Lasso, two mixes, ridge, the network and its linear model: three folds and all rows at eight strengths."""
ALONE: dict[str, dict[str, Any]] = {
    "lasso": {},
    "elastic net": {"penalty": "elasticnet", "l1_ratio": automatic.MIXES},
    "ridge": {"penalty": "l2"},
    "network 4": {"hidden": (4,), "fallback": "never"},
}


def bent(rows: int = 120) -> pl.DataFrame:
    """A table with a target that no line follows, and another one that is a line and noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3))
    noise = rng.normal(size=rows)
    return pl.DataFrame(X, schema=["a", "b", "c"]).with_columns(
        bent=pl.Series(np.abs(X[:, 0]) * 3 + 0.1 * noise), line=pl.Series(X[:, 0] + 0.5 * noise)
    )


@pytest.fixture(scope="module")
def fits() -> dict[str, taut.Fit]:
    return {
        name: taut.fit(bent(), name, model="auto", hidden=(4,), drop=other, **FEW)
        for name, other in (("bent", "line"), ("line", "bent"))
    }


def taken(fit: taut.Fit) -> str:
    (name,) = [each.name for each in fit.tried if each.mark == "taken"]
    return name


class TestWhatIsTaken:
    def test_a_network_where_no_line_will_do(self, fits: dict[str, taut.Fit]) -> None:
        assert taken(fits["bent"]) == "network 4"
        assert not fits["bent"].is_linear

    def test_a_line_where_it_will(self, fits: dict[str, taut.Fit]) -> None:
        assert fits["line"].is_linear
        assert [each.name for each in fits["line"].tried] == [*ALONE]

    @pytest.mark.parametrize("name", ["bent", "line"])
    def test_it_is_the_fit_that_its_words_ask_for_alone(self, name: str, fits: dict[str, taut.Fit]) -> None:
        fit, other = fits[name], {"bent": "line", "line": "bent"}[name]
        alone = taut.fit(bent(), name, drop=other, **FEW, **ALONE[taken(fit)])
        assert fit.setting.options == alone.setting.options
        assert fit.setting.model == alone.setting.model
        for mine, its in zip(fit.layers.coefs, alone.layers.coefs, strict=True):
            assert_array_equal(mine, its)
        assert_array_equal(fit.predict(bent()), alone.predict(bent()))
        assert fit.tested == alone.tested

    def test_every_score_is_that_of_the_model_alone(self, fits: dict[str, taut.Fit]) -> None:
        for each in fits["line"].tried:
            alone = taut.fit(bent(), "line", drop="bent", **FEW, **ALONE[each.name])
            assert alone.scores is not None
            assert each.score == pytest.approx(np.sqrt(alone.scores.mean[alone.index]))

    def test_the_taken_one_is_the_simplest_of_the_marked(self, fits: dict[str, taut.Fit]) -> None:
        for fit in fits.values():
            complexity = {each.name: ("network" in each.name, each.kept) for each in fit.tried if each.mark}
            assert complexity[taken(fit)] == min(complexity.values())
            assert min(fit.tried, key=lambda each: each.score).mark in ("best", "taken")

    def test_classes_and_scorers(self) -> None:
        fit = taut.fit(features("town"), "town", model="auto", hidden=(3,), scoring="accuracy", **FEW)
        assert max(fit.tried, key=lambda each: each.score).mark in ("best", "taken")
        assert "CV accuracy ± SE" in str(fit)

    def test_a_sparse_table_stays_sparse(self) -> None:
        rng = np.random.default_rng(1)
        X = scipy.sparse.random(80, 12, density=0.3, random_state=1, format="csc")
        fit = taut.fit(X, X[:, [0]].toarray().ravel() + 0.1 * rng.normal(size=80), model="auto", **FEW)
        assert [each.note for each in fit.tried] == ["", "", "", NEEDS_DENSE]
        assert f"network 64: {NEEDS_DENSE}" in " ".join(str(fit).split())


class TestBudget:
    def ticking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ticks = itertools.count()
        monkeypatch.setattr(automatic, "now", lambda: float(next(ticks)))

    def test_the_lasso_is_always_finished(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ticking(monkeypatch)
        fit = taut.fit(bent(), "bent", model="auto", budget=0.5, drop="line", **FEW)
        assert [each.note for each in fit.tried] == ["", ENDED, ENDED, ENDED]
        assert taken(fit) == "lasso"
        words = " ".join(str(fit).split())
        assert f"network 64: {ENDED}" in words
        assert "another run may take another model" in words

    def test_a_model_under_way_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[int] = []
        self.ticking(monkeypatch)
        asked: dict[str, Any] = {"model": "auto", "budget": 40.0, "hidden": (4,), "drop": "line"}
        fit = taut.fit(bent(), "bent", progress=calls.append, **asked, **FEW)
        assert fit.tried[0].note == ""
        assert fit.tried[-1].note == ENDED
        assert sum(calls) < ALL_PAIRS

    @pytest.mark.parametrize(("tick", "bounded_by"), [(1e-6, "the minute"), (1e3, "the lasso")])
    def test_by_default_it_is_ten_times_the_lasso_and_a_minute_at_least(
        self, tick: float, bounded_by: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends: list[float] = []
        seen: list[float] = []

        class Spy(automatic.Deadline):
            def __init__(self, end: float, progress: Any = None) -> None:
                ends.append(end)
                super().__init__(float("inf"), progress)

        def now() -> float:
            seen.append(len(seen) * tick)
            return seen[-1]

        monkeypatch.setattr(automatic, "Deadline", Spy)
        monkeypatch.setattr(automatic, "now", now)
        taut.fit(bent(), "line", model="auto", hidden=(2,), drop="bent", cv=2, lambdas=3)
        first, *others = ends
        assert first == float("inf")
        assert len({*others}) == 1
        if bounded_by == "the minute":
            assert others[0] == automatic.LEAST
        else:
            assert others[0] > automatic.LEAST
            assert others[0] / automatic.TIMES in seen

    def test_nothing_ended_is_the_same_file_again(self, fits: dict[str, taut.Fit], tmp_path: Path) -> None:
        again = taut.fit(bent(), "bent", model="auto", hidden=(4,), drop="line", **FEW)
        one, other = fits["bent"].save(tmp_path / "a.safetensors"), again.save(tmp_path / "b.safetensors")
        assert one.read_bytes() == other.read_bytes()


class TestWhatIsKept:
    def test_the_table_is_in_the_model_the_record_and_the_summary(
        self, fits: dict[str, taut.Fit], tmp_path: Path
    ) -> None:
        for name, fit in fits.items():
            read = taut.load(fit.save(tmp_path / name))
            assert read.tried == fit.tried
            assert read.setting == fit.setting
            assert str(read) == str(fit)
            record = json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))
            assert [one["name"] for one in record["tried"]] == [*ALONE]
            assert [one["mark"] for one in record["tried"]] == [one.mark for one in fit.tried]
            page = read.report(tmp_path / "page.html").read_text(encoding="utf-8")
            assert "Models compared on the same folds" in page

    def test_compaction_leaves_the_model(self, fits: dict[str, taut.Fit]) -> None:
        small = fits["bent"].compact()
        np.testing.assert_allclose(small.predict(bent()), fits["bent"].predict(bent()))
        assert small.tried == ()

    def test_the_key_is_that_of_what_was_asked(self, fits: dict[str, taut.Fit]) -> None:
        setting = fits["line"].setting
        assert setting.asked is not None
        assert setting.asked.search == "auto"
        assert setting.key("x", "1") == setting.asked.key("x", "1") != setting.options.key("x", "1")

    def test_an_ended_run_goes_on_to_the_same_bits(self, fits: dict[str, taut.Fit], tmp_path: Path) -> None:
        class Cut:
            def __init__(self, after: int) -> None:
                self.left = after

            def __call__(self, count: int) -> None:
                self.left -= count
                if self.left < 0:
                    raise RuntimeError("cut")

        for after in (20, 60, 130, ALL_PAIRS - 2):
            folder = tmp_path / f"checkpoint{after}"
            call = {"model": "auto", "hidden": (4,), "drop": "line", **FEW, "checkpoint": folder}
            with pytest.raises(RuntimeError, match="cut"):
                taut.fit(bent(), "bent", progress=Cut(after), **call)
            assert folder.exists()
            again = taut.fit(bent(), "bent", **call)
            assert again.tried == fits["bent"].tried
            assert_array_equal(again.predict(bent()), fits["bent"].predict(bent()))


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"model": "best"}, "model must be 'auto' or None, got 'best'"),
            ({"budget": 3.0}, "model='auto' too"),
            ({"model": "auto", "budget": 0}, "budget must be a number of seconds above 0, got 0"),
            ({"model": "auto", "budget": float("nan")}, "budget must be"),
            ({"model": "auto", "budget": "long"}, "budget must be"),
            *(
                ({"model": "auto", name: value}, f"{name}: an automatic fit")
                for name, value in {
                    "penalty": "l2", "l1_ratio": 0.1, "lam": 0.1, "relax": "cv", "adaptive": 1.0,
                    "fallback": "never", "bootstrap": 5, "group_factors": True, "layer_penalties": "l1",
                    "bias_penalties": "l1", "lambdas": [1.0, 0.1],
                }.items()
            ),
        ],
    )  # fmt: skip
    def test_what_does_not_go_with_it_is_said(self, options: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match=re.escape(words)):
            taut.fit(bent(), "line", **options)

    def test_moments_know_no_rows(self) -> None:
        sums = taut.moments(bent(400), "line", folds=3, drop="bent")
        with pytest.raises(ValueError, match="model: it tries a network, which is trained on rows"):
            taut.fit(sums, model="auto")


class TestCommandLine:
    CALL = ("fit", "t.csv", "--target", "bent", "--drop", "line", "--cv", "3", "--auto", "--hidden", "4")

    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        bent().write_csv("t.csv")

    def test_it_says_what_was_tried_and_the_same_again_is_printed(self) -> None:
        first = run(*self.CALL)
        assert first.exit_code == 0
        assert "the simplest as good as the best of lasso" in " ".join(first.stdout.split())
        lines = first.stdout.splitlines()
        assert any(line.startswith("Tried") and "CV RMSE ± SE" in line for line in lines)
        assert any(line.startswith("taken    network 4") for line in lines)
        assert "nothing was fitted" in run(*self.CALL).stdout
        fails(run(*self.CALL[:-3]), 2, "another fit")
        document = json.loads(run("show", "t.taut", "--json").stdout)
        assert [one["name"] for one in document["tried"]] == [*ALONE]

    def test_usage_errors(self) -> None:
        fails(run(*self.CALL, "--penalty", "l2"), 2, "penalty: an automatic fit")
        fails(run("fit", "t.csv", "--target", "bent", "--budget", "3"), 2, "--auto")
        fails(run(*self.CALL, "--budget", "0"), 2, "--budget")

    def test_options_of_networks_go_with_it(self) -> None:
        result = run(*self.CALL[:-2], "--max-epochs", "1", "--json")
        assert json.loads(result.stdout)["tried"][-1]["name"] == "network 64"

    def test_a_bar_knows_how_much_there_is(self) -> None:
        options = tabular.Options.of("bent", model="auto", hidden=(4,), cv=3, drop="line", lambdas=8)
        assert tabular.pairs_of(tabular.prepare(Path("t.csv"), options)) == ALL_PAIRS
        plain = tabular.prepare(Path("t.csv"), options.changed(model=None, hidden=()))
        assert tabular.pairs_of(plain) == 4 * 8
