"""The published tables whose paths are compared with other tools, as arrays of predictors and a response."""

from __future__ import annotations

import csv
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.agreement import Float
from tests.data import data_path


class Arrays(NamedTuple):
    X: Float
    y: Float


def _rows(*parts: str) -> list[dict[str, str]]:
    with data_path(*parts).open(newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def _columns(rows: list[dict[str, str]], target: str, leave_out: tuple[str, ...]) -> Arrays:
    names = [name for name in rows[0] if name not in (target, *leave_out)]
    X = np.array([[float(row[name]) for name in names] for row in rows])
    return Arrays(X, np.array([float(row[target]) for row in rows]))


def prostate() -> Arrays:
    """97 × 8, log PSA (Stamey et al. 1989; Elements of Statistical Learning §3)."""
    return _columns(_rows("esl_prostate", "Prostate Cancer.txt"), "lpsa", ("id", "train"))


def saheart() -> Arrays:
    """462 × 9, coronary heart disease (Elements of Statistical Learning §4.4); famhist as 0/1."""
    rows = _rows("esl_saheart", "South African Heart Disease.txt")
    coded = [{**row, "famhist": str(int(row["famhist"] == "Present"))} for row in rows]
    return _columns(coded, "chd", ("row.names",))


def rat_eye() -> Arrays:
    """120 × 200, expression of TRIM32 (Scheetz et al. 2006)."""
    return _columns(_rows("scheetz_eye", "eyedata.csv"), "y", ("",))


def quick_start() -> Arrays:
    """100 × 20, the first example of the glmnet package."""
    return _glmnet_example("QuickStart")


def three_classes() -> Arrays:
    """500 × 30, the multinomial example of the glmnet package; classes 0, 1, 2."""
    example = _glmnet_example("Multinomial")
    codes: NDArray[np.int64] = example.y.astype(np.int64) - 1
    return Arrays(example.X, codes)


def _glmnet_example(name: str) -> Arrays:
    return Arrays(_numbers(f"{name}ExampleX.dat"), _numbers(f"{name}ExampleY.dat").squeeze())


def _numbers(file: str) -> Float:
    """One of the package's examples; some are separated by commas and some by spaces."""
    lines = data_path("glmnet_examples", file).read_text().replace(",", " ").splitlines()
    return np.array([[float(cell) for cell in line.split()] for line in lines])


REGRESSIONS = (prostate, rat_eye, quick_start)
