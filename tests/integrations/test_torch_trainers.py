"""Lightning and skorch drive a proximal optimiser, as docs/pytorch.md shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pytorch.md").read_text(encoding="utf-8")
X = np.random.default_rng(0).normal(size=(64, 6)).astype("f4")
Y = X[:, :1]


def of_the_page(name: str, **modules: Any) -> Any:
    """The class that the page shows."""
    (code,) = re.findall(rf"^```python\n(class {name}\(.*?)^```$", PAGE, flags=re.M | re.S)
    space = {"torch": torch, "taut": taut, **modules}
    exec(compile(code, "pytorch.md", "exec"), space)
    return space[name]


def test_lightning(tmp_path: Any) -> None:
    lightning = pytest.importorskip("lightning", reason="Lightning is not installed")

    class Fitted(of_the_page("Lit", lightning=lightning)):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))

        def on_train_start(self) -> None:
            self.reg.lam = 100.0  # a few steps are to be enough

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

    model = Fitted()
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    trainer = lightning.Trainer(
        max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=16))
    assert (model.net[0].weight == 0).any()


def test_skorch() -> None:
    skorch = pytest.importorskip("skorch", reason="skorch is not installed")
    torch.manual_seed(0)
    net = of_the_page("SparseNet", skorch=skorch)(
        torch.nn.Sequential(torch.nn.Linear(6, 1)),
        optimizer=torch.optim.Adam,
        lr=0.1,
        max_epochs=20,
        batch_size=16,
        train_split=None,
        verbose=0,
    )
    net.fit(X, Y)
    assert (net.module_[0].weight == 0).any()
    assert net.reg_.log()["zeros"] > 0
