"""What goes wrong on the way is said in one sentence that names the place, and nothing that is done is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

import taut
from taut.design import DataError
from taut.model_file import ModelFileError
from taut.streaming import checkpoint
from tests.streaming.samples import blocks, same_bits, table

FRAME = table()


def parquet(folder: Path, name: str = "a.parquet", frame: pl.DataFrame = FRAME) -> Path:
    """A file of several row groups whose columns have checksums."""
    pq.write_table(
        frame.to_arrow(),
        folder / name,
        row_group_size=500,
        write_page_checksum=True,
        use_dictionary=False,
        compression="none",
    )
    return folder / name


def test_a_damaged_column_is_named(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    place = pq.ParquetFile(file).metadata.row_group(2).column(2)
    data = bytearray(file.read_bytes())
    start = place.data_page_offset
    data[start : start + 8] = b"\xff" * 8
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.parquet: row group 3, column 'c' cannot be read"):
        taut.moments(file, "y", 2)


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_truncated_file_is_named(tmp_path: Path, kept: float) -> None:
    file = parquet(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DataError, match=r"a\.parquet: its footer cannot be read"):
        taut.moments(file, "y", 2)


def test_types_that_change_are_named(tmp_path: Path) -> None:
    parquet(tmp_path)
    parquet(tmp_path, "b.parquet", FRAME.with_columns(pl.col("d").cast(pl.String)))
    with pytest.raises(
        DataError, match=r"b\.parquet, rows 1 to 3000: column 'd' is text \(String\), and numbers \(Int64\)"
    ):
        taut.moments(tmp_path / "*.parquet", "y", 2)
    parquet(tmp_path, "b.parquet", FRAME.drop("d"))
    with pytest.raises(DataError, match=r"b\.parquet, rows 1 to 3000: column 'd' is missing"):
        taut.moments(tmp_path / "*.parquet", "y", 2)


def test_columns_in_another_order_and_more_of_them_are_no_fault(tmp_path: Path) -> None:
    first, second = blocks(FRAME, 1000)
    files = [parquet(tmp_path, "a.parquet", first)]
    files.append(parquet(tmp_path, "b.parquet", second.select(*reversed(FRAME.columns), more=pl.lit(1))))
    assert same_bits(taut.moments(files, "y", 2), taut.moments(FRAME, "y", 2))


def test_a_file_that_changes_between_the_passes_is_named(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    seen: list[int] = []

    def change(rows: int) -> None:
        if not seen:
            parquet(tmp_path, "a.parquet", FRAME[::-1])
        seen.append(rows)

    with pytest.raises(DataError, match=r"a\.parquet has changed since it was first read"):
        taut.moments(file, "y", 2, progress=change)


class Stopped(Exception):
    """What ends a pass in a test."""


class Interrupted:
    """Frames that end with an exception at the ``at``-th block of the second pass."""

    def __init__(self, at: int) -> None:
        self.at, self.calls, self.given = at, 0, 0

    def __call__(self) -> Iterator[pl.DataFrame]:
        self.calls += 1
        for number, block in enumerate(blocks(FRAME, *range(300, FRAME.height, 300))):
            if self.calls == 2 and number == self.at:
                raise Stopped
            self.given += 1
            yield block


def test_a_pass_goes_on_from_its_checkpoint_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 300)
    place, source = tmp_path / "unfinished", Interrupted(7)
    with pytest.raises(Stopped):
        taut.moments(source, "y", 3, checkpoint=place)
    assert place.exists()
    before = source.calls
    found = taut.moments(source, "y", 3, checkpoint=place)
    assert source.calls == before + 1  # what the first pass had learnt was kept
    assert same_bits(found, taut.moments(FRAME, "y", 3))
    assert str(found) == str(taut.moments(FRAME, "y", 3)).replace("data frame", "frames")
    assert not place.exists()


def test_a_checkpoint_of_another_pass_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 300)
    place = tmp_path / "unfinished"
    with pytest.raises(Stopped):
        taut.moments(Interrupted(7), "y", 3, checkpoint=place)
    with pytest.raises(DataError, match="of other rows, options or files that have changed"):
        taut.moments(Interrupted(7), "y", 4, checkpoint=place)
    with pytest.raises(ModelFileError, match="a model, not moments"):
        taut.Moments.load(place)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """An iterator is laid down on disk; files beyond 100 kB cannot be written here."""
    program = """
