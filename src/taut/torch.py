"""taut inside PyTorch: penalties per parameter and exact zeros in a training loop that stays as it was.

reg = taut.torch.Regularizer(model, {"*.bias": None, "*": taut.L1()}, lam=1e-4)
opt = taut.torch.proximal(torch.optim.AdamW(model.parameters(), weight_decay=0.0), reg)
"""

from taut.integrations.path import SparsityPath
from taut.integrations.torch.optimizer import Proximal, proximal
from taut.integrations.torch.regularizer import Regularizer

__all__ = ["Proximal", "Regularizer", "SparsityPath", "proximal"]
