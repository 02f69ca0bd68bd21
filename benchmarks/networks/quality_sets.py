"""The sets on which the quality of networks is measured: their splits, their metrics, and what others published on them.

Published are test RMSEs, mean ± standard error over the 20 splits of Hernández-Lobato and Adams, *Probabilistic
Backpropagation*, ICML 2015 (PBP); of Gal and Ghahramani, *Dropout as a Bayesian Approximation*, ICML 2016, table 1 (MC
dropout); and of Lakshminarayanan, Pritzel and Blundell, *Simple and Scalable Predictive Uncertainty Estimation using
Deep Ensembles*, NIPS 2017, table 1 (deep ensembles, ± standard deviation). All three have one hidden layer of 50 neurons.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("TAUT_DATA", HERE.parents[2] / "shared" / "data"))
FIRST_SEED = 7000
"""No setting of taut was chosen on the splits of these seeds."""
Array = np.ndarray


@dataclass(frozen=True)
class Split:
    """Training and test rows; ``groups``: which training rows belong together, and are held out together."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array
    groups: Array | None = None


@dataclass(frozen=True)
class Set:
    """Training and test rows for up to ``most`` repeats, what is measured on the test rows, and what others found.

    Without a ``rival`` the network has no skip, and the linear model, whose folds would take an hour, chooses on one part.
    """

    name: str
    metrics: dict[str, Callable[[Array, Array], float]]
    splits: Callable[[int], Iterator[Split]]
    classes: bool = False
    published: str = ""
    most: int = 5
    rival: bool = True


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
            yield Split(X_train, y_train, X_test, y_test)

    return splits


def _wide(repeats: int) -> Iterator[Split]:
    """150 rows, 500 columns, 10 true coefficients, as much noise as signal; 5,000 rows to test."""
    for seed in range(FIRST_SEED, FIRST_SEED + repeats):
        rng = np.random.default_rng(seed)
        coef = np.zeros(500)
        coef[:10] = rng.normal(size=10)
        X = rng.normal(size=(5150, 500))
        y = X @ coef + np.linalg.norm(coef) * rng.normal(size=len(X))
        yield Split(X[:150], y[:150], X[150:], y[150:])


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
            yield Split(X[train], y[train], X[test], y[test])

    return splits


def _mice(repeats: int) -> Iterator[Split]:
    """Eight classes of mice by 77 proteins; a mouse is on one side only, in folds too; gaps get training medians."""
    rows = np.genfromtxt(
        DATA / "mice_protein" / "Data_Cortex_Nuclear.csv", delimiter=",", dtype=str, skip_header=1
    )
    X = np.where(rows[:, 1:78] == "", "nan", rows[:, 1:78]).astype(float)
    y = np.unique(rows[:, -1], return_inverse=True)[1]
    mice = np.array([text.split("_")[0] for text in rows[:, 0]])
    for train, test in GroupShuffleSplit(repeats, test_size=0.25, random_state=FIRST_SEED).split(X, y, mice):
        median = np.nanmedian(X[train], axis=0)
        filled = np.where(np.isnan(X), median, X)
        yield Split(filled[train], y[train], filled[test], y[test], mice[train])


def _mnist(repeats: int) -> Iterator[Split]:
    """The 10,000 test images of MNIST: 8,000 to train on, 2,000 to test."""
    folder = DATA / "mnist_t10k"
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(images, np.uint8).reshape(-1, 784) / 255.0
    y = np.frombuffer(labels, np.uint8).astype(int)
    for seed in range(FIRST_SEED, FIRST_SEED + repeats):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[:8000], order[8000:]
        yield Split(X[train], y[train], X[test], y[test])


PUBLISHED = {
    "uci_boston": "PBP 3.014 ± 0.180, MC dropout 2.97 ± 0.19, deep ensembles 3.28 ± 1.00",
    "uci_concrete": "PBP 5.667 ± 0.093, MC dropout 5.23 ± 0.12, deep ensembles 6.03 ± 0.58",
    "uci_energy": "PBP 1.804 ± 0.048, MC dropout 1.66 ± 0.04, deep ensembles 2.09 ± 0.29",
    "uci_kin8nm": "PBP 0.098 ± 0.001, MC dropout 0.10 ± 0.00, deep ensembles 0.09 ± 0.00",
}
SETS = (
    Set("digits", CLASSES, _quarters(lambda: load_digits(return_X_y=True), True), classes=True),
    Set(
        "breast cancer",
        CLASSES,
        _quarters(lambda: load_breast_cancer(return_X_y=True), True),
        classes=True,
        most=40,
    ),
    Set("diabetes", {"R²": r2_score}, _quarters(lambda: load_diabetes(return_X_y=True), False), most=20),
    Set("p > n", {"R²": r2_score}, _wide),
    *(
        Set(name, {"RMSE": _rmse}, _published(name), published=others, most=20)
        for name, others in PUBLISHED.items()
    ),
    Set("mice_protein", CLASSES, _mice, classes=True),
    Set("mnist_t10k", CLASSES, _mnist, classes=True, most=1, rival=False),
)
