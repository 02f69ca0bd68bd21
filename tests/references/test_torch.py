"""PyTorch's weight_decay on a parameter group of weights only is 2 λ₂: the same step, the same fit."""

from __future__ import annotations

import numpy as np
import pytest

import taut
from tests.agreement import Float, assert_agrees, table

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

TABLE = table(n=60, p=4)
LAM2 = 0.05


def mean_squared(model: object, X: Float, y: Float) -> object:
    return torch.nn.functional.mse_loss(model(torch.as_tensor(X)).squeeze(-1), torch.as_tensor(y))


def cross_entropy(model: object, X: Float, y: Float) -> object:
    return torch.nn.functional.cross_entropy(model(torch.as_tensor(X)), torch.as_tensor(y))


def groups(model: object) -> list[dict[str, object]]:
    """Weights with weight_decay = 2 λ₂, biases without."""
    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if name.endswith("weight")], "weight_decay": 2 * LAM2},
        {"params": [p for name, p in named if name.endswith("bias")], "weight_decay": 0.0},
    ]


def params_of(model: object) -> taut.Params:
    layers = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    return taut.Params(
        weights=tuple(layer.weight.detach().numpy().T[None].copy() for layer in layers),
        biases=tuple(layer.bias.detach().numpy()[None].copy() for layer in layers),
        skip=None,
    )


@pytest.mark.parametrize(
    ("outputs", "target", "torch_loss", "loss"),
    [(1, TABLE.y, mean_squared, taut.SquaredError()), (3, TABLE.classes, cross_entropy, taut.Multinomial())],
    ids=["squared", "multinomial"],
)
def test_sgd_step_with_weight_decay_is_a_step_on_our_objective(outputs, target, torch_loss, loss) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, outputs)).double()
    before = params_of(model)
    step = torch.optim.SGD(groups(model), lr=0.1)
    torch_loss(model, TABLE.X, target).backward()
    step.step()
    after = params_of(model)
    objective = taut.Objective(loss, taut.Network(hidden=(5,), activation="tanh"), weights=taut.L2(LAM2))
    gradient = objective.backward(before, TABLE.X, target)
    moved = zip((*before.weights, *before.biases), (*after.weights, *after.biases), strict=True)
    for ours, (old, new) in zip((*gradient.weights, *gradient.biases), moved, strict=True):
        assert_agrees(ours, (old - new) / 0.1)


def one_layer() -> object:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 1)).double()


def fitted_by(optimizer: object, model: object, steps: int, decay: float = 1.0) -> Float:
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay)
    for _ in range(steps):
        optimizer.zero_grad()
        mean_squared(model, TABLE.X, TABLE.y).backward()
        optimizer.step()
        schedule.step()
    return model[0].weight.detach().numpy()[0]


def ridge() -> Float:
    return taut.fit_path(
        TABLE.X, TABLE.y, penalty=taut.L2(), lambdas=[LAM2], standardize=False, tol=1e-14
    ).coefs[0]


def test_full_batch_sgd_fit_is_the_ridge_fit() -> None:
    model = one_layer()
    assert_agrees(ridge(), fitted_by(torch.optim.SGD(groups(model), lr=0.1), model, steps=800))


def test_full_batch_adam_fit_is_the_ridge_fit() -> None:
    model = one_layer()
    assert_agrees(ridge(), fitted_by(torch.optim.Adam(groups(model), lr=1.0), model, steps=2000, decay=0.993))


def test_adamw_is_no_penalty() -> None:
    """Decoupled decay shrinks by the learning rate, not by the objective: it settles on no ridge fit."""
    model = one_layer()
    theirs = fitted_by(torch.optim.AdamW(groups(model), lr=1.0), model, steps=2000, decay=0.993)
    assert np.abs(theirs - ridge()).max() > 1e-2
