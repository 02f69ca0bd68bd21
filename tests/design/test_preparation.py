"""What is learned of columns comes from the training rows, and nothing is lost silently."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut.design import (
    DataError,
    Preparation,
    Reason,
    Wanted,
    from_document,
    learn_preparation,
    read_table,
    to_document,
)
from tests.data import data_path
from tests.design.samples import NUMBERS, RNG, N, cycle, learn, table


def left_out(preparation: Preparation) -> dict[str, Reason]:
    return {x.name: x.reason for x in preparation.left_out}


class TestTyping:
    def test_signs_for_missing_values_leave_a_column_numeric(self) -> None:
        tokens = ["?", " ?", "NA", "", "n/a", "nan", "-"]
        cells = [*tokens, *(str(v) for v in NUMBERS[len(tokens) :])]
        preparation = learn(table(x=cells, y=NUMBERS))
        assert preparation.names == ("x", "x missing", "y")
        design = preparation.transform(table(x=cells, y=NUMBERS))
        assert np.array_equal(design.matrix[:, 1], np.arange(N) < len(tokens))
        assert np.all(design.matrix[: len(tokens), 0] == np.median(NUMBERS[len(tokens) :]))

    def test_a_few_odd_cells_are_missing_and_said(self) -> None:
        cells = ["broken", *(str(i) for i in range(7, 206, 2))]
        preparation = learn(table(x=cells))
        assert preparation.names == ("x", "x missing")
        assert preparation.remarks == ("x: 'broken' read as missing",)

    def test_more_odd_cells_make_a_category(self) -> None:
        preparation = learn(table(x=cycle("1", "2", "none of these")))
        assert preparation.names == ("x=1", "x=2", "x=none of these")

    def test_truth_values_are_one_number(self) -> None:
        frame = table(a=cycle(True, False, None), b=cycle("True", "false"))
        assert learn(frame).names == ("a", "a missing", "b")
        assert np.array_equal(learn(frame).transform(frame).matrix[:, 2], np.arange(N) % 2 == 0)

    def test_dates_become_year_month_weekday(self) -> None:
        days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=37 * i) for i in range(N)]
        texts = {"iso": "%Y-%m-%d", "dotted": "%d.%m.%Y", "american": "%m/%d/%Y"}
        for form in texts.values():
            frame = table(when=[d.strftime(form) for d in days])
            preparation = learn(frame)
            assert preparation.names == ("when year", "when month", "when weekday")
            expected = [[d.year, d.month, d.isoweekday()] for d in days]
            assert np.array_equal(preparation.transform(frame).matrix, expected)
        assert np.array_equal(learn(table(when=days)).transform(table(when=days)).matrix, expected)

    def test_useless_columns_are_left_out_with_their_reason(self) -> None:
        frame = table(
            x=NUMBERS,
            counter=np.arange(N) + 1,
            customer_id=RNG.permutation(N) * 7,
            code=[f"A{i}" for i in range(N)],
            words=[f"this is text number {i}" for i in range(N)],
            same=["s"] * N,
            zero=np.zeros(N),
            empty=[None] * N,
            again=NUMBERS,
            span=[datetime.timedelta(days=i) for i in range(N)],
        )
        preparation = learn_preparation(frame, np.arange(N))
        assert preparation.names == ("x",)
        assert left_out(preparation) == {
            "counter": Reason.IDENTIFIER,
            "customer_id": Reason.IDENTIFIER,
            "code": Reason.IDENTIFIER,
            "words": Reason.FREE_TEXT,
            "same": Reason.CONSTANT,
            "zero": Reason.CONSTANT,
            "empty": Reason.EMPTY,
            "again": Reason.DUPLICATE,
            "span": Reason.UNSUPPORTED,
        }

    def test_numbers_that_only_look_like_names_stay(self) -> None:
        frame = table(year=np.arange(N) + 1950, paid=RNG.permutation(N), price_index=NUMBERS)
        assert learn_preparation(frame, np.arange(N)).names == ("year", "paid", "price_index")

    def test_nothing_left_is_an_error(self) -> None:
        with pytest.raises(DataError, match="no column is left"):
            learn(table(a=["s"] * N))


class TestPreparation:
    def test_every_row_has_exactly_one_level(self) -> None:
        frame = table(k=cycle("a", "b", "c", None))
        preparation = learn(frame)
        assert preparation.names == ("k=a", "k=b", "k=c", "k missing")
        assert np.array_equal(preparation.transform(frame).matrix.sum(axis=1), np.ones(N))

    def test_an_unseen_level_is_no_level_and_said_once(self) -> None:
        preparation = learn(table(k=cycle("a", "b", "c"), s=cycle("u", "v")))
        design = preparation.transform(table(k=["d", "d", "a"], s=["u", "w", "v"]))
        assert np.array_equal(design.matrix[:, :3], [[0, 0, 0], [0, 0, 0], [1, 0, 0]])
        assert np.array_equal(design.matrix[:, 3], [0.0, 0.5, 1.0])
        assert design.remarks == (
            "k: 'd' not seen in training, read as no level",
            "s: 'w' not seen in training, read as no level",
        )

    def test_new_gaps_get_the_training_median_and_are_said(self) -> None:
        preparation = learn(table(x=NUMBERS))
        design = preparation.transform(table(x=[1.0, None]))
        assert design.matrix[:, 0].tolist() == [1.0, np.median(NUMBERS)]
        assert design.remarks == ("x: 1 missing, filled with the training median",)

    def test_a_missing_column_is_named_with_the_closest(self) -> None:
        preparation = learn(table(price=NUMBERS, k=cycle("a", "b")))
        with pytest.raises(DataError, match=r"new\.csv: column 'price' is missing; did you mean 'prise'"):
            preparation.transform(table(prise=NUMBERS, k=cycle("a", "b")), "new.csv")

    def test_dropped_columns_need_not_come_back(self) -> None:
        preparation = learn(table(x=NUMBERS, same=["s"] * N, zero=np.zeros(N), y=NUMBERS**2))
        assert np.array_equal(preparation.transform(table(y=[1.0], x=[2.0])).matrix, [[2.0, 1.0]])

    def test_taking_features_forgets_the_other_columns(self) -> None:
        frame = table(x=NUMBERS, k=cycle("a", "b", "c"), y=[None, *NUMBERS[1:]])
        whole = learn(frame)
        part = whole.take([3, 5])
        assert part.names == ("k=c", "y missing")
        assert np.array_equal(part.transform(frame).matrix, whole.transform(frame).matrix[:, [3, 5]])
        assert "x" not in part.columns

    def test_it_survives_json_bit_for_bit(self) -> None:
        frame = table(
            x=[None, *NUMBERS[1:]], k=cycle("a", "b", None), d=cycle("2020-01-02", "2021-05-06"), s=["c"] * N
        )
        preparation = learn(frame)
        again = from_document(json.loads(json.dumps(to_document(preparation))))
        assert again == preparation
        assert np.array_equal(again.transform(frame).matrix, preparation.transform(frame).matrix)

    @pytest.mark.parametrize(
        "damage", [{"selected": [99]}, {"medians": []}, {"left_out": [["a", "no reason", ""]]}]
    )
    def test_a_damaged_document_is_refused(self, damage: dict[str, Any]) -> None:
        with pytest.raises((KeyError, TypeError, ValueError)):
            from_document({**to_document(learn(table(x=NUMBERS))), **damage})

    def test_text_levels_stay_text_when_a_new_file_has_only_numbers(self, tmp_path: Path) -> None:
        preparation = learn(table(k=cycle("01", "02", "A")))
        path = tmp_path / "new.csv"
        path.write_text("k\n01\n02\n")
        frame, _ = read_table(path, Wanted(preparation.text_columns))
        assert np.array_equal(preparation.transform(frame).matrix, [[1, 0, 0], [0, 1, 0]])

    def test_decimal_commas(self) -> None:
        preparation = learn(table(x=[f"{v}".replace(".", ",") for v in NUMBERS]), decimal=",")
        assert preparation.transform(table(x=["1.234,5", "0,25"])).matrix[:, 0].tolist() == [1234.5, 0.25]

    @pytest.mark.parametrize(
        ("name", "target", "shape", "gone"),
        [
            (("student_performance", "student-por.csv"), "G3", (649, 45), set()),
            (("titanic", "titanic.csv"), "Survived", (891, 11), {"PassengerId", "Name", "Ticket", "Cabin"}),
            (("golub_leukemia", "leukemia.csv"), "V7130", (72, 7129), set()),
            (("mice_protein", "Data_Cortex_Nuclear.csv"), "class", (1080, 89), {"MouseID", "pS6_N"}),
            (("auto_mpg", "auto-mpg.data"), "mpg", (398, 8), {"car_name"}),
            (("wage", "Wage.csv"), "wage", (3000, 20), {"rownames", "region"}),
        ],
    )
    def test_real_tables(
        self, name: tuple[str, str], target: str, shape: tuple[int, int], gone: set[str]
    ) -> None:
        frame, source = read_table(data_path(*name))
        frame = frame.drop(target)
        preparation = learn_preparation(frame, np.arange(len(frame)), source.decimal)
        assert preparation.transform(frame).matrix.shape == shape
        assert set(left_out(preparation)) == gone
