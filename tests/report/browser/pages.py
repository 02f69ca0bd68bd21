"""Pages to visit, and reading what they show."""

from __future__ import annotations

import re
from pathlib import Path

import taut
from tests.report.browser.visit import plain
from tests.tables import fitted

TALL = {"width": 1280, "height": 8000}
"""A window in which every panel is in sight."""


def report(fit: taut.Fit, folder: Path) -> Path:
    return fit.report(folder / "page.html")


def whole_fit() -> taut.Fit:
    """Every panel that a linear model can have."""
    return fitted(lambdas=12, bootstrap=6, tol=1e-13)


def number(text: str) -> float:
    return float(re.search(r"[-+]?\d[\d.]*(e-?\d+)?", plain(text)).group())
