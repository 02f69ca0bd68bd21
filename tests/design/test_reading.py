"""What is read is what was written, in every format and encoding."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.design import (
    DataError,
    clean,
    read_table,
)
from tests.design.samples import NUMBERS, N, cycle, learn


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
