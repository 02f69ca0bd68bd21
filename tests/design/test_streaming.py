"""Large files: read in blocks and laid down on disk, they give what they give when they are read whole."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import taut
from taut.cli import main
from taut.design import (
    DataError,
    ReadingOptions,
    Stored,
    Wanted,
    read_table,
    scratch,
    source,
    streamed,
    understand_target,
)
from taut.tabular import record, test_scores
from taut.tabular.test_scores import tall_least_squares
from tests.tables import features, table

N = 400
Streaming = Callable[[], None]


@pytest.fixture
def streaming(monkeypatch: pytest.MonkeyPatch) -> Streaming:
    """Call it, and every file is large, read in many blocks, its matrix on disk, its rows predicted in runs."""

    def start() -> None:
        monkeypatch.setattr(source, "LARGE", 0)
        monkeypatch.setattr(streamed, "BLOCK", 700)
        monkeypatch.setattr(scratch, "SHARE", 1 << 60)
        monkeypatch.setattr(record, "RUN_CELLS", 100)
        monkeypatch.setattr(test_scores, "FREE_BLOCK", 200)

    return start


LINE = "\u2028"  # a line separator of Unicode, and none of a file
X = np.random.default_rng(1).normal(size=N).round(6)


def lines(header: str, row: Callable[[int], str]) -> str:
    return header + "".join(row(i) for i in range(N))


TEXTS: dict[str, bytes] = {
    "quoted line breaks": lines("name,x\n", lambda i: f'"a, {i}\n""b""",{X[i]}\n').encode(),
    # Whole numbers up to the last block, then a word: a column of text.
    "late text": lines("code,x\n", lambda i: f"{'00x' if i == N - 1 else f'{i:03}'},{X[i]}\n").encode(),
    "late decimals": lines("n,x\n", lambda i: f"{i if i < N - 9 else i + 0.5},{X[i]}\n").encode(),
    # A column that is empty for many blocks.
    "gaps": lines("n,x,y\n", lambda i: f"{i if i > N - 9 else ''},{X[i]},{i % 3}\n").encode(),
    "decimal commas": lines("n;x\r\n", lambda i: f"{i};{X[i]:.4f}\r\n".replace(".", ",")).encode(),
    "windows-1252": lines("n,x\n", lambda i: f"{'Köln' if i % 2 else 'Bonn'},{X[i]}\n").encode("cp1252"),
    "mark, names twice, short line": b"\xef\xbb\xbf"
    + lines(" a ,a\n", lambda i: f"{i},{X[i]}\n" if i != 50 else "7\n").encode(),
    "no header": lines("", lambda i: f"{i},{X[i]},{'true' if i % 2 else 'false'}\n").encode(),
    "utf-16": lines(
        "n;ö\r\n", lambda i: f"{('é', LINE)[i % 3 == 0]};{X[i]:.4f}\r\n".replace(".", ",")
    ).encode("utf-16"),
    "utf-32": lines("n,x\n", lambda i: f"{i},{X[i]}\n").encode("utf-32"),
    "single quotes": lines("'n','x'\n", lambda i: f"'a, {i % 4}{chr(34) * (i > 90)}','{X[i]}'\n").encode(),
    "single quotes, windows-1252": lines("'n','x'\n", lambda i: f"'Köln','{X[i]}'\n").encode("cp1252"),
    "blanks": lines("  n    x\n", lambda i: f"  {i % 7}\t {X[i]:9.4f}  \n").encode(),
    "blanks, quoted": lines("n x\r\n", lambda i: f'"a {i % 7}"   {X[i]}\r\n').encode(),
}
TEXTS["gzipped"] = gzip.compress(TEXTS["gaps"])
TEXTS["gzipped utf-16 in members"] = (
    gzip.compress(TEXTS["utf-16"][:901]) + gzip.compress(TEXTS["utf-16"][901:]) + bytes(9)
)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_streamed_csv_is_the_one_read_whole(kind: str, tmp_path: Path, streaming: Streaming) -> None:
    (tmp_path / "d.csv").write_bytes(TEXTS[kind])
    wanted = Wanted(options=ReadingOptions(header=kind != "no header"))
    whole, source = read_table(tmp_path / "d.csv", wanted)
    streaming()
    stored, again = read_table(tmp_path / "d.csv", wanted)
    assert isinstance(stored, Stored)
    assert len(stored.keeps.name) > 0
    assert len(list(Path(stored.keeps.name).iterdir())) > 3
    assert stored.select(stored.columns).to_native().equals(whole.to_native())
    assert stored.schema == whole.schema
    assert again == source
    folder = Path(stored.keeps.name)
    stored.keeps.cleanup()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(TEXTS["gaps"])[:-9], "d.csv: the gzip file is cut off; copy it again"),
        (gzip.compress(TEXTS["gaps"])[:60] + bytes(60), "d.csv: not a readable gzip file"),
        (gzip.compress(bytes(1 << 28)), "unpacks to more than 200 times its size"),
        (TEXTS["utf-16"][:-1], "d.csv: begins as utf-16 and breaks off"),
        (TEXTS["single quotes"] + b"'a','b','c'\n", "has 3 cells, the header has 2"),
    ],
)
def test_what_is_damaged_is_said_as_for_a_small_file(
    content: bytes, words: str, tmp_path: Path, streaming: Streaming
) -> None:
    (tmp_path / "d.csv").write_bytes(content)
    for start in (lambda: None, streaming):
        start()
        with pytest.raises(DataError, match=words):
            read_table(tmp_path / "d.csv")


