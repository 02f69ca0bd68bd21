"""Families: one record per loss, which says everywhere what it is called, how it is judged and what other tools call it.

Command line, estimators, tables, reports, information criteria and model files read the records and know no loss by its class.
A package of one's own adds a loss by ``register``; where other processes are to know it (``taut fit --loss``, ``taut.load``)
its metadata name the record in the group of entry points ``taut.families``, from which it is read when its name is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy

from taut.losses import Gamma, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, Tweedie
from taut.messages import suggestion, written
from taut.types import Float

GROUP = "taut.families"
"""The entry points of installed packages: each has the name of a loss and leads to its ``Family``."""


class Translation(NamedTuple):
    """What the same model elsewhere depends on: λ1·Σ|w| + λ2·Σw² in all on standardised X, the total row weight Σs, the
    spread that y was divided by, and the numbers that the loss was made with."""

    l1: float
    l2: float
    weight: float
    spread: float
    parameters: tuple[float, ...] = ()


Likelihood = Callable[[float, Float, Float, float], float]
"""−2 log likelihood from the mean loss, y, row weights that sum to one, and the number of rows that they stand for."""


@dataclass(frozen=True)
class Family:
    """A loss class and what is said of it; ``{target}`` in a text stands for the target's name.

    ``name``: what users write, ``loss="…"``; the class is made without arguments.  ``label``: the loss in words.
    ``metric``: the mean loss in words, its root where ``root``; ``mean_label``: the same with units, for an axis.
    ``deviance``: rows that were held out are judged by 2(ℓ − ℓ(saturated)), 0 for a perfect fit, and not by ℓ.
    ``unit``: the unit of η and of standardised coefficients; ``{class}`` in it stands for the class whose η it is.
    ``likelihood``: for AIC, BIC and EBIC; None where the loss has none.
    ``scikit_learn``: the call with the same solution, None where there is none; ``glmnet``: R's family; ``torch``: the data
    loss of a linear layer in PyTorch. None where none is known.
    """

    name: str
    loss: type[Loss]
    label: str
    metric: str = "loss"
    mean_label: str = "Mean loss"
    unit: str = "linear predictor"
    root: bool = False
    deviance: bool = False
    likelihood: Likelihood | None = None
    scikit_learn: Callable[[Translation], str | None] | None = None
    glmnet: str | None = None
    torch: str | None = None

    @property
    def judged_by(self) -> str:
        """What the mean over held-out rows is called, without its units."""
        return "Mean deviance" if self.deviance else self.mean_label.partition(" (")[0]

    def make(self, *parameters: float) -> Loss:
        """The loss with these parameters, in the order of its fields; those that are not given have their defaults."""
        return self.loss(*parameters)

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"the name of a family must be a word such as 'gamma', got {written(self.name)}")


def parameters(loss: Loss) -> tuple[float, ...]:
    """The numbers that a loss was made with, in the order of its fields: Huber's δ, none for most."""
    return tuple(float(getattr(loss, field.name)) for field in fields(loss))


def family_of(loss: Loss) -> Family:
    """The record of a loss; of one that has none, a record that knows its class and nothing else."""
    found = next((family for family in FAMILIES.values() if family.loss is type(loss)), None)
    return found or Family(type(loss).__name__, type(loss), type(loss).__name__)


def is_registered(loss: Loss) -> bool:
    """Whether the loss has a record of its own."""
    return any(family.loss is type(loss) for family in FAMILIES.values())


def register(family: Family) -> Family:
    """Make a loss known by ``family.name`` in this process; returns the record.

    Raises ValueError where the name or the class has another record. To be known in every process, also to ``taut fit`` and
    ``taut.load``, a package names the record in its ``pyproject.toml``, under the name of the loss:
    ``[project.entry-points."taut.families"]``, ``gamma = "my_package:GAMMA"``. It is imported when somebody asks for that name.
    """
    for known in FAMILIES.values():
        if known != family and (known.name == family.name or known.loss is family.loss):
            raise ValueError(f"{known.loss.__name__} is the loss {known.name!r} already: choose another name")
    FAMILIES[family.name] = family
    return family


def unregister(name: str) -> None:
    """Forget the record of that name; KeyError where there is none."""
    del FAMILIES[name]


def names() -> tuple[str, ...]:
    """The names of all losses, those of installed packages among them."""
    from importlib.metadata import (
        entry_points,  # it reads like e-mail what is installed: for this question alone
    )

    return tuple(dict.fromkeys([*FAMILIES, *(point.name for point in entry_points(group=GROUP))]))


def family_named(name: str) -> Family:
    """The record of that name, also from an installed package; ValueError with the names there are for an unknown one."""
    if name not in FAMILIES:
        _installed(name)
    if name not in FAMILIES:
        raise ValueError(
            f"there is no loss {name!r}{suggestion(name, FAMILIES)}; the losses are {', '.join(FAMILIES)}"
        )
    return FAMILIES[name]


def as_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the loss itself.

    Raises ValueError for an unknown name and TypeError for anything else.
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"a loss is one of {', '.join(FAMILIES)} or a taut.Loss, not {written(loss)}")
    return family_named(loss).make()


