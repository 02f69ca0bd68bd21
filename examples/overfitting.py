"""Why a penalty: a network with far more weights than rows, without one and with three, epoch by epoch and along λ.

    python examples/overfitting.py [PICTURE.png]

Prints what it measures; with a file name (needs matplotlib) it draws the curves and the histograms too.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

import taut

ROWS, EPOCHS, EVERY, RATE, HIDDEN = 100, 500, 5, 3e-3, (64, 64)
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
PENALTIES: dict[str, taut.Penalty | None] = {
    "none": None,
    "L1": taut.L1(0.03),
    "L2": taut.L2(0.04),
    "elastic net": taut.ElasticNet(0.03, 0.5, 1.0),
}
EDGES = np.array([-np.inf, -0.3, -0.1, -0.01, 0.01, 0.1, 0.3, np.inf])


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten inputs of which three matter, not linearly, and noise (sd 0.5); y has mean 0 and variance about 1.5."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 10))
    return X, np.sin(2 * X[:, 0]) + np.abs(X[:, 1]) - 0.8 + 0.5 * X[:, 2] + 0.5 * rng.normal(size=rows)


@dataclass(frozen=True)
class History:
    """Data loss every few epochs on the rows that were trained on and on new ones, and the weights at the end."""

    train: np.ndarray
    validation: np.ndarray
    weights: np.ndarray

    @property
    def gap(self) -> float:
        """How much worse the trained network is on new rows."""
        return float(self.validation[-1] - self.train[-1])


def train(penalty: taut.Penalty | None) -> History:
    """Full-batch proximal Adam: moments of ∇L alone, then the penalty's prox in Adam's own metric."""
    (X, y), (X_new, y_new) = draw(ROWS, seed=0), draw(500, seed=1)
    network = taut.Network(HIDDEN)
    objective = taut.Objective(taut.SquaredError(), network, weights=penalty)
    params = network.init(X.shape[1], 1, np.random.default_rng(2))
    first = second = params.map(np.zeros_like)
    losses = []
    for epoch in range(1, EPOCHS + 1):
        if epoch % EVERY == 1:
            losses.append([objective.forward(params, *rows).data for rows in ((X, y), (X_new, y_new))])
        gradient = objective.backward_data(params, X, y)
        first = first.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, gradient)
        second = second.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, gradient)
        rate = RATE / (1 - BETA1**epoch), 1 - BETA2**epoch
        steps = second.map(lambda v, rate=rate: RATE / (np.sqrt(v / rate[1]) + EPSILON))
        moved = params.map(lambda w, d, m, rate=rate: w - d * m * rate[0] / RATE, steps, first)
        params = moved.rebuild(
            [
                shape.prox(w[0], d[0])[None] if shape is not None else w
                for shape, w, d in zip(objective.penalties(params), moved.arrays, steps.arrays, strict=True)
            ]
        )
    curves = np.array(losses)
    return History(curves[:, 0], curves[:, 1], np.concatenate([w.ravel() for w in params.weights]))


@dataclass(frozen=True)
class Strengths:
    """Along λ, strongest first: data loss on the trained rows and on new ones, and how many weights are not zero."""

    lambdas: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    nonzeros: np.ndarray


def along_lambda() -> Strengths:
    """The same network along a whole path of L1 strengths, from the null model to hardly any penalty."""
    (X, y), (X_new, y_new) = draw(ROWS, seed=0), draw(500, seed=1)
    path = taut.fit_path(X, y, hidden=HIDDEN, lambdas=20, random_state=0)
    losses = [
        [
            float(np.mean((path.predict_at(rows, i) - target) ** 2))
            for rows, target in ((X, y), (X_new, y_new))
        ]
        for i in range(len(path))
    ]
    curves = np.array(losses)
    return Strengths(path.lambdas, curves[:, 0], curves[:, 1], path.nonzeros)


def tell(histories: dict[str, History], path: Strengths) -> str:
    """What was measured, as text."""
    lines = [f"{ROWS} rows, {histories['none'].weights.size:,} weights, {EPOCHS} epochs", ""]
    lines.append(f"{'penalty':<12} {'train':>7} {'new':>7} {'gap':>7} {'best new':>9} {'zeros':>7}  |w|")
    for name, h in histories.items():
        zeros = f"{np.mean(h.weights == 0):.0%}"
        lines.append(
            f"{name:<12} {h.train[-1]:>7.3f} {h.validation[-1]:>7.3f} {h.gap:>7.3f} {h.validation.min():>9.3f} "
            f"{zeros:>7}  {np.abs(h.weights).mean():.4f}"
        )
    lines += ["", "share of weights between", f"{'':<12} {'  '.join(f'{e:>6.4g}' for e in EDGES)}"]
    for name, h in histories.items():
        shares = np.histogram(h.weights, EDGES)[0] / h.weights.size
        lines.append(f"{name:<12} {'':>6}{'  '.join(f'{share:>6.1%}' for share in shares)}")
    lines += ["", f"{'λ (L1)':<12} {'train':>7} {'new':>7} {'weights':>8}"]
    best = int(np.argmin(path.validation))
    for i, lam in enumerate(path.lambdas):
        mark = "  ← best on new rows" if i == best else ""
        lines.append(
            f"{lam:<12.5f} {path.train[i]:>7.3f} {path.validation[i]:>7.3f} {path.nonzeros[i]:>8}{mark}"
        )
    return "\n".join(lines)


def picture(histories: dict[str, History], path: Strengths, file: str) -> None:
    """Loss per epoch, histograms of the weights, and loss along λ."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(histories)
    layout = [
        [f"curve {name}" for name in names],
        [f"weights {name}" for name in names],
        ["path"] * len(names),
    ]
    figure, axes = pyplot.subplot_mosaic(layout, figsize=(14, 9), layout="constrained")
    for name, h in histories.items():
        beside, epochs = axes[f"curve {name}"], np.arange(len(h.train)) * EVERY
        curves(beside, epochs, h.train, h.validation, f"penalty: {name}", "epoch")
        beside.set_ylim(0, 2.5)
        axes[f"weights {name}"].hist(h.weights, bins=np.linspace(-0.6, 0.6, 61), color="tab:gray")
        axes[f"weights {name}"].set(yscale="log", xlabel="weight", ylabel="count")
    title = "L1 along λ: overfit where it is small, underfit where it is large"
    curves(axes["path"], path.lambdas, path.train, path.validation, title, "λ")
    axes["path"].set(xscale="log")
    figure.savefig(file, dpi=100)


def curves(axis: Any, x: np.ndarray, train: np.ndarray, new: np.ndarray, title: str, label: str) -> None:
    """Training loss beside the loss on new rows."""
    axis.plot(x, train, label="trained rows")
    axis.plot(x, new, label="new rows")
    axis.set(title=title, xlabel=label, ylabel="loss")
    axis.legend()


def main() -> None:
    histories, path = {name: train(penalty) for name, penalty in PENALTIES.items()}, along_lambda()
    print(tell(histories, path))
    if len(sys.argv) > 1:
        picture(histories, path, sys.argv[1])


if __name__ == "__main__":
    main()
