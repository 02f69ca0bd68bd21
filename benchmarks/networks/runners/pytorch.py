"""PyTorch: a plain loop over folds and λ, all folds stacked and warm-started along λ, and single fits.

L1 is a term of the loss, as users write it; fused Adam.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import FIRST, RATE, batches, main, middle, rates

Tensors = list[torch.Tensor]


def _start(problem: Problem, members: int) -> Tensors:
    first = [torch.tensor(np.stack([a] * members)) for a in problem.first_weights()]
    return [a.requires_grad_() for a in first]


def _losses(problem: Problem, params: Tensors, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """ℓ of each member and row (M, B)."""
    w1, w2, b1, b2 = params
    eta = torch.baddbmm(
        b2[:, None], torch.relu(torch.baddbmm(b1[:, None], X.expand(len(w1), -1, -1), w1)), w2
    )
    if problem.loss == "multinomial":
        flat = functional.cross_entropy(eta.reshape(-1, eta.shape[2]), y.repeat(len(w1)), reduction="none")
        return flat.reshape(len(w1), -1)
    target = y.expand(len(w1), -1)
    if problem.loss == "logistic":
        return functional.binary_cross_entropy_with_logits(eta[..., 0], target, reduction="none")
    return (eta[..., 0] - target) ** 2


def _train(
    problem: Problem, params: Tensors, weights: torch.Tensor, lam: float, epochs: int, adam: torch.optim.Adam
) -> None:
    """Adam on the sum over members of weighted loss and penalty; weights (M, n) have mean 1 over the rows."""
    X, rng = torch.tensor(problem.X), np.random.default_rng(problem.seed)
    y = torch.tensor(problem.y.astype(np.int64 if problem.loss == "multinomial" else np.float32))
    for rate in rates(epochs):
        adam.param_groups[0]["lr"] = float(rate)
        for rows in batches(problem, rng):
            adam.zero_grad()
            data = (weights[:, rows] * _losses(problem, params, X[rows], y[rows])).mean(dim=1).sum()
            (data + lam * (params[0].abs().sum() + params[1].abs().sum()) if lam else data).backward()
            adam.step()


def _vectors(params: Tensors) -> Array:
    return np.stack(
        [np.concatenate([a[m].detach().numpy().ravel() for a in params]) for m in range(len(params[0]))]
    )


def _fold_weights(problem: Problem) -> Array:
    weights = (problem.folds != np.unique(problem.folds)[:, None]).astype(np.float32)
    return weights / weights.mean(axis=1, keepdims=True)


def stacked(problem: Problem, epochs: int) -> Array:
    """All folds in one batched product, from the weakest λ up, each from where the last one ended."""
    weights = torch.tensor(_fold_weights(problem))
    params = _start(problem, len(weights))
    adam = torch.optim.Adam(params, fused=True)
    found = []
    for position, lam in enumerate(problem.lambdas[::-1]):
        _train(problem, params, weights, float(lam), epochs * (FIRST if position == 0 else 1), adam)
        found.insert(0, _vectors(params))
    return np.stack(found, axis=1)


def loop(problem: Problem, epochs: int) -> Array:
    """Every fold and λ on its own, from random weights."""
    weights = torch.tensor(_fold_weights(problem))
    return np.array(
        [[_cold(problem, w[None], float(lam), epochs) for lam in problem.lambdas] for w in weights]
    )


def _cold(problem: Problem, weights: torch.Tensor, lam: float, epochs: int, decay: float = 0.0) -> Array:
    params = _start(problem, 1)
    adam = torch.optim.Adam(params, lr=RATE, weight_decay=decay, fused=True)
    _train(problem, params, weights, lam, epochs, adam)
    return _vectors(params)[0]


def _single(lam_of: Callable[[Problem], float], decay: float) -> Callable[[Problem, int], Array]:
    def run(problem: Problem, epochs: int) -> Array:
        ones = torch.ones((1, len(problem.y)))
        return _cold(problem, ones, lam_of(problem), epochs, decay)[None, None]

    return run


if __name__ == "__main__":
    torch.set_num_threads(1)
    single = {"single": _single(middle, 0.0), "single, weight_decay": _single(lambda _: 0.0, 2e-4)}
    main({"stacked": stacked, "loop": loop, **single}, torch.__version__)
