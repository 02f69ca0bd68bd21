"""How well networks predict: repeated splits; writes quality.json and quality.md.

    python -m benchmarks.networks.quality [--only digits,diabetes] [--repeats 40]

One fit of taut (64 hidden neurons, 5 folds, all else its defaults) gives four rows: the mean of the fold members, the
refit, what ``fallback="never"`` would have taken, and the linear model; a second one the linear elastic net (l1_ratio
0.5), a third one a network whose mix of L1 and L2 is chosen by the folds, too (of ``MIXES``). Beside them stand
scikit-learn's lasso and ridge by cross-validation (both not for many classes) and its MLP of the same size, on standardised
columns: with alpha by cross-validation, and at that alpha which is best on the very test rows, more than a user could have.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, LogisticRegressionCV, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import taut
from benchmarks.networks.quality_sets import SETS, Array, Set, Split

HERE = Path(__file__).resolve().parent
ALPHAS = (1e-4, 1e-2, 1e-1, 1.0, 10.0)
MLP, LASSO, RIDGE = "scikit-learn MLP", "scikit-learn lasso", "scikit-learn ridge"
NET, MIXED = "taut, elastic net", "taut, mix by folds"
SEARCHED = "scikit-learn MLP by folds"
MIXES = (0.1, 0.5, 1.0)
KINDS = (
    "taut, mean of members", "taut, refit", "taut, network whatever", "taut, linear", MIXED, NET, LASSO, RIDGE, SEARCHED, MLP
)  # fmt: skip
HIGHER = ("accuracy", "R²")
"""Metrics of which more is better."""


def predictions(which: Set, split: Split, seed: int) -> tuple[dict[str, Array], str]:
    """Predictions by kind of model from one fit, and which model was taken."""
    kind: Any = taut.Classifier if which.classes else taut.Regressor
    folds = 5 if split.groups is None else GroupKFold(5)
    model = kind(hidden=(64,), cv=folds, final="average", random_state=seed)
    model.fit(split.X, split.y, groups=split.groups)
    own, rival = (model.path_, model.scores_), (model.rival_path_, model.rival_scores_)
    network, linear = (own, rival) if model.chosen_.model == "network" else (rival, own)
    X = split.X_test
    found = {
        "taut, mean of members": model.predict_proba(X) if which.classes else model.predict(X),
        "taut, refit": _at(own, X),
        "taut, network whatever": _at(network, X),
        "taut, linear": _at(linear, X),
    }
    return found, model.chosen_.model


def alone(split: Split, seed: int) -> tuple[dict[str, Array], str]:
    """Classes from a network without skip, its strength by cross-validation."""
    X, y = split.X, split.y
    done = taut.cross_validate(
        X, y, cv=5, hidden=(64,), skip=False, loss="multinomial", lambdas=30, random_state=seed
    )
    index, (refit, *members) = done.scores.index_min, done.paths
    eta = np.mean([member.decision_at(split.X_test, index) for member in members], axis=0)
    return {KINDS[0]: softmax(eta, axis=1), KINDS[1]: refit.predict_at(split.X_test, index)}, "network"


def linear_alone(split: Split, seed: int) -> dict[str, list[Array]]:
    """Classes from the linear model, its strength by one held-out part."""
    part = ShuffleSplit(1, test_size=0.2, random_state=seed)
    top = taut.fit_path(split.X, split.y, loss="multinomial", lambdas=1).lambdas[0]
    lambdas = top * np.geomspace(1.0, 3e-3, 14)
    done = taut.cross_validate(split.X, split.y, cv=part, loss="multinomial", lambdas=lambdas, tol=1e-3)
    return {KINDS[3]: [_at((done.paths[0], done.scores), split.X_test)]}


def _at(judged: Any, X: Array) -> Array:
    path, scores = judged
    mean = np.asarray(path.predict_at(X, scores.index_min))
    binary = mean.ndim == 1 and path.loss == taut.Logistic()
    return np.column_stack([1 - mean, mean]) if binary else mean


def peers(split: Split, classes: bool, seed: int) -> dict[str, list[Array]]:
    """The predictions of scikit-learn's MLP for every alpha, and of its lasso by cross-validation where that is quick."""
    mlp: Any = MLPClassifier if classes else MLPRegressor
    shape = {"hidden_layer_sizes": (64,), "max_iter": 400, "random_state": seed}
    found = {MLP: [_peer(mlp(alpha=alpha, **shape), split, classes) for alpha in ALPHAS]}
    if not classes:
        found[LASSO] = [_peer(LassoCV(cv=5), split, classes)]
        found[RIDGE] = [_peer(RidgeCV(np.geomspace(1e-3, 1e5, 50)), split, classes)]
    elif split.y.max() == 1:
        for name, ratio, solver in ((LASSO, 1.0, "liblinear"), (RIDGE, 0.0, "lbfgs")):
            options = {"solver": solver, "scoring": "neg_log_loss", "max_iter": 2000}
            model: Any = LogisticRegressionCV(
                Cs=20, cv=5, l1_ratios=(ratio,), use_legacy_attributes=False, **options
            )
            found[name] = [_peer(model, split, classes)]
    return found


