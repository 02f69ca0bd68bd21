"""A path of a network that others train: from dense to sparse, recorded, restored, refitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import taut

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn


class Task:
    """A teacher of two inputs of eight, a network with far too many neurons, and a training loop."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.X = torch.randn(300, 8)
        self.y = torch.tanh(2 * self.X[:, 0]) + self.X[:, 1].abs() + 0.05 * torch.randn(300)
        self.model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
        rules = {"0.weight": taut.NeuronLasso(), "*.bias": None, "*": taut.L1()}
        self.reg = taut.torch.Regularizer(self.model, rules)
        self.calls: list[float] = []

    def loss(self, rows: slice) -> Any:
        return ((self.model(self.X[rows])[:, 0] - self.y[rows]) ** 2).mean()

    def train(self) -> None:
        self.calls.append(self.reg.lam)
        optimizer = taut.torch.proximal(torch.optim.Adam(self.model.parameters(), lr=0.02), self.reg)
        for _ in range(150):
            optimizer.zero_grad()
            self.loss(slice(200)).backward()
            optimizer.step()

    def validate(self) -> float:
        with torch.no_grad():
            return float(self.loss(slice(200, None)))


@pytest.fixture(scope="module")
def walked() -> tuple[Task, Any]:
    task = Task()
    return task, task.reg.path(task.train, task.validate, lambdas=5, refit=True)


def test_it_goes_from_dense_to_sparse(walked: Any) -> None:
    task, path = walked
    assert path.lambdas[0] == 0
    assert (np.diff(path.lambdas) > 0).all()
    assert path.sparsity[0] < 0.1
    assert path.sparsity[-1] > 0.8
    assert task.calls == [0.0, *(lam for lam in path.lambdas[1:] for _ in range(2))]


def test_it_ends_where_the_score_collapses(walked: Any) -> None:
    _, path = walked
    half = path.scores[0] + 0.5 * (path.null_score - path.scores[0])
    assert all(point.best_score < half for point in path.points[:-1])


def test_networks_come_back(walked: Any) -> None:
    task, path = walked
    index = path.sparsest(within=0.5 * path.null_score)
    for refitted, score in ((False, path[index].score), (True, path[index].refit_score)):
        path.restore(index, refitted)
        assert task.validate() == pytest.approx(score, rel=1e-6)
        assert task.reg.account().zeros == path[index].account.zeros
    assert task.reg.lam == path.lambdas[index]
    small = task.reg.compact(task.X[:5])
    assert small[0].out_features == task.reg.account().entries[0].neurons[0] < 32
    path.restore(0)


def test_a_refit_holds_the_zeros(walked: Any) -> None:
    _, path = walked
    for point in path.points[1:]:
        for name in ("0.weight", "2.weight"):
            assert (point.refit_snapshot[name][point.snapshot[name] == 0] == 0).all()
        assert point.refit_score < point.score + 0.1


def test_the_record_is_a_table_and_a_page(walked: Any, tmp_path: Any) -> None:
    _, path = walked
    assert len(str(path).splitlines()) == len(path) + 2
    page = path.report(tmp_path / "path.html").read_text(encoding="utf-8")
    assert "The path, from dense to sparse" in page
    assert page.count("Parameters at λ") >= len(path)
    assert (
        page.count("<polyline") == 2 + 3 * 2
    )  # score and refit; zeros, norms and live neurons of two layers
    assert page.count('class="column') == 41 * len(path[path.best].bars)
    assert page.count('class="mark"') == 4


def test_given_strengths_are_walked_to_the_end() -> None:
    task = Task()
    path = task.reg.path(lambda: None, task.validate, lambdas=[0.1, 1e3], trained=True)
    assert path.lambdas == [0.0, 0.1, 1e3]
    assert path.sparsest(within=np.inf) == 0
    with pytest.raises(ValueError, match="must rise"):
        task.reg.path(task.train, task.validate, lambdas=[0.2, 0.1])
    with pytest.raises(ValueError, match="not better than the one without"):
        task.reg.path(lambda: None, lambda: 1.0)
    with pytest.raises(ValueError, match="finite number"):
        task.reg.path(lambda: None, lambda: np.nan)
