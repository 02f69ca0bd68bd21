"""The types of arrays, each by one name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
"""Numbers in double precision."""
Single = NDArray[np.float32]
"""Numbers in single precision."""
Real = NDArray[np.floating[Any]]
"""Numbers in either precision."""
Index = NDArray[np.intp]
"""Positions in an array."""
Int64 = NDArray[np.int64]
"""Whole numbers as kernels and files take them."""
Mask = NDArray[np.bool_]
"""True where something holds."""
