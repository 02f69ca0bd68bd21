"""What ``taut.fit`` prints is true, short, and safe to print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import ConvergenceWarning

import taut
from taut.design import DataError
from taut.tabular.storing import csv_text, run_record
from taut.tabular.words.numbers import clock, finite, grouped, significant, with_error
from tests.tables import N, features, fitted, table


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"target": "prize"}, "no target column 'prize'; did you mean 'price'"),
            ({"weights": "wait"}, "no weights column 'wait'"),
            ({"weights": "price"}, "both the target and the weights"),
            ({"weights": "x1"}, "weights column 'x1', row 2"),
            ({"weights": "town"}, "missing or no number"),
            ({"weights": [1.0] * N}, "weights must be the name of a column"),
            ({"text": 3}, "text must be names of columns of the table, got 3"),
            ({"drop": ["x1", None]}, "drop must be names of columns of the table, got None"),
            ({"drop": "town", "keep": "town"}, "'town' is asked to be two things"),
            ({"task": "ranking"}, "task must be"),
            ({"loss": "logistic"}, "is for classes"),
            ({"penalty": "l3"}, "penalty must be one of"),
            ({"rule": "best"}, "rule must be one of"),
            ({"lam": -1.0}, "lam must be"),
            ({"hidden": (0,)}, "hidden must be"),
            ({"fallback": "sometimes"}, "fallback must be"),
        ],
    )
    def test_a_wrong_argument_is_named(self, change: dict[str, Any], message: str) -> None:
        data = features("price").with_columns(x1=pl.Series([1.0, -1.0, *[1.0] * (N - 2)]))
        with pytest.raises(ValueError, match=message):
            taut.fit(data, **{"target": "price", **change})

    def test_a_loss_that_does_not_suit_the_classes(self) -> None:
        with pytest.raises(ValueError, match="does not suit 3 classes"):
            taut.fit(features("kind"), "kind", loss="logistic")

    def test_a_table_with_only_a_target(self) -> None:
        with pytest.raises(DataError, match="no column besides the target"):
            taut.fit(table().select("price"), "price")


class TestJson:
    def test_what_is_not_finite_is_null(self) -> None:
        found = finite({"a": [1.0, float("nan"), (float("inf"), "nan")], "b": {"c": -float("inf")}, "d": 3})
        assert found == {"a": [1.0, None, [None, "nan"]], "b": {"c": None}, "d": 3}


class TestWords:
    @pytest.mark.parametrize(
        ("shown", "wanted"),
        [
            (grouped(1234567.4), "1 234 567"),
            (grouped(79412, -2), "79 400"),
            (grouped(float("nan")), "–"),
            (significant(0.0012345), "0.00123"),
            (significant(1.5e-7), "1.50e-07"),
            (significant(0), "0.00"),
            (with_error(79_412, 1_873), "79 400 ± 1 900"),
            (with_error(1.3274, 0.1062), "1.33 ± 0.11"),
            (with_error(0.5, float("nan")), "0.5000"),
            (clock(3725.4), "1:02:05"),
        ],
    )
    def test_numbers_are_written_for_readers(self, shown: str, wanted: str) -> None:
        assert shown == wanted

    def test_names_from_the_data_cannot_move_the_cursor(self) -> None:
        data = features("price").rename({"x1": "x\x1b[31m1", "town": "to\nwn"})
        printed = str(taut.fit(data, "price", lam=0.1))
        assert "\x1b" not in printed
        assert "x[31m1" in printed
        assert "town=Bb" in printed

    def test_no_line_is_too_wide(self) -> None:
        assert max(map(len, str(fitted("kind")).splitlines())) <= 100

    def test_cells_that_spreadsheets_would_run_are_guarded(self) -> None:
        written = csv_text(pl.DataFrame({"=SUM(A1)": ["@x", "+1", "-2", "\t3", "fine"], "n": [-1.0] * 5}))
        assert written.splitlines()[0] == "'=SUM(A1),n"
        assert written.splitlines()[1:] == ["'@x,-1.0", "'+1,-1.0", "'-2,-1.0", "'\t3,-1.0", "fine,-1.0"]

    def test_the_path_table_has_a_row_per_strength(self, tmp_path: Path) -> None:
        fit = fitted("price")
        found = pl.read_csv(fit.save(tmp_path / "p.taut") / "path.csv")
        assert found["lambda"].to_list() == fit.path.lambdas.tolist()
        np.testing.assert_allclose(found["cv_rmse"], np.sqrt(fit.scores.mean))
        assert found["marks"].to_list()[fit.index].endswith("min chosen")


def test_what_is_not_solved_is_told_in_the_summary_and_the_record():
    with pytest.warns(ConvergenceWarning, match="miss tol=1e-18"):
        fit = taut.fit(features("price"), "price", lam=0.1, tol=1e-18)
    certificate = fit.path.certificates[0]
    assert f"Unmet    the chosen λ = 0.1 has a relative duality gap of {certificate.value:.1e}" in str(fit)
    assert run_record(fit)["certificate"]["met"] is False
    assert "Unmet" not in str(fitted("price"))
