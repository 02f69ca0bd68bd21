"""The tools: where each one runs, what methods it offers for a problem, which tolerances to try."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.problem import Problem

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / ".envs"


def family(problem: Problem) -> str:
    """``ridge`` and ``loo`` apart from ``squared``; the likelihoods by name, groups in front."""
    if problem.task == "loo":
        return "loo"
    if problem.group > 1:
        return f"group {problem.loss}"
    return "ridge" if problem.l1_ratio == 0 else problem.loss


def _tall(problem: Problem) -> bool:
    return problem.X.shape[0] > problem.X.shape[1] and not problem.is_sparse


@dataclass(frozen=True)
class Tool:
    """A runner module (or R script), its environment, methods by problem, and its ladder of tolerances.

    ``methods`` returns nothing where the tool does not solve the problem. ``ladder`` holds the decades k
    of tol = 10^−k, loosest first; a tool that is given the gap to reach as its tolerance has none.
    """

    name: str
    runner: str
    environment: str
    methods: Callable[[Problem], tuple[str, ...]]
    ladder: tuple[int, ...] = ()


def _taut(problem: Problem) -> tuple[str, ...]:
    """taut chooses its engine by itself."""
    return ("auto",)


def _scikit_learn(problem: Problem) -> tuple[str, ...]:
    squared = ("gram", "residual") if _tall(problem) else ("residual",)
    table = {"squared": squared, "ridge": ("cholesky",), "loo": ("svd",), "logistic": ("liblinear",)}
    return table.get(family(problem), ("saga",) if problem.loss == "multinomial" else ())


def _celer(problem: Problem) -> tuple[str, ...]:
    table = {"squared": ("descent",), "logistic": ("descent", "newton"), "group squared": ("descent",)}
    return table.get(family(problem), ())


def _skglm(problem: Problem) -> tuple[str, ...]:
    own = {"poisson": ("newton",), "group squared": ("descent",), "group logistic": ("newton",)}
    return own.get(family(problem), ()) or _celer(problem)


def _adelie(problem: Problem) -> tuple[str, ...]:
    squared = ("covariance", "naive") if _tall(problem) else ("naive",)
    likelihoods = dict.fromkeys(("logistic", "poisson", "group logistic"), ("naive",))
    return {"squared": squared, "ridge": squared, "group squared": squared, **likelihoods}.get(
        family(problem), ()
    )


def _glum(problem: Problem) -> tuple[str, ...]:
    """glum keeps a dense p × p Hessian."""
    narrow = problem.X.shape[1] <= 1000 and problem.task == "path"
    return ("irls-cd",) if narrow and family(problem) in ("squared", "logistic") else ()


def _glmnet(problem: Problem) -> tuple[str, ...]:
    squared = ("covariance", "naive")
    table = {
        "squared": squared,
        "ridge": squared,
        "logistic": ("newton", "modified"),
        "multinomial": ("newton",),
        "poisson": ("newton",),
    }
    return table.get(family(problem), ())


TAUT = Tool("taut", "taut", "taut", _taut)
PEERS = (
    Tool("adelie", "adelie", "adelie", _adelie, tuple(range(4, 17))),
    Tool("glmnet", "glmnet.R", "r", _glmnet, (*range(4, 19), 20)),
    Tool("scikit-learn", "scikit_learn", "scikit-learn", _scikit_learn, tuple(range(3, 12))),
    Tool("celer", "celer", "peers", _celer, tuple(range(3, 12))),
    Tool("skglm", "skglm", "peers", _skglm, tuple(range(5, 12))),
    Tool("glum", "glum", "peers", _glum, tuple(range(4, 12))),
)
TOOLS = (TAUT, *PEERS)


def default_environments() -> dict[str, str]:
    """Interpreters: this Python for taut and scikit-learn, ``.envs`` for the peers, Rscript on the path."""
    peers = {name: str(ENVIRONMENTS / name / "bin/python") for name in ("adelie", "peers")}
    return {
        "taut": sys.executable,
        "scikit-learn": sys.executable,
        "r": shutil.which("Rscript") or "Rscript",
    } | peers
