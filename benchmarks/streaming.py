"""Measures moments of files larger than what is held of them, and writes the tables of docs/moments.md.

    python -m benchmarks.streaming [--folder DIR] [--scale 1]

Every measurement is a process of its own on one thread: processor seconds, peak resident memory, and gigabytes of numbers
(8 bytes a cell) per second. Files are made once in DIR. ``--scale 0.1`` makes a tenth of the rows, to try it out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "moments.md"
BEGIN, END = "<!-- measured by benchmarks/streaming.py -->", "<!-- end -->"
FILES = {"2M × 40": (2_000_000, 40), "1.25M × 200": (1_250_000, 200), "125k × 1000": (125_000, 1000)}

MEASURED = """
import json, resource, sys, time
import taut
file, folds, mode, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
begin = time.process_time()
if mode == "moments":
    taut.moments(file, "y", folds).save(out)
elif mode == "one pass":
    first = taut.Moments.load(out)
    begin = time.process_time()
    taut.moments(file, preparation=first)
elif mode == "fit of moments":
    taut.fit(taut.Moments.load(out))
else:
    taut.fit(file, "y", streamed=mode == "fit of sums")
spent = time.process_time() - begin
print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3]))
"""

COMPONENTS = """
import json, sys, time
import numpy as np
from taut.streaming import source_of
file, p, folds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
begin = time.process_time()
rows = sum(block.frame.to_numpy(order="fortran").shape[0] for block in source_of(file).blocks())
decode = time.process_time() - begin
width, size = p + 2, max(p + 2, (1 << 22) // ((folds + 1) * (p + 2)))
a = np.random.default_rng(0).normal(size=(width, size))
a @ a.T
times = max(3, int(2e10 / (size * width**2)))
begin = time.process_time()
for _ in range(times):
    a @ a.T
product = (time.process_time() - begin) / times
print(json.dumps([decode / (8e-9 * rows * p), size * p**2 / product]))
"""


PASSES = """
import json, resource, sys, time
import numpy as np, polars as pl
import taut
rows, p, shift, rho, order = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
root = np.linalg.cholesky(0.5 * np.eye(p) + 0.5 * rho ** np.abs(np.subtract.outer(np.arange(p), np.arange(p))))
rng = np.random.default_rng(0)
slopes = np.where(np.arange(p) < 15, 0.4 * rng.normal(size=p), 0.0)
X = rng.normal(size=(rows, p)) @ root.T
y = (rng.random(rows) < 1 / (1 + np.exp(-(X @ slopes + shift)))).astype(float)
if order == "sorted":
    own = np.argsort(y, kind="stable")
    X, y = X[own], y[own]
frame = pl.DataFrame(X, schema=[f"x{j}" for j in range(p)]).with_columns(y=pl.Series(y))
begin = time.process_time()
found = taut.stream_path(frame, "y", 10, passes=12)
spent = time.process_time() - begin
print(json.dumps([found.passes, max(c.value for c in found.path.certificates), found.worst, spent, float(y.mean())]))
"""

CLUSTER = """
import json, sys, time
import taut
if __name__ == "__main__":
    import dask.dataframe as dd
    from distributed import Client, LocalCluster
    file, mode = sys.argv[1], sys.argv[2]
    first = taut.moments(file, "y", sample=1000)
    frame = dd.read_parquet(file, split_row_groups=True)
    begin = time.process_time()
    if mode == "serial":
        taut.moments(file, preparation=first)
        print(json.dumps([time.process_time() - begin]))
    else:
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            client.run(lambda: __import__("taut").moments)
            before = sum(client.run(time.process_time).values())
            taut.moments(frame, preparation=first)
            print(json.dumps([sum(client.run(time.process_time).values()) - before]))
"""


def made(folder: Path, name: str, scale: float) -> Path:
    """A Parquet file of independent normal numbers, compressed as pyarrow does by default."""
    n, p = FILES[name]
    n = int(n * scale)
    path = folder / f"{n}x{p}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    beta = np.where(np.arange(p) < p // 10, rng.normal(size=p), 0.0)
    schema = pa.schema([(f"x{j}", pa.float64()) for j in range(p)] + [("y", pa.float64())])
    rows = max(1, 5_000_000 // p)
    with pq.ParquetWriter(path.with_suffix(".part"), schema, use_dictionary=False) as writer:
        for start in range(0, n, rows):
            X = rng.normal(size=(p, min(rows, n - start)))
            columns = [*X, beta @ X + rng.normal(size=X.shape[1])]
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))
    path.with_suffix(".part").rename(path)
    return path


def run(program: str, *arguments: object) -> list[float]:
    """What a process on one thread prints."""
    one = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
    call = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=os.environ | one)
    return [float(number) for number in json.loads(done.stdout.splitlines()[-1])]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measure_files(folder: Path, scale: float) -> str:
    """Time and memory of one pass and of all of it, with ten folds and with two."""
    rows = []
    for name, (n, p) in FILES.items():
        file, out = made(folder, name, scale), folder / "m.moments"
        gigabytes = 8e-9 * n * scale * (p + 1)
        two, ten = run(MEASURED, file, 2, "moments", out), run(MEASURED, file, 10, "moments", out)
        again, fit = run(MEASURED, file, 10, "one pass", out), run(MEASURED, file, 10, "fit of moments", out)
        rows.append(
            [
                name, f"{gigabytes:.2f} GB", f"{ten[0]:.1f} s", f"{ten[0] / two[0]:.2f}", f"{again[0]:.1f} s",
                f"{gigabytes / again[0]:.2f} GB/s", f"{ten[1]:.0f} MB", f"{fit[0]:.1f} s", f"{fit[1]:.0f} MB",
            ]
        )  # fmt: skip
        print(rows[-1], flush=True)
    head = [
        "rows × columns", "numbers", "moments, both passes", "ten folds : two", "one pass", "one pass, speed", "peak",
        "fit of moments", "its peak",
    ]  # fmt: skip
    return table(head, rows)


def measure_fit(folder: Path, scale: float) -> str:
    """``taut fit`` of the file itself beside moments and their fit."""
    file, out = made(folder, "2M × 40", scale), folder / "m.moments"
    whole, summed = (run(MEASURED, file, 10, f"fit of {what}", out) for what in ("rows", "sums"))
    parts = [run(MEASURED, file, 10, mode, out) for mode in ("moments", "fit of moments")]
    rows = [
        [
            "`taut moments`, then `taut fit`",
            f"{sum(p[0] for p in parts):.1f} s",
            f"{max(p[1] for p in parts):.0f} MB",
        ],
        [
            "`taut fit` of the file, streamed (as it is by default)",
            f"{summed[0]:.1f} s",
            f"{summed[1]:.0f} MB",
        ],
        ["`taut fit --in-memory`", f"{whole[0]:.1f} s", f"{whole[1]:.0f} MB"],
    ]
    return table(["2M × 40, ten folds, a test part", "processor time", "peak"], rows)


def measure_model(folder: Path, scale: float) -> str:
    """d and s of the cost model, and what follows for a billion rows of a thousand columns."""
    rows, last = [], (0.0, 1.0)
    for name, (_, p) in FILES.items():
        d, s = run(COMPONENTS, made(folder, name, scale), p, 10)
        rows.append([str(p), f"{d:.2f} s/GB", f"{s / 1e9:.0f}·10⁹"])
        last = (d, s)
    n, p, workers = 1e9, 1000, 100
    d, s = last
    seconds = n * (8e-9 * p * d + p**2 / s) / workers
    decoding, multiplying = 8e-9 * n * p / workers * d, n * p**2 / s / workers
    said = (
        f"For 10⁹ rows × 10³ columns on {workers} workers of one core that is {seconds:.0f} s = {seconds / 60:.0f} minutes a"
        f" pass ({decoding:.0f} s to decode, {multiplying:.0f} s to multiply), while storage gives each worker"
        f" {8e-6 * n * p / workers / seconds:.0f} MB/s."
    )
    return table(["p", "d: decode", "s: n p² per second"], rows) + f"\n\n{said}"


def measure_passes(folder: Path, scale: float) -> str:
    """Passes of a logistic path, ten folds beside it, until all of them are certified."""
    cases = {
        "plain": (200_000, 100, -0.5, 0.7, "as drawn"),
        "rare, correlated, sorted by class": (200_000, 50, -5.0, 0.97, "sorted"),
    }
    rows = []
    for name, (n, p, shift, rho, order) in cases.items():
        passes, gap, worst, spent, ones = run(PASSES, int(n * scale), p, shift, rho, order)
        rows.append(
            [
                f"{name}: {n:,} × {p}, {100 * ones:.1f} % ones",
                f"{passes:.0f}",
                f"{gap:.0e}",
                f"{worst:.0e}",
                f"{spent:.0f} s",
            ]
        )
        print(rows[-1], flush=True)
    head = ["100 λ, ten folds", "passes", "worst gap of the path", "of the folds", "processor time"]
    return table(head, rows)


def measure_cluster(folder: Path, scale: float) -> str:
    """Processor time of two Dask workers beside that of one process."""
    file = made(folder, "1.25M × 200", scale)
    script = folder / "cluster.py"
    script.write_text(CLUSTER, encoding="utf-8")
    serial, workers = (
        run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", file, mode)[0]
        for mode in ("serial", "cluster")
    )
    rows = [
        ["one process", f"{serial:.1f} s"],
        ["two Dask workers", f"{workers:.1f} s"],
        ["ratio", f"{workers / serial:.2f}"],
    ]
    return table(["1.25M × 200, one pass", "processor time"], rows)


MEASURES = (measure_files, measure_fit, measure_passes, measure_cluster, measure_model)


def main() -> None:
    """Measure, and write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "taut-streaming")
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    parts = [measure(given.folder, given.scale) for measure in MEASURES]
    text = "\n\n".join(parts)
    print(text)
    if given.scale == 1.0:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
