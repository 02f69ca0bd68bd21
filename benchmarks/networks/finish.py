"""What a longer full-batch finish of the chosen network brings: residual, F, zeros, test error; writes finish.md.

    python -m benchmarks.networks.finish [--only digits,uci_concrete] [--repeats 4]

The network is what ``fallback="never"`` takes, at the λ that its folds chose; from there 20, 100 and 400 more full-batch
steps at that λ.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import taut
from benchmarks.networks.quality_sets import SETS, Set, Split
from taut.path import PathSpec, fit_paths
from taut.solvers.networks.settings import Training

HERE = Path(__file__).resolve().parent
STEPS = (0, 20, 100, 400)
WANTED = "digits,uci_boston,uci_concrete,uci_energy,uci_kin8nm"


@dataclass(frozen=True)
class Row:
    """One network after so many more steps."""

    steps: int
    residual: float
    objective: float
    nonzeros: int
    test: float


def finished(which: Set, split: Split, seed: int) -> Iterator[Row]:
    """The chosen network, and what it becomes."""
    kind: Any = taut.Classifier if which.classes else taut.Regressor
    model = kind(hidden=(64,), cv=5, fallback="never", random_state=seed).fit(split.X, split.y)
    index, chosen = model.scores_.index_min, model.path_
    y, ones = split.y.astype(float), np.ones((1, len(split.y)))
    for steps in STEPS:
        path, at = chosen, index
        if steps:
            training = Training(max_epochs=0, finish_iterations=steps)
            start = chosen.params_at(index)
            spec = PathSpec(model.loss_, hidden=(64,), random_state=seed, start=start, training=training)
            path, at = fit_paths(spec, split.X, y, ones, [chosen.lambdas[index]])[0], 0
        metric = next(iter(which.metrics.values()))
        test = metric(split.y_test, path.predict_at(split.X_test, at))
        residual, nonzeros = path.certificates[at].value, int(path.nonzeros[at])
        yield Row(steps, residual, float(path.objectives[at]), nonzeros, test)


def table(found: dict[str, list[list[Row]]]) -> str:
    """Means over the splits; F in units of the chosen network's."""
    lines = [
        "# A longer finish of the chosen network",
        "",
        "Written by `python -m benchmarks.networks.finish`; do not edit. Means over the splits, F over that of no more steps.",
        "",
        "| set | more steps | stationarity residual | F | weights | test |",
        "|---|---|---|---|---|---|",
    ]
    for name, splits in found.items():
        for k, steps in enumerate(STEPS):
            rows = [split[k] for split in splits]
            share = np.mean([split[k].objective / split[0].objective for split in splits])
            residual, weights = np.mean([r.residual for r in rows]), np.mean([r.nonzeros for r in rows])
            test = np.mean([r.test for r in rows])
            lines.append(f"| {name} | {steps} | {residual:.4f} | {share:.2f} | {weights:.0f} | {test:.4f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.finish", description=__doc__)
    parser.add_argument("--only", default=WANTED, help="sets, separated by commas")
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    found: dict[str, list[list[Row]]] = {}
    for which in SETS:
        if which.name in options.only.split(","):
            splits = enumerate(which.splits(min(options.repeats, which.most)))
            found[which.name] = [list(finished(which, split, seed)) for seed, split in splits]
            print(which.name, found[which.name], flush=True)
    (HERE / "finish.md").write_text(table(found))


if __name__ == "__main__":
    main()
