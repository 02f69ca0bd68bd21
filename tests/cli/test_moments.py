"""``taut moments``, ``taut add`` and ``taut fit`` of moments."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import taut
from tests.cli.calls import fails, run
from tests.streaming.samples import same_bits, table


@pytest.fixture
def months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two months as Parquet, and another as CSV, in the folder of the commands."""
    monkeypatch.chdir(tmp_path)
    frame = table()
    frame[:1000].write_parquet("m1.parquet")
    frame[1000:2000].write_parquet("m2.parquet", row_group_size=300)
    frame[2000:].write_csv("m3.csv")
    return tmp_path


@pytest.mark.usefixtures("months")
class TestMoments:
    def test_files_become_moments_and_a_model(self) -> None:
        made = run(
            "moments",
            "m1.parquet",
            "m2.parquet",
            "m3.csv",
            "--target",
            "y",
            "--folds",
            4,
            "--out",
            "a.moments",
        )
        assert made.exit_code == 0
        assert "Wrote    a.moments" in made.stdout
        assert "Next     taut fit a.moments" in made.stdout
        assert same_bits(taut.Moments.load("a.moments"), taut.moments(table(), "y", 4))
        fitted = run("fit", "a.moments")
        assert fitted.exit_code == 0
        assert "4 folds" in fitted.stdout
        assert "Done     before" in run("fit", "a.moments").stdout
        assert run("predict", "a.taut", "m3.csv", "--out", "p.csv").exit_code == 0
        assert run("show", "a.taut").stdout.startswith("Read     3 files")

    def test_months_add(self) -> None:
        run("moments", "m1.parquet", "--target", "y", "--folds", 2, "--out", "1.moments")
        second = [
            "m2.parquet",
            "--preparation",
            "1.moments",
            "--first-row",
            1000,
            "--out",
            "2.moments",
            "--json",
        ]
        made = json.loads(run("moments", *second).stdout)
        assert made["rows"] == 980
        added = run("add", "1.moments", "2.moments", "--out", "both.moments")
        assert added.exit_code == 0
        one, two = taut.Moments.load("1.moments"), taut.Moments.load("2.moments")
        assert same_bits(taut.Moments.load("both.moments"), one + two)
        assert run("add", "both.moments", "2.moments", "--out", "both.moments", "--quiet").output == ""
        assert taut.Moments.load("both.moments").rows == one.rows + 2 * two.rows

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["moments", "m1.parquet", "--out", "a.moments"], 2, ["Missing option '--target'"]),
            (["moments", "m1.parquet", "--target", "z", "--out", "a.moments"], 3, ["no target column 'z'"]),
            (
                ["moments", "m9.parquet", "--target", "y", "--out", "a.moments"],
                3,
                ["m9.parquet: no such file"],
            ),
            (["moments", "m1.parquet", "--target", "y", "--out", "m1.parquet"], 2, ["is an input"]),
            (["moments", "m1.parquet", "--target", "y", "--out", "m3.csv"], 2, ["holds no moments"]),
            (["fit", "m1.parquet"], 2, ["Missing option '--target'"]),
            (["compare", "m1.parquet"], 2, ["Missing option '--target'"]),
            (["fit", "1.moments", "--hidden", "8"], 3, ["a network is trained on rows"]),
            (["fit", "1.moments", "--target", "z"], 3, ["for the target 'y', not 'z'"]),
            (
                ["add", "1.moments", "3.moments", "--out", "a.moments"],
                3,
                ["differ in the folds (folds 2 and 3)"],
            ),
            (["add", "1.moments", "m1.parquet", "--out", "a.moments"], 3, ["m1.parquet: not a model file"]),
            (["show", "1.moments"], 3, ["moments, not a model"]),
        ],
    )
    def test_failures_are_one_line(self, arguments: list[str], code: int, words: list[str]) -> None:
        taut.moments(pl.read_parquet("m1.parquet"), "y", 2).save("1.moments")
        taut.moments(pl.read_parquet("m1.parquet"), "y", 3).save("3.moments")
        fails(run(*arguments), code, *words)
