"""What starting costs, in new processes: imports, first fits with an empty and with a full compile cache.

python -m benchmarks.compile_time [--core 0]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def seconds(code: str, core: int, cache: str) -> float:
    """Wall time of a new process that runs ``code``."""
    environment = (
        os.environ | dict.fromkeys(THREADS, "1") | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT / "src")}
    )
    start = time.perf_counter()
    subprocess.run(["taskset", "-c", str(core), sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - start


def _least(code: str, core: int, cache: str, repeats: int) -> float:
    return min(seconds(code, core, cache) for _ in range(repeats))


def measure_fit(name: str, code: str, core: int, repeats: int) -> dict[str, str]:
    """The first run fills an empty cache; later ones read it."""
    with tempfile.TemporaryDirectory() as cache:
        first = seconds(code, core, cache)
        return {
            "process": name,
            "empty cache, s": f"{first:.2f}",
            "full cache, s": f"{_least(code, core, cache, repeats):.2f}",
        }


def measure_plain(name: str, code: str, core: int, repeats: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as cache:
        return {
            "process": name,
            "empty cache, s": "–",
            "full cache, s": f"{_least(code, core, cache, repeats):.2f}",
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile_time", description=__doc__)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows: list[dict[str, str]] = []
    for measure, codes in ((measure_plain, PLAIN), (measure_fit, FITS)):
        for name, code in codes.items():
            rows.append(measure(name, code, arguments.core, arguments.repeats))
            print(rows[-1], flush=True)
    Path(HERE / "compile_time.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
