"""How a broken law is told, whatever it is a law of."""

from __future__ import annotations

from typing import Any

import numpy as np


def require(subject: str, law: str, excess: Any, tol: Any = 0.0, where: str = "") -> None:
    """Raise AssertionError, naming the ``subject`` and the law, unless every ``excess`` is ≤ ``tol``; NaN fails."""
    gap = np.asarray(excess, dtype=np.float64)
    if not np.all(gap <= tol):
        worst = float(np.max(np.where(np.isnan(gap), np.inf, gap - tol)))
        raise AssertionError(f"{subject} breaks the law: {law} (off by {worst:.3g} beyond tolerance){where}")
