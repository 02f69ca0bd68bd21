"""Fits of Parquet files from sums: the same as fits of their moments, taken where nothing that is asked needs rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import taut
from taut.design import Classes, DataError
from taut.tabular import Options, opening, streamed_table
from tests.cli.calls import fails, run

ROWS = 3_000


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROWS, 6))
    y = X[:, 0] - 2 * X[:, 1] + rng.normal(size=ROWS)
    columns = {f"x{j}": X[:, j] for j in range(6)}
    return pl.DataFrame({**columns, "w": rng.integers(1, 4, ROWS), "y": y})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(streamed_table, "MOST_ROWS", ROWS - 1)
    monkeypatch.chdir(tmp_path)
    frame().write_parquet("rows.parquet", row_group_size=700)
    return tmp_path / "rows.parquet"


def is_summed(fit: Any) -> bool:
    """Sums alone leave no losses of single rows behind."""
    assert fit.scores is not None
    return fit.scores.losses is None


class TestBits:
    def test_a_file_of_many_rows_is_fitted_as_its_moments_are(self, file: Path) -> None:
        one = taut.fit(file, "y", weights="w", cv=5, seed=2)
        two = taut.fit(taut.moments(file, "y", 5, weights="w", seed=2))
        assert is_summed(one)
        assert one.setting.options.streamed
        np.testing.assert_array_equal(one.path.coefs, two.path.coefs)
        assert one.scores is not None
        assert two.scores is not None
        np.testing.assert_array_equal(one.scores.mean, two.scores.mean)
        assert [t.score for t in one.tested] == [t.score for t in two.tested]

    def test_rows_and_sums_choose_alike(self, file: Path) -> None:
        sums, rows = taut.fit(file, "y"), taut.fit(file, "y", streamed=False)
        assert is_summed(sums)
        assert not is_summed(rows)
        np.testing.assert_allclose(sums.tested[0].score, rows.tested[0].score, rtol=0.15)

    def test_the_model_file_keeps_how_rows_were_read(self, file: Path) -> None:
        taut.fit(file, "y").save("made.taut")
        assert taut.load("made.taut").setting.options.streamed is True


class TestChoice:
    @pytest.mark.parametrize(
        "asked",
        [
            {"loss": "huber"}, {"groups": "w"}, {"repeats": 2}, {"lam": "loo", "penalty": "l2"}, {"log_target": True},
            {"offset": "x5"}, {"bootstrap": 2}, {"scoring": "r2"}, {"time": "x0"}, {"categorical": "w"}, {"streamed": False},
        ],
    )  # fmt: skip
    def test_what_needs_rows_reads_rows(self, file: Path, asked: dict[str, Any]) -> None:
        if "log_target" in asked:
            frame().with_columns(pl.col("y").exp()).write_parquet(file)
        prepared = streamed_table.prepare_table(file, Options.of("y", **asked))
        assert prepared.train.folds is None

    @pytest.mark.parametrize("values", [[0, 1], [0, 1, None]])
    def test_a_target_of_two_values_stays_one_of_classes(self, file: Path, values: list[Any]) -> None:
        frame().with_columns(y=pl.Series([values[j % len(values)] for j in range(ROWS)])).write_parquet(file)
        assert isinstance(taut.fit(file, "y").setting.target, Classes)

    @pytest.mark.parametrize(
        "column", [pl.Series(["a", "b"] * (ROWS // 2)), pl.Series([True, False] * (ROWS // 2))]
    )
    def test_a_column_that_is_no_number_reads_rows(self, file: Path, column: pl.Series) -> None:
        frame().with_columns(kind=column).write_parquet(file)
        assert not is_summed(taut.fit(file, "y"))
        assert is_summed(taut.fit(file, "y", streamed=True))

    def test_few_rows_are_read(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streamed_table, "MOST_ROWS", ROWS)
        assert not is_summed(taut.fit(file, "y"))
        assert is_summed(taut.fit(str(file), "y", streamed=True))

    def test_a_missing_target_is_named(self, file: Path) -> None:
        with pytest.raises(DataError, match="'z'"):
            taut.fit(file, "z")
        with pytest.raises(DataError, match="'z'"):
            taut.fit(file, "z", streamed=True)


class TestRefused:
    @pytest.mark.parametrize(
        "asked", [{"hidden": (4,)}, {"bootstrap": 3}, {"repeats": 2}, {"lam": "loo", "penalty": "l2"}]
    )
    def test_options_that_need_rows_are_named(self, file: Path, asked: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=f"{next(iter(asked))}.*--in-memory"):
            taut.fit(file, "y", streamed=True, **asked)

    def test_other_tables_are_named(self, file: Path) -> None:
        with pytest.raises(ValueError, match=r"DataFrame is none; take taut\.moments"):
            taut.fit(frame(), "y", streamed=True)
        frame().write_csv("rows.csv")
        with pytest.raises(ValueError, match=r"rows\.csv is none"):
            taut.fit("rows.csv", "y", streamed=True)

    @pytest.mark.parametrize("given", ["yes", 1])
    def test_anything_but_truth_values(self, file: Path, given: Any) -> None:
        with pytest.raises(ValueError, match="streamed must be True, False or None"):
            taut.fit(file, "y", streamed=given)

    def test_moments_are_read_already(self, file: Path) -> None:
        with pytest.raises(ValueError, match="sums already"):
            taut.fit(taut.moments(file, "y"), streamed=True)


class TestWords:
    def test_a_column_that_leaks_the_target_is_found(self, file: Path) -> None:
        frame().with_columns(copy=3 * pl.col("y") + 1).write_parquet(file)
        assert any("copy" in leak for leak in taut.fit(file, "y").setting.leaks)

    def test_counts_are_hinted_at(self, file: Path) -> None:
        drawn = np.random.default_rng(0).poisson(3.0, ROWS)
        frame().with_columns(y=pl.Series(drawn)).write_parquet(file)
        assert any("poisson" in hint for hint in taut.fit(file, "y").setting.hints)

    def test_the_summary_names_the_option_that_reads_rows(self, file: Path) -> None:
        assert "--in-memory (streamed=False)" in " ".join(
            " ".join(opening(taut.fit(file, "y").setting)).split()
        )

    def test_commands_choose_and_go_on(self, file: Path) -> None:
        first = run("fit", "rows.parquet", "--target", "y", "--streamed")
        assert "--in-memory" in first.output
        assert "nothing was fitted" in run("fit", "rows.parquet", "--target", "y", "--streamed").output
        fails(run("fit", "rows.parquet", "--target", "y", "--in-memory"), 2, "another fit")
