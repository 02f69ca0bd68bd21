"""Flow: where the outputs of layers go in a model, as a chain of operations that keep channels apart, or what mixes them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
Layer: TypeAlias = "nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d"

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
"""Between layers these have parameters by channel, which become fewer with them."""

POINTWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus,
    nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink, nn.LogSigmoid,
    nn.Threshold, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
)  # fmt: skip
POOLS = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip
FUNCTIONS: tuple[Any, ...] = (
    torch.relu, torch.tanh, torch.sigmoid, torch.max_pool1d, torch.max_pool2d, torch.avg_pool1d, functional.relu,
    functional.relu6, functional.leaky_relu, functional.elu, functional.gelu, functional.silu, functional.mish,
    functional.tanh, functional.sigmoid, functional.softplus, functional.hardtanh, functional.hardswish, functional.dropout,
    functional.dropout2d, functional.max_pool1d, functional.max_pool2d, functional.avg_pool1d, functional.avg_pool2d,
    functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_max_pool2d,
)  # fmt: skip
POINTWISE_CALLS: tuple[Any, ...] = (
    torch.relu, torch.tanh, torch.sigmoid, functional.relu, functional.gelu, functional.silu, functional.dropout, "relu",
    "tanh", "sigmoid",
)  # fmt: skip
METHODS = ("relu", "tanh", "sigmoid", "contiguous", "float", "double")
RESHAPES = ("view", "reshape", "flatten")
SIZES = ("size", "dim")


@final
@dataclass(frozen=True, eq=False)
class ChannelFlow:
    """A layer, the operations after it that keep channels apart, and the layers that read the outcome.

    ``shape`` is that of the layer's output on the example, its channels along ``axis``. ``obstacle`` says what else reads it:
    then no channel of the layer may leave.
    """

    producer: str
    shape: tuple[int, ...]
    axis: int
    operations: tuple[fx.Node, ...]
    consumers: tuple[fx.Node, ...]
    obstacle: str | None


def links(model: nn.Module, example: tuple[Any, ...]) -> list[ChannelFlow]:
    """The link of every layer, in a copy of the model in eval mode; raises ValueError where the model can not be traced."""
    twin = copy.deepcopy(model).eval()
    try:
        graph = fx.symbolic_trace(twin)
    except Exception as error:  # whatever a forward of someone else's raises when its inputs are symbols
        raise ValueError(
            f"compact() can not follow {type(model).__name__}: torch.fx stopped at “{_first_line(error)}”; write it"
            " without control flow on tensors"
        ) from error
    for node in graph.graph.nodes:
        node.meta["module"] = graph.get_submodule(node.target) if node.op == "call_module" else None
    with torch.no_grad():
        _Shapes(graph).run(*example)
    uses = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    found = [n for n in graph.graph.nodes if isinstance(n.meta["module"], LAYERS)]
    return [_link(node, uses) for node in found]


@final
class _Shapes(fx.Interpreter):  # type: ignore[misc]  # torch is not checked
    """Runs a graph and notes the shape of every tensor in it."""

    def run_node(self, n: fx.Node) -> Any:
        """The node's value, its shape noted."""
        value = super().run_node(n)
        n.meta["shape"] = tuple(value.shape) if isinstance(value, Tensor) else None
        return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _link(node: fx.Node, uses: list[Any]) -> ChannelFlow:
    """Follow the outputs of a layer to the next layers, or to the first thing that is not known to keep channels apart."""
    operations: list[fx.Node] = []
    consumers: list[fx.Node] = []
    obstacle = _own_obstacle(node, uses)
    waiting = [(node, user) for user in node.users]
    while waiting and obstacle is None:
        source, user = waiting.pop(0)
        module = user.meta["module"]
        if isinstance(module, LAYERS):
            obstacle = _refusal(user, module, uses)
            consumers.append(user)
        elif _measures(user):
            continue
        elif _keeps_channels(user, source, _axis(node)) and uses.count(user.target) <= 1:
            operations.append(user)
            waiting += [(user, following) for following in user.users]
        else:
            obstacle = _described(user)
    readers = tuple(dict.fromkeys(consumers))
    return ChannelFlow(
        str(node.target), node.meta["shape"], _axis(node), tuple(operations), readers, obstacle
    )


