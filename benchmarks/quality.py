"""How well whole fits predict on the tables of ``TAUT_DATA``, beside peers on the same columns and rows; writes quality.md.

    python -m benchmarks.quality [--sets uci_boston,titanic] [--methods lasso,auto] [--splits 3] [--rows 5000] [--limit 300]

Tables are those of ``benchmarks.intervals``: numbers with medians in their gaps, a column for each level of a text; each method
gets the same columns, the peers but for the trees standardise them. A set's loss is the squared error over the variance
of the test rows' target, or the log loss, of each test row. Each (set, split, method) is a process of its own that may use
``limit`` processor seconds, and a record of quality.json as soon as it ends; a further run measures what is not there. A fit
that does not end in time, or fails, is a loss of its method. Splits share rows, which the errors do not know.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import taut
from benchmarks.intervals import TABLES, Array, Table

HERE = Path(__file__).resolve().parent
FIRST_SEED = 9_000
TEST = 0.3
ALPHAS = (1e-4, 1e-2, 1e-1, 1.0, 10.0)
SMALLEST = 1e-9
"""Probabilities are at least this, for every method, so that no single row decides a set."""
OWN = ("taut lasso", "taut network", "taut auto")
PEERS = ("scikit-learn lasso", "scikit-learn elastic net", "scikit-learn ridge", "scikit-learn MLP")
TREES = "scikit-learn trees"
METHODS = (*OWN, *PEERS, TREES)
Record = dict[str, Any]


def parts(table: Table, split: int, rows: int) -> tuple[Array, Array]:
    """Training and test rows of at most ``rows``; whole groups where there are some."""
    rng = np.random.default_rng(FIRST_SEED + split)
    order = rng.permutation(len(table.y))[:rows]
    if table.groups is None:
        count = round((1 - TEST) * len(order))
        return order[:count], order[count:]
    named = rng.permutation(np.unique(table.groups))
    test = np.isin(table.groups[order], named[: round(TEST * len(named))])
    return order[~test], order[test]


def by_taut(method: str, table: Table, train: Array, test: Array) -> Array:
    """Numbers (n,), or probabilities (n, k) of the classes of the training rows."""
    columns = {f"x{j}": table.X[:, j] for j in range(table.X.shape[1])}
    frame = pl.DataFrame({**columns, "target": table.y})
    options: dict[str, Any] = {"task": "classification" if table.classes else "regression", "test_size": 0}
    if table.groups is not None:
        frame = frame.with_columns(group=pl.Series(table.groups))
        options["groups"] = "group"
    options |= {"taut network": {"hidden": (64,)}, "taut auto": {"model": "auto"}}.get(method, {})
    fit = taut.fit(frame[train], "target", **options)
    if not table.classes:
        return np.asarray(fit.predict(frame[test]), dtype=float)
    order = np.argsort([float(level) for level in fit.classes])
    return np.asarray(fit.predict_proba(frame[test]))[:, order]


def peer(method: str, classes: bool, folds: Any) -> Any:
    """scikit-learn's estimator, its strength chosen by five folds."""
    from sklearn import ensemble, linear_model, model_selection, neural_network

    if method == TREES:
        kind: Any = (
            ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor
        )
        return kind(random_state=0)
    if method == PEERS[3]:
        kind = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
        mlp = kind(hidden_layer_sizes=(64,), max_iter=400, random_state=0)
        scoring = "neg_log_loss" if classes else "neg_mean_squared_error"
        return model_selection.GridSearchCV(mlp, {"alpha": ALPHAS}, scoring=scoring, cv=folds)
    if not classes:
        mixes: dict[str, Any] = {
            PEERS[0]: linear_model.LassoCV(cv=folds, max_iter=10_000),
            PEERS[1]: linear_model.ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9], cv=folds, max_iter=10_000),
            PEERS[2]: linear_model.RidgeCV(np.geomspace(1e-3, 1e5, 50), cv=folds),
        }
        return mixes[method]
    ratio = {PEERS[0]: 1.0, PEERS[1]: 0.5, PEERS[2]: 0.0}[method]
    return linear_model.LogisticRegressionCV(
        Cs=10, cv=folds, l1_ratios=(ratio,), solver="saga" if ratio else "lbfgs", max_iter=1_000,
        scoring="neg_log_loss", use_legacy_attributes=False,
    )  # fmt: skip


