"""Equivalents: the same model in scikit-learn's parameters, from the table of conventions in the
documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from taut.losses import Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import Kind, Penalty


class Case(NamedTuple):
    """What an equivalent depends on: λ1·Σ|w| + λ2·Σw² in all, total row weight, and the spread that y was
    divided by."""

    l1: float
    l2: float
    weight: float
    spread: float


def equivalent(
    loss: Loss, penalty: Penalty, lam: float, n_features: int, weight: float, spread: float
) -> str | None:
    """scikit-learn's call with the same solution on standardised X; None where it has none.

    With standardised y the lasso's alpha is λ·sd(y)/2, the ridge's Σs·λ2 and PoissonRegressor's 2λ2; C is
    1/(Σs·λ1) for an L1 and 1/(2Σs·λ2) for an L2 penalty (no ½ and no 1/n are hidden in ours).
    """
    strengths = plain_strengths(penalty, n_features)
    writer = WRITERS.get(type(loss))
    if strengths is None or writer is None:
        return None
    return writer(Case(lam * strengths[0], lam * strengths[1], weight, spread))


def plain_strengths(penalty: Penalty, n_features: int) -> tuple[float, float] | None:
    """(λ1, λ2) of λ = 1 where every coefficient is penalised alike and no box binds."""
    table = penalty.table(n_features)
    if table is None or table.kind != Kind.QUADRATIC:
        return None
    free = bool(np.all(table.lower == -np.inf) and np.all(table.upper == np.inf))
    alike = np.ptp(table.l1) == 0 and np.ptp(table.l2) == 0
    return (float(table.l1[0]), float(table.l2[0])) if free and alike else None


def elsewhere(loss: Loss, case: Case) -> list[tuple[str, str]]:
    """The same model in R glmnet and in PyTorch, on standardised X: pairs of a name and its call."""
    found = []
    if type(loss) in FAMILIES:
        found.append(("R glmnet", _glmnet(loss, case)))
    if type(loss) in TORCH_LOSSES:
        found.append(("PyTorch", _torch(loss, case)))
    return found


def _glmnet(loss: Loss, case: Case) -> str:
    """lambda and alpha: λ1·sd(y)/2 and λ2·sd(y) for the squared loss, λ1 and 2λ2 for the likelihoods."""
    squared = isinstance(loss, SquaredError)
    first, second = (
        (case.l1 * case.spread / 2.0, case.l2 * case.spread) if squared else (case.l1, 2.0 * case.l2)
    )
    total = first + second
    alpha = first / total if total > 0 else 1.0
    return f'glmnet(X, y, family = "{FAMILIES[type(loss)]}", alpha = {_g(alpha)}, lambda = {_g(total)}, thresh = 1e-20)'


def _torch(loss: Loss, case: Case) -> str:
    """The objective, penalised weights ``w`` of one linear layer; a squared loss keeps y in its own units."""
    spread = case.spread if isinstance(loss, SquaredError) else 1.0
    terms = [TORCH_LOSSES[type(loss)]]
    if case.l1:
        terms.append(f"{_g(case.l1 * spread)} * w.abs().sum()")
    if case.l2:
        terms.append(f"{_g(case.l2)} * w.square().sum()")
    return " + ".join(terms)


def _squared(case: Case) -> str | None:
    if case.l1 == case.l2 == 0:
        return "sklearn.linear_model.LinearRegression()"
    if case.l1 == 0:
        return f"sklearn.linear_model.Ridge(alpha={_g(case.weight * case.l2)})"
    l1 = case.l1 * case.spread / 2.0
    if case.l2 == 0:
        return f"sklearn.linear_model.Lasso(alpha={_g(l1)})"
    alpha = l1 + case.l2
    return f"sklearn.linear_model.ElasticNet(alpha={_g(alpha)}, l1_ratio={_g(l1 / alpha)})"


def _logistic(case: Case) -> str | None:
    total = case.l1 + 2.0 * case.l2
    if total == 0:
        return "sklearn.linear_model.LogisticRegression(C=np.inf)"
    strength = f"C={_g(1.0 / (case.weight * total))}"
    if case.l1 == 0:
        return f"sklearn.linear_model.LogisticRegression({strength})"
    ratio = f"l1_ratio={_g(case.l1 / total)}"
    return f"sklearn.linear_model.LogisticRegression({strength}, {ratio}, solver='saga')"


def _poisson(case: Case) -> str | None:
    return None if case.l1 else f"sklearn.linear_model.PoissonRegressor(alpha={_g(2.0 * case.l2)})"


def _g(value: float) -> str:
    return f"{value:.6g}"


WRITERS: dict[type[Loss], Callable[[Case], str | None]] = {
    SquaredError: _squared,
    Logistic: _logistic,
    Multinomial: _logistic,
    Poisson: _poisson,
}

FAMILIES: dict[type[Loss], str] = {
    SquaredError: "gaussian",
    Logistic: "binomial",
    Multinomial: "multinomial",
    Poisson: "poisson",
}

TORCH_LOSSES: dict[type[Loss], str] = {
    SquaredError: "F.mse_loss(X @ w + b, y)",
    Logistic: "F.binary_cross_entropy_with_logits(X @ w + b, y)",
    Multinomial: "F.cross_entropy(X @ w + b, y)",
    Poisson: "F.poisson_nll_loss(X @ w + b, y)",
}
