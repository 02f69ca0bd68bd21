"""lam = 0 is least squares: NIST's certified regressions to nine correct digits (Wampler sets: seven)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import taut
from tests.agreement import Float
from tests.data import data_path


class Certified(NamedTuple):
    X: Float
    y: Float
    coefficients: Float
    intercept: bool


def read_certified(path: Path) -> Certified:
    """The data and the certified B0, B1, ... at the lines that the file's own header names."""
    lines = path.read_text().splitlines()
    spans = re.findall(r"lines\s+(\d+)\s+to\s+(\d+)", "\n".join(lines[:10]))
    certified, data = (lines[int(first) - 1 : int(last)] for first, last in spans)
    found = [re.match(r"\s*B(\d+)\s+(\S+)", line) for line in certified]
    numbered = {int(match[1]): float(match[2]) for match in found if match}
    rows = np.array([[float(cell) for cell in line.split()] for line in data])
    degree = max(numbered)
    X = rows[:, 1:] if rows.shape[1] > 2 else rows[:, 1:] ** np.arange(1, degree + 1)
    return Certified(
        X, rows[:, 0], np.array([numbered[k] for k in sorted(numbered)]), intercept=0 in numbered
    )


def correct_digits(got: Float, certified: Float) -> float:
    """NIST's log relative error, the worst over the coefficients."""
    error = np.abs(got - certified) / np.abs(certified)
    return float(-np.log10(max(error.max(), 1e-15)))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("Norris", 9), ("Pontius", 9), ("NoInt1", 9), ("NoInt2", 9), ("Longley", 9),
        ("Wampler1", 7), ("Wampler2", 7), ("Wampler3", 7),
    ],
)  # fmt: skip
def test_least_squares_has_the_certified_digits(name: str, digits: int, standardize: bool) -> None:
    problem = read_certified(data_path("nist_strd", f"{name}.dat"))
    path = taut.fit_path(
        problem.X, problem.y, lambdas=[0.0], standardize=standardize, fit_intercept=problem.intercept
    )
    intercept = [path.intercepts[0]] if problem.intercept else []
    got = np.concatenate([intercept, path.coefs[0]])
    assert got.shape == problem.coefficients.shape
    assert correct_digits(got, problem.coefficients) >= digits
    assert path.certificates[0].met
