"""Compact: a model without its dead neurons and channels; what they added as constants goes into the next biases."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from taut.integrations.torch.flow import NORMS, ChannelFlow, Layer, inputs_of_consumers, links

CLOSE = {torch.float64: 1e-9}
"""How far outputs may differ, relative to the largest; 1e-4 in single precision and below."""

OUTPUT = "the output of the model"


def compacted(model: nn.Module, example: tuple[Any, ...]) -> nn.Module:
    """The smaller copy; raises ValueError, naming the module, where dead channels can not leave."""
    small = copy.deepcopy(model)
    while any(_narrow(small, link) for link in links(small, example)):
        pass  # what left may have been the last input of something else
    _compare(model, small, example)
    return small


def _compare(model: nn.Module, small: nn.Module, example: tuple[Any, ...]) -> None:
    """Raise ValueError unless both give the same outputs in eval mode."""
    with torch.no_grad():
        before, after = (tree_leaves(copy.deepcopy(one).eval()(*example)) for one in (model, small))
    for a, b in zip(before, after, strict=True):
        if isinstance(a, Tensor) and a.is_floating_point():
            off = float((a - b).abs().max()) if a.numel() else 0.0
            if not off <= CLOSE.get(a.dtype, 1e-4) * max(1.0, float(a.abs().max())):
                raise ValueError(
                    f"compact() changed an output of {type(model).__name__} by {off:.2g}: its graph was not what it does"
                )


def _narrow(small: nn.Module, link: ChannelFlow) -> bool:
    """Take the dead channels of one layer out of it and of what follows; whether there were any."""
    layer: Layer = small.get_submodule(link.producer)
    dead = (
        (layer.weight.detach().flatten(1) == 0).all(1)
        if "weight" in layer._parameters
        else torch.zeros(1, dtype=torch.bool)
    )
    if link.obstacle is not None or not link.consumers:
        if dead.any() and link.obstacle != OUTPUT and link.obstacle is not None:
            raise ValueError(
                f"compact() is stopped by {link.obstacle}: {int(dead.sum())} dead channels of {link.producer} lead into it"
            )
        return False
    consumers: list[Layer] = [small.get_submodule(str(node.target)) for node in link.consumers]
    with torch.no_grad():
        constants = _constants(link, layer, dead)
        out = dead & _foldable(consumers, constants, dead) | _unread(consumers, len(dead))
        if out.all():
            out[0] = False  # a layer keeps one channel
        if not out.any():
            return False
        _check_tied(small, [layer, *consumers], link.producer)
        for consumer, values in zip(consumers, constants, strict=True):
            _fold(consumer, values, out & dead)
            _keep_inputs(consumer, ~out)
        for name in [str(node.target) for node in link.operations if node.op == "call_module"]:
            _keep_channels_of_norm(small.get_submodule(name), ~out)
        _keep_outputs(layer, ~out)
    return True


def _constants(link: ChannelFlow, layer: Layer, dead: Tensor) -> list[Tensor]:
    """What the readers see of the dead channels, (1, …), all other channels being as they may."""
    x = layer.weight.new_zeros((1, *link.shape[1:]))
    if layer.bias is not None:
        x.movedim(link.axis, 0)[dead] = layer.bias[dead].reshape(-1, *(1,) * (x.ndim - 1))
    return inputs_of_consumers(link, x)


def _width(consumer: Layer, channels: int) -> int:
    """How many of a reader's inputs belong to one channel: more than one behind a flattening."""
    return int(consumer.weight.shape[1]) // channels


def _every(mask: Tensor, consumer: Layer) -> Tensor:
    """The mask of channels as one of a reader's inputs."""
    return mask.repeat_interleave(_width(consumer, len(mask)))


def _unread(consumers: list[Layer], channels: int) -> Tensor:
    """Channels whose weights are 0 in every reader."""
    read = [
        (one.weight != 0).transpose(0, 1).flatten(1).any(1).reshape(channels, -1).any(1) for one in consumers
    ]
    return ~torch.stack(read).any(0)


def _foldable(consumers: list[Layer], constants: list[Tensor], dead: Tensor) -> Tensor:
    """Which dead channels add a constant to every reader; behind padding a channel that is not 0 does not."""
    fits = dead.clone()
    for consumer, values in zip(consumers, constants, strict=True):
        if not isinstance(consumer, nn.Linear):
            for channel in torch.nonzero(dead).flatten().tolist():
                alone = torch.zeros_like(values)
                alone[:, channel] = values[:, channel]
                fits[channel] &= _is_constant(_added(consumer, alone))
    return fits


def _is_constant(added: Tensor) -> bool:
    flat = added.flatten(2)[0]
    return bool((flat - flat[:, :1]).abs().max() <= 1e-6 * flat.abs().max())


def _added(consumer: Layer, values: Tensor) -> Tensor:
    """What the inputs ``values`` add to the outputs of a reader, without its bias."""
    if isinstance(consumer, nn.Linear):
        return nn.functional.linear(values, consumer.weight)
    added: Tensor = consumer._conv_forward(values, consumer.weight, None)
    return added


def _fold(consumer: Layer, values: Tensor, leaving: Tensor) -> None:
    """Put into the bias what the dead channels that leave have added."""
    axis = -1 if isinstance(consumer, nn.Linear) else 1
    mask = _every(leaving, consumer)
    shape = [1] * values.ndim
    shape[axis] = -1
    added = _added(consumer, values * mask.reshape(shape)).movedim(axis, 0).flatten(1)[:, 0]
    if not bool((added == 0).all()):
        bias = added if consumer.bias is None else consumer.bias + added
        consumer.bias = nn.Parameter(bias, consumer.weight.requires_grad)


def _check_tied(small: nn.Module, changed: list[Layer], name: str) -> None:
    """Raise ValueError where a weight that has to change is another module's, too."""
    mine = {id(one.weight) for one in changed}
    uses = [id(p) for module in small.modules() for p in module.parameters(recurse=False)]
    if any(uses.count(one) > 1 for one in mine):
        raise ValueError(
            f"compact() is stopped by {name}: its weight, or that of a layer after it, is shared with another module"
        )


def _keep_outputs(layer: Layer, kept: Tensor) -> None:
    _keep(layer, "weight", kept)
    if layer.bias is not None:
        _keep(layer, "bias", kept)
    setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", int(kept.sum()))


def _keep_inputs(consumer: Layer, kept: Tensor) -> None:
    inputs = _every(kept, consumer)
    consumer.weight = nn.Parameter(consumer.weight.detach()[:, inputs].clone(), consumer.weight.requires_grad)
    setattr(consumer, "in_features" if isinstance(consumer, nn.Linear) else "in_channels", int(inputs.sum()))


def _keep_channels_of_norm(module: nn.Module, kept: Tensor) -> None:
    """A batch normalization with the channels that are kept; every other module has no numbers by channel."""
    if not isinstance(module, NORMS):
        return
    mask = kept.repeat_interleave(module.num_features // len(kept))
    for name in ("weight", "bias", "running_mean", "running_var"):
        if getattr(module, name) is not None:
            _keep(module, name, mask)
    module.num_features = int(mask.sum())


def _keep(module: nn.Module, name: str, kept: Tensor) -> None:
    """The entries ``kept`` along the first axis of a parameter or buffer."""
    value: Tensor = getattr(module, name)
    chosen = value.detach()[kept].clone()
    setattr(
        module, name, nn.Parameter(chosen, value.requires_grad) if isinstance(value, nn.Parameter) else chosen
    )