def elastic_net(which: Set, split: Split, seed: int) -> dict[str, list[Array]]:
    """The linear elastic net of two classes or a number, by cross-validation."""
    if which.classes and split.y.max() > 1:
        return {}
    kind: Any = taut.Classifier if which.classes else taut.Regressor
    model = kind(penalty="elasticnet", l1_ratio=0.5, cv=5, random_state=seed).fit(split.X, split.y)
    return {NET: [model.predict_proba(split.X_test) if which.classes else model.predict(split.X_test)]}


def mixed(which: Set, split: Split, seed: int) -> dict[str, list[Array]]:
    """The network or linear model whose λ and mix of L1 and L2 the folds choose."""
    kind: Any = taut.Classifier if which.classes else taut.Regressor
    folds = 5 if split.groups is None else GroupKFold(5)
    model = kind(hidden=(64,), penalty="elasticnet", l1_ratio=list(MIXES), cv=folds, random_state=seed)
    model.fit(split.X, split.y, groups=split.groups)
    return {MIXED: [model.predict_proba(split.X_test) if which.classes else model.predict(split.X_test)]}


def searched(split: Split, classes: bool, seed: int) -> dict[str, list[Array]]:
    """scikit-learn's MLP with the alpha that the folds choose."""
    kind: Any = MLPClassifier if classes else MLPRegressor
    mlp = kind(hidden_layer_sizes=(64,), max_iter=400, random_state=seed)
    folds = None if split.groups is None else GroupKFold(5).split(split.X, split.y, split.groups)
    search = GridSearchCV(mlp, {"alpha": ALPHAS}, scoring=_likelihood if classes else "r2", cv=folds)
    return {SEARCHED: [_peer(search, split, classes)]}


def _likelihood(model: Any, X: Array, y: Array) -> float:
    """Minus the log loss; "neg_log_loss" has no value for rows that lack a class."""
    return -float(log_loss(y, model.predict_proba(X), labels=model.classes_))


def _peer(model: Any, split: Split, classes: bool) -> Array:
    """What it predicts from standardised columns; a numeric target is standardised too."""
    center, scale = (0.0, 1.0) if classes else (split.y.mean(), split.y.std())
    model = make_pipeline(StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(split.X, split.y if classes else (split.y - center) / scale)
    X = split.X_test
    return model.predict_proba(X) if classes else center + scale * model.predict(X)


def measure(which: Set, repeats: int) -> dict[str, Any]:
    """The metrics of every split, per kind of model; of several predictions of a kind the best one by each metric."""
    rows: dict[str, dict[str, list[float]]] = {}
    taken, seconds = [], 0.0
    for seed, split in enumerate(which.splits(min(repeats, which.most))):
        start = time.process_time()
        found, chosen = predictions(which, split, seed) if which.rival else alone(split, seed)
        seconds += time.process_time() - start
        taken.append(chosen)
        kinds = {kind: [predicted] for kind, predicted in found.items()}
        kinds |= elastic_net(which, split, seed) if which.rival else linear_alone(split, seed)
        kinds |= peers(split, which.classes, seed)
        if which.rival and not which.published:
            kinds |= mixed(which, split, seed) | searched(split, which.classes, seed)
        for kind, several in kinds.items():
            for metric, function in which.metrics.items():
                best = max if metric in HIGHER else min
                value = best(float(function(split.y_test, predicted)) for predicted in several)
                rows.setdefault(kind, {}).setdefault(metric, []).append(value)
        last = {k: [round(v[-1], 4) for v in m.values()] for k, m in rows.items()}
        print(which.name, seed, chosen, last, flush=True)
    return {"rows": rows, "taken": taken, "seconds": seconds / len(taken)}


def table(results: dict[str, Any]) -> str:
    """The results as one table, and beneath it what others published."""
    lines = [
        "# How well networks predict",
        "",
        "Written by `python -m benchmarks.networks.quality`; do not edit. Mean ± standard deviation over the splits.",
        "The MLP has the alpha of five that is best on the test rows themselves, by each metric. CPU s: a fit of taut.",
        "",
        f"| set | metric | {' | '.join(kind.removeprefix('taut, ') for kind in KINDS)} | network taken | CPU s |",
        f"|---|---|{'---|' * len(KINDS)}---|---|",
    ]
    for name, result in results.items():
        rows = result["rows"]
        for metric in rows[KINDS[0]]:
            cells = [_cell(rows[kind][metric]) if kind in rows else "–" for kind in KINDS]
            share = f"{result['taken'].count('network')} of {len(result['taken'])}"
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} | {share} | {result['seconds']:.1f} |")
    return "\n".join([*lines, "", *_published(results)]) + "\n"


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


def _published(results: dict[str, Any]) -> list[str]:
    lines = [
        "## Published on the same splits",
        "",
        "Test RMSE with one hidden layer of 50 neurons; the sources are in quality_sets.py.",
        "",
        "| set | taut, mean of members (± standard error) | published |",
        "|---|---|---|",
    ]
    for which in SETS:
        if which.published and which.name in results:
            own = next(iter(results[which.name]["rows"].values()))["RMSE"]
            error = np.std(own, ddof=1) / np.sqrt(len(own))
            cell = f"{np.mean(own):.3f} ± {error:.3f}, {len(own)} splits"
            lines.append(f"| {which.name} | {cell} | {which.published} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.quality", description=__doc__)
    parser.add_argument("--only", default="", help="sets, separated by commas; default all")
    parser.add_argument("--repeats", type=int, default=40)
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
