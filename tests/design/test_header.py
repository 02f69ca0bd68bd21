"""Names of columns from the first lines of a file alone: the same as of the whole table, or none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taut.design import DataError, column_names, read_table

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "tests").rglob("*.csv"), *(ROOT / "examples").rglob("*.csv")])
cells = st.sampled_from(["a", "B c", "1", "2,5", "1.5", "", '"x,y"', "é", "NA", "2020-01-01"])


def whole(path: Path) -> list[str] | None:
    try:
        return list(read_table(path).frame.columns)
    except DataError:
        return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_names_are_those_of_the_whole_table(path: Path) -> None:
    names, table = column_names(path), whole(path)
    assert names is None or table is None or list(names) == table


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|", " "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
)
def test_whatever_the_file_is_written_like(
    tmp_path: Path, lines: list[list[str]], delimiter: str, end: str, encoding: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(end.join(map(delimiter.join, lines)).encode(encoding))
    names, table = column_names(path), whole(path)
    assert names is None or table is None or list(names) == table


def test_a_file_of_usual_kind_has_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("% made by hand\n\nname;size\nx;1,5\ny;2,5\n")
    assert column_names(path) == ("name", "size")


@pytest.mark.parametrize("content", [gzip.compress(b"a,b\n1,2\n"), b"PAR1", b"1 1:2.5 3:1\n", b"", b"a\0b"])
def test_other_files_have_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    assert column_names(path) is None
    assert column_names(tmp_path / "absent") is None