def _axis(node: fx.Node) -> int:
    """Where a layer's outputs have their channels: last for a linear layer over more than rows, else second."""
    return -1 if len(node.meta["shape"]) > 2 and isinstance(node.meta["module"], nn.Linear) else 1


def _own_obstacle(node: fx.Node, uses: list[Any]) -> str | None:
    """What at the layer itself keeps its channels."""
    module = node.meta["module"]
    if uses.count(node.target) > 1:
        return f"{node.target}, which is called more than once"
    if "weight" not in module._parameters:
        return f"{node.target}, whose weight is parametrized or pruned"
    if module.weight.ndim != len(node.meta["shape"]) and not isinstance(module, nn.Linear):
        return f"{node.target}, whose input has no rows"
    return f"{node.target}, a grouped convolution" if getattr(module, "groups", 1) > 1 else None


def _refusal(user: fx.Node, module: Layer, uses: list[Any]) -> str | None:
    if uses.count(user.target) > 1:
        return f"{user.target}, which is called more than once"
    if "weight" not in module._parameters:
        return f"{user.target}, whose weight is parametrized or pruned"
    return f"{user.target}, a grouped convolution" if getattr(module, "groups", 1) > 1 else None


def _measures(node: fx.Node) -> bool:
    """Whether a node asks for the shape alone."""
    if node.op == "call_method":
        return node.target in SIZES
    return (
        node.op == "call_function"
        and node.target is getattr
        and node.args[1] in ("shape", "ndim", "dtype", "device")
    )


def _keeps_channels(node: fx.Node, source: fx.Node, axis: int) -> bool:
    """Whether each output channel depends on its own input channel alone, or a flattening puts a channel's values in a row."""
    tensors = [one for one in node.all_input_nodes if not _scalar(one)]
    if tensors != [source]:
        return False
    if axis == -1:  # only what works number by number keeps a last axis apart
        return isinstance(node.meta["module"], POINTWISE) or node.target in POINTWISE_CALLS
    if node.op == "call_module":
        return isinstance(node.meta["module"], (*POINTWISE, *POOLS, *NORMS)) or _flattens_all(
            node.meta["module"]
        )
    if node.op == "call_function":
        return node.target in FUNCTIONS or (node.target is torch.flatten and _from_channels(node))
    if node.op == "call_method":
        return node.target in METHODS or (node.target in RESHAPES and _from_channels(node))
    return False


def _scalar(node: fx.Node) -> bool:
    return _measures(node) or (
        node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"
    )


def _flattens_all(module: Any) -> bool:
    return isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1


def _from_channels(node: fx.Node) -> bool:
    """flatten(1), or view(n, −1): rows stay, and all else becomes one axis."""
    rest = list(node.args[1:])
    if node.target in ("view", "reshape"):
        return len(rest) == 2 and rest[1] == -1
    start = node.kwargs.get("start_dim", rest[0] if rest else 0)
    end = node.kwargs.get("end_dim", rest[1] if len(rest) > 1 else -1)
    return bool(start == 1 and end == -1)


def _described(node: fx.Node) -> str:
    """What stands in the way, by the name that its owner gave it where it has one."""
    if node.op == "call_module":
        return f"{node.target} ({type(node.meta['module']).__name__})"
    if node.op == "output":
        return "the output of the model"
    return f"the operation {getattr(node.target, '__name__', node.target)}"


def inputs_of_consumers(link: ChannelFlow, x: Tensor) -> list[Tensor]:
    """What every reader of the link is given where the layer's output is ``x``."""
    values: dict[fx.Node, Tensor] = {}
    for node in link.operations:
        values[node] = _applied(node, values.get(_source(node), x))
    return [values.get(_source(node), x) for node in link.consumers]


def _source(node: fx.Node) -> fx.Node:
    (source,) = [one for one in node.all_input_nodes if not _scalar(one)]
    return source


def _applied(node: fx.Node, x: Tensor) -> Tensor:
    if node.op == "call_module":
        out: Tensor = node.meta["module"](x)
        return out
    if node.target in RESHAPES or node.target is torch.flatten:
        return x.flatten(1)
    rest = node.args[1:]
    if node.op == "call_method":
        called: Tensor = getattr(x, str(node.target))(*rest, **node.kwargs)
        return called
    function: Any = node.target
    result: Tensor = function(x, *rest, **node.kwargs)
    return result
