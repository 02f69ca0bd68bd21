"""One process of a fit that several share, by DistributedDataParallel over gloo; writes what it has at the end as JSON.

Called with its rank, how many there are, a folder that all see, and the file to write.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import torch
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.nn.parallel import DistributedDataParallel

import taut

RULES = {"*.bias": None, "0.weight": taut.NeuronLasso(), "2.weight": taut.L1()}


def trained(rank: int, size: int) -> dict[str, Any]:
    """Weights and the optimiser's state after full batches of which every process has its share of the rows."""
    torch.manual_seed(0)
    X = torch.randn(64, 6, dtype=torch.float64)
    y = X[:, :1].abs()
    model: nn.Module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1)).double()
    if size > 1:
        model = DistributedDataParallel(model)
    reg = taut.torch.Regularizer(model, RULES, lam=0.03)
    optimizer = taut.torch.proximal(torch.optim.Adam(model.parameters(), lr=0.02), reg)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X[rank::size]), y[rank::size]).backward()
        optimizer.step()
    state = optimizer.state_dict()["state"]
    return {
        "names": [one.name for one in reg.terms],
        "weights": [one.parameter.tolist() for one in reg.terms],
        "moments": [state[k]["exp_avg_sq"].tolist() for k in sorted(state)],
    }


def refused() -> list[str]:
    """What is said of a model that either kind of FSDP has sharded."""
    found = []
    for shard in (fully_shard, lambda model: FullyShardedDataParallel(model, device_id=torch.device("cpu"))):
        model = shard(nn.Sequential(nn.Linear(6, 4)))
        try:
            taut.torch.Regularizer(model, {"*": taut.L1()})
        except ValueError as error:
            found.append(str(error))
    return found


def main(rank: int, size: int, folder: str, file: str) -> None:
    if size > 1:
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        torch.distributed.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=size)
    found = {**trained(rank, size), "refused": refused() if size > 1 else []}
    with open(file, "w", encoding="utf-8") as out:
        json.dump(found, out)
    if size > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
