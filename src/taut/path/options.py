"""The keyword arguments of ``fit_path`` as a type, so that everything that fits paths takes the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from taut.losses import Loss, as_loss
from taut.objective import PerLayer
from taut.path.spec import PathSpec
from taut.penalties import L1, Penalty
from taut.solvers.training import Training


class SpecOptions(TypedDict, total=False):
    """What is fitted at one strength; defaults are those of ``fit_path``."""

    loss: str | Loss
    penalty: Penalty | None
    hidden: Sequence[int]
    skip: bool
    fit_intercept: bool
    penalize_biases: bool
    tol: float
    standardize: bool
    random_state: int | None
    activation: str
    layer_penalties: PerLayer
    bias_penalties: PerLayer
    max_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    restarts: int | None
    finish_iterations: int | None
    solver: str | None


_TRAINING = ("max_epochs", "batch_size", "learning_rate", "restarts", "finish_iterations")


def make_spec(**options: Unpack[SpecOptions]) -> PathSpec:
    """The specification that these arguments of ``fit_path`` describe."""
    given = dict(options)
    training = Training().with_options(**{name: given.pop(name, None) for name in _TRAINING})  # type: ignore[arg-type]
    penalty = given.pop("penalty", None)
    return PathSpec(
        loss=as_loss(options.get("loss", "squared")),
        penalty=L1() if penalty is None else penalty,  # type: ignore[arg-type]
        hidden=tuple(options.get("hidden", ())),
        training=training,
        **{name: value for name, value in given.items() if name not in ("loss", "hidden")},  # type: ignore[arg-type]
    )
