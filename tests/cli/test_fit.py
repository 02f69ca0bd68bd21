"""``taut fit``: what it prints, what it writes, and how its options arrive."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import click
import numpy as np
import polars as pl
import pytest

import taut
from taut.cli import main
from taut.cli.arguments import Blend, ColumnName, Knots, LossName, MixType, SizesType, StrengthType, words_of
from taut.cli.commands import HOW_SAID
from taut.cli.shared import LayersType
from taut.tabular.words.page import content_of
from tests.cli.calls import FEW, fails, run
from tests.tables import features

FIT = main.commands["fit"]
VALUES = {
    LossName: "huber",
    LayersType: "l1,none",
    SizesType: "4,2",
    StrengthType: "0.25",
    Knots: "5",
    ColumnName: "a 'column'",
    MixType: "0.1,0.5",
    Blend: "0.25",
}
"""A text that each type of option reads."""


def example(option: click.Option) -> list[str]:
    """An option with a value that is not its default."""
    if option.is_flag:
        return [(option.secondary_opts or option.opts)[0]]
    if isinstance(option.type, click.Choice):
        return [option.opts[0], next(c for c in option.type.choices if c != option.default)]
    small = isinstance(option.type, click.FloatRange)
    return [option.opts[0], VALUES.get(type(option.type), "0.125" if small else "7")]


class TestFit:
    def test_it_prints_what_python_prints_and_writes_the_folder(self, here: Path) -> None:
        result = run("fit", "houses.csv", "--target", "price", *FEW)
        assert result.exit_code == 0
        *summary, wrote, following = result.stdout.splitlines()
        assert summary == str(taut.load(here / "houses.taut")).splitlines()
        assert wrote == "Wrote    houses.taut/  model.safetensors  path.csv  run.json"
        assert following.startswith("Next     taut report houses.taut")
        assert sorted(p.name for p in (here / "houses.taut").iterdir()) == [
            "model.safetensors", "path.csv", "run.json",
        ]  # fmt: skip

    def test_the_options_arrive(self, here: Path) -> None:
        shape = "--penalty elasticnet --l1-ratio 0.3 --loss huber --penalize-biases"
        chosen = f"{shape} --rule 1se --seed 3 --test-size 0.3"
        result = run("fit", "houses.csv", "--target", "price", *FEW, *chosen.split())
        assert result.exit_code == 0
        options = taut.load(here / "houses.taut").setting.options
        assert (options.model["penalty"], options.model["l1_ratio"], options.rule) == (
            "elasticnet",
            0.3,
            "1se",
        )
        assert (options.seed, options.test_size, options.model["penalize_biases"]) == (3, 0.3, True)
        assert (options.loss, options.cv) == ("huber", 2)

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_the_options_of_networks_arrive(self, place: str, here: Path) -> None:
        training = ["--restarts", "2", "--finish-iterations", "1"]
        first, last = (training, []) if place == "before" else ([], training)
        result = run(
            "fit",
            "houses.csv",
            "--target",
            "price",
            *first,
            "--hidden",
            "2",
            *last,
            "--lam",
            "0.3",
            "--quiet",
        )
        assert result.exit_code == 0
        options = taut.load(here / "houses.taut").setting.options
        assert (options.training["restarts"], options.training["finish_iterations"]) == (2, 1)
        fails(run("fit", "houses.csv", "--target", "price", "--restarts", "2"), 2, "add hidden layers")

    def test_the_command_is_kept_whole_but_for_where_and_how_it_was_said(self, here: Path) -> None:
        (here / "in").mkdir()
        features("price").write_csv(here / "in" / "my houses.csv")
        chosen = ["--target", "price", "--cv", "2", "--drop", "x1", "--drop", "town", "--degree", "2"]
        result = run("fit", "in/my houses.csv", *chosen, "--out", "a.taut", "--quiet", "--force")
        assert result.exit_code == 0
        fit = taut.load(here / "a.taut")
        words = ["taut", "fit", "my houses.csv", *chosen]
        assert sorted(fit.setting.command) == sorted(words)
        facts = dict(next(s for s in content_of(fit).sections if s.title == "Reproduce").facts)
        assert facts["Command"] == (shlex.join(fit.setting.command),)
        again = run(
            *fit.setting.command[1:2], "in/my houses.csv", *fit.setting.command[3:], "--out", "b.taut"
        )
        assert again.exit_code == 0
        one, other = (taut.load(here / name) for name in ("a.taut", "b.taut"))
        assert one.setting.options == other.setting.options
        np.testing.assert_array_equal(one.path.coefs, other.path.coefs)

    @pytest.mark.parametrize("param", FIT.params, ids=lambda param: str(param.name))
    def test_every_option_is_written_so_that_it_is_read_as_it_was_given(self, param: click.Parameter) -> None:
        given = [] if isinstance(param, click.Argument) else [*example(param), *example(param)]
        base = ["a.csv"] if param.name == "target" else ["a.csv", "--target", "y"]
        context = FIT.make_context("fit", [*base, *given])
        words = words_of(context, HOW_SAID)
        read = FIT.make_context("fit", list(words[2:])).params
        assert words[:2] == ("taut", "fit")
        if param.name in HOW_SAID:
            assert words == ("taut", "fit", "a.csv", "--target", "y")
        else:
            assert read[str(param.name)] == context.params[str(param.name)]
            assert isinstance(param, click.Argument) or set(param.opts + param.secondary_opts) & set(words)

    def test_an_offset_goes_all_the_way(self, here: Path) -> None:
        """Fitted, kept, told, compared, and asked for when rows are predicted."""
        data = features("count").with_columns(exposure=pl.Series(np.linspace(-1.0, 1.5, 90)))
        data.write_csv("visits.csv")
        asked = ["visits.csv", "--target", "count", "--loss", "poisson", "--offset", "exposure"]
        assert run("fit", *asked, "--lam", "0.05").exit_code == 0
        fit = taut.fit("visits.csv", "count", loss="poisson", offset="exposure", lam=0.05)
        shown = run("show", "visits.taut")
        assert ", offset exposure;" in " ".join(shown.stdout.split())
        predicted = pl.read_csv(io.StringIO(run("predict", "visits.taut", "visits.csv").stdout))["count"]
        np.testing.assert_allclose(predicted, fit.predict("visits.csv"))
        data.drop("exposure").write_csv("new.csv")
        fails(run("predict", "visits.taut", "new.csv"), 3, "new.csv: offset column 'exposure' is missing")
        assert "nothing was fitted" in run("fit", *asked, "--lam", "0.05").stdout
        other = run("fit", *asked[:-2], "--lam", "0.05")
        assert other.exit_code == 2
        compared = json.loads(run("compare", *asked, "--linear", "--cv", "3", "--json").stdout)
        assert {model["options"]["offset"] for model in compared["models"]} == {"exposure"}

    def test_the_delimiter_is_said(self, here: Path) -> None:
        assert "delimiter ';'" in run("fit", "sales.csv", "--target", "sold", "--lam", "0.1").stdout

    def test_the_same_again_is_printed_and_another_is_refused(self, here: Path) -> None:
        first = run("fit", "houses.csv", "--target", "price", "--lam", "0.1")
        written = (here / "houses.taut" / "model.safetensors").stat().st_mtime_ns
        again = run("fit", "houses.csv", "--target", "price", "--lam", "0.1")
        assert again.exit_code == 0
        assert again.stdout.splitlines()[:-2] == [*first.stdout.splitlines()[:-2]]
        assert "nothing was fitted" in again.stdout
        assert (here / "houses.taut" / "model.safetensors").stat().st_mtime_ns == written
        other = ("fit", "houses.csv", "--target", "price", "--lam", "0.2")
        fails(run(*other), 2, "another fit", "--force", "--out")
        assert run(*other, "--force").exit_code == 0
        assert taut.load(here / "houses.taut").lam == 0.2
        features("price").head(60).write_csv(here / "houses.csv")
        fails(run(*other), 2, "another fit")

    def test_a_folder_of_something_else_is_not_written_into(self, here: Path) -> None:
        (here / "houses.taut").mkdir()
        (here / "houses.taut" / "letter.txt").write_text("dear")
        fails(run("fit", "houses.csv", "--target", "price", "--lam", "0.1"), 2, "no fit")
        (here / "letter").write_text("dear")
        fails(run("fit", "houses.csv", "--target", "price", "--lam", "0.1", "--out", "letter"), 2, "letter")

    def test_json_is_one_object_and_quiet_is_nothing(self, here: Path) -> None:
        found = json.loads(run("fit", "houses.csv", "--target", "price", "--lam", "0.1", "--json").stdout)
        assert found["lam"] == 0.1
        assert found["out"] == "houses.taut"
        assert [judged["model"] for judged in found["test"]] == ["chosen", "unpenalised", "null"]
        assert run("fit", "houses.csv", "--target", "price", "--lam", "0.1", "--quiet").output == ""

    def test_a_network(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("taut.solvers.networks.settings.Training.epochs", lambda self, first: 1)
        result = run("fit", "houses.csv", "--target", "price", "--hidden", "3,2", "--lam", "0.05")
        assert result.exit_code == 0
        assert "network 3-2 (relu, skip connection)" in result.stdout
        assert "of 3 and" in result.stdout


class TestPenaltiesAndFallback:
    def test_every_penalty_is_reachable(self, here: Path) -> None:
        for words, said in (
            (["--penalty", "mcp"], "MCP"),
            (["--penalty", "scad"], "SCAD"),
            (["--group-factors"], "group lasso, features of one column together"),
        ):
            result = run("fit", "houses.csv", "--target", "price", *FEW, "--force", *words)
            assert result.exit_code == 0
            assert said in " ".join(result.stdout.split())

    def test_a_network_is_kept_where_that_is_asked_for(self, here: Path) -> None:
        call = ["fit", "houses.csv", "--target", "price", *FEW, "--hidden", "2", "--max-epochs", "1"]
        lost = json.loads(run(*call, "--json").stdout)
        kept = json.loads(run(*call, "--json", "--force", "--fallback", "never").stdout)
        assert (lost["model"], kept["model"]) == ("linear", "network")

    def test_the_help_names_formats_and_penalties(self) -> None:
        shown = " ".join(run("fit", "--help").stdout.split())
        for word in (
            "CSV",
            "Parquet",
            "Arrow",
            "svmlight",
            ".npz",
            "l1|l2|elasticnet|mcp|scad",
            "--group-factors",
        ):
            assert word in shown
