"""The command line: what is printed, what is written, one line per failure, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import taut
from tables import features, fitted, table
from taut.cli import fitting as cli_fitting
from taut.cli import main
from taut.cli.arguments import Blend, ColumnName, Knots, LossName, MixType, SizesType, StrengthType, words_of
from taut.cli.commands import HOW_SAID
from taut.cli.outcome import Exit
from taut.cli.shared import LayersType
from taut.model_file import ModelFileError
from taut.tabular.words.page import content_of

COMMANDS = ["fit", "predict", "report", "show", "compare", "completion"]
FEW = ["--cv", "2"]


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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of prices, a table of classes and a fitted model."""
    monkeypatch.chdir(tmp_path)
    features("price").write_csv("houses.csv")
    features("sold").write_csv("sales.csv", separator=";")
    return tmp_path


@pytest.fixture
def model(here: Path) -> Path:
    return fitted("price").save(here / "model.taut")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def fails(result: Result, code: int, *words: str) -> None:
    """One line on stderr, no traceback, nothing on stdout."""
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1
    assert [w for w in words if w not in result.stderr] == []
    assert "Traceback" not in result.output


def on_a_terminal(folder: Path, *arguments: str, columns: int = 100) -> str:
    """What the command shows on a terminal of so many columns."""
    import pty

    leader, follower = pty.openpty()
    call = [sys.executable, "-c", "from taut.cli import main; main()", *arguments]
    sizes = {**os.environ, "COLUMNS": str(columns)}
    process = subprocess.Popen(call, stdout=follower, stderr=follower, cwd=folder, env=sizes, close_fds=True)
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    assert process.wait() == 0
    return shown.decode()


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


class TestPredict:
    def test_numbers(self, model: Path) -> None:
        result = run("predict", model, "houses.csv")
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        assert [float(r["price"]) for r in rows] == fitted("price").predict(features("price")).tolist()

    def test_classes_with_their_probabilities(self, here: Path) -> None:
        fitted("sold").save(here / "sold.safetensors")
        result = run("predict", "sold.safetensors", "sales.csv", "--out", "found.csv")
        assert "found.csv  90 predictions of sold" in result.stdout
        found = pl.read_csv(here / "found.csv")
        assert found.columns == ["sold", "P(no)", "P(yes)"]
        assert found["P(yes)"].to_list() == fitted("sold").predict_proba(features("sold"))[:, 1].tolist()

    def test_json_and_quiet(self, model: Path) -> None:
        found = json.loads(run("predict", model, "houses.csv", "--json").stdout)
        assert len(found) == 90
        assert run("predict", model, "houses.csv", "--out", "p.csv", "--quiet").output == ""
        assert run("predict", model, "houses.csv", "--quiet").output == Path("p.csv").read_text()

    def test_what_is_new_is_said_once(self, model: Path, here: Path) -> None:
        features("price").with_columns(town=pl.lit("Zz"), extra=1).write_csv("new.csv")
        result = run("predict", model, "new.csv")
        assert result.stderr.splitlines() == [
            "note: town: 'Zz' not seen in training, read as no level",
            "note: ignored, not in training: extra",
        ]

    def test_a_place_that_cannot_be_written_is_named(self, model: Path) -> None:
        fails(
            run("predict", model, "houses.csv", "--out", "/proc/p.csv"), 3, "taut: /proc/p.csv: no such file"
        )
        fails(run("predict", model, "houses.csv", "--out", "houses.csv/p.csv"), 3, "taut: houses.csv: ")

    def test_formulas_are_guarded(self, here: Path) -> None:
        data = table().select(
            "x1",
            "x2",
            "town",
            **{"=target": pl.when(pl.col("x1") > 0).then(pl.lit("@up")).otherwise(pl.lit("=down"))},
        )
        taut.fit(data, "=target", lam=0.01).save(here / "m.safetensors")
        data.write_csv("d.csv")
        lines = run("predict", "m.safetensors", "d.csv").stdout.splitlines()
        assert lines[0] == "'=target,P(=down),P(@up)"
        assert {line[:3] for line in lines[1:]} == {"'@u", "'=d"}


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

        monkeypatch.setattr(cli_fitting, "fit_prepared", raises)
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
        monkeypatch.setattr(cli_fitting, "fit_prepared", lambda *_: loose)
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


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_there_is_a_script_for_each_shell(self, shell: str) -> None:
        script = run("completion", shell).stdout
        assert "_TAUT_COMPLETE" in script
        assert shell in script

    def complete(self, line: str) -> list[str]:
        words = line.split(" ")
        asked = {"_TAUT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        program = "from taut.cli import main; main(prog_name='taut')"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | asked,
            capture_output=True,
            text=True,
            check=True,
        )
        return [found.partition(",")[2] for found in done.stdout.splitlines() if found]

    @pytest.mark.usefixtures("here")
    def test_commands_options_and_columns_are_completed(self) -> None:
        assert self.complete("taut co") == ["compare", "completion"]
        assert "--target" in self.complete("taut fit houses.csv --tar")
        assert self.complete("taut fit houses.csv --target pr") == ["price"]
        assert self.complete("taut fit houses.csv --drop x") == ["x1", "x2", "x3"]
        assert self.complete("taut fit nowhere.csv --target pr") == []


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_an_example_and_explains_its_options(self, command: str) -> None:
        shown = run(command, "--help").stdout
        assert f"Example:  taut {command} " in shown
        unexplained = [
            parameter.name
            for parameter in main.commands[command].params
            if isinstance(parameter, click.Option) and parameter.name != "help" and not parameter.help
        ]
        assert unexplained == []

    def test_a_bare_call_shows_the_commands(self) -> None:
        result = run()
        assert result.exit_code == 2
        assert set(COMMANDS) <= set(result.output.split())

    def test_there_are_these_commands(self) -> None:
        assert sorted(main.commands) == sorted(COMMANDS)
        assert taut.__version__ in run("--version").stdout

    def test_help_starts_at_once(self) -> None:
        """Nothing heavy is imported until a command runs."""
        program = (
            "import sys\nfrom taut.cli import main\n"
            "try:\n    main(['fit', '--help'])\nexcept SystemExit:\n    pass\n"
            "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        heavy = {"numpy", "scipy", "sklearn", "polars", "narwhals", "numba", "rich", "safetensors"}
        assert heavy & set(done.stdout.splitlines()[-1].split()) == set()

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_a_terminal_shows_a_progress_bar(self, here: Path) -> None:
        text = on_a_terminal(here, "fit", "houses.csv", "--target", "price", *FEW)
        assert "━" in text
        assert text.index("Model") < text.index("━") < text.index("Kept")

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_text_is_wrapped_to_a_narrow_terminal(self, model: Path) -> None:
        shown = on_a_terminal(model.parent, "show", model.name, columns=60)
        lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in shown.splitlines()]
        prose = lines[: next(i for i, line in enumerate(lines) if "%Dev" in line)]
        assert len(prose) > 5
        assert max(map(len, prose)) <= 60
        assert max(len(line) for line in run("show", str(model)).stdout.splitlines()) > 60

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_only_labels_are_bold(self, model: Path) -> None:
        bold = "\x1b[1m"
        assert f"{bold}Kept " in on_a_terminal(model.parent, "show", model.name)
        for part in ("--columns", "--coefficients"):
            assert bold not in on_a_terminal(model.parent, "show", model.name, part)


