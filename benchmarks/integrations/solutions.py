"""``python -m benchmarks.integrations.solutions``: how close training loops end to the certified solutions; solutions.md.

The lasso and the group lasso of the tests (tests/integrations/small_problems.py) as networks without hidden layers, in
double precision. Keras is measured on one backend after the other by the tests' own program, on TensorFlow by the interpreter
that ``--tensorflow`` names, since it is best installed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TESTS = HERE.parents[1] / "tests" / "integrations"
BACKENDS = ("jax", "torch")


def row(tool: str, optimizer: str, w: Any, solution: Any) -> str:
    """Largest distance, support, and zeros found of those that are certified."""
    w = np.asarray(w)
    same = "equal" if ((w != 0) == (solution != 0)).all() else "differs"
    return f"| {tool} | {optimizer} | {np.abs(w - solution).max():.1e} | {same} | {(w == 0).sum()} of {(solution == 0).sum()} |"


def torch_rows() -> list[str]:
    """Full batches under every optimiser, and mini-batches."""
    from small_problems import lasso
    from test_torch_solutions import OPTIMIZERS, trained

    import taut

    solution = lasso().solution
    found = [row("torch", name, trained(make, taut.L1()), solution) for name, make in OPTIMIZERS.items()]
    for name in ("SGD", "momentum", "Adam", "RMSprop", "RMSprop, momentum"):
        w = trained(OPTIMIZERS[name], taut.L1(), steps=3000, batch=32)
        found.append(row("torch", f"{name}, batches of 32", w, solution))
    return found


def optax_rows() -> list[str]:
    """The same in optax, compiled."""
    import jax
    from small_problems import lasso
    from test_optax import INNER, fitted

    solution = lasso().solution
    return [
        row("optax", name, jax.jit(lambda inner=inner: fitted(inner(), 0.1))(), solution)
        for name, inner in INNER.items()
    ]


def keras_rows(backend: str, python: str = sys.executable) -> list[str]:
    """What Keras' own loop finds."""
    seen = sys.path if python == sys.executable else [str(TESTS.parents[1] / "src"), str(TESTS.parents[1])]
    path = os.pathsep.join([str(TESTS), *seen])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path}
    call = [python, str(TESTS / "keras_fits.py")]
    printed = subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout
    lines = []
    for name, (off, zeros) in json.loads(printed.splitlines()[-1]).items():
        optimizer, of = ("Adam, group lasso", "9 groups") if name == "groups" else (name, "45")
        lines.append(f"| keras on {backend} | {optimizer} | {off:.1e} | | {zeros} of {of} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tensorflow", help="a Python that has Keras and TensorFlow")
    elsewhere = parser.parse_args().tensorflow
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    warnings.filterwarnings("ignore", message=".*without momentum")
    head = ["| tool | optimiser | largest distance | support | zeros |", "|---|---|---|---|---|"]
    lines = [
        *head,
        *torch_rows(),
        *optax_rows(),
        *(line for backend in BACKENDS for line in keras_rows(backend)),
        *(keras_rows("tensorflow", elsewhere) if elsewhere else []),
    ]
    text = "\n".join(
        ["# Certified solutions by training loops\n", (__doc__ or "").partition("\n\n")[2], *lines]
    )
    (HERE / "solutions.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
