"""Judging: what is read from a polluted file must be what the clean table holds, or end in a sentence that names the place."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taut.design import Classes, DataError
from taut.tabular import prepare
from taut.tabular.options import Options
from tests.robustness.sheets import TARGET, Sheet

PLACES = (r"lines? \d+", r"column '", r"target '", r"--encoding")
"""What names a place, or the option that decides."""


class Outcome(NamedTuple):
    """``exact``, ``refused`` in a sentence that names the place, or ``different``, with the words for it."""

    kind: str
    words: str = ""


def judge(sheet: Sheet) -> Outcome:
    """Read the file and compare with the table that was written."""
    options = dict(sheet.options)
    target = options.pop("target", TARGET)
    truth = _read(sheet.table.frame(), Options.of(target, test_size=0.0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "d.csv"
        file.write_bytes(sheet.data())
        try:
            found = _read(file, Options.of(target, test_size=0.0, **options))
        except DataError as error:
            named = any(re.search(place, str(error)) for place in PLACES)
            return Outcome("refused" if named else "different", str(error))
    differences = _differences(truth, found)
    if sheet.refused:
        return Outcome("different", "read, and should have been refused")
    return Outcome("different", "; ".join(differences)) if differences else Outcome("exact")


def _read(table: Any, options: Options) -> dict[str, Any]:
    """What a fit starts from."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = prepare(table, options)
    preparation, target = made.setting.preparation, made.setting.target
    return {
        "names": preparation.names,
        "left out": sorted((x.name, x.reason.value) for x in preparation.left_out),
        "target": (
            target.name,
            target.task,
            target.labels if isinstance(target, Classes) else (),
            made.setting.sizes.train,
        ),
        "X": made.train.X,
        "y": made.train.y,
    }


def _differences(truth: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is not the same, in words; names of rows are no part of the table."""
    found["left out"] = [x for x in found["left out"] if x[0] != "row"]
    told = [
        f"{k}: {found[k]} and not {truth[k]}" for k in ("names", "left out", "target") if found[k] != truth[k]
    ]
    if told:
        return told
    return [k for k in ("X", "y") if not np.array_equal(truth[k], found[k], equal_nan=True)]
