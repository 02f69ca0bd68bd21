"""Room: where a matrix lies, in memory or, where that would not hold it, in a file that is mapped into it."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taut.design.faults import DataError

Float = NDArray[np.float64]

SHARE = 8
"""A matrix beyond one part in so many of the memory there is lies in a file."""
LIMIT = Path("/sys/fs/cgroup/memory.max")


@cache
def memory() -> int:
    """Bytes of memory that this process may have: the machine's, or its control group's where that has fewer."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on this system
        whole = 1 << 33
    try:
        return min(whole, int(LIMIT.read_text()))
    except (OSError, ValueError):  # no control group, or "max"
        return whole


def room(n: int, p: int) -> Float:
    """An (n, p) array in Fortran order, not yet filled; on disk the system keeps in memory what is in use."""
    size = 8 * n * p
    if size <= memory() // SHARE:
        return np.empty((n, p), order="F")
    try:
        with tempfile.TemporaryFile(prefix="taut-") as file:  # gone with the last map of it
            os.truncate(file.fileno(), size)
            return np.memmap(file, dtype=np.float64, mode="r+", shape=(n, p), order="F")
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise DataError(
            f"{size / 1e9:.1f} GB of scratch space for the table in {tempfile.gettempdir()}: {said};"
            " free some, or set TMPDIR to a larger disk"
        ) from error
