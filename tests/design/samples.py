"""Tables of forty rows, and their preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from taut.design import (
    Preparation,
    learn_preparation,
    read_table,
)

N = 40
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).round(3)


def table(**columns: Any) -> Any:
    return read_table(pl.DataFrame(columns))[0]


def learn(frame: Any, decimal: str = ".") -> Preparation:
    return learn_preparation(frame, RNG.permutation(10 * len(frame))[: len(frame)], decimal)


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]
