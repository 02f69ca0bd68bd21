"""Regularizer: the penalties of a model's parameters, their common strength λ, and what has become of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from taut.integrations.account import Account, ParameterEntry, entry
from taut.integrations.path import SparsityPath, Validate, walk
from taut.integrations.regularized import Regularized
from taut.integrations.rules import Rules, assign
from taut.integrations.torch.compact import compacted
from taut.integrations.torch.terms import Owned, PenalizedParameter, owned, term, unwrapped
from taut.messages import written


@final
class Regularizer(Regularized):
    """λ Σ_k Ω_k(w_k) over the parameters of ``model``, by ``rules`` over their names of which the first match wins.

    ``rules`` maps patterns such as ``"*.bias"`` or ``"conv*"`` to penalties, or to None for none. Penalties read weights of
    any layout alike: ``GroupLasso`` groups what leaves an input, ``NeuronLasso`` what enters a neuron or a channel, factors
    go along the inputs. ``lam``, λ ≥ 0, may be set at any time. A parameter that no rule matches is not penalised, and
    printed as such. Raises ValueError for a rule that decides nothing, and for a parameter whose zeros are no zeros of the
    weight (weight_norm) or that is sharded.
    """

    def __init__(self, model: nn.Module, rules: Rules, lam: float = 1.0) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {written(model)}")
        self.model = unwrapped(model)
        if "FullyShardedDataParallel" in type(self.model).__name__:
            raise ValueError(
                "FSDP shards parameters, and groups and zeros with them: use DistributedDataParallel"
            )
        self._owned = owned(self.model)
        self._ruled = assign(rules, [one.names for one in self._owned])
        pairs = zip(self._owned, self._ruled, strict=True)
        self.terms = [_checked(term(one, rule.penalty)) for one, rule in pairs if rule.penalty is not None]
        self.term_of: dict[Tensor, PenalizedParameter] = {one.parameter: one for one in self.terms}
        self._kept: dict[Tensor, Tensor] = {}
        self._loss: Any = None
        self.lam = lam

    @property
    def unmatched(self) -> list[str]:
        """The names of the parameters that no rule matches."""
        pairs = zip(self._owned, self._ruled, strict=True)
        return [one.names[0] for one, rule in pairs if rule.pattern is None]

    def value(self) -> Tensor:
        """λΩ at the parameters as they are: a scalar, differentiable, with slope 0 at weights that are 0."""
        if not self.terms:
            return torch.zeros(())
        return torch.stack(
            [one.value(self.lam).to(self.terms[0].parameter.device) for one in self.terms]
        ).sum()

    def account(self, loss: Any = None) -> Account:
        """Penalty, zeros, live inputs and neurons of every parameter now; ``loss`` is the data loss, if known."""
        known = self._loss if loss is None else loss
        pairs = zip(self._owned, self._ruled, strict=True)
        with torch.no_grad():
            entries = [self._entry(one, rule.pattern is not None) for one, rule in pairs]
        return Account(self.lam, tuple(entries), _plain(known))

    def _entry(self, one: Owned, ruled: bool) -> ParameterEntry:
        found = self.term_of.get(one.parameter)
        w = one.parameter.detach()
        if found is None:
            return entry(
                one.names[0], w.transpose(0, 1) if w.ndim >= 2 else w, tuple(w.shape), None, ruled, None
            )
        g = one.parameter.grad
        seen = None if g is None or g.is_sparse else found.seen(g)
        return entry(found.name, found.seen(w), tuple(w.shape), found.at(self.lam), ruled, seen)

    def note_loss(self, loss: Any) -> None:
        """Keep the data loss that a closure returned, to be printed."""
        if loss is not None:
            self._loss = loss.detach() if isinstance(loss, Tensor) else loss

    def compact(self, example: Any) -> nn.Module:
        """A copy of the model without its dead neurons and channels: dense and smaller, the same outputs in eval mode.

        What dead ones contributed (their bias, through what follows) goes into the biases of the next layer.
        ``example`` is an input, or a tuple of them, of any number of rows; the outputs of both are compared on it. Raises
        ValueError with the name of the module that stands in the way.
        """
        return compacted(self.model, example if isinstance(example, tuple) else (example,))

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
        """Networks from dense to sparse, each λ started from the one before.

        ``train()`` trains the model at the present ``lam``; ``validate()`` returns a number, lower is better. First λ = 0
        (``trained``: the model is dense and trained already), then ``lambdas``: their values, or how many; they then start
        below λ_hi = (L(null) − L(dense))/Ω(dense) and rise until ``validate`` is half way back to the null model's.
        ``loss()`` is L where ``validate`` is no loss. ``refit``: each network is trained and validated once more with its
        zeros held and λ = 0; the next λ starts from the penalised one. At the end the model is the dense one again, at
        λ = 0; ``restore(i)`` of the path brings a network back.
        """
        return walk(self, train, validate, lambdas, loss=loss, refit=refit, trained=trained)

    @property
    def title(self) -> str:
        """The class of the model."""
        return type(self.model).__name__

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """The penalised parameters by name."""
        return ((one.name, one.parameter.detach()) for one in self.terms)

    def snapshot(self) -> dict[str, Tensor]:
        """A copy of all parameters and buffers, on the host."""
        return {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}

    def restore(self, snapshot: dict[str, Tensor]) -> None:
        """Bring a snapshot back into the model."""
        self.model.load_state_dict(snapshot)

    @contextmanager
    def null(self) -> Iterator[None]:
        """Within it all penalised weights are 0."""
        before = self.snapshot()
        with torch.no_grad():
            for one in self.terms:
                one.parameter.zero_()
        try:
            yield
        finally:
            self.restore(before)

    @property
    def holds_zeros(self) -> bool:
        """Whether steps keep zeros where they are and penalise nothing."""
        return bool(self._kept)

    @contextmanager
    def zeros_held(self) -> Iterator[None]:
        """Within it a proximal optimiser holds zeros and penalises no other weight: a refit of what is kept."""
        self._kept = {one.parameter: one.parameter.detach() != 0 for one in self.terms}
        try:
            yield
        finally:
            self._kept = {}

    def hold(self, one: PenalizedParameter) -> None:
        """Set the weights of a term that are held at 0 back to 0."""
        one.parameter.mul_(self._kept[one.parameter])


def _checked(one: PenalizedParameter) -> PenalizedParameter:
    """The term, once its penalty is known to fit the shape of the parameter."""
    try:
        with torch.no_grad():
            one.value(1.0)
    except ValueError as error:
        raise ValueError(f"{one.name}, {tuple(one.parameter.shape)}: {error}") from None
    return one


def _plain(loss: Any) -> float | None:
    """A loss as a number, cut off from automatic differentiation."""
    if loss is None:
        return None
    return float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
