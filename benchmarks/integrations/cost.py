"""``python -m benchmarks.integrations.cost``: what the proximal step adds to a training step; writes cost.md.

An MLP of a million parameters in single precision, batches of 128, Adam. Least time of many calls, processor time for one
thread of torch and wall time for two (the prox has one always); the prox is timed alone, on the same weights, and beside the
plain step in the same process, alternating.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import taut

HERE = Path(__file__).parent
HEAD = "| Adam | threads | penalty | prox, ms | plain step, ms | whole training step, ms | of the step, % | of the whole, % |"
PENALTIES = {
    "L1": taut.L1(),
    "ElasticNet": taut.ElasticNet(1.0, 1.0, 0.1),
    "MCP": taut.MCP(),
    "NeuronLasso": taut.NeuronLasso(),
    "GroupLasso (inputs)": taut.GroupLasso(),
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(784, 800),
        nn.ReLU(),
        nn.Linear(800, 400),
        nn.ReLU(),
        nn.Linear(400, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def least(
    functions: dict[str, Callable[[], Any]], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """The least time of each in milliseconds, alternating; one call of each beforehand."""
    for function in functions.values():
        function()
    found = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            found[name] = min(found[name], 1e3 * (clock() - start))
    return found


def training(model: nn.Module, optimizer: Any, X: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(X), y).backward()
        optimizer.step()

    return step


def adam(model: nn.Module, kind: str) -> Any:
    return torch.optim.Adam(model.parameters(), lr=1e-3, foreach=kind == "foreach", fused=kind == "fused")


def in_the_way_of_the_penalty(optimizer: Any, model: nn.Module) -> Callable[[], None]:
    """What ``L1.prox`` itself costs with an array of steps."""
    penalty = taut.L1(1e-6)

    @torch.no_grad()
    def shrink() -> None:
        for p in model.parameters():
            if p.ndim > 1:
                p.copy_(penalty.prox(p, 1e-3 / (optimizer.state[p]["exp_avg_sq"].sqrt() + 1e-8)))

    return shrink


def row(kind: str, name: str, threads: int, X: torch.Tensor, y: torch.Tensor, repeats: int) -> str:
    """A line of the table."""
    torch.set_num_threads(threads)
    model = network()
    reg = taut.torch.Regularizer(model, {"*.bias": None, "*": PENALTIES[name]}, lam=1e-6)
    optimizer = taut.torch.proximal(adam(model, kind), reg)
    whole = training(model, optimizer.optimizer, X, y)
    whole()
    shrink = torch.no_grad()(lambda: optimizer._shrink(None))
    functions = {"prox": shrink, "step": optimizer.optimizer.step, "whole": whole}
    found = least(functions, repeats, time.process_time if threads == 1 else time.perf_counter)
    shares = [100 * found["prox"] / found[key] for key in ("step", "whole")]
    times = " | ".join(f"{found[key]:.2f}" for key in ("prox", "step", "whole"))
    return f"| {kind} | {threads} | {name} | {times} | {shares[0]:.0f} | {shares[1]:.1f} |"


def measure(repeats: int = 200) -> list[str]:
    """The rows of the table."""
    X, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
    lines = [HEAD, "|---|---|---|---|---|---|---|---|"]
    for kind in ("foreach", "fused"):
        lines += [row(kind, name, 1, X, y, repeats) for name in PENALTIES]
        lines.append(row(kind, "L1", 2, X, y, repeats))
    torch.set_num_threads(1)
    model = network()
    optimizer = adam(model, "foreach")
    training(model, optimizer, X, y)()
    alone = least({"prox": in_the_way_of_the_penalty(optimizer, model)}, 40, time.process_time)["prox"]
    return [
        *lines,
        f"\n`taut.L1().prox` itself, with an array of steps, takes {alone:.1f} ms on the same weights.",
    ]


def main() -> None:
    text = "\n".join(["# What the prox costs\n", (__doc__ or "").partition("\n\n")[2], *measure()])
    (HERE / "cost.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