import resource, signal, sys
import numpy as np, polars as pl, taut
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
frame = pl.DataFrame(np.random.default_rng(0).normal(size=(50_000, 3)), schema=["a", "b", "y"])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    taut.moments(iter([frame]), "y")
except taut.tabular.DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "frames of an iterator are laid down on disk, and that failed" in done.stdout


def test_an_iterator_is_read_once(tmp_path: Path) -> None:
    assert same_bits(taut.moments(iter(blocks(FRAME, 700, 1900)), "y", 2), taut.moments(FRAME, "y", 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda frame: frame.lazy(),
        lambda frame: frame.to_pandas(),
        lambda frame: frame.to_arrow(),
        lambda frame: [frame[:100].to_pandas(), frame[100:]],
        lambda frame: lambda: blocks(frame, 1000),
    ],
    ids=["lazy", "pandas", "arrow", "mixed list", "function"],
)
def test_sources_are_alike(make: object) -> None:
    assert same_bits(taut.moments(make(FRAME), "y", 2), taut.moments(FRAME, "y", 2))


def test_a_pyarrow_dataset_and_files_are_alike(tmp_path: Path) -> None:
    import pyarrow.dataset as ds

    first, second = blocks(FRAME, 1000)
    files = [parquet(tmp_path, "a.parquet", first), parquet(tmp_path, "b.parquet", second)]
    whole = taut.moments(FRAME, "y", 2)
    assert same_bits(taut.moments(ds.dataset(files), "y", 2), whole)
    assert same_bits(taut.moments(f"{tmp_path}/*.parquet", "y", 2), whole)
    FRAME.write_csv(tmp_path / "c.csv")
    assert same_bits(taut.moments(tmp_path / "c.csv", "y", 2), whole)


@pytest.mark.parametrize("given", [3, np.zeros((3, 2)), "nowhere*.parquet", ["nowhere.parquet"]])
def test_what_has_no_rows_is_refused(given: object) -> None:
    with pytest.raises(DataError):
        taut.moments(given, "y")


class TestFiles:
    """A moments file is as safe as a model file."""

    def test_it_comes_back_to_the_bit(self, tmp_path: Path) -> None:
        moments = taut.moments(FRAME, "y", 3, drop="d", sample=500)
        again = taut.Moments.load(moments.save(tmp_path / "a.moments"))
        assert same_bits(moments, again)
        assert str(moments) == str(again)
        assert (tmp_path / "a.moments").read_bytes() == again.save(tmp_path / "b.moments").read_bytes()

    def test_any_flipped_byte_is_refused_or_harmless(self, tmp_path: Path) -> None:
        file = taut.moments(FRAME[["a", "d", "y"]], "y", 2).save(tmp_path / "a.moments")
        data = file.read_bytes()
        for place in np.random.default_rng(0).integers(0, len(data), 150).tolist():
            file.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
            try:
                found = taut.Moments.load(file)
            except ModelFileError:
                continue
            assert found.sums.counts.min() >= 10

    @pytest.mark.parametrize("cut", [0, 7, 100, -1])
    def test_a_truncated_file_is_refused(self, tmp_path: Path, cut: int) -> None:
        file = taut.moments(FRAME, "y", 2).save(tmp_path / "a.moments")
        file.write_bytes(file.read_bytes()[:cut])
        with pytest.raises(ModelFileError):
            taut.Moments.load(file)

    def test_a_model_is_no_moments_and_moments_are_no_model(self, tmp_path: Path) -> None:
        moments = taut.moments(FRAME, "y", 2)
        file = moments.save(tmp_path / "a.moments")
        with pytest.raises(ModelFileError, match=r"taut\.Moments\.load reads them"):
            taut.load(file)
        model = taut.fit(moments).save(tmp_path / "a.safetensors")
        with pytest.raises(ModelFileError, match=r"taut\.load reads it"):
            taut.Moments.load(model)
