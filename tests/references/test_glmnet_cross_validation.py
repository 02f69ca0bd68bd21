"""The cross-validation curve, its standard error and lambda.1se against R's cv.glmnet on the same folds."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

import taut
from tests.agreement import assert_agrees, table
from tests.references.r_glmnet import why_absent

SCRIPT = Path(__file__).with_name("r_cv_glmnet.R")
ALPHA = 0.7
# Uneven folds: 8 to 40 of 120 rows, so that the weights of the folds matter.
FOLDID = np.repeat(np.arange(5), [40, 30, 25, 17, 8])[np.random.default_rng(0).permutation(120)]


def cv_glmnet(X, y, lambdas, weight, family, standardize, alpha):
    """Mean (L,), standard error (L,), lambda.min and lambda.1se."""
    if why_absent():
        pytest.skip(why_absent())
    arrays = {"X": X, "y": y, "lambdas": lambdas, "weights": weight, "foldid": FOLDID + 1}
    with tempfile.TemporaryDirectory() as name:
        for key, values in arrays.items():
            np.savetxt(Path(name) / f"{key}.csv", np.asarray(values, dtype=float), delimiter=",", fmt="%.17g")
        command = ["Rscript", "--vanilla", str(SCRIPT), name, family, str(standardize).upper(), str(alpha)]
        subprocess.run(command, check=True, timeout=300, capture_output=True)
        values = np.loadtxt(Path(name) / "curve.csv", delimiter=",")
    return values[:-1, 0], values[:-1, 1], values[-1, 0], values[-1, 1]


def splits():
    return [(np.flatnonzero(fold != FOLDID), np.flatnonzero(fold == FOLDID)) for fold in range(5)]


def compare(scores, reference, factor: float, to_lam) -> None:
    mean, error, lam_min, lam_1se = reference
    assert_agrees(factor * scores.mean, mean)
    assert_agrees(factor * scores.standard_error, error)
    assert to_lam(scores.lam_min) == pytest.approx(lam_min)
    assert to_lam(scores.lam_1se) == pytest.approx(lam_1se)


@pytest.mark.slow
def test_gaussian_lasso():
    # glmnet's lambda is λ1/2 on data as given; its ridge part would depend on each fold's own sd(y).
    data, lambdas = table(), np.geomspace(2.0, 2e-3, 30)
    reference = cv_glmnet(data.X, data.y, lambdas, data.weight, "gaussian", standardize=False, alpha=1.0)
    fitted = taut.cross_validate(
        data.X,
        data.y,
        cv=splits(),
        lambdas=2 * lambdas,
        standardize=False,
        tol=1e-12,
        sample_weight=data.weight,
    )
    compare(fitted.scores, reference, 1.0, lambda lam: lam / 2)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("standardize", [False, True])
def test_logistic_elastic_net(standardize):
    # lambda·alpha = λ1 and lambda·(1 − alpha)/2 = λ2; each fold standardises by its own rows on both sides.
    # glmnet's deviance is twice the log loss.
    data = table()
    X = data.X * np.geomspace(0.5, 3.0, data.X.shape[1])
    lambdas = np.geomspace(0.3, 1e-3, 25)
    reference = cv_glmnet(X, data.binary, lambdas, data.weight, "binomial", standardize, ALPHA)
    fitted = taut.cross_validate(
        X,
        data.binary,
        loss="logistic",
        penalty=taut.ElasticNet(1.0, ALPHA, (1 - ALPHA) / 2),
        cv=splits(),
        lambdas=lambdas,
        standardize=standardize,
        tol=1e-12,
        sample_weight=data.weight,
    )
    compare(fitted.scores, reference, 2.0, lambda lam: lam)
