"""Regularizer: the penalties of a Keras model's variables, their common strength λ, and what has become of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import keras
import numpy as np
from keras import ops

from taut.arrays import Array, namespace
from taut.integrations.account import Account, entry
from taut.integrations.path import SparsityPath, Validate, walk
from taut.integrations.regularized import Regularized
from taut.integrations.rules import Rules, assign
from taut.messages import written
from taut.penalties import Penalty


@final
class Regularizer(Regularized):
    """λ Σ_k Ω_k(w_k) over the trainable variables of ``model``, by ``rules`` over their paths (``"dense/kernel"``).

    The first rule that matches wins. Kernels are (inputs, outputs), and (…, inputs, outputs) for convolutions: ``GroupLasso``
    groups what leaves an input, ``NeuronLasso`` what enters a neuron or a channel. The model must be built. ``lam``, λ ≥ 0,
    is read when a training step is compiled: after setting it, compile the model again. A variable that no rule matches is
    not penalised. Raises ValueError for a rule that decides nothing.
    """

    def __init__(self, model: Any, rules: Rules, lam: float = 1.0) -> None:
        if not isinstance(model, keras.Model):
            raise TypeError(f"model must be a keras.Model, got {written(model)}")
        if not model.built:
            raise ValueError(
                "the model has no variables yet: give it a keras.Input, or call model.build(shape), first"
            )
        self.model = model
        self._variables = list(model.trainable_variables)
        self._ruled = assign(rules, [(v.path, v.path.partition("/")[2]) for v in self._variables])
        self.penalty_of: dict[int, Penalty] = {
            id(v): rule.penalty
            for v, rule in zip(self._variables, self._ruled, strict=True)
            if rule.penalty is not None
        }
        self.holds_zeros = False
        self.lam = lam

    def account(self, loss: Any = None) -> Account:
        """Penalty, zeros, live inputs and neurons of every variable; ``loss`` is the data loss, if known."""
        entries = [
            entry(
                v.path,
                seen(ops.convert_to_numpy(v)),
                tuple(v.shape),
                None if rule.penalty is None else rule.penalty.at(self.lam),
                rule.pattern is not None,
                None,
            )
            for v, rule in zip(self._variables, self._ruled, strict=True)
        ]
        return Account(self.lam, tuple(entries), None if loss is None else float(loss))

    def path(
        self,
        train: Callable[[], Any],
        validate: Validate,
        lambdas: int | Sequence[float] = 10,
        *,
        loss: Validate | None = None,
        refit: bool = False,
        trained: bool = False,
    ) -> SparsityPath:
        """Networks from dense to sparse, each λ started from the one before; see ``taut.torch.Regularizer.path``.

        ``train()`` must compile the model before it fits, because a compiled step has its λ in it.
        """
        return walk(self, train, validate, lambdas, loss=loss, refit=refit, trained=trained)

    @property
    def title(self) -> str:
        """The name of the model."""
        return str(self.model.name)

    def weights(self) -> Iterator[tuple[str, Array]]:
        """The penalised variables by path, on the host."""
        return ((v.path, ops.convert_to_numpy(v)) for v in self._variables if id(v) in self.penalty_of)

    def snapshot(self) -> list[Any]:
        """A copy of all weights of the model, on the host."""
        return [np.array(w) for w in self.model.get_weights()]

    def restore(self, snapshot: list[Any]) -> None:
        """Bring a snapshot back into the model."""
        self.model.set_weights(snapshot)

    @contextmanager
    def null(self) -> Iterator[None]:
        """Within it all penalised weights are 0."""
        before = self.snapshot()
        for v in self._variables:
            if id(v) in self.penalty_of:
                v.assign(ops.zeros(v.shape, v.dtype))
        try:
            yield
        finally:
            self.restore(before)

    @contextmanager
    def zeros_held(self) -> Iterator[None]:
        """Within it a step that is compiled holds zeros and penalises no other weight: a refit of what is kept."""
        self.holds_zeros = True
        try:
            yield
        finally:
            self.holds_zeros = False


def tensor(variable: Any) -> Array:
    """The value of a variable; on TensorFlow ``ops.convert_to_tensor`` would give the variable back, which is no tensor."""
    return ops.copy(variable)


def seen(w: Array) -> Array:
    """A kernel (…, inputs, outputs) as penalties read it, (inputs, outputs, …)."""
    if w.ndim <= 2:
        return w
    return namespace(w).permute_dims(w, (w.ndim - 2, w.ndim - 1, *range(w.ndim - 2)))


def unseen(w: Array) -> Array:
    """The way back from ``seen``."""
    return w if w.ndim <= 2 else namespace(w).permute_dims(w, (*range(2, w.ndim), 0, 1))
