"""How well networks predict: repeated splits; writes quality.json and quality.md.

    python -m benchmarks.networks.quality [--only digits,diabetes] [--repeats 5]

One fit of taut with its defaults (30 λ, 5 folds, ``fallback="2se"``) gives four rows: the mean of the fold members, the
refit, what ``fallback="never"`` would have taken, and the linear model.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

import taut

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("TAUT_DATA", HERE.parents[2] / "shared" / "data"))
FIRST_SEED = 1000
Array = np.ndarray
Split = tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class Set:
    """Training and test rows for a number of repeats, and what is measured on the test rows."""

    name: str
    metrics: dict[str, Callable[[Array, Array], float]]
    splits: Callable[[int], Iterator[Split]]
    classes: bool = False


def _rmse(y: Array, predicted: Array) -> float:
    return float(np.sqrt(mean_squared_error(y, predicted)))


def _log_loss(y: Array, predicted: Array) -> float:
    return float(log_loss(y, predicted, labels=np.arange(predicted.shape[1])))


def _accuracy(y: Array, predicted: Array) -> float:
    return float(accuracy_score(y, predicted.argmax(axis=1)))


CLASSES = {"log loss": _log_loss, "accuracy": _accuracy}


def _quarters(load: Callable[[], Any], stratify: bool) -> Callable[[int], Iterator[Split]]:
    """Three quarters to train on, one quarter to test."""

    def splits(repeats: int) -> Iterator[Split]:
        X, y = load()
        for seed in range(FIRST_SEED, FIRST_SEED + repeats):
            X_train, X_test, y_train, y_test = train_test_split(
                X, y, test_size=0.25, random_state=seed, stratify=y if stratify else None
            )
            yield X_train, y_train, X_test, y_test

    return splits


def _wide(repeats: int) -> Iterator[Split]:
    """150 rows, 500 columns, 10 true coefficients, as much noise as signal; 5,000 rows to test."""
    for seed in range(FIRST_SEED, FIRST_SEED + repeats):
        rng = np.random.default_rng(seed)
        coef = np.zeros(500)
        coef[:10] = rng.normal(size=10)
        X = rng.normal(size=(5150, 500))
        y = X @ coef + np.linalg.norm(coef) * rng.normal(size=len(X))
        yield X[:150], y[:150], X[150:], y[150:]


def _published(name: str) -> Callable[[int], Iterator[Split]]:
    """A UCI set with the test rows of its published splits."""

    def splits(repeats: int) -> Iterator[Split]:
        folder = DATA / name
        table = np.loadtxt(folder / "data.txt")
        features = np.loadtxt(folder / "index_features.txt").astype(int)
        target = int(np.loadtxt(folder / "index_target.txt"))
        X, y = table[:, features], table[:, target]
        for k in range(repeats):
            test = np.loadtxt(folder / f"index_test_{k}.txt").astype(int)
            train = np.setdiff1d(np.arange(len(y)), test)
            yield X[train], y[train], X[test], y[test]

    return splits


def _mice(repeats: int) -> Iterator[Split]:
    """Eight classes of mice by 77 proteins; a mouse is on one side only, gaps are filled with training medians."""
    rows = np.genfromtxt(
        DATA / "mice_protein" / "Data_Cortex_Nuclear.csv", delimiter=",", dtype=str, skip_header=1
    )
    X = np.where(rows[:, 1:78] == "", "nan", rows[:, 1:78]).astype(float)
    y = np.unique(rows[:, -1], return_inverse=True)[1]
    mice = np.array([text.split("_")[0] for text in rows[:, 0]])
    for train, test in GroupShuffleSplit(repeats, test_size=0.25, random_state=FIRST_SEED).split(X, y, mice):
        median = np.nanmedian(X[train], axis=0)
        filled = np.where(np.isnan(X), median, X)
        yield filled[train], y[train], filled[test], y[test]


SETS = (
    Set("digits", CLASSES, _quarters(lambda: load_digits(return_X_y=True), True), classes=True),
    Set("breast cancer", CLASSES, _quarters(lambda: load_breast_cancer(return_X_y=True), True), classes=True),
    Set("diabetes", {"R²": r2_score}, _quarters(lambda: load_diabetes(return_X_y=True), False)),
    Set("p > n", {"R²": r2_score}, _wide),
    *(
        Set(name, {"RMSE": _rmse}, _published(name))
        for name in ("uci_boston", "uci_concrete", "uci_energy", "uci_kin8nm")
    ),
    Set("mice_protein", CLASSES, _mice, classes=True),
)


def predictions(X: Array, y: Array, X_test: Array, classes: bool, seed: int) -> tuple[dict[str, Array], str]:
    """Predictions by kind of model from one fit, and which model was taken."""
    kind = taut.Classifier if classes else taut.Regressor
    model = kind(hidden=(64,), cv=5, final="average", random_state=seed).fit(X, y)
    own, rival = (model.path_, model.scores_), (model.rival_path_, model.rival_scores_)
    network, linear = (own, rival) if model.chosen_.model == "network" else (rival, own)
    found = {
        "taut, mean of members": model.predict_proba(X_test) if classes else model.predict(X_test),
        "taut, refit": _at(own, X_test),
        "taut, network whatever": _at(network, X_test),
        "taut, linear": _at(linear, X_test),
    }
    return found, model.chosen_.model


def _at(judged: Any, X: Array) -> Array:
    path, scores = judged
    mean = np.asarray(path.predict_at(X, scores.index_min))
    binary = mean.ndim == 1 and path.loss == taut.Logistic()
    return np.column_stack([1 - mean, mean]) if binary else mean


def measure(which: Set, repeats: int) -> dict[str, Any]:
    """Mean and standard deviation over the splits, per kind of model and metric."""
    rows: dict[str, dict[str, list[float]]] = {}
    taken, seconds = [], 0.0
    for seed, (X, y, X_test, y_test) in enumerate(which.splits(repeats)):
        start = time.process_time()
        found, chosen = predictions(X, y, X_test, which.classes, seed)
        seconds += time.process_time() - start
        taken.append(chosen)
        for kind, predicted in found.items():
            for metric, function in which.metrics.items():
                rows.setdefault(kind, {}).setdefault(metric, []).append(float(function(y_test, predicted)))
        print(
            which.name,
            seed,
            chosen,
            {k: [round(v[-1], 4) for v in m.values()] for k, m in rows.items()},
            flush=True,
        )
    return {"rows": rows, "taken": taken, "seconds": seconds / len(taken)}


def table(results: dict[str, Any]) -> str:
    """The results as one table."""
    lines = [
        "# How well networks predict",
        "",
        "Written by `python -m benchmarks.networks.quality`; do not edit. Mean ± standard deviation over the splits.",
        "The length of the finish was changed after some of these splits had been seen: docs/networks.md.",
        "",
        "| set | metric | mean of members | refit | network whatever | linear | network taken | CPU s a fit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        kinds = list(result["rows"].values())
        for metric in kinds[0]:
            cells = [f"{np.mean(kind[metric]):.3f} ± {np.std(kind[metric]):.3f}" for kind in kinds]
            share = f"{result['taken'].count('network')} of {len(result['taken'])}"
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} | {share} | {result['seconds']:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.quality", description=__doc__)
    parser.add_argument("--only", default="", help="sets, separated by commas; default all")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    file = HERE / "quality.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    wanted = [name for name in arguments.only.split(",") if name]
    for which in SETS:
        if wanted and which.name not in wanted:
            continue
        results[which.name] = measure(which, arguments.repeats)
        ordered = {each.name: results[each.name] for each in SETS if each.name in results}
        file.write_text(json.dumps(ordered, indent=1) + "\n")
        (HERE / "quality.md").write_text(table(ordered))


if __name__ == "__main__":
    main()
