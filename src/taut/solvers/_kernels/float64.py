"""The exponential and the logarithm over float64 arrays in loops that vectorise on any processor.

Series around the nearest power of two: Taylor's to degree 13 for e^r with |r| ≤ ½ log 2, and 2 artanh to degree 21 for
log f with f in [√½, √2] (Abramowitz and Stegun 1964, 4.2.1 and 4.1.27). Both are within 2 units in the last place.
"""

from __future__ import annotations

import numpy as np

from taut.solvers._kernels import compile
from taut.types import Float

LOWEST, HIGHEST = -708.0, 709.0
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LN2, ROOT_2 = 0.6931471805599453, 1.4142135623730951
HALFWAY = 0.41421356237309503
"""√2 − 1: 1 + d above it is nearer to 2 than to 1, in ratio."""
TINIEST = 2.2250738585072014e-308
EXPONENT_BIAS, MANTISSA_BITS = np.int64(1023), np.int64(52)
MANTISSA, ONE_BITS = np.int64((1 << 52) - 1), np.int64(1023 << 52)


@compile(fastmath=True)
def _taylor(r: float) -> float:
    """e^r for |r| ≤ ½ log 2."""
    high = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    high = 1.0 / 3628800.0 + r * (1.0 / 39916800.0 + r * high)
    high = 1.0 / 40320.0 + r * (1.0 / 362880.0 + r * high)
    high = 1.0 / 720.0 + r * (1.0 / 5040.0 + r * high)
    return 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * high)))))


@compile(fastmath=True)
def twice_artanh(z: float) -> float:
    """log((1 + z)/(1 − z)) for |z| ≤ 0.1716."""
    s = z * z
    high = 1.0 / 15.0 + s * (1.0 / 17.0 + s * (1.0 / 19.0 + s * (1.0 / 21.0)))
    high = 1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * (1.0 / 13.0 + s * high)))
    return 2.0 * z * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * high)))


@compile()
def exponential(x: Float, powers: Float) -> None:
    """x ← e^x in place, x held to [−708, 709]; ``powers`` is room for as many numbers.

    Sums stay as written: the two parts of log 2 must not be added up first.
    """
    bits = powers.view(np.int64)
    for i in range(x.size):
        v = min(max(x[i], LOWEST), HIGHEST)
        k = np.floor(v * LOG2_E + 0.5)
        # By way of 32 bits, for which every processor has a vector instruction.
        bits[i] = (np.int64(np.int32(k)) + EXPONENT_BIAS) << MANTISSA_BITS
        x[i] = _taylor(v - k * LN2_HIGH - k * LN2_LOW)
    for i in range(x.size):
        x[i] *= powers[i]


@compile(fastmath=True)
def logarithm(x: Float, parts: Float) -> None:
    """x ← log x in place for x ≥ 0 (0 counts as the smallest normal number); ``parts`` is room for as many numbers."""
    bits = parts.view(np.int64)
    for i in range(x.size):
        parts[i] = max(x[i], TINIEST)
    for i in range(x.size):
        x[i] = float(np.int32(bits[i] >> MANTISSA_BITS) - np.int32(1023))
        bits[i] = (bits[i] & MANTISSA) | ONE_BITS
    for i in range(x.size):
        f, k = parts[i], x[i]
        above = f > ROOT_2
        f = 0.5 * f if above else f
        k = k + 1.0 if above else k
        x[i] = k * LN2 + twice_artanh((f - 1.0) / (f + 1.0))


@compile(fastmath=True)
def logarithm_beside_one(x: Float, parts: Float) -> None:
    """x ← log(1 + x) in place for x ≥ 0, with all digits of a small x; ``parts`` is room for as many numbers."""
    bits = parts.view(np.int64)
    for i in range(x.size):
        parts[i] = 1.0 + x[i]
    for i in range(x.size):
        near, k = x[i] <= HALFWAY, float(np.int32(bits[i] >> MANTISSA_BITS) - np.int32(1023))
        bits[i] = (bits[i] & MANTISSA) | ONE_BITS
        f = parts[i]
        above = f > ROOT_2
        f = 0.5 * f if above else f
        k = k + 1.0 if above else k
        log = k * LN2
        x[i] = twice_artanh(x[i] / (x[i] + 2.0) if near else (f - 1.0) / (f + 1.0)) + (0.0 if near else log)
