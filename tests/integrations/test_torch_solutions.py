"""A training loop with a proximal optimiser ends where the certified solution is, with the same zeros."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import taut
from tests.integrations.small_problems import group_lasso, lasso

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
optim = torch.optim

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "dampening": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.5),
    "Nesterov": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "RMSprop, momentum": lambda p: optim.RMSprop(p, lr=0.003, momentum=0.9),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
}


def trained(
    make: Callable[[Any], Any], penalty: taut.Penalty, steps: int = 1500, batch: int | None = None
) -> Any:
    """The weights of ``nn.Linear`` after steps with a cosine schedule."""
    problem = lasso()
    torch.manual_seed(0)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    model = torch.nn.Linear(60, 1, bias=False).double()
    optimizer = taut.torch.proximal(
        make(model.parameters()), taut.torch.Regularizer(model, {"weight": penalty}, problem.lam)
    )
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = slice(None) if batch is None else torch.randint(0, 400, (batch,))
        optimizer.zero_grad()
        ((model(X[rows])[:, 0] - y[rows]) ** 2).mean().backward()
        optimizer.step()
        schedule.step()
    return model.weight.detach().numpy()[0]


@pytest.mark.filterwarnings("ignore:.*without momentum")
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_full_batches_reach_the_lasso(make: Callable[[Any], Any]) -> None:
    w, solution = trained(make, taut.L1()), lasso().solution
    assert np.abs(w - solution).max() < 1e-6
    assert ((w != 0) == (solution != 0)).all()
    assert (w == 0).sum() == 45


@pytest.mark.parametrize("name", ["momentum", "Adam"])
def test_mini_batches_come_close(name: str) -> None:
    w = trained(OPTIMIZERS[name], taut.L1(), steps=3000, batch=32)
    assert np.abs(w - lasso().solution).max() < 1e-2
    assert (w == 0).sum() == 45


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    ],
    ids=["SGD", "Adam"],
)
def test_coupled_weight_decay_is_half_an_l2(make: Callable[[Any], Any]) -> None:
    net = lasso(taut.ElasticNet(1.0, 1.0, 0.5))  # λ = 0.1, so 0.05 w²
    assert np.abs(trained(make, taut.L1()) - net.solution).max() < 1e-6


def test_decoupled_weight_decay_is_no_penalty_and_is_said_so() -> None:
    with pytest.warns(UserWarning, match="decoupled weight_decay=0.1 .AdamW. belongs to no objective"):
        w = trained(lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1), taut.L1())
    net = lasso(taut.ElasticNet(1.0, 1.0, 0.5))
    assert np.abs(w - net.solution).max() > 1e-3


@pytest.mark.parametrize("make", [OPTIMIZERS["SGD"], OPTIMIZERS["RMSprop"]], ids=["SGD", "RMSprop"])
def test_an_optimiser_without_memory_is_warned_of(make: Callable[[Any], Any]) -> None:
    with pytest.warns(UserWarning, match=r"without momentum .* momentum=0.9 keeps the zeros"):
        trained(make, taut.L1(), steps=1)


@pytest.mark.parametrize("neurons_first", [True, False], ids=["as neurons", "as inputs"])
def test_adam_reaches_the_group_lasso(neurons_first: bool) -> None:
    """Groups are the rows of a weight (out, in), or its columns: the steps differ within each."""
    problem, steps = group_lasso(), 2000
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    model = torch.nn.Linear(*((5, 12) if neurons_first else (12, 5)), bias=False).double()
    torch.nn.init.zeros_(model.weight)
    penalty = taut.NeuronLasso() if neurons_first else taut.GroupLasso()
    reg = taut.torch.Regularizer(model, {"*": penalty}, lam=problem.lam)
    optimizer = taut.torch.proximal(optim.Adam(model.parameters(), lr=0.01), reg)
    for t in range(steps):
        optimizer.param_groups[0]["lr"] = 0.005 * (1 + math.cos(math.pi * t / steps)) + 1e-12
        optimizer.zero_grad()
        w = model.weight if neurons_first else model.weight.T
        ((X @ w.reshape(-1) - y) ** 2).mean().backward()
        optimizer.step()
    found = w.detach().numpy()
    assert np.abs(found.reshape(-1) - problem.solution).max() < 1e-6
    assert (found == 0).all(axis=1).sum() == (problem.solution.reshape(12, 5) == 0).all(axis=1).sum() == 9
