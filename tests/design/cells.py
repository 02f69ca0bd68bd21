"""Tables of columns for the tests of cells, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from taut.design import (
    learn_preparation,
    read_table,
)
from taut.tabular import prepare
from taut.tabular.options import Options

N = 60
RNG = np.random.default_rng(7)
Z = RNG.normal(size=N).round(3)


def table(**columns: Any) -> Any:
    return read_table(pl.DataFrame(columns))[0]


def learn(frame: Any, **more: Any) -> Any:
    return learn_preparation(frame, np.arange(len(frame)) * 3 + 1, **more)


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


def csv(path: Path, delimiter: str = ",", **columns: Any) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [delimiter.join(columns), *(delimiter.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def prepared(path: Any, target: str = "y", **options: Any) -> Any:
    return prepare(path, Options.of(target, lam=0.1, **options))