def test_what_is_read_whole_must_fit_into_the_memory(
    tmp_path: Path, streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d.svm").write_bytes(b"1 1:2\n0 2:1\n" * 100)
    np.savez_compressed(tmp_path / "d.npz", X=np.zeros((50, 40)), y=np.arange(50.0))
    streaming()
    assert len(read_table(tmp_path / "d.svm").frame) == 200
    monkeypatch.setattr("taut.design.formats.memory", lambda: 2_000)
    for name in ("d.svm", "d.npz"):
        with pytest.raises(
            DataError, match=f"{name}: needs some 0.0 GB of memory, and there are 0.0; give it as CSV"
        ):
            read_table(tmp_path / name)


CELLS = st.sampled_from(
    ["1", "-2", "0.5", "1e3", "", "NA", "true", "a", "b,c", 'q"q', "x\ny", "é", "2020-01-31", "007"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=2, max_size=30), size=st.integers(20, 200)
)
@example(rows=[["1", "1", "1"], ["007", "1", "1"]], size=20)  # zeros at the very start of a block
def test_whatever_the_cells_and_the_blocks(rows: list[list[str]], size: int, tmp_path: Path) -> None:
    """The same columns of the same types, or the same refusal."""
    file = tmp_path / "d.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["a", "b", "c"], *rows])

    def outcome() -> object:
        try:
            found, _ = read_table(file)
        except DataError:
            return None
        return found.select(["a", "b", "c"]).to_native().to_dict(as_series=False), dict(found.schema)

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "LARGE", 0)
        patch.setattr(streamed, "BLOCK", size)
        assert outcome() == whole


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("target", ["price", "kind"])
def test_a_fit_and_its_predictions_are_the_same_to_the_last_bit(
    ending: str, target: str, tmp_path: Path, streaming: Streaming
) -> None:
    data = features(target)
    write = {"csv": data.write_csv, "parquet": data.write_parquet, "arrow": data.write_ipc}[ending]
    file = tmp_path / f"d.{ending}"
    write(file)
    options = {"cv": 3, "lambdas": 6}
    whole = taut.fit(file, target, **options)
    expected = whole.predict(file)
    streaming()
    streamed_fit = taut.fit(file, target, **options)
    np.testing.assert_array_equal(whole.path.coefs, streamed_fit.path.coefs)
    assert whole.setting == streamed_fit.setting
    np.testing.assert_array_equal(streamed_fit.predict(file), expected)


