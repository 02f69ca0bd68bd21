"""One case of the corpus of bad inputs, and the files that cases are made of."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

RNG = np.random.default_rng(0)
N = 40
OK, USAGE, DATA, UNMET = 0, 2, 3, 4


@dataclass(frozen=True)
class Case:
    """A file and a call; ``code`` and ``words`` are what must come of it (words on either stream)."""

    name: str
    content: bytes | Callable[[], bytes]
    code: int
    words: tuple[str, ...]
    options: tuple[str, ...] = ("--lam", "0.1")
    target: str = "y"
    file: str = "d.csv"

    @property
    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()


def numbers(rows: int = N) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 2))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + rng.normal(size=rows)})


GOOD = numbers().write_csv()
HEADER, _, BODY = GOOD.partition("\n")


def csv(*rows: str, header: str = HEADER) -> bytes:
    """The good table with some lines of one's own between header and rows."""
    return "\n".join([header, *rows, BODY]).encode()


def column(cells: list[Any], name: str = "a") -> bytes:
    """The good table with one column replaced by ``cells``."""
    return numbers().with_columns(pl.Series(name, [str(c) for c in cells])).write_csv().encode()


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def wide(columns: int) -> bytes:
    rng = np.random.default_rng(2)
    names = [*(f"v{j}" for j in range(columns)), "y"]
    rows = [",".join(f"{v:.3g}" for v in rng.normal(size=columns + 1)) for _ in range(12)]
    return "\n".join([",".join(names), *rows]).encode()
