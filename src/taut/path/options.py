"""The keyword arguments of ``fit_path`` as a type, so that everything that fits paths takes the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypedDict, Unpack

from taut.families import as_loss
from taut.losses import Loss
from taut.path.inputs import check_hidden
from taut.path.spec import PathSpec
from taut.penalties import L1, Penalty, as_layers, as_penalty
from taut.solvers.networks.settings import Training

LayerPenalties: TypeAlias = "str | Penalty | Sequence[str | Penalty | None] | None"
"""One penalty for every layer of a network, or one per layer, by name or as it is; None: not penalised, or as ``penalty``."""


class SpecOptions(TypedDict, total=False):
    """What is fitted at one strength; defaults are those of ``fit_path``."""

    loss: str | Loss
    penalty: str | Penalty | None
    l1_ratio: float
    hidden: Sequence[int]
    skip: bool
    fit_intercept: bool
    penalize_biases: bool
    tol: float
    standardize: bool
    random_state: int | None
    activation: str
    layer_penalties: LayerPenalties
    bias_penalties: LayerPenalties
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
    penalty, ratio = options.get("penalty"), given.pop("l1_ratio", 0.5)
    hidden = check_hidden(options.get("hidden", ()))
    layers = {
        name: as_layers(given.get(name), ratio, hidden) for name in ("layer_penalties", "bias_penalties")
    }
    made = {
        "loss": as_loss(options.get("loss", "squared")),
        "penalty": L1() if penalty is None else as_penalty(penalty, ratio),
        "hidden": hidden,
    }
    return PathSpec(**{**given, **made, **layers, "training": training})  # type: ignore[arg-type]
