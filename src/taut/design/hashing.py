"""Hashing: numbers of rows and keys to uniform bits, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEP = 0x9E3779B97F4A7C15


def mixed(numbers: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Uniform bits (n,) from whole numbers (n,): the finaliser of SplitMix64 at ``number + salt`` times the golden ratio.

    Steele, Lea and Flood, *Fast splittable pseudorandom number generators* (OOPSLA 2014).
    """
    with np.errstate(over="ignore"):
        z = (numbers + np.uint64(salt % 2**64) + np.uint64(1)) * np.uint64(_STEP)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed_bits: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed_bits


def text_keys(cells: Sequence[str]) -> NDArray[np.uint64]:
    """Uniform bits (n,) from texts: the first 8 bytes of their BLAKE2b."""
    keys = {
        cell: int.from_bytes(hashlib.blake2b(cell.encode(), digest_size=8).digest(), "little")
        for cell in {*cells}
    }
    return np.array([keys[cell] for cell in cells], dtype=np.uint64)
