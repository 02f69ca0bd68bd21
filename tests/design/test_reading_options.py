"""What a caller says of a file: the same on the command line and in Python, kept with the fit, refused where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import taut
from taut.cli import main
from taut.design import DataError, ReadingOptions, for_column, per_column
from taut.tabular.options import Options, options_from_document

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(60, 2)).round(3)
PLAIN = "a,b,y\n" + "".join(f"{a},{b},{2 * a - b:.3f}\n" for a, b in ROWS)

WORDS = [
    "--delimiter", "tab", "--quote", "none", "--encoding", "cp1252", "--header-line", "3", "--skip-rows", "2",
    "--comment", "#", "--decimal", ",", "--decimal", "a=.", "--thousands", "a=blank", "--dates", "a=%d-%m-%Y",
    "--na-values", "x", "--na-values", "-9", "--keep-na", "a",
]  # fmt: skip
SAID = ReadingOptions(
    delimiter="\t", quote="none", encoding="cp1252", header_line=3, skip_rows=2, comment="#",
    decimal=(("", ","), ("a", ".")), thousands=(("a", " "),), dates=(("a", "%d-%m-%Y"),), na_values=("x", "-9"),
    keep_na=("a",),
)  # fmt: skip


def test_the_command_line_says_what_python_says() -> None:
    seen: dict[str, object] = {}
    command = main.commands["fit"]
    context = command.make_context("fit", ["d.csv", "--target", "y", *WORDS])
    seen.update({name: context.params[name] for name in ReadingOptions.__dataclass_fields__})
    assert ReadingOptions(**seen) == SAID


def test_options_come_back_from_their_document() -> None:
    given = {name: getattr(SAID, name) for name in ReadingOptions.__dataclass_fields__}
    options = Options.of("y", **given)
    assert options.reading == SAID
    assert options_from_document(json.loads(json.dumps(options.document()))) == options


def test_one_text_is_for_every_column_and_a_mapping_for_some() -> None:
    assert for_column(per_column(","), "any") == ","
    assert for_column(per_column({"a": "."}), "b") is None
    assert for_column((("", ","), ("a", ".")), "a") == "."
    assert per_column("blanks") == (("", " "),)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delimiter": ";;"}, "delimiter must be one character"),
        ({"delimiter": "\n"}, "delimiter must be one character"),
        ({"delimiter": "'", "quote": "'"}, "cannot be both the delimiter and the quote"),
        ({"quote": "''"}, "quote must be one character or none"),
        ({"encoding": "utf-9"}, "encoding 'utf-9' is none that Python knows"),
        ({"encoding": "rot13"}, "encoding 'rot13' is none that Python knows"),
        ({"header_line": 0}, "header_line must be at least 1"),
        ({"header_line": 1, "header": False}, "header_line names a line"),
        ({"header_line": 2, "skip_rows": 2}, "line 2 is among the 2 of skip_rows"),
        ({"skip_rows": -1}, "skip_rows must be at least 0"),
        ({"comment": ""}, "comment must be the text"),
        ({"decimal": ";"}, "decimal must be . or ,"),
        ({"thousands": {"a": "x"}}, "thousands must be one of"),
        ({"decimal": ",", "thousands": ","}, "are the same; give two different ones"),
        ({"decimal": {"a": "."}, "thousands": "."}, "are the same; give two different ones"),
        ({"dates": {"a": "dd-mm"}}, "dates takes forms such as %d-%m-%Y"),
    ],
)
def test_what_is_no_option_is_refused(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        taut.fit({"a": [1.0, 2.0], "y": [1.0, 2.0]}, "y", **options)


@pytest.mark.parametrize("option", ["decimal", "thousands", "dates"])
def test_a_column_that_is_not_there_is_named(option: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(PLAIN)
    with pytest.raises(DataError, match="no column 'bb'; did you mean 'b'"):
        taut.fit(tmp_path / "d.csv", "y", **{option: {"bb": "%d" if option == "dates" else "."}})
    with pytest.raises(DataError, match="no column 'bb'; did you mean 'b'"):
        taut.fit(tmp_path / "d.csv", "y", keep_na="bb")


def test_the_command_that_is_kept_says_them_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text(PLAIN)
    words = ["fit", "d.csv", "--target", "y", "--lam", "0.1", "--decimal", ".", "--thousands", "a=blank"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    command = json.loads(Path("d.taut/run.json").read_text())["command"]
    assert [command[command.index(option) + 1] for option in ("--decimal", "--thousands")] == [".", "a= "]
