"""The prox in place is the penalty's own, compiled and by torch's operations, and needs no copy to the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import taut

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from taut.integrations.torch.metrics import StepMetric  # noqa: E402
from taut.integrations.torch.proximal import ProximalStep, in_torch  # noqa: E402
from taut.integrations.torch.terms import owned, term  # noqa: E402

PENALTIES = [
    taut.L1(),
    taut.L2(0.7),
    taut.ElasticNet(1.0, 0.5, 2.0),
    taut.MCP(1.0, 3.0),
    taut.SCAD(0.8, 3.7),
    taut.NeuronLasso(),
    taut.GroupLasso(),
    taut.GroupLasso(groups=[0, 0, 1]),
    taut.L1(factors=[0.0, 1.0, 2.0]),
    taut.L1(lower=0.0),
]
LAYERS = [
    lambda: torch.nn.Linear(3, 4, bias=False),
    lambda: torch.nn.Conv2d(3, 4, 2, bias=False),
    lambda: torch.nn.ConvTranspose1d(3, 4, 2, bias=False),
    lambda: torch.nn.Embedding(3, 4),
]


def one_term(layer: Any, penalty: taut.Penalty, dtype: Any = None) -> Any:
    torch.manual_seed(0)
    (parameter,) = owned(layer.to(dtype or torch.float64))
    with torch.no_grad():
        parameter.parameter.copy_(torch.randn_like(parameter.parameter))
    return term(parameter, penalty)


def metric_like(w: Any, adaptive: bool) -> StepMetric:
    if not adaptive:
        return StepMetric(None, 0.3)
    torch.manual_seed(1)
    return StepMetric(torch.randn_like(w) ** 4, 0.2, 1e-3)


def wanted(one: Any, lam: float, metric: StepMetric) -> Any:
    """What the penalty itself says of the weights, inputs first; groups lend steps to weights without a gradient."""
    penalty, steps = one.penalty.at(lam), metric.steps()
    if isinstance(steps, torch.Tensor):
        steps = one.seen(steps)
        if not penalty.traits.separable:
            steps = penalty.shared_steps(steps)
    prox = penalty.prox if penalty.traits.convex else penalty.prox_at_any_step
    return one.seen(prox(one.seen(one.parameter.detach().clone()), steps))


@pytest.mark.parametrize("adaptive", [True, False], ids=["a step each", "one step"])
@pytest.mark.parametrize("layer", LAYERS, ids=["Linear", "Conv2d", "ConvTranspose1d", "Embedding"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_it_is_the_prox_of_the_penalty(penalty: taut.Penalty, layer: Any, adaptive: bool) -> None:
    for lam in (0.0, 0.05, 0.5, 5.0):
        for apply in (ProximalStep(), in_torch):
            one = one_term(layer(), penalty)
            metric = metric_like(one.parameter.detach(), adaptive)
            if adaptive:
                metric.squares.view(-1)[::5] = 0.0
            expected = wanted(one, lam, metric)
            with torch.no_grad():
                apply(one, lam, metric)
            found = one.parameter.detach()
            assert torch.allclose(found, expected, rtol=1e-13, atol=1e-14)
            assert ((found == 0) == (expected == 0)).all()


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_single_precision_is_as_close_as_it_can_be(penalty: taut.Penalty) -> None:
    one = one_term(LAYERS[1](), penalty, torch.float32)
    metric = metric_like(one.parameter.detach(), True)
    expected = wanted(one, 0.1, metric)
    with torch.no_grad():
        ProximalStep()(one, 0.1, metric)
    assert torch.allclose(one.parameter.detach(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", ["bfloat16", "channels last"])
def test_what_no_compiled_loop_can_read_is_done_by_torch(layout: str) -> None:
    one = one_term(LAYERS[1](), taut.L1(), torch.bfloat16 if layout == "bfloat16" else torch.float32)
    if layout == "channels last":
        one.parameter.data = one.parameter.data.contiguous(memory_format=torch.channels_last)
    before = one.parameter.detach().clone()
    with torch.no_grad():
        ProximalStep()(one, 1.0, StepMetric(None, 0.25))
    assert torch.equal(one.parameter.detach(), torch.nn.functional.softshrink(before, 0.25))


def test_weights_that_never_had_a_gradient_stay() -> None:
    one = one_term(LAYERS[0](), taut.L1())
    before, squares = one.parameter.detach().clone(), torch.zeros(4, 3, dtype=torch.float64)
    squares[0] = 1.0
    with torch.no_grad():
        ProximalStep()(one, 100.0, StepMetric(squares, 1.0, 1e-8))
    assert (one.parameter[0] == 0).all()
    assert torch.equal(one.parameter[1:].detach(), before[1:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p.traits.separable][:5], ids=repr)
def test_squares_that_overflowed_step_nothing(penalty: taut.Penalty, dtype: str) -> None:
    """A gradient beyond the root of the largest number makes v infinite, and lr/√v nothing; NaN weights stay NaN."""
    one = one_term(LAYERS[0](), penalty, getattr(torch, dtype))
    squares = torch.ones_like(one.parameter)
    squares[0] = np.inf
    with torch.no_grad():
        one.parameter[1, 0] = np.nan
        before = one.parameter.clone()
        ProximalStep()(one, 0.3, StepMetric(squares, 0.1, 1e-8))
    assert torch.equal(one.parameter[0].detach(), before[0])
    assert one.parameter.isnan().nonzero().tolist() == [[1, 0]]


def test_a_group_takes_its_dead_inputs_with_it() -> None:
    """A pixel that is always 0 must not keep a neuron alive; a neuron without any gradient stays."""
    one = one_term(LAYERS[0](), taut.NeuronLasso())
    squares = torch.ones(4, 3, dtype=torch.float64)
    squares[:2, 0], squares[2] = 0.0, 0.0
    before = one.parameter.detach().clone()
    with torch.no_grad():
        ProximalStep()(one, 100.0, StepMetric(squares, 1.0, 1e-8))
    assert (one.parameter[[0, 1, 3]] == 0).all()
    assert torch.equal(one.parameter[2].detach(), before[2])


@pytest.mark.parametrize("penalty", PENALTIES[:7], ids=repr)
@pytest.mark.parametrize("adaptive", [True, False], ids=["a step each", "one step"])
def test_devices_see_no_copy_to_the_host(penalty: taut.Penalty, adaptive: bool) -> None:
    """The meta device has no numbers: whatever would read one raises."""
    with torch.device("meta"):
        (parameter,) = owned(torch.nn.Conv2d(3, 4, 2, bias=False))
        one = term(parameter, penalty)
        squares = torch.empty(4, 3, 2, 2) if adaptive else None
    with torch.no_grad():
        ProximalStep()(one, 0.1, StepMetric(squares, torch.empty((), device="meta"), 1e-8))


def test_a_skipped_step_shrinks_nothing() -> None:
    """The fused optimisers skip inside their step when GradScaler found an infinite gradient."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    reg = taut.torch.Regularizer(model, {"weight": taut.L1(), "*": None}, lam=1.0)
    optimizer = taut.torch.proximal(torch.optim.Adam(model.parameters(), fused=True), reg)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    for value, moves in ((1.0, True), (np.inf, False), (1.0, True)):
        optimizer.zero_grad()
        before = model.weight.detach().clone()
        scaler.scale(model(torch.full((1, 3), value)).sum() * 1.0).backward()
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(before, model.weight.detach()) is not moves
