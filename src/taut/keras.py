"""taut inside Keras: penalties per variable and exact zeros in ``model.fit``.

reg = taut.keras.Regularizer(model, {"*bias": None, "*": taut.L1()}, lam=1e-4)
model.compile(optimizer=taut.keras.proximal(keras.optimizers.Adam(1e-3), reg), loss="mse")
"""

from taut.integrations.keras.optimizer import proximal
from taut.integrations.keras.regularizer import Regularizer
from taut.integrations.keras.regularizers import L1
from taut.integrations.path import SparsityPath

__all__ = ["L1", "Regularizer", "SparsityPath", "proximal"]
