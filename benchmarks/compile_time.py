"""What starting costs, in new processes: imports, first fits with an empty and with a full compile cache.

python -m benchmarks.compile_time [--core 0]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.launch import ROOT, THREADS
from benchmarks.tools import HERE

DATA = (
    "import numpy as np; rng = np.random.default_rng(0); "
    "X = rng.standard_normal(({n}, {p})); y = X[:, 0] + rng.standard_normal({n})\n"
)
FITS = {
    "fit_path, squared, 200 × 20": DATA.format(n=200, p=20) + "import taut; taut.fit_path(X, y)",
    "fit_path, squared, 100 × 500": DATA.format(n=100, p=500) + "import taut; taut.fit_path(X, y)",
    "fit_path, logistic, 200 × 20": DATA.format(n=200, p=20)
    + "import taut; taut.fit_path(X, (y > 0) * 1.0, loss='logistic')",
    "Regressor().fit, 200 × 20": DATA.format(n=200, p=20) + "import taut; taut.Regressor().fit(X, y)",
}
PLAIN = {
    "python": "pass",
    "import numpy": "import numpy",
    "import taut": "import taut",
    "import sklearn.linear_model": "import sklearn.linear_model",
    "import taut.estimators": "import taut.estimators",
    "scikit-learn LassoCV().fit, 200 × 20": DATA.format(n=200, p=20)
    + "from sklearn.linear_model import LassoCV; LassoCV().fit(X, y)",
}


class Times(NamedTuple):
    """Seconds of one process."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ({self.processor:.2f})"


def _processor_time() -> float:
    """Of all processes started so far and ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start(code: str, core: int, cache: str) -> Times:
    """A new process that runs ``code``."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    environment |= {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT / "src")}
    before, processor = time.perf_counter(), _processor_time()
    subprocess.run(["taskset", "-c", str(core), sys.executable, "-c", code], env=environment, check=True)
    return Times(time.perf_counter() - before, _processor_time() - processor)


def measure(name: str, code: str, core: int, repeats: int, compiles: bool) -> dict[str, str]:
    """The first run meets an empty compile cache; the least of the later ones reads what it left."""
    with tempfile.TemporaryDirectory() as cache:
        first = start(code, core, cache)
        warm = min((start(code, core, cache) for _ in range(repeats)), key=lambda times: times.processor)
    return {"process": name, "empty cache": str(first) if compiles else "–", "full cache": str(warm)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile_time", description=__doc__)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows: list[dict[str, str]] = []
    for name, code in (PLAIN | FITS).items():
        rows.append(measure(name, code, arguments.core, arguments.repeats, name in FITS))
        print(rows[-1], flush=True)
    Path(HERE / "compile_time.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
