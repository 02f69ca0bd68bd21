"""Partitions on a cluster give the bits of the serial sum, whichever workers are lost on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import taut
from taut.design import DataError
from tests.streaming.samples import same_bits, table

dask = pytest.importorskip("dask", reason="Dask is not installed (pip install 'taut[dask]')")
dd = pytest.importorskip(
    "dask.dataframe", reason="Dask's data frames are not installed (pip install 'taut[dask]')"
)
distributed = pytest.importorskip(
    "distributed", reason="Dask's scheduler is not installed (pip install 'taut[dask]')"
)

FRAME = table()
ENDS = [0, 400, 401, 900, 1300, 1700, 2100, 2600, FRAME.height]


def partition(number: int, folder: str, pause: float) -> pd.DataFrame:
    """Rows of the table; the worker that makes them leaves a mark."""
    Path(folder, f"{os.getpid()}-{number}-{time.monotonic_ns()}").touch()
    time.sleep(pause)
    return FRAME[ENDS[number] : ENDS[number + 1]].to_pandas()


def collection(folder: Path, pause: float = 0.0) -> object:
    parts = [dask.delayed(partition)(number, str(folder), pause) for number in range(len(ENDS) - 1)]
    return dd.from_delayed(parts, meta=FRAME[:0].to_pandas())


def serial(preparation: object = None) -> taut.Moments:
    """The sum of the partitions' moments, one after the other."""
    first = taut.moments(FRAME, "y", 2) if preparation is None else preparation
    from taut.streaming import sum_up_partitions

    with dask.config.set(scheduler="synchronous"):
        return sum_up_partitions(
            dd.from_delayed(
                [dask.delayed(lambda a, b: FRAME[a:b].to_pandas())(a, b) for a, b in pairwise(ENDS)],
                meta=FRAME[:0].to_pandas(),
            ),
            first.preparation,
        )


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    """Two processes of one thread."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def test_partitions_are_the_rows(tmp_path: Path) -> None:
    with dask.config.set(scheduler="synchronous"):
        found = taut.moments(collection(tmp_path), "y", 2)
    whole = taut.moments(FRAME, "y", 2)
    assert not found.preparation.difference(whole.preparation)
    assert (found.sums.counts == whole.sums.counts).all()
    assert np.allclose(found.sums.values, whole.sums.values, rtol=1e-12, atol=1e-9)


def test_a_worker_that_is_killed_costs_no_bit(client: object, tmp_path: Path) -> None:
    expected = serial()
    pids = list(client.run(os.getpid).values())

    def kill() -> None:
        while len(list(tmp_path.iterdir())) < len(ENDS) + 3:  # in the pass that sums, after that of heights
            time.sleep(0.01)
        os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = taut.moments(collection(tmp_path, 0.1), preparation=expected)
    killer.join()
    assert same_bits(found, expected)
    assert pids[0] not in client.run(os.getpid).values()


def test_arrays() -> None:
    import dask.array as da

    X = np.random.default_rng(0).normal(size=(3_000, 4))
    with dask.config.set(scheduler="synchronous"):
        found = taut.moments(da.from_array(X, chunks=(700, 2)), "x4", 2)
        with pytest.raises(DataError, match="is no table"):
            taut.moments(da.from_array(X[:, 0], chunks=100), "x1")
    assert found.names == ("x1", "x2", "x3")
    assert found.rows == 3_000


def test_a_checkpoint_is_not_for_clusters(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a cluster computes anew"):
        taut.moments(collection(tmp_path), "y", checkpoint=tmp_path / "c")


def test_each_partition_of_a_file_is_read_once_to_be_summed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    read: list[int] = []
    original = pq.ParquetFile.read_row_groups

    def counted(self: Any, groups: Any, columns: Any = None, **given: Any) -> Any:
        read.append(len(columns))
        return original(self, groups, columns=columns, **given)

    frame = FRAME.select("a", "c", "d", "y")
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=500, use_pyarrow=True)
    first = taut.moments(frame, "y", 2)
    rows = dd.read_parquet(tmp_path / "rows.parquet", split_row_groups=True)
    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", counted)
    with dask.config.set(scheduler="synchronous"):
        found = taut.moments(rows, preparation=first)
    assert sorted(read) == [1] * rows.npartitions + [4] * rows.npartitions
    np.testing.assert_array_equal(found.sums.counts, first.sums.counts)
