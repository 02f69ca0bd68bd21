"""Regularizer: the penalties of a tree of parameters by patterns over its paths, and their common strength λ."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, final

import jax
import jax.numpy as jnp

from taut.integrations.account import Account, entry
from taut.integrations.report import histograms, write
from taut.integrations.rules import Ruled, Rules, assign
from taut.penalties import Penalty, number


@final
class Regularizer:
    """λ Σ_k Ω_k(w_k) over a tree of parameters, by ``rules`` over their paths (``"encoder/kernel"``); the first match wins.

    Kernels are read as flax and Keras write them: (inputs, outputs), and (…, inputs, outputs) for convolutions, so that
    ``GroupLasso`` groups what leaves an input, ``NeuronLasso`` what enters a neuron or a channel. ``lam``, λ ≥ 0, may be
    traced: map over it, or compile with it as an argument. A parameter that no rule matches is not penalised.
    """

    def __init__(self, rules: Rules, lam: Any = 1.0) -> None:
        self.rules = rules
        self.lam = number("lam", lam)

    def _leaves(self, params: Any) -> list[tuple[str, Any, Ruled]]:
        """Path, array and rule of every parameter; raises ValueError for a rule that decides nothing."""
        flat, _ = jax.tree_util.tree_flatten_with_path(params)
        names = ["/".join(map(_word, path)) for path, _ in flat]
        ruled = assign(self.rules, [(name,) for name in names])
        return [(name, w, rule) for name, (_, w), rule in zip(names, flat, ruled, strict=True)]

    def penalties(self, params: Any) -> list[Penalty | None]:
        """λΩ of each leaf of ``params`` in the order of its leaves; None where it is not penalised."""
        return [
            None if rule.penalty is None else rule.penalty.at(self.lam) for _, _, rule in self._leaves(params)
        ]

    def value(self, params: Any) -> Any:
        """λΩ, a scalar; its derivative has slope 0 at weights that are 0."""
        pairs = zip(jax.tree.leaves(params), self.penalties(params), strict=True)
        return sum((penalty.value(seen(w)) for w, penalty in pairs if penalty is not None), jnp.zeros(()))

    def account(self, params: Any, grads: Any = None, loss: Any = None) -> Account:
        """Penalty, zeros, live inputs and neurons of every parameter; ``grads`` are of the data loss ``loss``."""
        leaves = self._leaves(params)
        slopes = [None] * len(leaves) if grads is None else jax.tree.leaves(grads)
        entries = [
            entry(
                name,
                seen(w),
                tuple(w.shape),
                None if rule.penalty is None else rule.penalty.at(self.lam),
                rule.pattern is not None,
                None if g is None else seen(g),
            )
            for (name, w, rule), g in zip(leaves, slopes, strict=True)
        ]
        return Account(self.lam, tuple(entries), None if loss is None else float(loss))

    def log(self, params: Any, grads: Any = None, loss: Any = None) -> dict[str, float]:
        """The account as a flat dict for a tracker."""
        return self.account(params, grads, loss).as_dict()

    def report(self, file: str | FilePath, params: Any, grads: Any = None, loss: Any = None) -> FilePath:
        """Write a page on the parameters: one HTML file that asks nothing of any network."""
        weights = ((name, w) for name, w, rule in self._leaves(params) if rule.penalty is not None)
        account = self.account(params, grads, loss)
        return write(FilePath(file), "A tree of parameters", [account], histograms(weights))


def _word(key: Any) -> str:
    """A key of a path as its owner wrote it: of a dict, a list, or an attribute."""
    found = next(
        (value for name in ("key", "idx", "name") if (value := getattr(key, name, None)) is not None), key
    )
    return str(found)


def seen(w: Any) -> Any:
    """A kernel (…, inputs, outputs) as penalties read it, (inputs, outputs, …)."""
    return jnp.moveaxis(w, (-2, -1), (0, 1)) if w.ndim > 2 else w


def unseen(w: Any) -> Any:
    """The way back from ``seen``."""
    return jnp.moveaxis(w, (0, 1), (-2, -1)) if w.ndim > 2 else w
