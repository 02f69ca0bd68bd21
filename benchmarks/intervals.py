"""How often intervals hold what they are to hold: ten splits of each table in ``TAUT_DATA``; writes intervals.md.

    python -m benchmarks.intervals [--only uci_boston,titanic] [--splits 10] [--coverage 0.9]

What is done is kept in intervals.json, and not measured again.

A split trains ``Regressor()`` or ``Classifier()`` with their defaults on at most ``TRAIN`` rows and asks for the intervals,
or sets of classes, of at most ``TEST`` others (whole mice on mice_protein). The error of a coverage is binomial, of all test
rows of all splits; it does not know that splits share rows, nor that the test rows of one share a model.
"""

from __future__ import annotations

import argparse
import gzip
import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import taut
from benchmarks.real import FOLDER

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "intervals.json"
TRAIN, TEST, FIRST_SEED = 600, 1_500, 4_000
Array = np.ndarray


@dataclass(frozen=True)
class Table:
    """Features (n, p), a target of numbers or of codes of classes, and which rows belong together."""

    X: Array
    y: Array
    classes: bool = False
    groups: Array | None = None


@dataclass(frozen=True)
class Found:
    """Of one split: the share of test rows that are inside, the mean width or size, and how many rows were asked."""

    inside: float
    size: float
    rows: int


def numeric(frame: pl.DataFrame, target: str, drop: Iterable[str] = (), groups: str = "") -> Table:
    """Numbers as they are, medians in gaps, a column for every level of a text; a group is a name up to its ``_``."""
    frame = frame.drop([*drop], strict=False).rename(str.strip)
    cells = frame[target].cast(pl.String).str.strip_chars().is_in(["", "?", "NA"]).fill_null(True)
    frame = frame.filter(~cells)
    y = frame[target]
    own = frame[groups].str.split("_").list.first().rank("dense").to_numpy() if groups else None
    columns = []
    for name in [c for c in frame.columns if c not in (target, groups)]:
        column = read(frame[name])
        if column.dtype == pl.String:
            levels = column.fill_null("")
            if levels.n_unique() <= 30:
                columns += [
                    (levels == level).cast(pl.Float64).to_numpy() for level in sorted(levels.unique())
                ]
            continue
        values = column.cast(pl.Float64)
        columns.append(values.fill_null(values.median()).to_numpy())
    classes = y.dtype in (pl.String, pl.Boolean)
    values = y.cast(pl.String).rank("dense").to_numpy() - 1 if classes else y.cast(pl.Float64).to_numpy()
    return Table(np.column_stack(columns), values, classes, own)


def read(column: pl.Series) -> pl.Series:
    """Texts that are numbers, blanks around them taken off."""
    if column.dtype != pl.String:
        return column
    texts = column.str.strip_chars()
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() < texts.null_count() + 0.1 * len(texts) else texts


def csv(
    name: str,
    target: str,
    drop: Iterable[str] = (),
    label: bool = False,
    groups: str = "",
    separator: str = ",",
) -> Table:
    """A CSV whose target is a number, or the label of a class."""
    frame = pl.read_csv(
        FOLDER / name, separator=separator, null_values=["NA", "", "?"], infer_schema_length=None
    )
    frame = frame.with_columns(pl.col(target).cast(pl.String)) if label else frame
    return numeric(frame, target, drop, groups)


