"""The losses that taut exports, and targets for each."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Float = NDArray[Any]
