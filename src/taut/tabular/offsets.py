"""Offsets: the column that is added to the linear predictor as it stands, of a table to fit or to predict."""

from __future__ import annotations

import numpy as np

from taut.design import DataError, Frame, brief, closest, number_block
from taut.types import Float


def read_offset(frame: Frame, place: str, name: str | None, decimal: str, row: int = 0) -> Float | None:
    """The offset (n,) of each row, None where no column of it was named; ``row`` of the table is the first of ``frame``.

    ``DataError`` names the column that is missing, or the first row without a finite number.
    """
    if name is None:
        return None
    if name not in frame.columns:
        hint = (
            closest(name, frame.columns)
            or "; give it with the rows to predict (zeros for the predictor without it)"
        )
        raise DataError(
            f"{place}: offset column {brief(name)} is missing, and the model was fitted with it{hint}"
        )
    values = number_block(frame, [name], decimal)[:, 0]
    bad = np.flatnonzero(np.isnan(values))
    if bad.size:
        raise DataError(
            f"offset column {brief(name)}, row {row + bad[0] + 1}: missing or no finite number; every row needs one"
        )
    return values