def text(name: str, target: int, label: bool = False, **options: Any) -> Table:
    """A file without names, blanks or commas between its cells."""
    content = (FOLDER / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    lines = [line.replace(b",", b" ").split() for line in content.splitlines() if line.strip()]
    columns = {
        f"c{j}": [cell.decode() for cell in column] for j, column in enumerate(zip(*lines, strict=True))
    }
    frame = pl.DataFrame(columns)
    aim = frame.columns[target]
    return numeric(frame if label else frame.with_columns(read(frame[aim])), aim, **options)


def digits() -> Table:
    from sklearn.datasets import load_digits

    return Table(*load_digits(return_X_y=True), classes=True)


def cancer() -> Table:
    from sklearn.datasets import load_breast_cancer

    return Table(*load_breast_cancer(return_X_y=True), classes=True)


def diabetes() -> Table:
    from sklearn.datasets import load_diabetes

    return Table(*load_diabetes(return_X_y=True))


MICE = "mice_protein/Data_Cortex_Nuclear.csv"
TABLES: dict[str, Callable[[], Table]] = {
    "uci_boston": lambda: text("uci_boston/data.txt", -1),
    "uci_concrete": lambda: text("uci_concrete/data.txt", -1),
    "uci_energy": lambda: text("uci_energy/data.txt", -1),
    "uci_kin8nm": lambda: text("uci_kin8nm/data.txt", -1),
    "uci_airfoil": lambda: text("uci_airfoil/data.csv.gz", -1),
    "uci_elevators": lambda: text("uci_elevators/data.csv.gz", -1),
    "hitters": lambda: csv("hitters/Hitters.csv", "Salary", ["rownames", ""]),
    "wage": lambda: csv("wage/Wage.csv", "wage", ["rownames", "", "logwage"]),
    "carseats": lambda: csv("carseats/Carseats.csv", "Sales", ["rownames", ""]),
    "california_housing": lambda: csv("california_housing/housing.csv", "median_house_value"),
    "wine_red": lambda: csv("wine_quality/winequality-red.csv", "quality"),
    "wine_white": lambda: csv("wine_quality/winequality-white.csv", "quality"),
    "meats_tecator": lambda: csv("meats_tecator/meats.csv", "fat", ["rownames", "", "water", "protein"]),
    "student_performance": lambda: csv(
        "student_performance/student-por.csv", "G3", ["G1", "G2"], separator=";"
    ),
    "diabetes": diabetes,
    "titanic": lambda: csv("titanic/titanic.csv", "Survived", ["PassengerId", "Name"], label=True),
    "adult": lambda: text("adult/adult.data.gz", -1, label=True),
    "german_credit": lambda: text("german_credit/german.csv", -1, label=True),
    "saheart": lambda: csv("esl_saheart/South African Heart Disease.txt", "chd", ["row.names"], label=True),
    "breast cancer": cancer,
    "digits": digits,
    "mice_protein": lambda: csv(MICE, "class", ["Genotype", "Treatment", "Behavior"], groups="MouseID"),
}


def parts(table: Table, seed: int) -> tuple[Array, Array]:
    """Training and test rows; whole groups where there are some."""
    rng = np.random.default_rng(FIRST_SEED + seed)
    if table.groups is None:
        order = rng.permutation(len(table.y))
        count = min(TRAIN, int(0.7 * len(order)))
        return order[:count], order[count : count + TEST]
    named = rng.permutation(np.unique(table.groups))
    test = np.isin(table.groups, named[: len(named) // 4])
    return np.flatnonzero(~test), np.flatnonzero(test)


def judged(table: Table, seed: int, coverage: float) -> Found:
    """One split."""
    train, test = parts(table, seed)
    kind: Any = taut.Classifier if table.classes else taut.Regressor
    groups = None if table.groups is None else table.groups[train]
    model = kind(random_state=seed).fit(table.X[train], table.y[train], groups=groups)
    y = table.y[test]
    if table.classes:
        known = np.isin(y, model.classes_)
        held = model.predict_set(table.X[test], coverage)
        places = np.searchsorted(model.classes_, y[known])
        inside = held[np.flatnonzero(known), places].sum() / len(y)
        return Found(float(inside), float(held.sum(axis=1).mean()), len(y))
    low, high = model.predict_interval(table.X[test], coverage).T
    width = float(np.mean(high - low) / table.y.std())
    return Found(float(np.mean((low <= y) & (y <= high))), width, len(y))


def written(found: dict[str, tuple[bool, list[Found]]], coverage: float, splits: int) -> str:
    """The tables of numbers and of classes."""
    lines = [
        f"# Coverage of intervals that are to hold {coverage:.0%} of new rows",
        "",
        f"Written by `python -m benchmarks.intervals`; do not edit. {splits} splits of each table, at most {TRAIN} training and"
        f" {TEST} test rows, the linear models' defaults; ± is binomial, of all test rows. Widths are in standard deviations"
        " of the target.",
    ]
    for classes, size in ((False, "mean width"), (True, "mean size of a set")):
        own = {name: parts for name, (kind, parts) in found.items() if kind is classes}
        if not own:
            continue
        lines += ["", f"| table | coverage | least and most of a split | {size} |", "|---|---|---|---|"]
        for name, each in own.items():
            inside = np.array([one.inside for one in each])
            mean, rows = inside.mean(), sum(one.rows for one in each)
            error = np.sqrt(coverage * (1 - coverage) / rows)
            width = np.mean([one.size for one in each])
            lines.append(
                f"| {name} | {mean:.3f} ± {error:.3f} | {inside.min():.3f} … {inside.max():.3f} | {width:.2f} |"
            )
        means = [np.mean([one.inside for one in each]) for each in own.values()]
        lines.append(
            f"| **mean of {len(means)}** | **{np.mean(means):.3f}** | {min(means):.3f} … {max(means):.3f} | |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=__doc__)
    parser.add_argument("--only", default=",".join(TABLES), help="tables, separated by commas")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--coverage", type=float, default=0.9)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.only.split(","):
        measure(name, options.splits, options.coverage)
    (HERE / "intervals.md").write_text(
        written(kept(options.splits, options.coverage), options.coverage, options.splits)
    )


def measure(name: str, splits: int, coverage: float) -> None:
    """All splits of one table, unless they are kept from before."""
    record = {} if not RESULTS.exists() else json.loads(RESULTS.read_text())
    key = f"{name}, {splits} splits, {coverage:g}"
    if key in record:
        return
    try:
        table = TABLES[name]()
    except OSError as error:
        print(f"{name} is left out: {error}")
        return
    found = [judged(table, seed, coverage) for seed in range(splits)]
    record[key] = {"classes": table.classes, "splits": [[one.inside, one.size, one.rows] for one in found]}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    print(name, table.X.shape, found, flush=True)


def kept(splits: int, coverage: float) -> dict[str, tuple[bool, list[Found]]]:
    """What is known of so many splits, in the order of ``TABLES``."""
    record = {} if not RESULTS.exists() else json.loads(RESULTS.read_text())
    keys = {name: f"{name}, {splits} splits, {coverage:g}" for name in TABLES}
    return {
        name: (record[key]["classes"], [Found(*one) for one in record[key]["splits"]])
        for name, key in keys.items()
        if key in record
    }


if __name__ == "__main__":
    main()