class TestReport:
    def test_it_writes_the_page_that_python_writes(self, model: Path) -> None:
        shown = run("report", model)
        assert shown.exit_code == 0
        assert shown.stdout.startswith(f"Wrote    {model.stem}.html  ")
        fit = taut.load(model)
        assert Path(f"{model.stem}.html").read_bytes() == fit.report("again.html").read_bytes()

    def test_it_writes_over_a_report_and_over_nothing_else(self, model: Path) -> None:
        assert run("report", model, "--out", "page.html", "--quiet").stdout == ""
        assert run("report", model, "--out", "page.html").exit_code == 0
        Path("mine.html").write_text("<p>mine</p>")
        refused = run("report", model, "--out", "mine.html")
        assert refused.exit_code == 2
        assert "mine.html is there and no report of taut; --force writes over it" in refused.stderr
        assert Path("mine.html").read_text() == "<p>mine</p>"
        assert run("report", model, "--out", "mine.html", "--force").exit_code == 0

    def test_json_and_correlations(self, model: Path) -> None:
        whole = json.loads(run("report", model, "--json").stdout)
        bare = json.loads(run("report", model, "--no-gram", "--json").stdout)
        assert whole["bytes"] > bare["bytes"]

    def test_what_is_no_model_is_one_line(self, here: Path) -> None:
        Path("not.safetensors").write_text("no")
        result = run("report", "not.safetensors")
        assert result.exit_code == 3
        assert len(result.stderr.splitlines()) == 1

    def test_one_bootstrap_fit_is_refused_before_anything_is_fitted(self, here: Path) -> None:
        result = run("fit", "houses.csv", "--target", "price", *FEW, "--bootstrap", "1", "--out", "none")
        assert result.exit_code == 2
        assert "bootstrap = 1: give at least 2 bootstrap fits, or 0 for none" in result.stderr
        assert not Path("none").exists() or not any(Path("none").iterdir())

    def test_bootstrap_fits_are_in_the_page(self, here: Path) -> None:
        assert (
            run("fit", "houses.csv", "--target", "price", *FEW, "--bootstrap", "3", "--quiet").exit_code == 0
        )
        run("report", "houses.taut")
        assert "3 bootstrap fits" in Path("houses.html").read_text(encoding="utf-8")
