"""What starting costs, in new processes: imports, commands, and first fits with an empty and with a full compile cache.

python -m benchmarks.compile_time [--repeats 3]

Seconds of wall time, processor time in brackets; ``alone`` is a first fit without the helper process that compiles from the
other end. ``units``: processor time of later processes over that of ``import sklearn.linear_model``. Python's own bytecode is
there for all packages, as an installer leaves it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
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
TABLE = str(ROOT / "examples/student-por.csv")
UNIT = "import sklearn.linear_model"
FITS = {
    "fit_path, squared, 200 × 20": DATA.format(n=200, p=20) + "import taut; taut.fit_path(X, y)",
    "fit_path, squared, 100 × 500": DATA.format(n=100, p=500) + "import taut; taut.fit_path(X, y)",
    "fit_path, logistic, 200 × 20": DATA.format(n=200, p=20)
    + "import taut; taut.fit_path(X, (y > 0) * 1.0, loss='logistic')",
    "fit_path, network of 8, 200 × 20": DATA.format(n=200, p=20)
    + "import taut; taut.fit_path(X, y, hidden=(8,), lambdas=10)",
    "Regressor().fit, 200 × 20": DATA.format(n=200, p=20) + "import taut; taut.Regressor().fit(X, y)",
}
FIRST_COMMAND = "taut fit, 649 rows"
PLAIN = {
    "python": "pass",
    "import numpy": "import numpy",
    "import taut": "import taut",
    UNIT: UNIT,
    "scikit-learn LassoCV().fit, 200 × 20": DATA.format(n=200, p=20)
    + "from sklearn.linear_model import LassoCV; LassoCV().fit(X, y)",
}


def command(*words: str) -> str:
    """The code that runs a command of taut in silence, whatever its exit code."""
    return (
        f"import sys, os; sys.argv = ['taut', *{list(words)!r}]; sys.stdout = sys.stderr = open(os.devnull, 'w')\n"
        "from taut.cli import main\ntry:\n    main()\nexcept SystemExit: pass"
    )


def commands(model: str) -> dict[str, str]:
    """What the command line is asked for, with a fitted ``model``."""
    asked = {
        "COMP_WORDS": f"taut fit {TABLE} --target G",
        "COMP_CWORD": "4",
        "_TAUT_COMPLETE": "bash_complete",
    }
    completion = f"import os; os.environ.update({asked!r})\n"
    return {
        FIRST_COMMAND: command("fit", TABLE, "--target", "G3", "--quiet", "--force", "--out", model),
        "taut show MODEL": command("show", model),
        "taut predict MODEL TABLE": command("predict", model, TABLE),
        "taut fit, a file that is not there": command("fit", "absent.csv", "--target", "a"),
        "taut fit, a target that is not there": command("fit", TABLE, "--target", "G9"),
        "completion of a column": completion + command(),
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


def start(code: str, cache: str, bytecode: str, helped: bool = False) -> Times:
    """A new process that runs ``code``, with numba's cache and Python's in these folders."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {
        "NUMBA_CACHE_DIR": cache,
        "PYTHONPYCACHEPREFIX": bytecode,
        "PYTHONPATH": str(ROOT / "src"),
    }
    environment |= {} if helped else {"TAUT_COMPILE_HELPER": "0"}
    before, processor = time.perf_counter(), _processor_time()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return Times(time.perf_counter() - before, _processor_time() - processor)


def first(code: str, repeats: int, bytecode: str, helped: bool) -> str:
    """The median of processes that meet an empty compile cache."""
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            found.append(start(code, cache, bytecode, helped))
    return str(sorted(found)[len(found) // 2])


def rows(repeats: int, folder: str) -> list[dict[str, str]]:
    """The table: everything in later processes, one after the other in every round, and first fits."""
    cache, bytecode = (str(Path(folder) / name) for name in ("kernels", "bytecode"))
    later = PLAIN | FITS | commands(str(Path(folder) / "model"))
    for code in later.values():
        start(code, cache, bytecode)
    rounds = [{name: start(code, cache, bytecode) for name, code in later.items()} for _ in range(repeats)]
    unit = statistics.median(one[UNIT].processor for one in rounds)
    table = []
    for name in later:
        times = sorted((one[name] for one in rounds), key=lambda one: one.processor)[repeats // 2]
        later_row = {"full cache": str(times), "units": f"{times.processor / unit:.2f}"}
        row = {"process": name, "empty cache": "–", "alone": "–"} | later_row
        if name in FITS or name == FIRST_COMMAND:
            row |= {
                "empty cache": first(later[name], repeats, bytecode, True),
                "alone": first(later[name], repeats, bytecode, False),
            }
        print(row, flush=True)
        table.append(row)
    return table


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile_time", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    with tempfile.TemporaryDirectory() as folder:
        table = rows(parser.parse_args().repeats, folder)
    Path(HERE / "compile_time.json").write_text(
        json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
