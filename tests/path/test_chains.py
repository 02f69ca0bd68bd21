"""Members walked by several threads: the same values in the same order, and an early end that ends all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from taut.path import PathSpec, fit_paths, network_fit
from taut.path.chains import advance
from taut.path.network import NetworkPath
from taut.solvers.networks.settings import Training
from taut.solvers.networks.trainer import Trainer

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 8))
y = np.abs(X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=120)
WEIGHTS = np.array([np.arange(120) % 5 != k for k in range(5)], dtype=float)
SPEC = PathSpec(hidden=(6,), random_state=0, training=Training(max_epochs=5))


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads however small the problem is."""
    monkeypatch.setattr(network_fit, "THREADED", 0)


def count(length: int, seen: set[int] | None = None) -> Iterator[int]:
    for i in range(length):
        if seen is not None:
            seen.add(threading.get_ident())
            time.sleep(1e-3)
        yield i


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_every_chain_goes_to_its_end_in_order(threads: int) -> None:
    lengths, found = (3, 0, 7, 1), {k: list[int]() for k in range(4)}
    advance([count(length) for length in lengths], threads, Event(), lambda k, value: found[k].append(value))
    assert found == {k: list(range(length)) for k, length in enumerate(lengths)}


def test_one_thread_takes_turns_and_several_share_the_steps() -> None:
    order: list[int] = []
    advance([count(2) for _ in range(3)], 1, Event(), lambda k, _: order.append(k))
    assert order == [0, 1, 2, 0, 1, 2]
    seen: set[int] = set()
    advance([count(20, seen) for _ in range(3)], 2, Event(), lambda *_: None)
    assert len(seen) == 2
    assert threading.get_ident() not in seen


def test_what_a_step_raises_stops_the_others() -> None:
    stop = Event()

    def failing() -> Iterator[int]:
        yield 0
        raise ValueError("here")

    def waiting() -> Iterator[int]:
        yield 0
        assert stop.wait(10)
        yield 1

    with pytest.raises(ValueError, match="here"):
        advance([failing(), waiting()], 2, stop, lambda *_: None)
    assert stop.is_set()


def _paths(threads: int, **options: object) -> list[NetworkPath]:
    with threadpool_limits(threads, user_api="blas"):
        return fit_paths(replace(SPEC, **options), X, y, WEIGHTS, [0.2, 0.1, 0.05, 0.02])  # type: ignore[return-value]


def test_the_bits_do_not_depend_on_the_threads(threaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    monkeypatch.setattr(network_fit, "advance", lambda c, t, *rest: (used.append(t), advance(c, t, *rest)))
    one, two, five = (_paths(threads) for threads in (1, 2, 5))
    assert used == [1, 1, 2, 2, 5, 5]
    for others in (two, five):
        for path, other in zip(one, others, strict=True):
            np.testing.assert_array_equal(path.objectives, other.objectives)
            for params, same in zip(path.params, other.params, strict=True):
                for mine, its in zip(
                    (*params.weights, *params.biases), (*same.weights, *same.biases), strict=True
                ):
                    np.testing.assert_array_equal(mine, its)


def test_an_interrupt_is_heard_by_the_threads(threaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes to the main thread while others are in a strength of a million epochs, which they leave."""
    calls, begun = [0], Event()

    def progress(k: int) -> None:
        calls[0] += k
        if calls[0] == 12:
            begun.set()
            raise KeyboardInterrupt

    long, train = replace(SPEC.training, min_decrease=-1e9), Trainer.train

    def slow(self: Trainer, orders: object, lam: float, epochs: int) -> None:
        train(self, orders, lam, 10**6 if lam == 0.2 else epochs)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "train", slow)
    with threadpool_limits(2, user_api="blas"):
        found = fit_paths(
            replace(SPEC, training=long), X, y, WEIGHTS, [0.2, 0.1, 0.05, 0.02], progress=progress
        )
    assert begun.is_set()
    assert all(path.interrupted and 1 <= len(path) <= 3 for path in found)
    assert len({len(path) for path in found}) == 1
