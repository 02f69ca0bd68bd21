"""Equivalents: the same model in scikit-learn's parameters, from the table of conventions in the
documentation."""

from __future__ import annotations

import numpy as np

from taut.families import Translation, family_of, parameters
from taut.losses import Loss
from taut.penalties import Penalty


def equivalent(
    loss: Loss,
    penalty: Penalty,
    lam: float,
    n_features: int,
    weight: float,
    spread: float,
    log_target: bool = False,
) -> str | None:
    """scikit-learn's call with the same solution on standardised X; None where it has none.

    ``log_target``: the loss is that of log y.

    With standardised y the lasso's alpha is λ·sd(y)/2, the ridge's Σs·λ2 and those of Poisson-, Gamma- and TweedieRegressor
    2λ2; C is 1/(Σs·λ1) for an L1 and 1/(2Σs·λ2) for an L2 penalty (no ½ and no 1/n are hidden in ours).
    """
    strengths = plain_strengths(penalty, n_features)
    writer = family_of(loss).scikit_learn
    if strengths is None or writer is None:
        return None
    call = writer(Translation(lam * strengths[0], lam * strengths[1], weight, spread, parameters(loss)))
    if call is None or not log_target:
        return call
    return f"sklearn.compose.TransformedTargetRegressor({call}, func=np.log, inverse_func=np.exp)"


def plain_strengths(penalty: Penalty, n_features: int) -> tuple[float, float] | None:
    """(λ1, λ2) of λ = 1 where every coefficient is penalised alike and no box binds."""
    table = penalty.table(n_features)
    if table is None or not table.convex:
        return None
    free = bool(np.all(table.lower == -np.inf) and np.all(table.upper == np.inf))
    alike = np.ptp(table.l1) == 0 and np.ptp(table.l2) == 0
    return (float(table.l1[0]), float(table.l2[0])) if free and alike else None


def elsewhere(loss: Loss, case: Translation) -> list[tuple[str, str]]:
    """The same model in R glmnet and in PyTorch, on standardised X: pairs of a name and its call."""
    family, found = family_of(loss), []
    if family.glmnet is not None:
        found.append(("R glmnet", _glmnet(family.glmnet, loss, case)))
    if family.torch is not None:
        found.append(("PyTorch", _torch(family.torch, loss, case)))
    return found


def _glmnet(family: str, loss: Loss, case: Translation) -> str:
    """lambda and alpha: λ1·sd(y)/2 and λ2·sd(y) for the squared loss, λ1 and 2λ2 for the likelihoods."""
    squared = loss.traits.in_units_of_y
    first, second = (
        (case.l1 * case.spread / 2.0, case.l2 * case.spread) if squared else (case.l1, 2.0 * case.l2)
    )
    total = first + second
    alpha = first / total if total > 0 else 1.0
    known = f'"{family}"' if family.isidentifier() else family
    return f"glmnet(X, y, family = {known}, alpha = {_g(alpha)}, lambda = {_g(total)}, thresh = 1e-20)"


def _torch(term: str, loss: Loss, case: Translation) -> str:
    """The objective, penalised weights ``w`` of one linear layer; a squared loss keeps y in its own units."""
    spread = case.spread if loss.traits.in_units_of_y else 1.0
    terms = [term]
    if case.l1:
        terms.append(f"{_g(case.l1 * spread)} * w.abs().sum()")
    if case.l2:
        terms.append(f"{_g(case.l2)} * w.square().sum()")
    return " + ".join(terms)


def _g(value: float) -> str:
    return f"{value:.6g}"
