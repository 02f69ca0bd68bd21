"""``python -m benchmarks.integrations.networks``: how small networks become at nearly the dense one's accuracy; networks.md.

Every method starts from the same dense network and has the same epochs a stage. A network counts where its accuracy on the
test rows is within two points (LeNet: one point) of the dense one's; the smallest of them is in the table. The test rows
choose alike for all methods, so the accuracies are optimistic alike. Its compact form has the same outputs but for rounding:
the largest difference is given relative to the largest output. A run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

import taut

from .sets import Images, digits, mnist

HERE = Path(__file__).parent
KEPT = (0.5, 0.3, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125)
FLAT = taut.MCP(curvature=0.05)
"""A network's loss bends far less along a weight than ½w²: with a curvature of 1 MCP would spare nearly every weight."""
THRESHOLDS = np.geomspace(1e-4, 0.3, 30)


PUBLISHED = """
Published shares of the weights of LeNet-300-100 that are kept, trained on all 60,000 images of MNIST at their dense accuracy:
8 % (pruning and retraining, Han et al., NeurIPS 2015), 1.8 % (dynamic surgery, Guo et al., NeurIPS 2016), 1.5 % (sparse
variational dropout, Molchanov et al., ICML 2017). Here 8,000 images are there to train on, so that they are no rivals.
"""


class Result(NamedTuple):
    """A network of a method: its share of non-zero weights, how many neurons and channels live, its accuracy."""

    kept: float
    units: int
    accuracy: float
    model: nn.Module


class Setting(NamedTuple):
    """Images, a network to be trained on them, and how."""

    images: Images
    make: Callable[[], nn.Module]
    dense_epochs: int
    epochs: int
    rate: float
    batch: int
    points: float


def conv_net() -> nn.Module:
    """35,914 parameters on 8 × 8 images."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def lenet_300_100() -> nn.Module:
    """266,610 parameters on 28 × 28 images (LeCun et al. 1998)."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )


SETTINGS: dict[str, Callable[[], Setting]] = {
    "conv net, digits": lambda: Setting(digits(), conv_net, 25, 10, 0.05, 64, 0.02),
    "conv net, MNIST (test set) at 8×8": lambda: Setting(mnist(8), conv_net, 10, 4, 0.05, 64, 0.02),
    "LeNet-300-100, MNIST (test set)": lambda: Setting(mnist(28), lenet_300_100, 15, 8, 0.05, 64, 0.01),
}


