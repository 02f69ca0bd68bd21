"""Plots by scikit-learn's Display convention: what is shown is a plain attribute, ``plot`` draws it; needs taut[plot].

Each display has ``from_...`` constructors, ``plot(ax=None)`` which returns the display, and then ``ax_`` and ``figure_``.
λ runs from the strongest penalty, on the left, to the weakest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from taut.families import family_of
from taut.path import LinearPath, Path
from taut.selection import HeldOutLoss, Scores, TradeOff, as_data, decisions
from taut.types import Float

NAMED = 10
"""A legend names at most so many coefficients: the largest."""


@dataclass(eq=False)
class Display(ABC):
    """Something to draw along a path of strengths (L,), strongest first; ``chosen`` is marked where it is known."""

    lambdas: Float
    chosen: float | None = field(default=None, kw_only=True)
    ax_: Any = field(init=False, default=None, repr=False)
    figure_: Any = field(init=False, default=None, repr=False)

    def plot(self, ax: Any = None) -> Self:
        """Draw on ``ax``, or on a new figure."""
        self.ax_ = _axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw(self.ax_)
        self._mark(self.ax_)
        return self

    def _mark(self, ax: Any) -> None:
        """A dashed line at the chosen λ, named above the axes."""
        if self.chosen is None or self.lambdas.size == 1:
            return
        shown = self.chosen if self.chosen > 0 else 0.5 * self.lambdas[self.lambdas > 0].min(initial=2.0)
        ax.axvline(shown, color="0.3", linestyle="--", linewidth=0.8)
        place = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": "small"}
        ax.text(shown, 1.03, f"chosen: λ = {self.chosen:.3g}", **place)

    @abstractmethod
    def _draw(self, ax: Any) -> None:
        """The lines and their labels."""

    def _strengths(self, ax: Any) -> Float:
        """λ on a falling logarithmic axis; 0 one step below the smallest positive one, and named."""
        positive = self.lambdas[self.lambdas > 0]
        shown = np.where(self.lambdas > 0, self.lambdas, 0.5 * positive.min(initial=2.0))
        ax.set_xscale("log")
        ax.set_xlabel("λ (weaker →)")
        if shown.size > 1:
            ax.set_xlim(shown.max(), shown.min())
        if (self.lambdas == 0).any():
            ax.text(
                shown.min(), 1.01, "λ = 0", transform=ax.get_xaxis_transform(), ha="right", fontsize="small"
            )
        return shown

    @property
    def _marker(self) -> str | None:
        """A line of one point needs a mark to be seen."""
        return "o" if self.lambdas.size == 1 else None


@final
@dataclass(eq=False)
class PathDisplay(Display):
    """Coefficients (L, m) along the path; the largest are named and coloured."""

    coefs: Float
    names: tuple[str, ...]
    standardized: bool = True

    @classmethod
    def from_path(
        cls,
        path: LinearPath,
        names: Sequence[str] = (),
        standardized: bool = True,
        outputs: Sequence[Any] = (),
    ) -> Self:
        """Standardised coefficients, comparable with each other, or those in the units of the data.

        ``names`` of the features, by default x0, x1, …; ``outputs``: the classes or targets where there are several.
        """
        if not isinstance(path, LinearPath):
            raise ValueError(
                "a network has no coefficients to draw along λ: SparsityDisplay shows how many weights it uses"
            )
        coefs = path.standardized_coefs if standardized else path.coefs
        named = list(names) if len(names) == coefs.shape[1] else [f"x{j}" for j in range(coefs.shape[1])]
        if coefs.ndim == 3:
            labels = outputs if len(outputs) == coefs.shape[2] else range(coefs.shape[2])
            named = [f"{name}: {label}" for name in named for label in labels]
        return cls(path.lambdas, coefs.reshape(len(path), -1), tuple(named), standardized)

    @classmethod
    def from_estimator(cls, model: Any) -> Self:
        """The path of a fitted linear ``Regressor`` or ``Classifier``, with its features' names."""
        known = vars(model)
        names, classes = known.get("feature_names_in_", ()), known.get("classes_", ())
        return replace(cls.from_path(model.path_, tuple(names), outputs=tuple(classes)), chosen=model.lam_)

    def _draw(self, ax: Any) -> None:
        x, last = self._strengths(ax), self.coefs[-1]
        largest = np.argsort(-np.abs(last), kind="stable")[:NAMED]
        for j in np.setdiff1d(np.arange(last.size), largest):
            ax.plot(x, self.coefs[:, j], color="0.75", linewidth=0.6, marker=self._marker)
        # From the top of the right edge to its bottom, as the legend beside it goes.
        for j in largest[np.argsort(-last[largest], kind="stable")]:
            ax.plot(x, self.coefs[:, j], linewidth=1.4, marker=self._marker, label=self.names[j])
        ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        ax.set_ylabel(
            "coefficient per sd of the feature"
            if self.standardized
            else "coefficient per unit of the feature"
        )
        some = "" if largest.size == last.size else f"largest {largest.size} of {last.size}"
        ax.legend(fontsize="small", title=some, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


@final
@dataclass(eq=False)
class CrossValidationDisplay(Display):
    """The out-of-fold loss (L,) with its standard error, and the strengths that both rules choose."""

    mean: Float
    standard_error: Float
    lam_min: float
    lam_1se: float
    label: str = "loss"

    @classmethod
    def from_scores(cls, scores: Scores) -> Self:
        """The curve and marks of ``scores``."""
        return cls(scores.lambdas, scores.mean, scores.standard_error, scores.lam_min, scores.lam_1se)

    @classmethod
    def from_estimator(cls, model: Any) -> Self:
        """The scores of a fitted ``Regressor`` or ``Classifier``."""
        if model.scores_ is None:
            raise ValueError("no row was held out: there are scores with lam='cv' or lam='loo'")
        return replace(cls.from_scores(model.scores_), label=_loss_words(model.loss_))

    def _draw(self, ax: Any) -> None:
        x, error = self._strengths(ax), np.nan_to_num(self.standard_error)
        ax.fill_between(
            x, self.mean - error, self.mean + error, alpha=0.2, linewidth=0, label="± 1 standard error"
        )
        ax.plot(x, self.mean, marker=self._marker, label="out of fold")
        for lam, style, name in ((self.lam_min, "--", "min"), (self.lam_1se, ":", "1se")):
            ax.axvline(
                lam if lam > 0 else x.min(), color="0.3", linestyle=style, label=f"{name}: λ = {lam:.3g}"
            )
        ax.set_ylabel(self.label)
        ax.legend(fontsize="small")


@final
@dataclass(eq=False)
class SparsityDisplay(Display):
    """How many features a linear path uses, or how many weights of a network are not zero (L,)."""

    nonzeros: NDArray[np.intp]
    counted: str = "weights that are not zero"

    @classmethod
    def from_path(cls, path: Path) -> Self:
        """The counts of ``path``."""
        linear = isinstance(path, LinearPath)
        return cls(path.lambdas, path.nonzeros, "features in use" if linear else "weights that are not zero")

    @classmethod
    def from_estimator(cls, model: Any) -> Self:
        """The path of a fitted ``Regressor`` or ``Classifier``."""
        return replace(cls.from_path(model.path_), chosen=model.lam_)

    def _draw(self, ax: Any) -> None:
        ax.step(self._strengths(ax), self.nonzeros, where="mid", marker=self._marker)
        ax.set_ylim(bottom=0)
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel(self.counted)


@final
@dataclass(eq=False)
class BiasVarianceDisplay(Display):
    """Out-of-bag error (L,) and its two parts."""

    error: Float
    bias: Float
    variance: Float

    @classmethod
    def from_trade_off(cls, measured: TradeOff) -> Self:
        """The corrected parts, which add up to the error."""
        return cls(measured.lambdas, measured.error, measured.corrected_bias, measured.corrected_variance)

    def _draw(self, ax: Any) -> None:
        x = self._strengths(ax)
        # Where the variance is small the error lies on the bias: wide and pale, it is seen behind it.
        ax.plot(x, self.error, color="0.75", linewidth=4, marker=self._marker, label="out-of-bag error")
        ax.plot(x, self.bias, marker=self._marker, label="bias² + noise")
        ax.plot(x, self.variance, marker=self._marker, label="variance")
        best = int(np.argmin(self.error))
        ax.axvline(
            x[best], color="0.3", linestyle="--", linewidth=0.8, label=f"least: λ = {self.lambdas[best]:.3g}"
        )
        ax.set_ylim(bottom=0)
        ax.set_ylabel("squared error")
        ax.legend(fontsize="small")


@final
@dataclass(eq=False)
class TrainingDisplay(Display):
    """Loss on the training rows (L,) and out of fold (L,)."""

    train: Float
    validation: Float
    label: str = "loss"

    @classmethod
    def from_estimator(
        cls, model: Any, X: Any, y: Any, sample_weight: Any = None, offset: Any = None
    ) -> Self:
        """The losses of a fitted estimator on the rows that it was fitted to, in the units of its scores."""
        if model.scores_ is None:
            raise ValueError("no row was held out: there are scores with lam='cv' or lam='loo'")
        codes = np.searchsorted(model.classes_, y) if model.loss_.traits.classes else y
        path, spec = model.path_, model._plan(model.loss_, 0).spec
        data = as_data(spec, X if sp.issparse(X) else np.asarray(X), codes, sample_weight, offset)
        eta, measure = decisions(path, data.X, len(path), data.offset), HeldOutLoss.of(spec, data)
        losses = [
            float(data.weight @ measure.rows(eta[:, i], data.y)) / data.weight.sum() for i in range(len(path))
        ]
        words = _loss_words(model.loss_)
        return cls(path.lambdas, np.array(losses), model.scores_.mean, words, chosen=model.lam_)

    def _draw(self, ax: Any) -> None:
        x = self._strengths(ax)
        ax.plot(x, self.train, marker=self._marker, label="training rows")
        ax.plot(x, self.validation, marker=self._marker, label="out of fold")
        ax.set_ylabel(self.label)
        ax.legend(fontsize="small")


@final
@dataclass(eq=False)
class WeightHistogramDisplay(Display):
    """The weights of one model, each matrix by itself: histograms of those that are not zero, and how many are.

    ``parts``: names and arrays. Weights are per standard deviation of what they multiply, so that they share an axis.
    """

    parts: tuple[tuple[str, Float], ...]

    @classmethod
    def from_estimator(cls, model: Any) -> Self:
        """All weights of a fitted model, without intercepts: linear, or layer by layer with the skip.

        Per standard deviation of the features, on which λ acts; of an average of networks those of its first member.
        """
        path = model.path_
        if isinstance(path, LinearPath):
            scaled = np.reshape(model.coef_, (path.n_features, -1)) * _per_sd(path)
            return cls(np.array([model.lam_]), (("coefficients", np.ravel(scaled)),))
        params = path.params[int(np.argmin(np.abs(path.lambdas - model.lam_)))]
        named = [(f"layer {k + 1}", np.ravel(part[0])) for k, part in enumerate(params.weights)]
        skip = [] if params.skip is None else [("skip connection", np.ravel(params.skip[0]))]
        return cls(np.array([model.lam_]), (*named, *skip))

    @property
    def weights(self) -> Float:
        """All of them in one array."""
        return np.concatenate([part for _, part in self.parts])

    def _draw(self, ax: Any) -> None:
        every = self.weights
        kept = every[every != 0]
        if kept.size:
            edges = np.histogram_bin_edges(kept, bins=min(60, max(10, kept.size // 5)))
            for name, part in self.parts:
                words = f"{name}: {np.count_nonzero(part == 0)} of {part.size} exactly zero"
                ax.hist(part[part != 0], bins=edges, histtype="stepfilled", alpha=0.5, label=words)
            ax.legend(fontsize="small")
        else:
            ax.text(0.5, 0.5, "all weights are zero", transform=ax.transAxes, ha="center")
            ax.set_ylim(0, 1)
        ax.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.set_title(
            f"λ = {self.lambdas[0]:.3g}: {np.count_nonzero(every == 0)} of {every.size} weights are exactly zero",
            fontsize="medium",
        )
        ax.set_xlabel("weight per sd (those that are not zero)")
        ax.set_ylabel("weights")


def _per_sd(path: LinearPath) -> Float:
    """(p, k or 1), what turns coefficients in the data's units into standardised ones; 0 where no λ uses them."""
    coefs, scaled = (
        np.reshape(a, (len(path), path.n_features, -1)) for a in (path.coefs, path.standardized_coefs)
    )
    largest = np.abs(coefs).argmax(axis=0)[None]
    own, turned = (np.take_along_axis(a, largest, axis=0)[0] for a in (coefs, scaled))
    scale: Float = np.divide(turned, own, out=np.zeros_like(own), where=own != 0)
    return scale


def _loss_words(loss: Any) -> str:
    """The mean loss with its unit, for an axis."""
    return family_of(loss).mean_label.replace("{target}", "y")


def _axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'taut[plot]'") from None
    return plt.subplots(layout="constrained")[1]
