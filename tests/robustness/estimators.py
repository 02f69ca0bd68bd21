"""Every estimator, the rows that each takes, and what a message must look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from taut.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 3))
Y = X[:, 0] + np.random.default_rng(1).normal(size=ROWS)
CODES = np.arange(ROWS) % 3
INNER = (
    "Error(",
    "np.",
    "numpy",
    "narwhals",
    "out of bounds",
    "unhashable",
    "not iterable",
    "unpack",
    "NAType",
    "\n",
)
"""What a message has when its words come from within."""


def one_sentence(call: Callable[[], Any], *words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    said = str(caught.value)
    assert [w for w in words if w not in said] == [], said
    assert [w for w in INNER if w in said] == [], said