class Run:
    """One seed of a setting: the dense network, and training loops."""

    def __init__(self, setting: Setting, seed: int) -> None:
        torch.manual_seed(seed)
        self.setting, self.model = setting, setting.make()
        self.train(self.model, setting.dense_epochs)
        self.dense = self.accuracy(self.model)

    def train(
        self, model: nn.Module, epochs: int, reg: Any = None, l1: float = 0.0, masks: Any = None
    ) -> None:
        """SGD with momentum 0.9 and a cosine from the rate to 0."""
        data, rate, batch = self.setting.images, self.setting.rate, self.setting.batch
        optimizer: Any = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        if reg is not None:
            optimizer = taut.torch.proximal(optimizer, reg)
        steps = epochs * (len(data.X) // batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for rows in self._batches(epochs):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(data.X[rows]), data.y[rows])
            if l1:
                loss = loss + l1 * sum(w.abs().sum() for w in weights(model))
            loss.backward()
            optimizer.step()
            schedule.step()
            if masks is not None:
                with torch.no_grad():
                    for w, mask in zip(weights(model), masks, strict=True):
                        w.mul_(mask)

    def _batches(self, epochs: int) -> Iterator[torch.Tensor]:
        rows, batch = len(self.setting.images.X), self.setting.batch
        for _ in range(epochs):
            order = torch.randperm(rows)
            yield from order[: rows // batch * batch].reshape(-1, batch)

    @torch.no_grad()
    def accuracy(self, model: nn.Module) -> float:
        data = self.setting.images
        return float((model.eval()(data.X_test).argmax(1) == data.y_test).float().mean())

    @torch.no_grad()
    def loss(self, model: nn.Module) -> float:
        return float(functional.cross_entropy(model(self.setting.images.X), self.setting.images.y))

    def result(self, model: nn.Module) -> Result:
        """The network in numbers, and a copy of it."""
        kept = sum(int((w != 0).sum()) for w in weights(model)) / sum(w.numel() for w in weights(model))
        units = sum(int((w.flatten(1) != 0).any(1).sum()) for w in weights(model))
        return Result(kept, units, self.accuracy(model), copy.deepcopy(model))

    def best(self, found: list[Result], by: str) -> dict[str, float] | None:
        """The smallest that is accurate enough, and how far its compact form's outputs are from its own, over the largest."""
        allowed = [one for one in found if one.accuracy >= self.dense - self.setting.points]
        if not allowed:
            return None
        one = min(allowed, key=lambda one: getattr(one, by))
        small = taut.torch.Regularizer(one.model, {"*": taut.L1()}).compact(self.setting.images.X_test[:64])
        with torch.no_grad():
            before, after = (net.eval()(self.setting.images.X_test) for net in (one.model, small))
            off = (after - before).abs().max() / before.abs().max()
        return {
            "kept": one.kept,
            "parameters": sum(p.numel() for p in small.parameters()),
            "accuracy": one.accuracy,
            "off": float(off),
        }


def weights(model: nn.Module) -> list[torch.Tensor]:
    """The matrices and kernels."""
    return [p for p in model.parameters() if p.ndim > 1]


def path_of(shape: taut.Penalty, last: taut.Penalty | None) -> Callable[[Run], list[Result]]:
    """A path of taut under one shape, refits included; ``last`` is the output layer's."""

    def walked(run: Run) -> list[Result]:
        model = copy.deepcopy(run.model)
        head = [name for name, p in model.named_parameters() if p.ndim > 1][-1]
        reg = taut.torch.Regularizer(model, {head: last, "*.bias": None, "*": shape})
        path = reg.path(
            lambda: run.train(model, run.setting.epochs, reg),
            lambda: 1 - run.accuracy(model),
            lambdas=9,
            loss=lambda: run.loss(model),
            refit=True,
            trained=True,
        )
        found = []
        for i in range(1, len(path)):
            for refitted in (False, True):
                path.restore(i, refitted)
                found.append(run.result(model))
        return found

    return walked


def l1_in_the_loss(run: Run) -> list[Result]:
    """λΣ|w| added to the loss, each λ from the one before; then every threshold is tried."""
    model, found = copy.deepcopy(run.model), []
    value = sum(float(w.detach().abs().sum()) for w in weights(model))
    scale = (np.log(10) - run.loss(model)) / value
    for lam in scale * np.geomspace(0.3, 20, 9):
        run.train(model, run.setting.epochs, l1=float(lam))
        for threshold in THRESHOLDS:
            cut = copy.deepcopy(model)
            with torch.no_grad():
                for w in weights(cut):
                    w.mul_(w.abs() > threshold)
            found.append(run.result(cut))
    return found


def pruned(model: nn.Module, kept: float) -> list[torch.Tensor]:
    """Global magnitude pruning by torch.nn.utils.prune; the masks."""
    layers = [(m, "weight") for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=1 - kept)
    for layer, name in layers:
        prune.remove(layer, name)
    return [(w != 0).float() for w in weights(model)]


def one_shot(run: Run) -> list[Result]:
    """Each share is pruned from the dense network at once, then trained."""
    found = []
    for kept in KEPT:
        model = copy.deepcopy(run.model)
        run.train(model, run.setting.epochs, masks=pruned(model, kept))
        found.append(run.result(model))
    return found


def gradual(run: Run) -> list[Result]:
    """Each share is pruned from the network before it, then trained twice as long as a stage of the others (as a refit is)."""
    model, found = copy.deepcopy(run.model), []
    for kept in KEPT:
        run.train(model, 2 * run.setting.epochs, masks=pruned(model, kept))
        found.append(run.result(model))
    return found


METHODS: dict[str, tuple[Callable[[Run], list[Result]], str]] = {
    "taut, L1 path": (path_of(taut.L1(), taut.L1()), "kept"),
    "taut, neurons and channels": (path_of(taut.NeuronLasso(), None), "units"),
    "gradual magnitude pruning": (gradual, "kept"),
    "taut, MCP path": (path_of(FLAT, FLAT), "kept"),
    "one-shot magnitude pruning": (one_shot, "kept"),
    "L1 in the loss, best threshold": (l1_in_the_loss, "kept"),
}


def measure(name: str, seed: int, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for every method that ``known`` has not."""
    left = {key: METHODS[key] for key in METHODS if not any(_same(row, name, key, seed) for row in known)}
    if not left:
        return
    run = Run(SETTINGS[name](), seed)
    size = sum(p.numel() for p in run.model.parameters())
    for method, (function, by) in left.items():
        torch.manual_seed(1000 + seed)
        start = time.process_time()
        best = run.best(function(run), by)
        row = {"setting": name, "method": method, "seed": seed, "dense": run.dense, "size": size}
        yield {**row, "best": best, "cpu": time.process_time() - start}


def _same(row: dict[str, Any], setting: str, method: str, seed: int) -> bool:
    return (row["setting"], row["method"], row["seed"]) == (setting, method, seed)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown, seeds side by side."""
    lines: list[str] = []
    for setting in dict.fromkeys(row["setting"] for row in rows):
        mine = [row for row in rows if row["setting"] == setting]
        dense = ", ".join(f"{x:.3f}" for x in {row["seed"]: row["dense"] for row in mine}.values())
        lines += [
            f"\n## {setting}\n",
            f"{mine[0]['size']:,} parameters; accuracy of the dense networks: {dense}.\n",
        ]
        lines += [
            "| method | weights kept, % | parameters when compact | accuracy | outputs differ by | processor seconds |"
        ]
        lines += ["|---|---|---|---|---|---|"]
        for method in dict.fromkeys(row["method"] for row in mine):
            these = [row for row in mine if row["method"] == method]
            forms = {"kept": "{:.1%}", "parameters": "{:,}", "accuracy": "{:.3f}", "off": "{:.0e}"}
            cells = [_cell(these, key, form) for key, form in forms.items()]
            seconds = np.mean([row["cpu"] for row in these])
            lines.append(f"| {method} | {' | '.join(cells).replace('%', '')} | {seconds:.0f} |")
    return "\n".join(lines)


def _cell(rows: list[dict[str, Any]], key: str, form: str) -> str:
    return ", ".join("none" if row["best"] is None else form.format(row["best"][key]) for row in rows)


def page(rows: list[dict[str, Any]]) -> str:
    """The whole of networks.md."""
    doc = (__doc__ or "").partition("\n\n")[2]
    return f"# Sparse networks beside pruning\n\n{doc}\nSeveral values are as many seeds.\n{table(rows)}\n{PUBLISHED}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a word of the settings' names")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="measure anew what networks.json has already")
    given = parser.parse_args()
    torch.set_num_threads(1)
    file = HERE / "networks.json"
    names = [name for name in SETTINGS if given.only is None or given.only in name]
    rows = json.loads(file.read_text()) if file.exists() else []
    if given.again:
        rows = [row for row in rows if row["setting"] not in names]
    for name in names:
        for seed in range(given.seeds):
            for row in measure(name, seed, rows):
                print(json.dumps(row), flush=True)
                rows = sorted([*rows, row], key=_place)
                file.write_text(json.dumps(rows, indent=1))
                (HERE / "networks.md").write_text(page(rows))
    (HERE / "networks.md").write_text(page(rows))


def _place(row: dict[str, Any]) -> tuple[int, int, int]:
    return list(SETTINGS).index(row["setting"]), row["seed"], list(METHODS).index(row["method"])


if __name__ == "__main__":
    main()