def by_scikit_learn(method: str, table: Table, train: Array, test: Array) -> Array:
    """Numbers (n,), or probabilities (n, k) of the classes of the training rows."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    X, y = table.X[train], table.y[train]
    kind: Any = StratifiedKFold if table.classes else KFold
    folds: Any = kind(5, shuffle=True, random_state=0)
    if table.groups is not None:
        folds = list(GroupKFold(5).split(X, y, table.groups[train]))
    scaler = StandardScaler(with_mean=method != TREES, with_std=method != TREES).fit(X)
    model = peer(method, table.classes, folds)
    if table.classes:
        return np.asarray(model.fit(scaler.transform(X), y).predict_proba(scaler.transform(table.X[test])))
    center, spread = y.mean(), y.std()
    model.fit(scaler.transform(X), (y - center) / spread)
    return np.asarray(center + spread * model.predict(scaler.transform(table.X[test])))


def losses(table: Table, train: Array, test: Array, predicted: Array) -> Array:
    """Of each test row: squared error over the target's variance, or log loss."""
    y = table.y[test]
    if not table.classes:
        return (y - predicted) ** 2 / y.var()
    known = np.unique(table.y[train])
    wide = np.zeros((len(y), int(table.y.max()) + 1))
    wide[:, known.astype(int)] = predicted
    return -np.log(np.maximum(wide[np.arange(len(y)), y.astype(int)], SMALLEST))


def measured(table: Table, method: str, split: int, rows: int) -> Record:
    """One fit: the loss of each test row, and processor seconds."""
    train, test = parts(table, split, rows)
    start = time.process_time()
    fitted = by_taut if method in OWN else by_scikit_learn
    predicted = fitted(method, table, train, test)
    seconds = time.process_time() - start
    each = losses(table, train, test, predicted)
    return {"losses": [round(float(one), 5) for one in each], "seconds": round(seconds, 2)}


def in_process(name: str, method: str, split: int, rows: int, limit: int) -> Record:
    """The same in a process that the system ends after ``limit`` processor seconds."""
    ask = ["--one", name, method, str(split), "--rows", str(rows)]
    one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", *ask], capture_output=True, text=True, check=False, env=one,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
    )  # fmt: skip
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    if done.returncode < 0:
        return {"ended": f"more than {limit} s", "seconds": limit}
    return {"ended": (done.stderr.strip().splitlines() or ["no message"])[-1]}


def measure(
    names: list[str], methods: list[str], splits: int, out: Path, run: Callable[[str, str, int], Record]
) -> dict[str, Record]:
    """All records, those of ``out`` and the ones that ``run`` adds to it, each written as soon as it is there."""
    records: dict[str, Record] = json.loads(out.read_text()) if out.exists() else {}
    for name in names:
        for split in range(splits):
            for method in methods:
                key = f"{name}|{split}|{method}"
                if key not in records:
                    records[key] = run(name, method, split)
                    out.write_text(json.dumps(records) + "\n")
                    print(key, records[key].get("ended", records[key].get("seconds")), flush=True)
    return records


def by_set(records: dict[str, Record]) -> dict[str, dict[str, list[Record]]]:
    """Records of a set by method, those of its splits one after the other."""
    found: dict[str, dict[str, list[Record]]] = {}
    for key in sorted(records):
        name, _, method = key.split("|")
        found.setdefault(name, {}).setdefault(method, []).append(records[key])
    return found


