"""``taut predict``: what it writes, and what is new in the rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl

import taut
from tests.cli.calls import fails, run
from tests.tables import features, fitted, table


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
