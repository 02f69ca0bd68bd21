"""Design: what is read is what was written, what is learned comes from the training rows, and nothing is
lost silently."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import data_path
from taut.design import (
    Classes,
    DataError,
    Preparation,
    Quantity,
    Reason,
    Wanted,
    clean,
    from_document,
    learn_preparation,
    read_table,
    split_rows,
    target_from_document,
    target_to_document,
    to_document,
    understand_target,
)

N = 40
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).round(3)


def table(**columns: Any) -> Any:
    return read_table(pl.DataFrame(columns))[0]


def learn(frame: Any, decimal: str = ".") -> Preparation:
    return learn_preparation(frame, RNG.permutation(10 * len(frame))[: len(frame)], decimal)


def left_out(preparation: Preparation) -> dict[str, Reason]:
    return {x.name: x.reason for x in preparation.left_out}


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


class TestReading:
    @pytest.mark.parametrize(
        ("delimiter", "decimal"), [(",", "."), *((d, p) for d in (";", "\t", "|", "   ") for p in ".,")]
    )
    def test_delimiter_and_decimal_are_found(self, tmp_path: Path, delimiter: str, decimal: str) -> None:
        rows = [
            ["name", "x", "y"],
            *([f"row{i}", f"{v}".replace(".", decimal), i] for i, v in enumerate(NUMBERS)),
        ]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(delimiter.join(map(str, row)) for row in rows))
        frame, source = read_table(path)
        assert (source.delimiter, source.decimal) == (delimiter[0], decimal)
        assert frame["x"].to_list() == NUMBERS.tolist()

    def test_quoted_delimiters_are_cells(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text('name,x\n"Braund, Mr. Owen",1\n"Cumings; Mrs",2\n')
        assert read_table(path)[0]["name"].to_list() == ["Braund, Mr. Owen", "Cumings; Mrs"]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    def test_encodings(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "t.csv"
        path.write_bytes("größe,x\nmüde,1\n".encode(encoding))
        frame, _ = read_table(path)
        assert frame.columns == ["größe", "x"]
        assert frame["größe"].to_list() == ["müde"]

    def test_parquet_gzip_and_frames_of_every_kind_give_the_same_matrix(self, tmp_path: Path) -> None:
        frame = pl.DataFrame(
            {
                "x": [None, *NUMBERS[1:]],
                "k": cycle("a", "b", "c"),
                "f": cycle(True, False),
                "n": range(7, 7 + N),
            }
        )
        csv = frame.write_csv()
        (tmp_path / "t.csv").write_text(csv)
        (tmp_path / "t.csv.gz").write_bytes(gzip.compress(csv.encode()))
        frame.write_parquet(tmp_path / "t.parquet")
        pandas = pd.DataFrame({c: frame[c].to_list() for c in frame.columns}).convert_dtypes()
        kinds = [tmp_path / "t.csv", tmp_path / "t.csv.gz", tmp_path / "t.parquet"]
        preparation = learn(read_table(frame)[0])
        expected = preparation.transform(read_table(frame)[0]).matrix
        for kind in [*kinds, pandas, frame.to_arrow(), frame.lazy(), frame.to_dict(as_series=False)]:
            again, _ = read_table(kind)
            assert np.array_equal(preparation.transform(again).matrix, expected)
            assert learn(again).names == preparation.names

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "empty"),
            (b"a,b\n", "no rows"),
            (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells"),
            (b"some words only\nmore words here now\n", "delimit"),
            (b"\x1f\x8b broken", "gzip"),
            (b"PAR1 broken", "Parquet"),
        ],
    )
    def test_what_cannot_be_read_is_said_in_one_line(
        self, tmp_path: Path, content: bytes, message: str
    ) -> None:
        path = tmp_path / "t.csv"
        path.write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            read_table(path)
        assert "t.csv" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
            read_table(tmp_path / "nowhere.csv")

    @given(st.text())
    def test_clean_leaves_nothing_that_moves_a_cursor(self, text: str) -> None:
        assert all(c not in clean(text) for c in "\x1b\x07\x08\r\n\x9b\u202e")
        assert clean("a\x1b[31mred") == "a[31mred"


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


class TestTarget:
    @pytest.mark.parametrize(
        ("cells", "expected"),
        [
            (cycle(1.5, 2.5, 3.5), Quantity("t")),
            (cycle(1, 2), Classes("t", (1, 2))),
            (cycle("7", "8", "9"), Quantity("t")),
            (cycle("yes", "no"), Classes("t", ("no", "yes"))),
            (cycle("a", "b", "c"), Classes("t", ("a", "b", "c"))),
            (cycle(True, False), Classes("t", (False, True))),
            (cycle(0.5, 1.5, None), Classes("t", (0.5, 1.5))),
        ],
    )
    def test_the_task_follows_from_the_values(self, cells: list[Any], expected: Any) -> None:
        found = understand_target(table(t=cells), "t")
        assert found.target == expected
        assert target_from_document(json.loads(json.dumps(target_to_document(found.target)))) == expected

    def test_codes_are_places_among_the_labels(self) -> None:
        found = understand_target(table(t=cycle("b", None, "a")), "t")
        assert found.y[:2].tolist() == pytest.approx([1.0, np.nan], nan_ok=True)
        assert found.y[2] == 0.0

    def test_the_task_can_be_asked_for(self) -> None:
        frame = table(t=cycle(1, 2, 3))
        assert understand_target(frame, "t", "classification").target == Classes("t", (1, 2, 3))
        assert understand_target(table(t=cycle(0, 1)), "t", "regression").target == Quantity("t")
        with pytest.raises(DataError, match="'a', which is no number"):
            understand_target(table(t=cycle("a", "b")), "t", "regression")
        with pytest.raises(ValueError, match="task must be"):
            understand_target(frame, "t", "ranking")

    @pytest.mark.parametrize(
        ("cells", "task", "message"),
        [
            (["x"] * N, None, "only the value 'x'"),
            ([None] * N, None, "no value"),
            (list(range(N)), "classification", "too many for classes"),
        ],
    )
    def test_a_target_that_cannot_serve_is_refused(
        self, cells: list[Any], task: str | None, message: str
    ) -> None:
        with pytest.raises(DataError, match=message):
            understand_target(table(t=cells), "t", task)


class TestSplit:
    def test_the_parts_are_disjoint_whole_and_the_same_for_a_seed(self) -> None:
        rows = np.arange(3, 103)
        split = split_rows(rows, None, 0.2, 7)
        assert sorted([*split.train, *split.test]) == rows.tolist()
        assert len(split.test) == 20
        assert np.array_equal(split.test, split_rows(rows, None, 0.2, 7).test)
        assert not np.array_equal(split.test, split_rows(rows, None, 0.2, 8).test)

    def test_classes_keep_their_shares(self) -> None:
        codes = np.array([0.0] * 80 + [1.0] * 20)
        split = split_rows(np.arange(100), codes, 0.25, 0)
        assert codes[split.test].mean() == pytest.approx(0.2)

    def test_a_class_with_a_single_row_does_not_stop_it(self) -> None:
        codes = np.array([0.0] * 19 + [1.0])
        assert len(split_rows(np.arange(20), codes, 0.2, 0).test) == 4

    def test_no_test_part(self) -> None:
        assert split_rows(np.arange(5), None, 0.0, 0).test.size == 0
        with pytest.raises(ValueError, match="test_size"):
            split_rows(np.arange(5), None, 1.0, 0)
        with pytest.raises(DataError, match="cannot be split"):
            split_rows(np.arange(1), None, 0.5, 0)
