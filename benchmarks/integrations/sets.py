"""The images that the networks are trained on: scikit-learn's digits, and MNIST's test set from the folder TAUT_DATA."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


class Images(NamedTuple):
    """Training and test rows, (n, 1, side, side) from 0 to 1, and their classes."""

    X: Tensor
    y: Tensor
    X_test: Tensor
    y_test: Tensor


def digits() -> Images:
    """1,347 and 450 images of 8 × 8."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    X = torch.tensor(found.images[order] / 16.0, dtype=torch.float32)[:, None]
    return _split(X, torch.tensor(found.target[order]), 1347)


def mnist(side: int) -> Images:
    """8,000 and 2,000 of the 10,000 images of MNIST's test set, none of its training set; ``side`` 28, or 8 by averaging."""
    folder = Path(os.environ["TAUT_DATA"]) / "mnist_t10k"
    raw = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = torch.tensor(np.frombuffer(raw, np.uint8).reshape(-1, 1, 28, 28).astype("f4") / 255)
    if side == 8:
        X = functional.avg_pool2d(functional.pad(X, (2, 2, 2, 2)), 4)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    return _split(X[order], torch.tensor(np.frombuffer(labels, np.uint8).astype("i8"))[order], 8000)


def _split(X: Tensor, y: Tensor, rows: int) -> Images:
    return Images(X[:rows], y[:rows], X[rows:], y[rows:])
