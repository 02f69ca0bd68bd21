"""Determinism: the same seed and threads give the same bits; other numbers of threads the same model to 1e-10."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PROGRAM = """
import hashlib, json, sys
import numpy as np
import taut
from taut.tabular.storing import to_archive
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 60))
eta = X[:, :6] @ [3, -2, 1.5, 1, -1, 0.5]
y = eta + rng.normal(size=200)
found = {}
for name, target, options in (
    ("tall lasso", y, {"drop": [f"v{j}" for j in range(20, 60)]}),
    ("wide lasso", y, {}),
    ("ridge", y, {"penalty": "l2"}),
    ("classes", np.where(eta > 0, "yes", "no"), {"lambdas": 15}),
    ("network", y, {"hidden": (8,), "fallback": "never", "lambdas": 4, "max_epochs": 3, "cv": 2}),
):
    table = {f"v{j}": X[:, j] for j in range(60)} | {"y": target}
    fit = taut.fit(table, "y", **{"cv": 2, "lambdas": 30, "tol": 1e-12 if name != "network" else 1e-6, **options})
    digest = hashlib.sha256()
    for key, value in sorted(to_archive(fit).tensors.items()):
        digest.update(np.ascontiguousarray(value if key != "spread.numbers" else value[:2]).tobytes())
    layers = fit.layers.coefs[0] if fit.layers.skip is None else fit.layers.skip
    found[name] = {"bits": digest.hexdigest(), "coefs": layers.ravel().tolist(), "index": fit.index}
many = {f"v{j}": rng.normal(size=40_000) for j in range(6)}
many["y"] = many["v0"] - many["v1"] + rng.normal(size=40_000)
for name, options in (("many rows", {}), ("many rows, robust", {"loss": "huber", "lambdas": 5})):
    fit = taut.fit(many, "y", cv=2, **{"tol": 1e-12, **options})
    bits = hashlib.sha256(fit.path.coefs.tobytes()).hexdigest()
    found[name] = {"bits": bits, "coefs": fit.layers.coefs[0].ravel().tolist(), "index": fit.index}
from threadpoolctl import threadpool_info
found["threads"] = max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
print(json.dumps(found))
"""


@cache
def fits(threads: int, again: int = 0) -> dict[str, Any]:
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "NUMBA_NUM_THREADS",
    )
    environment = os.environ | dict.fromkeys(names, str(threads))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


NAMES = ["tall lasso", "wide lasso", "ridge", "classes", "network", "many rows", "many rows, robust"]


@pytest.mark.slow
def test_the_numbers_of_threads_are_those_asked_for() -> None:
    """As far as there are cores: otherwise the tests below would compare a run with itself."""
    assert [fits(threads)["threads"] for threads in (1, 2)] == [1, min(2, len(os.sched_getaffinity(0)))]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_threads_give_the_same_bits(name: str) -> None:
    assert fits(1)[name]["bits"] == fits(1, again=1)[name]["bits"]


@pytest.mark.sampled("network-2")
@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_other_threads_give_the_same_support_and_numbers(name: str, threads: int) -> None:
    one, other = fits(1)[name], fits(threads)[name]
    first, second = np.array(one["coefs"]), np.array(other["coefs"])
    assert one["index"] == other["index"]
    assert np.array_equal(first != 0, second != 0)
    np.testing.assert_allclose(second, first, rtol=0, atol=1e-10 * max(1.0, np.abs(first).max()))
