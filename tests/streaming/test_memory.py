"""Memory does not grow with the rows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np, polars as pl, taut
rng = np.random.default_rng(0)
X = rng.normal(size=(100_000, 40))
y = X[:, 0] + rng.normal(size=100_000)
frame = pl.DataFrame(X, schema=[f"x{j}" for j in range(40)]).with_columns(y=pl.Series(y))
first = taut.moments(frame, "y")
def rows(times):
    return lambda: (frame for _ in range(times))
def peak():
    # The peak that the system reports of a process begins with that of the one that started it; this one begins with its program.
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
taut.moments(rows(2), preparation=first)
before = peak()
times = int(sys.argv[1])
found = taut.moments(rows(times), preparation=first)
total = [m.sums.values.sum(axis=0) for m in (found, first)]
print(found.rows, before, peak(), np.abs(total[0] / times - total[1]).max() / total[1][0, 0])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows() -> None:
    """610 blocks of 33 MB, 20 GB in all, beside two of them; their sums are those of one block, 610 times."""
    call = [sys.executable, "-c", PROGRAM, "610"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    rows, before, after, error = map(float, done.stdout.split())
    assert rows == 61_000_000
    assert after - before < 30
    assert after < 500
    assert error < 1e-14
