"""Numbers as people write them: marks, units, the decimal mark, codes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import taut
from taut.design import (
    Classes,
    DataError,
    Notation,
    notation_of,
    usual,
)
from taut.design.notation import read_number, take_apart
from tests.design.cells import RNG, N, Z, csv, cycle, learn, prepared, table


def numbers_of(path: Any, name: str, **options: Any) -> list[float]:
    """A column as the fit reads it, all rows."""
    found = prepared(path, test_size=0.0, **options)
    place = found.setting.preparation.names.index(name)
    return [float(v) for v in found.train.X[:, place]]


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "form", "value"),
        [
            ("1,234.5", "1,234.5", 1234.5),
            ("1.234,5", "1.234,5", 1234.5),
            ("1 234,5", "1.234,5", 1234.5),
            ("1\u00a0234,5", "1.234,5", 1234.5),
            ("1\u202f234.5", "1,234.5", 1234.5),
            ("1'234.5", "1,234.5", 1234.5),
            ("1’234.5", "1'234.5", 1234.5),
            ("12,34,567", "1,234.5", 1234567.0),
            ("1,23,456.78", "1,234.5", 123456.78),
            ("12.345.678", "1.234,5", 12345678.0),
            ("$1,234.50", "$1,234.5", 1234.5),
            ("-$5", "$1,234.5", -5.0),
            ("$-5", "$1,234.5", -5.0),
            ("1.234,50 €", "1.234,5€", 1234.5),
            ("EUR 7", "EUR1,234.5", 7.0),
            ("7 CHF", "1,234.5 CHF", 7.0),
            ("45.3%", "1,234.5%", 45.3),
            ("12 C", "1,234.5 C", 12.0),
            ("3.5kg", "1,234.5 kg", 3.5),
            ("(123.45)", "1,234.5", -123.45),
            ("($123.45)", "$1,234.5", -123.45),
            ("$(123.45)", "$1,234.5", -123.45),
            ("\u22125.5", "1,234.5", -5.5),
            ("+5", "1,234.5", 5.0),
            ("1e5", "1,234.5", 1e5),
            ("1.5E+03", "1,234.5", 1500.0),
            ("1,5E+03", "1.234,5", 1500.0),
            ("<2000", "1,234.5", 2000.0),
            ("≥ 0,5", "1.234,5", 0.5),
            ("2.500", "1.234,5", 2500.0),
            ("2500", "1.234,5", 2500.0),
            ("2.500,00", "1.234,5", 2500.0),
            (".5", "1,234.5", 0.5),
            ("5.", "1,234.5", 5.0),
            ("true", "1,234.5", 1.0),
        ],
    )
    def test_a_cell_in_its_notation(self, text: str, form: str, value: float) -> None:
        assert read_number(text, notation_of(form)) == value

    @pytest.mark.parametrize(
        "text",
        [
            "1,23", "12,3456", "1,2345,678", "0,123", "1,234,56", "1.2.3", "1 2", "1 234,567", "01,234", "5 kg", "$5",
            "1. White", "--5", "(5", "5)", "-(5)", "A12", "2020-01-05", "12:30", "1/2", "", "-", ".", "e5", "1e", "0x10",
            "1__000", "1,,000", "nan", "inf",
        ],
    )  # fmt: skip
    def test_what_is_none(self, text: str) -> None:
        assert np.isnan(read_number(text, usual(".")))

    @given(
        st.sampled_from(".,"),
        st.sampled_from(["", ",", ".", " ", "'", "_"]),
        st.sampled_from(["", "$", "US$", "€", "EUR"]),
        st.sampled_from(["", "%", "kg", "km/h", "°C"]),
        st.integers(-(10**9), 10**9),
        st.integers(0, 3),
    )
    @example(".", ",", "", "", 1234567, 2)
    def test_every_notation_reads_what_it_writes(
        self, decimal: str, thousands: str, before: str, behind: str, digits: int, places: int
    ) -> None:
        if thousands == decimal:
            return
        notation = Notation(decimal, thousands, before, behind)
        assert notation_of(notation.form) == notation
        value = digits / 10**places
        whole = f"{abs(value):,.{places}f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
        text = f"{'-' if value < 0 else ''}{before}{whole}{' ' if behind[:1].isalpha() else ''}{behind}"
        assert read_number(text, notation) == pytest.approx(value, rel=1e-15)

    @given(st.text(max_size=12))
    def test_no_text_is_an_error(self, text: str) -> None:
        for notation in (usual("."), usual(",")):
            read_number(text, notation)
        take_apart(text)

    def test_a_form_that_is_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"no number 1234\.5"):
            notation_of("999")


class TestColumnsOfNumbers:
    @pytest.mark.parametrize(
        ("write", "said"),
        [
            (lambda v: f'"${v:,.2f}"', "x: $ and thousands removed"),
            (lambda v: f"{v:.1f}%", "x: % removed"),
            (lambda v: f"{v:.1f} C", "x: C removed"),
            (lambda v: f"{v:.2f}".replace(".", ",").join('""'), "x: decimal comma"),
            (lambda v: f"{v:,.0f}".replace(",", "\u00a0"), "x: thousands removed"),
            (lambda v: f"({v:.2f})" if v < 9000 else f"{v:.2f}", "x: negative in parentheses"),
            (lambda v: "<4000" if v < 4000 else f"{v:.1f}", "cells at a limit such as '<4000', read as the limit"),
        ],
    )  # fmt: skip
    def test_marks_are_removed_and_said(self, write: Any, said: str, tmp_path: Path) -> None:
        values = RNG.uniform(500, 30000, 200)
        z = RNG.normal(size=200).round(2)
        path = csv(tmp_path / "d.csv", x=map(write, values), z=z, y=(values / 1000 + z).round(2))
        setting = prepared(path).setting
        assert said in " ".join(setting.preparation.remarks)
        assert "x" in setting.preparation.names

    def test_the_limits_are_counted(self) -> None:
        cells = ["<5"] * 7 + [str(5 + 0.5 * i) for i in range(N - 7)]
        learned = learn(table(x=cells, z=Z))
        assert learned.remarks == ("x: 7 cells at a limit such as '<5', read as the limit",)
        assert learned.transform(table(x=["<5", "<6", "7"], z=[1.0, 2.0, 3.0])).matrix[:, 0].tolist() == [
            5,
            6,
            7,
        ]

    def test_ranges_stay_levels(self) -> None:
        assert learn(table(x=cycle("<18", "18-65", ">65"))).names == ("x=18-65", "x=<18", "x=>65")
        assert learn(table(x=cycle("<=50K", ">50K"))).names == ("x=>50K",)
        assert learn(table(x=cycle("1. White", "2. Black", "3. Asian"))).names[0] == "x=1. White"

    def test_units_that_differ_are_said_and_not_mixed(self) -> None:
        cells = [f"{50 + i} {'kg' if i % 2 else 'lb'}" for i in range(N)]
        learned = learn(table(x=cells, z=Z), overrides=taut.design.Overrides(keep=("x",)))
        assert learned.remarks == ("x: numbers of several units ('lb', 'kg'), read as text",)

    def test_the_98_percent(self) -> None:
        values = [str(i * 1.5) for i in range(98)]
        assert learn(table(x=["odd", "even", *values])).remarks == ("x: 'odd', 'even' read as missing",)
        with pytest.raises(DataError, match="no column is left"):
            learn(table(x=["odd", "even", "none at all", *values]))

    def test_both_marks_in_one_column_are_no_number(self, tmp_path: Path) -> None:
        cells = cycle("1,5", "2.5", "3,25", "4.75")
        path = csv(tmp_path / "d.csv", ";", x=cells, z=Z, y=Z)
        remarks = prepared(path, keep=("x",)).setting.preparation.remarks
        assert (
            "x: decimal points and decimal commas in one column, read as text (--decimal decides)" in remarks
        )

    def test_a_column_asked_to_be_numeric_is_read_in_its_notation(self) -> None:
        cells = [*cycle("1.234,5", "7,25", "word", "other")[: N - 1], "9,5"]
        asked = learn(table(x=cells, z=Z), overrides=taut.design.Overrides(numeric=("x",)))
        found = asked.transform(table(x=["1.234,5", "7,25"], z=[0.0, 0.0])).matrix[:, 0].tolist()
        assert found == [1234.5, 7.25]


class TestTheDecimalMark:
    """It is decided from all cells of a column, then by the other columns, then said."""

    POP = tuple(range(900, 900 + 37 * N, 37))

    def german(self, value: float) -> str:
        return f"{value:,.2f}".replace(",", "T").replace(".", ",").replace("T", ".")

    def test_thousands_of_a_file_with_decimal_commas(self, tmp_path: Path) -> None:
        pop = [f"{v:,}".replace(",", ".") for v in self.POP]
        z = [self.german(v) for v in Z]
        path = csv(tmp_path / "d.csv", ";", pop=pop, z=z, y=z)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert numbers_of(path, "pop", keep=("pop",)) == [*map(float, self.POP)]

    def test_thousands_of_the_target(self, tmp_path: Path) -> None:
        path = csv(
            tmp_path / "d.csv",
            ";",
            z=[self.german(v) for v in Z],
            y=[f"{v:,}".replace(",", ".") for v in self.POP],
        )
        found = prepared(path, test_size=0.0)
        assert found.train.y.tolist() == [*map(float, self.POP)]
        assert "y: thousands removed" in found.setting.preparation.remarks

    def test_decimals_of_the_last_row_count(self, tmp_path: Path) -> None:
        cells = [*map(str, range(3, 2 * N + 1, 2)), "0,5"]
        path = csv(tmp_path / "d.csv", ";", x=cells, z=[*range(N)], y=[7 * i % 11 for i in range(N)])
        assert numbers_of(path, "x")[-1] == 0.5

    def test_quoted_decimal_commas_in_a_file_of_commas(self, tmp_path: Path) -> None:
        cells = [f'"{v:.2f}"'.replace(".", ",") for v in Z]
        path = csv(tmp_path / "d.csv", x=cells, k=cycle("u", "v"), y=cells)
        assert numbers_of(path, "x") == [float(f"{v:.2f}") for v in Z]

    @pytest.mark.parametrize(
        ("cells", "point", "comma"),
        [("{0}.{1:03d}", 1.001, 1001.0), ("{0},{1:03d}", 1001.0, 1.001)],
        ids=["points", "commas"],
    )
    def test_what_nothing_tells_is_said_and_an_option_decides(
        self, cells: str, point: float, comma: float, tmp_path: Path
    ) -> None:
        pop = [cells.format(1 + i % 7, 1 + i) for i in range(N)]
        path = csv(
            tmp_path / "d.csv", "\t", pop=pop, k=[*range(5, 5 + 3 * N, 3)], y=[3 * i % 41 for i in range(N)]
        )
        with pytest.warns(UserWarning, match=r"pop: .* can be .* or .*--decimal pop=,"):
            assert numbers_of(path, "pop")[0] == point
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert numbers_of(path, "pop", decimal=(("pop", ","),))[0] == comma
            assert numbers_of(path, "pop", decimal=(("", ","),))[0] == comma
            assert numbers_of(path, "pop", thousands=(("pop", "."),))[0] == comma

    def test_another_column_tells(self, tmp_path: Path) -> None:
        pop = [f"{1 + i % 7}.{1 + i:03d}" for i in range(N)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            path = csv(
                tmp_path / "d.csv", ";", pop=pop, z=[f"{v:.2f}" for v in Z], y=[3 * i % 41 for i in range(N)]
            )
            assert numbers_of(path, "pop")[0] == 1.001
            path = csv(
                tmp_path / "e.csv",
                ";",
                pop=pop,
                z=[self.german(v) for v in Z],
                y=[3 * i % 41 for i in range(N)],
            )
            assert numbers_of(path, "pop")[0] == 1001.0

    def test_an_option_decides_in_a_file_of_commas(self, tmp_path: Path) -> None:
        pop = [f"{1 + i % 7}.{1 + i:03d}" for i in range(N)]
        path = csv(tmp_path / "d.csv", pop=pop, z=Z, y=[3 * i % 41 for i in range(N)])
        assert numbers_of(path, "pop")[0] == 1.001
        assert numbers_of(path, "pop", decimal=(("", ","),))[0] == 1001.0

    def test_one_number_in_three_writings_has_one_prediction(self, tmp_path: Path) -> None:
        z = [self.german(v) for v in Z]
        path = csv(
            tmp_path / "d.csv",
            ";",
            pop=self.POP,
            z=z,
            y=[self.german(v + p / 1000) for v, p in zip(Z, self.POP, strict=True)],
        )
        fit = taut.fit(path, "y", lam=0.01, keep=["pop"])
        new = csv(tmp_path / "new.csv", ";", pop=["2.500", "2500", "2.500,00"], z=["0,5"] * 3)
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        for model in (fit, again):
            assert len(set(model.predict(new).tolist())) == 1
        whole = csv(tmp_path / "whole.csv", ";", pop=["2.500", "7.500"], z=["1", "2"])
        typed = fit.predict(pl.DataFrame({"pop": [2500, 7500], "z": [1.0, 2.0]}))
        assert fit.predict(whole).tolist() == typed.tolist()

    def test_a_file_to_predict_may_be_written_the_other_way(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", x=[f"{v:.1f}" for v in Z], k=cycle(1, 2, 3), y=Z)
        fit = taut.fit(path, "y", lam=0.01)
        x = [f"{v:.1f}".replace(".", ",") for v in Z]
        x[0], x[1] = "1", "2,125"
        new = csv(tmp_path / "n.csv", ";", x=x, k=cycle(1, 2, 3))
        point = csv(tmp_path / "p.csv", x=["1", "2.125", *(f"{v:.1f}" for v in Z[2:])], k=cycle(1, 2, 3))
        assert fit.predict(new).tolist() == fit.predict(point).tolist()


class TestCodes:
    def test_leading_zeros_make_codes_and_are_said(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", zip=cycle("00501", "10001", "02139"), z=Z, y=Z)
        setting = prepared(path).setting
        assert {"zip=00501", "zip=10001", "zip=02139"} <= {*setting.preparation.names}
        assert (
            "zip: digits with leading zeros, read as categories (--numeric zip reads numbers)"
            in setting.preparation.remarks
        )
        assert set(numbers_of(path, "zip", numeric=("zip",))) == {501.0, 10001.0, 2139.0}

    def test_of_several_widths_they_are_numbers(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", x=["07", *(f"{i:02d}" for i in range(91, 90 + N))], z=Z, y=Z)
        assert numbers_of(path, "x")[0] == 7.0

    def test_they_are_levels_of_the_target(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", z=Z, y=cycle("01", "02", "03"))
        assert prepared(path).setting.target == Classes("y", ("01", "02", "03"))

    def test_a_model_reads_them_in_a_file_of_numbers(self, tmp_path: Path) -> None:
        fit = taut.fit(csv(tmp_path / "d.csv", k=cycle("01", "02", "03"), z=Z, y=Z), "y", lam=0.0)
        new = csv(tmp_path / "n.csv", k=["02", "03"], z=[0.1, 0.2])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit.predict(new)
