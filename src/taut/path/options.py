"""From the keywords of a call to the specification of a path: whoever fits paths reads its options here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from taut.families import as_loss
from taut.options import SpecOptions, TrainingOptions, defaults_of
from taut.path.inputs import check_hidden
from taut.path.spec import PathSpec
from taut.penalties import L1, as_layers, as_penalty
from taut.solvers import Training


def make_spec(
    names: Sequence[str] | None = None, sources: Sequence[str] | None = None, **options: Unpack[SpecOptions]
) -> PathSpec:
    """The specification that these options describe; those not given have their defaults.

    ``names`` (p,) of the columns of X, and of the columns of a table that they were made from (``sources``): penalties whose
    factors go by name are bound to them. Raises ValueError or TypeError for an option that is not valid.
    """
    given: dict[str, Any] = {**defaults_of(SpecOptions), **options}
    training = {name: given.pop(name) for name in TrainingOptions.__annotations__}
    ratio, hidden = given.pop("l1_ratio"), check_hidden(given["hidden"])
    penalty = L1() if given["penalty"] is None else as_penalty(given["penalty"], ratio)
    read = {
        "loss": as_loss(given["loss"]),
        "penalty": penalty if names is None else penalty.bind(names, sources),
        "hidden": hidden,
        "training": Training().with_options(**training),
        "layer_penalties": as_layers(given["layer_penalties"], ratio, hidden, names, sources),
        "bias_penalties": as_layers(given["bias_penalties"], ratio, hidden),
    }
    return PathSpec(**given | read)
