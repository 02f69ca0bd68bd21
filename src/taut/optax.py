"""taut inside optax: penalties by path and exact zeros, under jit, scan and vmap.

reg = taut.optax.Regularizer({"*bias": None, "*": taut.L1()}, lam=1e-3)
opt = taut.optax.proximal(optax.adam(1e-3), reg)
"""

from taut.integrations.optax.regularizer import Regularizer
from taut.integrations.optax.transformation import ProximalState, proximal

__all__ = ["ProximalState", "Regularizer", "proximal"]