def test_predictions_are_written_as_they_come_and_what_is_new_is_said_once(
    tmp_path: Path, streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    taut.fit(features("price"), "price", cv=3, lambdas=4).save("m.taut")
    table().with_columns(town=pl.Series(["Zz", *["Aa"] * 88, "Qq"])).write_csv("new.csv")
    calls = ["predict", "m.taut", "new.csv", "--out"]
    whole = CliRunner().invoke(main, [*calls, "whole.csv"])
    streaming()
    parts = CliRunner().invoke(main, [*calls, "parts.csv"])
    assert parts.exit_code == 0
    assert parts.stderr == whole.stderr
    assert "town: 'Qq', 'Zz' not seen in training" in parts.stderr
    assert Path("parts.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (TEXTS["gaps"] + b"1,2,3,4\n", f"line {N + 2} has 4 cells, the header has 3"),
        (TEXTS["gaps"] + b"\x00,1,2\n", f"line {N + 2} holds a NUL byte"),
        (TEXTS["gaps"] + b'1,"2,3\n' * 900, f"line {N + 2}"),
    ],
)
def test_a_bad_line_is_named_by_its_place_in_the_file(
    bad: bytes, words: str, tmp_path: Path, streaming: Streaming
) -> None:
    (tmp_path / "d.csv").write_bytes(bad)
    streaming()
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "d.csv")


def test_a_damaged_parquet_file_is_one_sentence(tmp_path: Path, streaming: Streaming) -> None:
    features("price").write_parquet(tmp_path / "d.parquet")
    whole = (tmp_path / "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(whole[: len(whole) // 2])
    streaming()
    with pytest.raises(DataError, match="not a readable Parquet file"):
        taut.fit(tmp_path / "d.parquet", "price")


def test_bytes_read_are_told(tmp_path: Path, streaming: Streaming) -> None:
    (tmp_path / "d.csv").write_bytes(TEXTS["gaps"])
    streaming()
    told: list[int] = []
    read_table(tmp_path / "d.csv", Wanted(progress=told.append))
    assert sum(told) == len(TEXTS["gaps"])
    assert len(told) > 3


def test_a_matrix_on_disk_is_one_like_any_other(streaming: Streaming) -> None:
    streaming()
    matrix = scratch.allocate(5, 3)
    assert isinstance(matrix, np.memmap)
    matrix[:] = 2.0
    assert matrix.flags.f_contiguous
    assert (matrix @ np.ones(3)).tolist() == [6.0] * 5


def test_least_squares_in_blocks_is_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_scores, "FREE_BLOCK", 200)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)) * [1, 1000, 0.01, 1] + 50
    y, weight = X @ [1.0, 2.0, 3.0, 0.0] + rng.normal(size=N), rng.integers(0, 3, N).astype(float)
    root = np.sqrt(weight)
    exact = np.linalg.lstsq(np.column_stack([np.ones(N), X]) * root[:, None], y * root, rcond=None)[0]
    coef, unique = tall_least_squares(X, y, weight)
    np.testing.assert_allclose(coef, exact, rtol=1e-8)
    assert unique
    assert not tall_least_squares(np.column_stack([X, X[:, 0] + X[:, 1]]), y, weight)[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -d counts what is told here on Linux alone")
def test_the_memory_that_a_process_may_have_decides_where_the_matrix_lies() -> None:
    code = (
        "import resource, numpy as np\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "from taut.design.scratch import allocate, memory\n"
        "assert memory() == 1 << 30\n"
        "large = allocate(1 << 18, 3 << 10)\n"  # 6 GB that the process could not have of its own
        "assert isinstance(large, np.memmap)\n"
        "large[-1, -1] = 1.0\n"
        "assert not isinstance(allocate(1 << 12, 1 << 12), np.memmap)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_numbers_as_a_target_make_no_object_for_each_row() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    frame = read_table({"y": values}).frame
    tracemalloc.start()
    found = understand_target(frame, "y")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found.y, values)
    assert peak < 6 * values.nbytes
