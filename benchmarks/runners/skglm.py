"""skglm: ``AndersonCD.path`` for both losses, or ``ProxNewton`` along the grid for the logistic one."""

from __future__ import annotations

import warnings

import numpy as np
import skglm
from skglm.datafits import Logistic, LogisticGroup, Poisson, Quadratic, QuadraticGroup
from skglm.penalties import L1, L1_plus_L2, WeightedGroupL2
from skglm.solvers import AndersonCD, GroupBCD, GroupProxNewton, ProxNewton
from skglm.utils.data import grp_converter
from skglm.utils.jit_compilation import compiled_clone

from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Setting, fold_loop, main, path_task


def _newton(problem: Problem, tol: float, y: Array) -> Array:
    datafit = Poisson() if problem.loss == "poisson" else Logistic()
    solver, penalty = ProxNewton(tol=tol, fit_intercept=False, max_iter=50), L1(1.0)
    coefs, w, eta = [], np.zeros(problem.X.shape[1]), np.zeros(len(y))
    for alpha in problem.alphas:
        penalty.alpha = alpha
        w = solver.solve(problem.X, y, datafit, penalty, w.copy(), eta)[0]
        eta = problem.X @ w
        coefs.append(w)
    return np.array(coefs)


def _descent(problem: Problem, tol: float, y: Array) -> Array:
    penalty = L1(1.0) if problem.l1_ratio == 1 else L1_plus_L2(1.0, problem.l1_ratio)
    datafit = Logistic() if problem.loss == "logistic" else Quadratic()
    solver = AndersonCD(tol=tol, fit_intercept=False)
    return solver.path(problem.X, y, datafit, penalty, alphas=problem.alphas)[1].T


def _groups(problem: Problem, tol: float, y: Array) -> Array:
    """Along the grid; its penalty and data fit are compiled for these groups."""
    p = problem.X.shape[1]
    indices, starts = grp_converter(problem.group, p)
    weights = np.full(p // problem.group, np.sqrt(problem.group))
    logistic = problem.loss == "logistic"
    datafit = compiled_clone((LogisticGroup if logistic else QuadraticGroup)(starts, indices))
    penalty = compiled_clone(WeightedGroupL2(1.0, weights, starts, indices))
    solver = (GroupProxNewton if logistic else GroupBCD)(tol=tol, fit_intercept=False)
    coefs, w, eta = [], np.zeros(p), np.zeros(len(y))
    for alpha in problem.alphas:
        penalty.alpha = alpha
        w = solver.solve(problem.X, y, datafit, penalty, w.copy(), eta)[0]
        eta = problem.X @ w
        coefs.append(w)
    return np.array(coefs)


def _path(problem: Problem, setting: Setting) -> Array:
    y = 2 * problem.y - 1 if problem.loss == "logistic" else problem.y
    if problem.group > 1:
        return _groups(problem, setting["tol"], y)
    return (_newton if setting["method"] == "newton" else _descent)(problem, setting["tol"], y)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"path": path_task(_path), "cv": fold_loop(_path)}, skglm.__version__)
