"""Types that a table declares, labels, dates, targets, gaps, blocks of rows."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taut
from taut.design import (
    Classes,
    DataError,
    Quantity,
    ReadingOptions,
    Reason,
    Wanted,
    from_document,
    learn_preparation,
    read_table,
    target_from_document,
    target_to_document,
    texts,
    times,
    to_document,
    understand_target,
    usual,
)
from taut.design import source as source_module
from taut.design import streamed as streamed_module
from taut.design.dates import FORMS, find_dates, mixed_forms, reader_of
from taut.design.values import number_block
from tests.design.cells import RNG, N, Z, csv, cycle, learn, prepared, table


class TestDeclaredTypes:
    FRAMES = (
        pd.DataFrame({"m": pd.Categorical(cycle(1, 2, 11)), "z": Z, "y": Z}),
        pl.DataFrame({"m": pl.Series(cycle("1", "2", "11"), dtype=pl.Categorical), "z": Z, "y": Z}),
        pl.DataFrame({"m": pl.Series(cycle("1", "2", "11"), dtype=pl.Enum(["1", "2", "11"])), "z": Z, "y": Z}),
        pl.DataFrame({"m": cycle("1", "2", "11"), "z": Z, "y": Z}),
    )  # fmt: skip

    @pytest.mark.parametrize("frame", FRAMES, ids=["pandas", "Categorical", "Enum", "strings"])
    def test_categories_are_categories(self, frame: Any, tmp_path: Path) -> None:
        names = {"m=1", "m=2", "m=11", "z"}
        assert {*prepared(frame).setting.preparation.names} == names
        if isinstance(frame, pl.DataFrame):
            frame.write_parquet(tmp_path / "d.parquet")
            assert {*prepared(tmp_path / "d.parquet").setting.preparation.names} == names

    def test_strings_of_digits_are_said(self) -> None:
        said = "m: whole numbers given as text, read as categories (--numeric m reads numbers)"
        assert said in prepared(self.FRAMES[3]).setting.preparation.remarks

    def test_text_with_decimals_is_a_number_wherever_it_stands(self) -> None:
        frame = pl.DataFrame({"x": [f"${v:.2f}" for v in 5 + Z], "z": Z, "y": Z})
        assert prepared(frame).setting.preparation.names == ("x", "z")

    @pytest.mark.parametrize(
        "kind", ["boolean", "bool[pyarrow]", "Int64", "Float64", "int64[pyarrow]", "double[pyarrow]"]
    )
    def test_nullable_types_work_as_features_and_target(self, kind: str) -> None:
        cells = [None if i % 9 == 0 else bool(z > 0) for i, z in enumerate(Z)]
        nullable = (
            pd.array(cells, dtype="boolean").astype(kind)
            if "bool" in kind
            else pd.array([None if c is None else int(c) for c in cells], dtype=kind)
        )
        frame = pd.DataFrame({"t": nullable, "z": Z, "v": Z[::-1]})
        assert prepared(frame, "z").setting.preparation.names == ("t", "t missing", "v")
        fit = taut.fit(frame, "t", lam=0.05)
        assert fit.setting.sizes.dropped == sum(c is None for c in cells)
        assert {*map(type, fit.classes)} == {
            bool if "bool" in kind else float if kind in ("Float64", "double[pyarrow]") else int
        }


class TestLabels:
    @pytest.mark.parametrize(
        ("no", "yes"), [("FALSE", "TRUE"), ("0", "1"), ("01", "02"), ("False", "True"), ("1,5", "2,5")]
    )
    def test_strings_stay_strings(self, no: str, yes: str) -> None:
        frame = pd.DataFrame({"z": Z, "w": Z[::-1], "y": np.where(Z > 0, yes, no)})
        fit = taut.fit(frame, "y", lam=0.02)
        assert fit.classes == (no, yes)
        assert {*fit.predict(frame).tolist()} == {no, yes}

    @pytest.mark.parametrize(
        ("cells", "labels"),
        [
            (cycle(True, False), (False, True)),
            (cycle(1, 2), (1, 2)),
            (cycle(1.0, 2.0), (1.0, 2.0)),
            (pd.Series(cycle(True, False, None), dtype=object), (False, True)),
            (pd.Categorical(cycle(2, 0, 1)), (0, 1, 2)),
            (pd.Categorical(cycle("b", "a")), ("a", "b")),
            (cycle("True", "false", "TRUE"), (False, True)),
        ],
    )
    def test_they_keep_their_type(self, cells: Any, labels: tuple[Any, ...]) -> None:
        frame = pd.DataFrame({"z": Z, "y": cells})
        found = prepared(frame).setting.target
        assert found.labels == labels
        assert [*map(type, found.labels)] == [*map(type, labels)]
        assert target_from_document(json.loads(json.dumps(target_to_document(found)))) == found

    @pytest.mark.parametrize(
        ("no", "yes"), [("FALSE", "TRUE"), ("false", "true"), ("0", "1"), ("007", "008"), ("1.0", "2.0")]
    )
    def test_a_file_gives_them_back(self, no: str, yes: str, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", z=Z, w=Z[::-1], y=np.where(Z > 0, yes, no))
        fit = taut.fit(path, "y", lam=0.02)
        assert [*map(str, fit.classes)] == [no, yes]


class TestDates:
    DAYS = tuple(datetime.datetime(2019, 12, 28) + datetime.timedelta(days=11 * i, hours=i) for i in range(N))

    @pytest.mark.parametrize(
        "form",
        [
            "%Y-%m-%d", "%d-%b-%Y", "%d-%B-%Y", "%b %d, %Y", "%B %d, %Y", "%m/%d/%y", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%Y/%m/%d",
            "%d %b %Y", "%a, %d %b %Y", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+02:00", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p",
            "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M Europe/Paris",
        ],
    )  # fmt: skip
    def test_every_usual_form(self, form: str, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", ";", day=[d.strftime(form) for d in self.DAYS], z=Z, y=Z)
        found = prepared(path, test_size=0.0)
        timed = "%H" in form or "%I" in form
        wanted = ["day year", "day month", "day weekday", *(["day hour"] if timed else [])]
        assert [n for n in found.setting.preparation.names if n.startswith("day")] == wanted
        expected = [[d.year, d.month, d.isoweekday(), *([d.hour] if timed else [])] for d in self.DAYS]
        assert np.array_equal(found.train.X[:, : len(wanted)], expected)

    def test_months_have_no_weekday(self) -> None:
        learned = learn(table(day=[d.strftime("%Y-%m") for d in self.DAYS], z=Z))
        assert learned.names == ("day year", "day month", "z")

    def test_seasons_and_whole_numbers_are_no_dates(self) -> None:
        assert learn(table(s=cycle("2008-09", "2009-10", "2010-11"), z=Z)).names[0] == "s=2008-09"
        assert learn(table(n=[20200100 + 3 * i for i in range(N)], z=Z)).names == ("n", "z")

    @pytest.mark.parametrize("odd", ["-", "0000-00-00", "none", "unknown", "31.12.2020", "2020-13-01"])
    def test_a_few_odd_cells_are_gaps(self, odd: str) -> None:
        cells = [d.strftime("%Y-%m-%d") for d in self.DAYS]
        cells[3] = odd
        learned = learn(table(day=cells, z=Z))
        assert {*learned.names} == {"day year", "day month", "day weekday", "day year missing", "z"}
        is_sign = odd in ("-", "0000-00-00", "none")
        assert learned.remarks == (() if is_sign else (f"day: {odd!r} read as missing",))

    def test_the_fitting_of_more_cells_decides(self) -> None:
        days = [datetime.date(2024, 1 + i % 12, 1 + i % 12) for i in range(98)] + [datetime.date(2024, 5, 25)]
        found = find_dates({d.strftime("%d/%m/%Y"): 1 for d in days})
        assert found is not None
        assert (found.form, found.odd, found.rival) == ("%d/%m/%Y", (), "")

    def test_mixed_forms_are_said(self) -> None:
        cells = [d.strftime("%Y-%m-%d" if i % 2 else "%d.%m.%Y") for i, d in enumerate(self.DAYS)]
        assert mixed_forms(dict.fromkeys(cells, 1)) == ("%Y-%m-%d", "%d.%m.%Y")
        learned = learn(table(day=cells, z=Z))
        assert learned.remarks == (
            "day: dates in several forms (%Y-%m-%d, %d.%m.%Y), read as text; write them in one",
        )

    def test_an_option_says_the_form(self, tmp_path: Path) -> None:
        cells = [f"{1 + i % 12:02d}-{1 + i % 11:02d}-2024" for i in range(N)]
        path = csv(tmp_path / "d.csv", ";", day=cells, z=Z, y=Z)
        assert any("could be month/day/year" in r for r in prepared(path).setting.preparation.remarks)
        for form, month in (("%d-%m-%Y", 11), ("%m-%d-%Y", 12)):
            found = prepared(path, dates=(("day", form),), test_size=0.0)
            assert max(found.train.X[:, found.setting.preparation.names.index("day month")]) == month
            assert found.setting.preparation.remarks == ()
        with pytest.raises(DataError, match=r"column 'day': '01-01-2024' is no date in the form %Y/%m/%d"):
            prepared(path, dates=(("day", "%Y/%m/%d"),))
        with pytest.raises(ValueError, match="%q"):
            prepared(path, dates=(("day", "%q-%m-%Y"),))

    def test_a_form_is_kept_for_rows_to_predict(self, tmp_path: Path) -> None:
        path = csv(
            tmp_path / "d.csv",
            ";",
            day=[f"{d:%d%m%Y}" for d in self.DAYS],
            z=Z,
            y=[d.month for d in self.DAYS],
        )
        fit = taut.fit(path, "y", lam=0.01, dates={"day": "%d%m%Y"})
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        new = csv(tmp_path / "n.csv", ";", day=["02012020", "02122020"], z=[0.0, 0.0])
        low, high = again.predict(new)
        assert high - low == pytest.approx(11, abs=0.5)

    def test_typed_times_have_an_hour(self) -> None:
        frame = pl.DataFrame({"day": [*self.DAYS], "z": Z})
        learned = learn(read_table(frame)[0])
        assert learned.names[:4] == ("day year", "day month", "day weekday", "day hour")
        assert learned.transform(read_table(frame)[0]).matrix[:, 3].tolist() == [d.hour for d in self.DAYS]

    def test_times_order_the_rows_in_every_form(self) -> None:
        for form in ("%d-%b-%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y%m%d"):
            days = table(day=[d.strftime(form) for d in self.DAYS])
            found = times(days, "day", usual("."))
            assert (np.diff(found) > 0).all()
        zoned = times(table(day=["01-Jan-2020 12:00+02:00", "01-Jan-2020 11:00+00:00"]), "day", usual("."))
        assert zoned[0] < zoned[1]

    @given(st.dates(datetime.date(1970, 1, 1), datetime.date(2068, 12, 31)), st.sampled_from(FORMS))
    def test_every_form_reads_what_it_writes(self, day: datetime.date, form: str) -> None:
        found = reader_of(form)(day.strftime(form))
        assert found is not None
        assert found.day == (day if "%d" in form else day.replace(day=1))

    @given(st.text(max_size=20))
    def test_no_text_is_an_error(self, text: str) -> None:
        for form in FORMS:
            reader_of(form)(text)

    def test_a_document_holds_no_other_form(self) -> None:
        document = to_document(learn(table(day=[d.strftime("%Y-%m-%d") for d in self.DAYS], z=Z)))
        assert from_document(json.loads(json.dumps(document)))
        with pytest.raises(ValueError, match="form"):
            from_document({**document, "reads": [["day", 1, "%Q"], *document["reads"][1:]]})


class TestTarget:
    def test_a_stray_word_is_left_out_and_its_rows_named(self, tmp_path: Path) -> None:
        y = [f"{i % 17}" for i in range(200)]
        y[7] = y[8] = "refused"
        path = csv(tmp_path / "d.csv", z=RNG.normal(size=200), y=y)
        setting = prepared(path).setting
        assert setting.target == Quantity("y")
        assert setting.sizes.dropped == 2
        assert any(r.startswith("y: rows 8, 9 left out") for r in setting.preparation.remarks)
        classes = prepared(path, task="classification").setting.target
        assert isinstance(classes, Classes)
        assert "refused" in classes.labels

    def test_limits_and_marks_are_numbers(self) -> None:
        y = ["<1", "1 000", *(f"{i % 17}" for i in range(98))]
        found = understand_target(table(y=y), "y")
        assert found.y[:2].tolist() == [1.0, 1000.0]
        assert "1 cells at a limit" in found.remarks[0]

    def test_many_words_are_classes(self) -> None:
        assert isinstance(understand_target(table(y=cycle("1", "2", "low")), "y").target, Classes)

    def test_its_notation_is_kept(self) -> None:
        target = understand_target(table(y=[f"{i},5 €" for i in range(40)]), "y").target
        assert target == Quantity("y", "1.234,5€")
        again = target_from_document(json.loads(json.dumps(target_to_document(target))))
        assert again == target
        assert target.encode(table(y=["1.234,5 €", "7"])).tolist() == [1234.5, 7.0]

    def test_many_whole_numbers_given_as_text_are_a_quantity(self) -> None:
        frame = pl.DataFrame({"z": [*Z, *Z], "y": [str(10 + i) for i in range(2 * N)]})
        assert isinstance(prepared(frame).setting.target, Quantity)


class TestStreaming:
    """A large file in blocks reads as the same file whole."""

    def test_marks_zeros_labels_and_dates(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        n = 400
        columns = {
            "zip": [f"{(i % 7) * 1111:05d}" for i in range(n)],
            "pop": [f"{1 + i % 99}.{i:03d}" for i in range(n)],
            "day": [(datetime.date(2020, 1, 1) + datetime.timedelta(days=i)).strftime("%d-%b-%Y") for i in range(n)],
            "late": [str(i) if i < n - 3 else f"{i},5" for i in range(n)],
            "y": np.where(np.arange(n) % 3 == 0, "TRUE", "FALSE"),
        }  # fmt: skip
        path = csv(tmp_path / "d.csv", ";", **columns)
        whole = prepared(path, test_size=0.0)
        monkeypatch.setattr(source_module, "LARGE", 1)
        monkeypatch.setattr(streamed_module, "BLOCK", 1500)
        streamed = prepared(path, test_size=0.0)
        assert streamed.setting.preparation == whole.setting.preparation
        assert streamed.setting.target == whole.setting.target == Classes("y", ("FALSE", "TRUE"))
        assert np.array_equal(streamed.train.X, whole.train.X)
        assert "pop: thousands removed" in whole.setting.preparation.remarks


class TestFurtherGaps:
    """``na_values`` in tables that have types of their own."""

    DATA = pl.DataFrame(
        {"k": cycle("a", "none given", "b"), "n": cycle(1, -999, 3), "x": cycle(0.5, -999.0, 2.5), "y": Z}
    )
    KINDS: ClassVar[dict[str, Any]] = {"polars": DATA, "pandas": DATA.to_pandas(), "arrow": DATA.to_arrow()}

    @pytest.mark.parametrize("kind", [*KINDS, "parquet", "stored"])
    def test_they_are_missing(self, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "d.parquet"
        self.DATA.write_parquet(path)
        if kind == "stored":
            monkeypatch.setattr(source_module, "LARGE", 1)
        found = read_table(
            self.KINDS.get(kind, path), Wanted(options=ReadingOptions(na_values=("none given", "-999")))
        )[0]
        for name in "knx":
            assert found[name].is_null().to_list() == cycle(False, True, False) or np.isnan(
                found[name].to_numpy()
            ).tolist() == cycle(False, True, False)


class TestSettling:
    def test_cells_of_frames(self) -> None:
        frame = table(x=["1,5", "1.234,5", None, "?"])
        assert number_block(frame, "x", usual(",")).tolist() == pytest.approx(
            [1.5, 1234.5, np.nan, np.nan], nan_ok=True
        )

    def test_texts_and_counts_agree(self) -> None:
        frame = table(x=[" a", "a ", None, "", "b"])
        assert texts(frame["x"]) == ["a", "a", None, None, "b"]

    def test_labels_of_truth_are_read_as_they_stand(self, tmp_path: Path) -> None:
        path = csv(tmp_path / "d.csv", a=["True", "FALSE", "true"], b=["true", "false", "true"])
        frame = read_table(path, Wanted(labels=("a",)))[0]
        assert frame["a"].to_list() == ["True", "FALSE", "true"]
        assert frame["b"].to_list() == [True, False, True]

    def test_an_id_that_is_the_only_column_is_kept(self) -> None:
        assert learn_preparation(table(row=np.arange(N)), np.arange(N)).names == ("row",)
        both = learn_preparation(table(row=np.arange(N), z=Z), np.arange(N))
        assert [x.reason for x in both.left_out] == [Reason.IDENTIFIER]
