"""Elementary functions over float32 arrays in loops that vectorise: the exponential, and what networks make of it.

Every constant is a float32, because one double in a loop would make all of it double. The exponential is that of the
Cephes library (S. L. Moshier, 1989, expf.c): within 3 units in the last place on [−87, 88], held to its ends beyond.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels import compile
from taut.types import Single

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)
LOG2_E = np.float32(1.44269504088896341)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
E0, E1, E2, E3, E4, E5 = (
    np.float32(c)
    for c in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        0.5000000120,
    )
)
ODD3, ODD5, ODD7, ODD9, ODD11, ODD13 = (np.float32(1.0 / k) for k in (3, 5, 7, 9, 11, 13))
EXPONENT_BIAS, MANTISSA_BITS = np.int32(127), np.int32(23)

# erfc(x) e^(x²) for x ≥ 0 as a polynomial in 1/(1 + P x), to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).
P_ERF = np.float32(0.3275911)
A1, A2, A3, A4, A5 = (
    np.float32(a) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
)
ROOT_HALF, DENSITY_AT_0 = np.float32(0.70710678118654752), np.float32(0.39894228040143268)


@compile(fastmath=True)
def exponential(x: Single, powers: Single) -> None:
    """x ← e^x in place; ``powers`` is room for as many numbers."""
    bits = powers.view(np.int32)
    for i in range(x.size):
        v = min(max(x[i], LOWEST), HIGHEST)
        k = np.floor(v * LOG2_E + HALF)
        bits[i] = (np.int32(k) + EXPONENT_BIAS) << MANTISSA_BITS
        r = v - k * LN2_HIGH - k * LN2_LOW
        q = ((((E0 * r + E1) * r + E2) * r + E3) * r + E4) * r + E5
        x[i] = q * r * r + r + ONE
    for i in range(x.size):
        x[i] *= powers[i]


@compile(fastmath=True)
def log_one_plus(x: Single, out: Single) -> None:
    """out ← log(1 + x) for x in [0, 1]: 2 artanh(s) with s = x/(2 + x) ≤ 1/3, to 2e-7 relative by seven terms."""
    for i in range(x.size):
        s = x[i] / (TWO + x[i])
        q = s * s
        series = ONE + q * (ODD3 + q * (ODD5 + q * (ODD7 + q * (ODD9 + q * (ODD11 + q * ODD13)))))
        out[i] = TWO * s * series


@compile(fastmath=True)
def normal_distribution(z: Any, decay: Any) -> Any:
    """Φ(z), given ``decay`` = e^(−z²/2)."""
    t = ONE / (ONE + P_ERF * (abs(z) * ROOT_HALF))
    tail = HALF * decay * t * (A1 + t * (A2 + t * (A3 + t * (A4 + t * A5))))
    return ONE - tail if z >= ZERO else tail
