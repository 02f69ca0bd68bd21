"""Fit a tall file larger than the memory it may have, and say what memory that took.

    python -m scripts.measure_memory 8500000 --kind csv --limit 2.0

A file of so many rows of 30 numbers and a category is made in the scratch folder (TMPDIR), fitted by ``taut fit`` under
``ulimit -d``, and watched: memory of its own (which no file backs) is what counts, for mapped files are given up as soon
as somebody else needs the room. Linux.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

COLUMNS = 30
PIECE = 200_000


def write_csv(path: Path, rows: int) -> None:
    """Numbers of six decimals, a category, and a target that the first ten numbers explain."""
    rng = np.random.default_rng(0)
    coef = np.r_[rng.normal(size=10), np.zeros(COLUMNS - 10)]
    with path.open("wb") as out:
        for start in range(0, rows, PIECE):
            size = min(PIECE, rows - start)
            X = rng.normal(size=(size, COLUMNS)).round(6)
            columns = {f"v{j + 1}": X[:, j] for j in range(COLUMNS)}
            y = (X @ coef + rng.normal(size=size)).round(6)
            town = rng.choice(["a", "b", "c"], size)
            pl.DataFrame(columns | {"town": town, "y": y}).write_csv(out, include_header=start == 0)


def own_memory(process: subprocess.Popen[bytes]) -> int:
    """Bytes of the process that no file backs; 0 where it has just ended."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def watched(command: list[str], limit: float) -> tuple[int, float]:
    """The peak of the command's own memory, and its seconds."""
    size, start, peak = int(limit * 1e9), time.perf_counter(), 0
    with subprocess.Popen(
        command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    ) as process:
        while process.poll() is None:
            peak = max(peak, own_memory(process))
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"the fit ended with {process.returncode}")
    return peak, time.perf_counter() - start


def main() -> None:
    """Make the file, fit it, and print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=int)
    parser.add_argument("--kind", choices=("csv", "csv.gz", "parquet"), default="csv")
    parser.add_argument(
        "--limit", type=float, default=2.0, help="GB of memory of its own that the fit may have"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, f"tall.{asked.kind}")
        plain = Path(scratch, "tall.csv")
        write_csv(plain, asked.rows)
        if asked.kind == "csv.gz":
            subprocess.run(["gzip", "-1", str(plain)], check=True)
        if asked.kind == "parquet":
            pl.scan_csv(plain).sink_parquet(file)
        run = "from taut.cli import main; main()"
        command = [
            sys.executable,
            "-c",
            run,
            "fit",
            str(file),
            "--target",
            "y",
            "--out",
            f"{scratch}/out",
            "--quiet",
        ]
        peak, seconds = watched(command, asked.limit)
        matrix = 8 * asked.rows * (COLUMNS + 3) / 1e9
        print(
            f"{asked.rows} rows, {file.stat().st_size / 1e9:.2f} GB of {asked.kind}, matrix {matrix:.2f} GB:"
            f" {peak / 1e9:.2f} GB of its own at the peak, {seconds:.0f} s"
        )


if __name__ == "__main__":
    main()
