"""Scratch memory: where a matrix lies, in memory or, where that would not hold it, in a file that is mapped into it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from taut.design.faults import DataError
from taut.types import Float

SHARE = 8
"""A matrix beyond one part in so many of the memory there is lies in a file."""
LIMIT = Path("/sys/fs/cgroup/memory.max")


@cache
def memory() -> int:
    """Bytes of memory that this process may have: the least of the machine's, its control group's, and its own (ulimit -d)."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on this system
        whole = 1 << 33
    with suppress(OSError, ValueError):  # no control group, or "max"
        whole = min(whole, int(LIMIT.read_text()))
    try:
        import resource

        own = resource.getrlimit(resource.RLIMIT_DATA)[0]  # mapped files do not count
    except (ImportError, AttributeError, OSError):  # not on this system
        return whole
    return whole if own == resource.RLIM_INFINITY else min(whole, own)


def allocate(n: int, p: int) -> Float:
    """An (n, p) array in Fortran order, not yet filled; on disk the system keeps in memory what is in use."""
    size = 8 * n * p
    if size <= memory() // SHARE:
        return np.empty((n, p), order="F")
    try:
        with tempfile.TemporaryFile(prefix="taut-") as file:  # gone with the last map of it
            os.truncate(file.fileno(), size)
            return np.memmap(file, dtype=np.float64, mode="r+", shape=(n, p), order="F")
    except OSError as error:
        raise no_scratch(error, f"{size / 1e9:.1f} GB of ") from error


def no_scratch(error: OSError, amount: str = "") -> DataError:
    """The error for a scratch file that could not be written."""
    said = (error.strerror or str(error)).lower()
    where = f"{amount}scratch space for the table in {tempfile.gettempdir()}"
    return DataError(f"{where}: {said}; free some, or set TMPDIR to a larger disk")