def _installed(name: str) -> None:
    """Register the record that an installed package declares under that very name, where one does; no other code is run."""
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name) if name.isidentifier() else ():
        family = point.load()
        if not (isinstance(family, Family) and family.name == name):
            raise TypeError(
                f"the entry point {point.value!r} of {GROUP} is no taut.families.Family named {name!r}"
            )
        register(family)


def _gaussian(mean: float, y: Float, weight: Float, total: float) -> float:
    values = total * (y.shape[1] if y.ndim == 2 else 1)
    floor = np.finfo(float).eps * float(np.mean(weight @ np.square(y)))
    return float(values * (np.log(2.0 * np.pi * max(mean, floor, np.finfo(float).tiny)) + 1.0))


def _cross_entropy(mean: float, y: Float, weight: Float, total: float) -> float:
    return 2.0 * total * mean


def _poisson_likelihood(mean: float, y: Float, weight: Float, total: float) -> float:
    return 2.0 * total * (mean + float(weight @ scipy.special.gammaln(y + 1.0)))


def _gamma_likelihood(mean: float, y: Float, weight: Float, total: float) -> float:
    """With the dispersion deviance/n, as R's ``Gamma()$aic`` has it; the shape k is its inverse."""
    logs = float(weight @ np.log(y))
    k = 1.0 / max(2.0 * (mean - 1.0 - logs), np.finfo(float).tiny)
    return float(-2.0 * total * (k * np.log(k) - scipy.special.gammaln(k) + (k - 1.0) * logs - k * mean))


def _least_squares_call(case: Translation) -> str | None:
    if case.l1 == case.l2 == 0:
        return "sklearn.linear_model.LinearRegression()"
    if case.l1 == 0:
        return f"sklearn.linear_model.Ridge(alpha={_g(case.weight * case.l2)})"
    l1 = case.l1 * case.spread / 2.0
    if case.l2 == 0:
        return f"sklearn.linear_model.Lasso(alpha={_g(l1)})"
    alpha = l1 + case.l2
    return f"sklearn.linear_model.ElasticNet(alpha={_g(alpha)}, l1_ratio={_g(l1 / alpha)})"


def _logistic_call(case: Translation) -> str | None:
    total = case.l1 + 2.0 * case.l2
    if total == 0:
        return "sklearn.linear_model.LogisticRegression(C=np.inf)"
    strength = f"C={_g(1.0 / (case.weight * total))}"
    if case.l1 == 0:
        return f"sklearn.linear_model.LogisticRegression({strength})"
    ratio = f"l1_ratio={_g(case.l1 / total)}"
    return f"sklearn.linear_model.LogisticRegression({strength}, {ratio}, solver='saga')"


def _deviance_call(regressor: str, case: Translation, more: str = "") -> str | None:
    """Of scikit-learn's generalised linear models, which have an L2 penalty alone, on half the mean deviance."""
    return None if case.l1 else f"sklearn.linear_model.{regressor}(alpha={_g(2.0 * case.l2)}{more})"


def _tweedie_call(case: Translation) -> str | None:
    return _deviance_call("TweedieRegressor", case, f", power={_g(case.parameters[0])}, link='log'")


def _g(value: float) -> str:
    return f"{value:.6g}"


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "squared", SquaredError, "squared error", "RMSE", "Mean squared error ({target}²)", "sd of {target}",
            root=True, likelihood=_gaussian, scikit_learn=_least_squares_call, glmnet="gaussian",
            torch="F.mse_loss(X @ w + b, y)",
        ),
        Family(
            "logistic", Logistic, "binary cross-entropy", "log loss", "Mean log loss (nats)", "log odds of {class}",
            likelihood=_cross_entropy, scikit_learn=_logistic_call, glmnet="binomial",
            torch="F.binary_cross_entropy_with_logits(X @ w + b, y)",
        ),
        Family(
            "multinomial", Multinomial, "categorical cross-entropy", "log loss", "Mean log loss (nats)",
            "log P of the class",
            likelihood=_cross_entropy, scikit_learn=_logistic_call, glmnet="multinomial",
            torch="F.cross_entropy(X @ w + b, y)",
        ),
        Family(
            "poisson", Poisson, "Poisson loss", "deviance", "Mean loss", "log rate of {target}",
            deviance=True, likelihood=_poisson_likelihood, glmnet="poisson",
            scikit_learn=partial(_deviance_call, "PoissonRegressor"),
            torch="F.poisson_nll_loss(X @ w + b, y)",
        ),
        Family(
            "gamma", Gamma, "gamma loss", "deviance", "Mean loss", "log mean of {target}",
            deviance=True, likelihood=_gamma_likelihood, glmnet='Gamma(link = "log")',
            scikit_learn=partial(_deviance_call, "GammaRegressor"),
            torch="(y * torch.exp(-X @ w - b) + X @ w + b).mean()",
        ),
        Family(
            "tweedie", Tweedie, "Tweedie loss", "deviance", "Mean loss", "log mean of {target}",
            deviance=True, scikit_learn=_tweedie_call,
        ),
        Family(
            "huber", Huber, "Huber loss", "Huber loss", "Mean Huber loss ({target}²)", "sd of {target}",
        ),
    )
}  # fmt: skip
"""All records by name; ``register`` adds to them."""
