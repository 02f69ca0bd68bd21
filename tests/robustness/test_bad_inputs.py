"""Every bad input of the corpus ends in its exit code and its words: one line, never a traceback."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from tests.robustness.bad_inputs import CASES
from tests.robustness.case import OK, UNMET, Case, numbers, parquet
from tests.robustness.estimators import call
from tests.tables import features

ESCAPES = [chr(c) for c in [*range(9), *range(11, 32), *range(127, 160), 0x202E]]


def check(result: Result, code: int, words: tuple[str, ...]) -> None:
    said = " ".join((result.stdout + result.stderr).split())
    assert result.exit_code == code, said
    assert [w for w in words if w not in said] == [], said
    assert "Traceback" not in said
    assert [c for c in ESCAPES if c in result.stdout + result.stderr] == []
    if code != OK:
        # What is written although it misses its tolerance has a note before the last word.
        *notes, last = result.stderr.splitlines()
        assert len(notes) <= int(code == UNMET)
        assert last.startswith("taut: ")
        assert len(result.stderr) < 600


@pytest.mark.sampled(without="100 000 columns")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_ends_in_its_code_and_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(case.file).write_bytes(case.data)
    start = time.process_time()
    result = call("fit", case.file, "--target", case.target, *case.options)
    check(result, case.code, case.words)
    assert (
        time.process_time() - start < 120
    )  # no case is a trap for time; seconds of the processor, not of the clock
    if case.code not in (OK, UNMET):  # what misses its tolerance is written, and said
        assert [p.name for p in tmp_path.iterdir()] == [case.file]


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


PREDICTIONS: dict[str, tuple[pl.DataFrame, int, tuple[str, ...]]] = {
    "a missing column": (features("price").drop("x2"), 3, ("column 'x2' is missing",)),
    "a misspelt column": (features("price").rename({"town": "Town"}), 3, ("'town' is missing; did you mean 'Town'",)),
    "columns in another order": (features("price").select(*reversed(features("price").columns)), 0, ("price",)),
    "columns that are new": (features("price").with_columns(z=1), 0, ("ignored, not in training: z",)),
    "without the target": (features("price").drop("price"), 0, ("price",)),
    "a level that is new": (features("price").with_columns(town=pl.lit("Zz")), 0, ("'Zz' not seen in training",)),
    "text for a number": (features("price").with_columns(x1=pl.lit("much")), 0, ("x1: no cell is of the kind seen",)),
    "a number for a level": (features("price").with_columns(town=7), 0, ("town: '7' not seen in training",)),
    "only gaps": (features("price").with_columns(x1=None), 0, ("x1: 90 missing, filled with the training median",)),
    "an infinity": (features("price").with_columns(x1=float("inf")), 0, ("x1: 90 infinite, read as missing",)),
    "one row": (features("price").head(1), 0, ("price",)),
    "no rows": (features("price").head(0), 3, ("no rows",)),
}  # fmt: skip


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_that_does_not_fit_the_model(name: str, kind: str, model: Path) -> None:
    frame, code, words = PREDICTIONS[name]
    Path("new").write_bytes(frame.write_csv().encode() if kind == "csv" else parquet(frame))
    check(call("predict", str(model), "new"), code, words)


@pytest.mark.usefixtures("model")
class TestFiles:
    def test_a_folder_is_no_table(self) -> None:
        Path("folder").mkdir()
        check(call("fit", "folder", "--target", "y"), 2, ("'folder' is a directory",))

    def test_a_file_that_may_not_be_read(self) -> None:
        Path("d.csv").write_bytes(numbers().write_csv().encode())
        Path("d.csv").chmod(0)
        if os.access("d.csv", os.R_OK):  # root reads everything
            Path("d.csv").unlink()
            os.symlink("d.csv", "d.csv")
        check(call("fit", "d.csv", "--target", "y"), 3, ("d.csv: ",))

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
    def test_a_full_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing half-written is left, and the line says what the system said."""
        Path("d.csv").write_bytes(numbers().write_csv().encode())
        real = os.fsync

        def full(handle: int) -> None:
            real(handle)
            with open("/dev/full", "wb", buffering=0) as device:
                device.write(b"x")

        monkeypatch.setattr(os, "fsync", full)
        check(call("fit", "d.csv", "--target", "y", "--lam", "1"), 3, ("no space left",))
        assert not Path("d.taut").exists()
