"""``--text`` on the command line: fitted, told, predicted, compared, refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import taut
from tests.cli.calls import FEW, fails, run

N = 120
RNG = np.random.default_rng(2)
LIKED = RNG.integers(0, 2, N)
FIT = ["fit", "reviews.csv", "--target", "liked", *FEW]


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of sentences, some of them missing."""
    monkeypatch.chdir(tmp_path)
    plain = ["the film was very long", "a plot one knows", "we saw it again today", "there is music in it"]
    own = np.where(LIKED, "lovely", "awful")
    texts = [f"{RNG.choice(plain)}, {word} {row}" for row, word in enumerate(own)]
    cells: list[str | None] = [None if row % 40 == 7 else text for row, text in enumerate(texts)]
    titles = [f"{word} film {row}" for row, word in enumerate(RNG.permutation(own))]
    liked = np.where(LIKED, "yes", "no")
    table = {"review": cells, "title of it": titles, "minutes": RNG.integers(80, 160, N), "liked": liked}
    pl.DataFrame(table).write_csv("reviews.csv")
    return tmp_path


def test_a_text_is_fitted_told_predicted_and_reported(reviews: Path) -> None:
    fitted = run(*FIT, "--text", "review", "--text", "title of it")
    assert fitted.exit_code == 0, fitted.output
    assert "2 text" in fitted.stdout
    assert "review: lovely" in fitted.stdout
    assert "--text" not in fitted.stdout
    record = json.loads((reviews / "reviews.taut" / "run.json").read_text())
    assert record["command"][-4:] == ["--text", "review", "--text", "title of it"]
    columns = run("show", "reviews.taut", "--columns").stdout
    assert "review: text → " in columns
    assert "title of it: text → " in columns
    assert "review: lovely" in run("show", "reviews.taut", "--coefficients").stdout
    assert run("predict", "reviews.taut", "reviews.csv", "--out", "p.csv").exit_code == 0
    known = taut.load("reviews.taut").predict("reviews.csv")
    np.testing.assert_array_equal(pl.read_csv("p.csv")["liked"], known)
    assert run("report", "reviews.taut").exit_code == 0
    assert "review: lovely" in (reviews / "reviews.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("reviews")
def test_a_text_left_out_is_hinted_at_and_the_hint_can_be_followed() -> None:
    fitted = run(*FIT, "--drop", "title of it")
    assert "Hint     review holds free text and is left out: --text review makes words of it" in fitted.stdout
    both = run(*FIT, "--force").stdout
    assert "--text review --text 'title of it'" in " ".join(both.split())


@pytest.mark.usefixtures("reviews")
def test_compare_advises_the_fit_with_the_text() -> None:
    told = run(
        "compare",
        "reviews.csv",
        "--target",
        "liked",
        *FEW,
        "--text",
        "review",
        "--drop",
        "title of it",
        "--linear",
    )
    assert told.exit_code == 0, told.output
    assert "--text review" in told.stdout.splitlines()[-1]


@pytest.mark.usefixtures("reviews")
def test_what_is_no_text_is_one_line() -> None:
    fails(run(*FIT, "--text", "minutes"), 3, "column 'minutes' holds numbers", "(--text)")
    fails(run(*FIT, "--text", "liked"), 3, "column 'liked' is the target")
    fails(run(*FIT, "--text", "reviw"), 3, "no column 'reviw'", "did you mean 'review'?")
    fails(run(*FIT, "--text", "review", "--drop", "review"), 3, "'review' is asked to be two things")
    sums = ["moments", "reviews.csv", "--target", "minutes", "--out", "m.moments", "--text", "review"]
    fails(run(*sums), 2, "--text is for taut fit on the table itself")
