"""Terms: the penalised parameters of a model, each with its penalty and with its axes as penalties read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from taut.penalties import Penalty

INPUTS_FIRST = (
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Embedding, nn.EmbeddingBag,
)  # fmt: skip
"""Modules whose weights have inputs along the first axis; in all others outputs come first."""


@final
class Owned(NamedTuple):
    """A parameter, all names that it goes by, and the module that holds it."""

    names: list[str]
    parameter: nn.Parameter
    module: nn.Module


Uniform: TypeAlias = "tuple[float, float, float, float]"
"""l1, l2, knee and flat of a separable penalty that is the same for every weight."""


@final
@dataclass(frozen=True, eq=False)
class PenalizedParameter:
    """One penalised parameter; penalties see inputs along the first axis of a weight and neurons along the second."""

    name: str
    parameter: nn.Parameter
    penalty: Penalty
    swapped: bool
    strengths: dict[float, tuple[Penalty, Uniform | None]] = field(default_factory=dict)

    def at(self, lam: float) -> Penalty:
        """The penalty at λ."""
        return self.lowered(lam)[0]

    def lowered(self, lam: float) -> tuple[Penalty, Uniform | None]:
        """The penalty at λ and what it is to every weight; the last are kept, because a step asks thousands of times."""
        if lam not in self.strengths:
            penalty = self.penalty.at(lam)
            self.strengths.clear()
            self.strengths[lam] = penalty, uniform(penalty)
        return self.strengths[lam]

    def seen(self, x: Any) -> Any:
        """``x``, shaped as the parameter, as the penalty reads it, and back again."""
        return x.transpose(0, 1) if self.swapped else x

    @property
    def group_axis(self) -> int | None:
        """The axis of the parameter along which whole slices enter and leave; None where groups are no slices, or none."""
        if self.parameter.ndim < 2:
            return None
        axis = self.penalty.slice_axis
        return axis if axis is None or not self.swapped else 1 - axis

    def value(self, lam: float) -> Tensor:
        """λΩ of the parameter, for automatic differentiation too."""
        value: Tensor = torch.as_tensor(self.at(lam).value(self.seen(self.parameter)))
        return value


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside ``torch.compile``, DataParallel and DistributedDataParallel."""
    while True:
        if isinstance(model, DataParallel | DistributedDataParallel):
            model = model.module
        elif type(model).__name__ == "OptimizedModule":
            model = model._modules["_orig_mod"]
        else:
            return model


def owned(model: nn.Module) -> list[Owned]:
    """Every parameter once, under plain names: without what compilation and parametrizations put between."""
    found: dict[int, Owned] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        for key, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            one = found.setdefault(id(parameter), Owned([], parameter, module))
            one.names.extend(_plain(f"{path}.{key}" if path else key))
    return list(found.values())


def _plain(name: str) -> Iterator[str]:
    """The name as a user writes it; the original behind a parametrization goes by the name of its tensor."""
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    if len(parts) > 2 and parts[-3] == "parametrizations" and parts[-1] == "original":
        parts = [*parts[:-3], parts[-2]]
    yield ".".join(parts)


def term(one: Owned, penalty: Penalty) -> PenalizedParameter:
    """The term of a parameter; raises ValueError where a zero of it would be no zero of what the model computes with."""
    name, parameter, module = one.names[0], one.parameter, one.module
    if type(parameter).__name__ == "DTensor" or "FullyShardedDataParallel" in type(module).__name__:
        raise ValueError(
            f"{name} is sharded (FSDP): its groups and zeros are spread over processes; use DistributedDataParallel"
        )
    if not parameter.is_floating_point():
        raise ValueError(
            f"{name} is of {parameter.dtype}: only real floating parameters can be penalised, give it the rule None"
        )
    _check_parametrization(one)
    inputs_first = isinstance(module, INPUTS_FIRST)
    sliced = penalty.slice_axis in (None, 1 if inputs_first else 0) and not penalty.traits.separable
    if getattr(module, "groups", 1) > 1 and sliced:
        kind = type(penalty).__name__
        raise ValueError(
            f"{name} belongs to a grouped convolution, where {kind} has no slices: use L1, or the other of the two"
        )
    return PenalizedParameter(name, parameter, penalty, swapped=parameter.ndim >= 2 and not inputs_first)


def _check_parametrization(one: Owned) -> None:
    """Refuse originals whose zeros are not zeros of the weight, such as those of weight_norm."""
    name, (parameter, module) = one.names[0], one[1:]
    held = module._parameters
    directions = [
        held[key]
        for key in held
        if key.endswith(("_g", "_v")) and {f"{key[:-2]}_g", f"{key[:-2]}_v"} <= held.keys()
    ]
    kept = all(parameter is not one for one in directions)
    if type(module).__name__.endswith("ParametrizationList"):
        kept = parameter is held.get("original") and _keeps_zeros(module, parameter)
    if not kept:
        raise ValueError(
            f"{name} is parametrized, and its zeros are no zeros of the weight (as with weight_norm): give it the rule None,"
            " or remove the parametrization"
        )


def _keeps_zeros(parametrizations: nn.Module, original: Tensor) -> bool:
    """Whether entries set to 0, every other one or all of them, are 0 in the weight, too."""
    for stride in (1, 2):
        out = original.detach().clone()
        out.view(-1)[::stride] = 0
        zero = out == 0
        with torch.no_grad():
            for step in parametrizations.children():
                out = step(out)
        if out.shape != original.shape or not bool((out[zero] == 0).all()):
            return False
    return True


def uniform(penalty: Penalty) -> Uniform | None:
    """What a separable penalty is to every weight alike; None for all others."""
    try:
        table = penalty.table(1)
    except ValueError:  # factors or bounds by feature
        return None
    if table is None or table.lower[0] != -np.inf or table.upper[0] != np.inf or not np.isfinite(table.l1[0]):
        return None
    return float(table.l1[0]), float(table.l2[0]), table.knee, table.flat