def all_losses(several: list[Record]) -> Array | None:
    """The rows of all splits, or None where a fit did not end."""
    if any("ended" in one for one in several):
        return None
    return np.concatenate([one["losses"] for one in several])


def away(own: Array, best: Array) -> tuple[float, float]:
    """The mean of the paired differences and its standard error."""
    difference = own - best
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


def is_as_good(found: dict[str, Array | None], method: str, rivals: tuple[str, ...]) -> bool:
    """Whether a method is within one paired standard error of the best of it and its rivals."""
    own = found[method]
    ended = [one for name in rivals if (one := found.get(name)) is not None]
    if own is None:
        return False
    difference, error = away(own, min([own, *ended], key=np.mean))
    return difference <= error


def written(records: dict[str, Record]) -> str:
    """The table of all sets, and the shares of them."""
    sets = {name: kinds for name, kinds in by_set(records).items() if set(METHODS) <= set(kinds)}
    lines = [
        "# How well whole fits predict",
        "",
        "Written by `python -m benchmarks.quality`; do not edit. Mean loss of a test row (squared error over the variance of"
        " the target, or log loss), less the best one's ± the paired standard error; processor seconds of a fit.",
        "",
        f"| set | splits | {' | '.join(METHODS)} |",
        f"|---|---|{'---|' * len(METHODS)}",
    ]
    good = {"the linear peers and the MLP": 0, "everything": 0}
    slow = []
    for name, kinds in sets.items():
        found = {method: all_losses(several) for method, several in kinds.items()}
        lines.append(f"| {name} | {len(kinds[OWN[2]])} | {' | '.join(cells(kinds, found))} |")
        good["the linear peers and the MLP"] += is_as_good(found, OWN[2], PEERS)
        good["everything"] += is_as_good(found, OWN[2], (*PEERS, TREES))
        slow += [name] if max(one.get("seconds", 0) for one in kinds[OWN[2]]) > 60 else []
    lines.append("")
    lines += [
        f"- taut auto within one paired error of the best of {k}: {v} of {len(sets)} sets"
        for k, v in good.items()
    ]
    lines.append(f"- taut auto over 60 processor seconds: {', '.join(slow) or 'no set'}")
    return "\n".join(lines) + "\n"


def cells(kinds: dict[str, list[Record]], found: dict[str, Array | None]) -> list[str]:
    """A set's row of the table: the loss, its distance from the best, and the time."""
    ended = [one for one in found.values() if one is not None]
    best = min(ended, key=np.mean) if ended else None
    row = []
    for method in METHODS:
        own = found[method]
        if own is None or best is None:
            row.append("; ".join(sorted({one["ended"][:60] for one in kinds[method] if "ended" in one})))
            continue
        difference, error = away(own, best)
        seconds = np.mean([one["seconds"] for one in kinds[method]])
        beyond = "best" if own is best else f"+{difference:.3f} ± {error:.3f}"
        row.append(f"{own.mean():.3f} ({beyond}), {seconds:.1f} s")
    return row


def main() -> None:
    """Measure what is named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--sets", default=",".join(TABLES), help="tables, separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="methods, separated by commas")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5_000, help="of training and test together, at most")
    parser.add_argument("--limit", type=int, default=300, help="processor seconds of a fit")
    parser.add_argument("--out", type=Path, default=HERE / "quality.json")
    parser.add_argument("--one", nargs=3, metavar=("SET", "METHOD", "SPLIT"), help="print one record")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.one:
        name, method, split = asked.one
        print(json.dumps(measured(TABLES[name](), method, int(split), asked.rows)))
        return
    records = measure(
        asked.sets.split(","), asked.methods.split(","), asked.splits, asked.out,
        lambda name, method, split: in_process(name, method, split, asked.rows, asked.limit),
    )  # fmt: skip
    asked.out.with_suffix(".md").write_text(written(records), encoding="utf-8")


if __name__ == "__main__":
    main()
