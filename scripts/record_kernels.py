"""Write which kernels first fits compile, for the helper process of ``taut.solvers._kernels.compilation``.

``python -m scripts.record_kernels`` runs a fit of every kind in a process of its own with an empty cache (some minutes), and
writes ``signatures.json``: by the first kernel of a fit all that it compiles, innermost first, but for those that call
others and are called by none: the process that fits begins with these, and finds within them what the helper has compiled. Run
it after a kernel has got other arguments; a list that is old costs time alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src/taut/solvers/_kernels/signatures.json"
DATA = """
import numpy as np, scipy.sparse, taut
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 20)); wide = rng.standard_normal((100, 500)); tall = rng.standard_normal((3000, 60))
def numbers(X): return X[:, 0] + rng.standard_normal(len(X))
def classes(X): return (numbers(X) > 0) * 1.0
def counts(X): return rng.poisson(np.exp(0.3 * X[:, 0])).astype(float)
few = scipy.sparse.random(300, 500, 0.05, format="csr", random_state=0)
"""
# No wide lasso: there both processes end up compiling the same.
FITS = (
    "taut.cross_validate(X, numbers(X), cv=5)",
    "taut.cross_validate(X, classes(X), loss='logistic', cv=5)",
    "taut.cross_validate(wide, classes(wide), loss='logistic', cv=5)",
    "taut.cross_validate(tall, classes(tall), loss='logistic', cv=5)",
    "taut.cross_validate(tall, counts(tall), loss='poisson', cv=5)",
    "taut.cross_validate(X, np.arange(200) % 3, loss='multinomial', cv=5)",
    "taut.cross_validate(tall, np.arange(3000) % 3, loss='multinomial', cv=5)",
    "taut.cross_validate(few, numbers(few.toarray()), cv=5)",
    "taut.cross_validate(few, classes(few.toarray()), loss='logistic', cv=5)",
    "taut.fit_path(X, numbers(X), penalty=taut.GroupLasso(groups=list(np.repeat(range(5), 4))))",
    "taut.fit_path(X, numbers(X), hidden=(8,), max_epochs=3)",
    "taut.fit_path(X, np.arange(200) % 3, loss='multinomial', hidden=(8,), max_epochs=3)",
)
LISTENER = """
import json
from numba.core import event, types
from taut.solvers._kernels.compilation import PACKAGE, kernel_of
heard, depth, root, inner = [], 0, [], 0
def spelled(kind):
    if isinstance(kind, types.Array):
        order = {"C": [":"] * (kind.ndim - 1) + ["::1"], "F": ["::1"] + [":"] * (kind.ndim - 1)}
        if kind.layout not in order or not kind.mutable: raise ValueError(kind)
        return f"{spelled(kind.dtype)}[{', '.join(order[kind.layout] if kind.ndim > 1 else ['::1'])}]"
    if isinstance(kind, types.UniTuple): return f"UniTuple({spelled(kind.dtype)}, {kind.count})"
    if isinstance(kind, types.Tuple): return f"Tuple(({', '.join(map(spelled, kind.types))},))"
    if isinstance(kind, types.Boolean): return "boolean"
    if isinstance(kind, types.Number) and not isinstance(kind, types.Literal): return str(kind)
    raise ValueError(kind)
class Listener(event.Listener):
    def on_start(self, happened):
        global depth, inner
        if depth == 0:
            root.append((len(heard), kernel_of(happened)))
            inner = 0
        inner += kernel_of(happened) is not None
        depth += 1
    def on_end(self, happened):
        global depth
        depth -= 1
        kernel = kernel_of(happened)
        if depth == 0 and inner > 1: return
        try: heard.append([kernel, f"({', '.join(map(spelled, happened.data['args']))},)"])
        except ValueError: return
        if kernel is None: heard.pop()
event.register("numba:compile", Listener())
"""


def compiled(fit: str) -> tuple[str, list[list[str]]]:
    """The first kernel of a first fit, and all that it compiled, in the order in which that ended."""
    code = f"{LISTENER}\n{DATA}\n{fit}\nprint(json.dumps([root, heard]))"
    with tempfile.TemporaryDirectory() as folder:
        own = {"NUMBA_CACHE_DIR": folder, "TAUT_COMPILE_HELPER": "0", "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=os.environ | own,
            capture_output=True,
            check=True,
            text=True,
        )
    roots, heard = json.loads(done.stdout.splitlines()[-1])
    # The linear model that a network is compared with comes first, and has a list of its own.
    start, root = (
        roots[0] if "hidden=" not in fit else next(one for one in roots if one[1].startswith("network."))
    )
    return root, heard[start:]


def main() -> None:
    """Record every fit, and write what was heard."""
    lists: dict[str, list[Any]] = {}
    for fit in FITS:
        root, heard = compiled(fit)
        own = lists.setdefault(root, [])
        # The helper begins at the end: what only a rarer fit needs stands before that.
        own[:0] = [one for one in heard if one not in own]
        print(f"{fit}: {len(heard)} kernels from {root}", flush=True)
    lines = [
        f" {json.dumps(root)}: [\n" + ",\n".join(f"  {json.dumps(one)}" for one in own) + "\n ]"
        for root, own in lists.items()
    ]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
