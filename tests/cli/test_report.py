"""``taut report``: the page that Python writes, and what it never overwrites."""

from __future__ import annotations

import json
from pathlib import Path

import taut
from tests.cli.calls import FEW, run


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


class TestTeach:
    def test_writes_the_page_of_the_lesson(self, tmp_path: Path) -> None:
        place = tmp_path / "lesson.html"
        done = run("teach", "--out", str(place), "--json")
        assert json.loads(done.stdout) == {"out": str(place), "bytes": place.stat().st_size}
        assert taut.teach(tmp_path / "other.html").read_bytes() == place.read_bytes()
        assert run("teach", "--out", str(place)).exit_code == 0  # its own page it writes anew

    def test_leaves_what_is_no_page_of_taut(self, tmp_path: Path) -> None:
        place = tmp_path / "mine.html"
        place.write_text("mine")
        refused = run("teach", "--out", str(place))
        assert refused.exit_code == 2
        assert "mine.html is there" in refused.stderr
        assert place.read_text() == "mine"
        assert run("teach", "--out", str(place), "--force").exit_code == 0
        assert place.read_text() != "mine"
