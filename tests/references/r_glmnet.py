"""R's glmnet as a function of arrays: Rscript runs ``r_glmnet.R`` on CSV files in a temporary folder."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

SCRIPT = Path(__file__).with_name("r_glmnet.R")
Float = NDArray[np.float64]


class RFit(NamedTuple):
    """Coefficients (L, p) and intercepts (L,), or (L, p, k) and (L, k) for k classes, one per lambda."""

    coefs: Float
    intercepts: Float


@functools.cache
def why_absent() -> str:
    """Why glmnet cannot be called, or an empty string."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    probe = subprocess.run(["Rscript", "-e", "library(glmnet)"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "the R package glmnet is not installed (r-cran-glmnet)"


def glmnet(
    X: Float,
    y: ArrayLike,
    lambdas: Sequence[float] | Float,
    family: str = "gaussian",
    *,
    alpha: float = 1.0,
    intercept: bool = True,
    standardize: bool = False,
    **vectors: ArrayLike,
) -> RFit:
    """Fit at explicit, descending ``lambdas`` with thresh = 1e-20; skips the test where glmnet is absent.

    ``vectors`` may hold weights, offset, penalty_factor and lower; a ``family`` with brackets, such as
    ``"gaussian()"``, is the object.
    """
    if why_absent():
        pytest.skip(why_absent())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, values in {"X": X, "y": y, "lambdas": lambdas, **vectors}.items():
            np.savetxt(folder / f"{key}.csv", np.asarray(values, dtype=float), delimiter=",", fmt="%.17g")
        options = {"family": family, "alpha": alpha, "intercept": intercept, "standardize": standardize}
        (folder / "options.csv").write_text("".join(f"{key},{value}\n" for key, value in options.items()))
        subprocess.run(["Rscript", "--vanilla", str(SCRIPT), str(folder)], check=True, timeout=300)
        blocks = [
            np.loadtxt(file, delimiter=",", ndmin=2) for file in sorted(folder.glob("coefficients.*.csv"))
        ]
    stacked = blocks[0] if len(blocks) == 1 else np.stack(blocks, axis=-1)
    return RFit(coefs=stacked[:, 1:], intercepts=stacked[:, 0])


def relaxed_glmnet(X: Float, y: ArrayLike, lambdas: Float, gamma: float) -> RFit:
    """glmnet's relaxed gaussian lasso at explicit ``lambdas``, blended by ``gamma``."""
    return glmnet(X, y, lambdas, relax_gamma=[gamma])


class RProblem(NamedTuple):
    """One fit of a batch: glmnet's arguments; ``lambdas`` descending, ``lower`` and ``upper`` may be infinite."""

    X: Float
    y: Float
    lambdas: Float
    family: str
    alpha: float
    weights: Float
    factors: Float
    lower: Float
    upper: Float
    intercept: bool
    standardize: bool
    sparse: bool


def glmnet_batch(problems: Sequence[RProblem]) -> list[RFit | None]:
    """Every problem in one R process, with thresh = 1e-20; None where glmnet does not get there.

    Skips the test where glmnet is absent.
    """
    if why_absent():
        pytest.skip(why_absent())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = ["number,n,p,count,family,alpha,intercept,standardize,sparse"]
        for number, problem in enumerate(problems):
            n, p = problem.X.shape
            for key in ("X", "y", "lambdas", "weights", "factors", "lower", "upper"):
                values = np.asarray(getattr(problem, key), dtype=np.float64)
                (folder / f"{number}.{key}").write_bytes(values.tobytes(order="F"))
            row = (number, n, p, len(problem.lambdas), problem.family, repr(float(problem.alpha)))
            lines.append(",".join(map(str, (*row, problem.intercept, problem.standardize, problem.sparse))))
        (folder / "problems.csv").write_text("\n".join(lines) + "\n")
        script = SCRIPT.with_name("r_glmnet_batch.R")
        subprocess.run(["Rscript", "--vanilla", str(script), str(folder)], check=True, timeout=600)
        return [_read(folder / f"{number}.out", problem) for number, problem in enumerate(problems)]


def _read(file: Path, problem: RProblem) -> RFit | None:
    if not file.exists():
        return None
    values = np.fromfile(file)
    blocks = values.reshape(-1, len(problem.lambdas), problem.X.shape[1] + 1)
    stacked = blocks[0] if len(blocks) == 1 else np.moveaxis(blocks, 0, -1)
    return RFit(coefs=stacked[:, 1:], intercepts=stacked[:, 0])
