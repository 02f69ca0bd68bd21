"""taut: regularization paths for linear models and neural networks. The table of contents: public names only."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from taut.version import __version__

_HOMES: dict[str, str] = {
    "L1": "penalties",
    "L2": "penalties",
    "ElasticNet": "penalties",
    "GroupLasso": "penalties",
    "NeuronLasso": "penalties",
    "MCP": "penalties",
    "SCAD": "penalties",
    "Penalty": "penalties",
    "SquaredError": "losses",
    "Logistic": "losses",
    "Multinomial": "losses",
    "Poisson": "losses",
    "Gamma": "losses",
    "Tweedie": "losses",
    "Huber": "losses",
    "Loss": "losses",
    "Network": "network",
    "Params": "network",
    "Objective": "objective",
    "Certificate": "solvers",
    "fit_path": "path",
    "Path": "path",
    "Scores": "selection",
    "cross_validate": "selection",
    "bias_variance": "selection",
    "TradeOff": "selection",
    "stability": "selection",
    "stability_selection": "selection",
    "Stability": "selection",
    "relax": "path",
    "Regressor": "estimators",
    "Classifier": "estimators",
    "fit": "tabular",
    "Fit": "tabular",
    "load": "tabular",
    "moments": "tabular",
    "stream_path": "tabular",
    "Moments": "streaming",
    "teach": "lesson",
}

_ROOMS = ("families", "laws")
"""Modules that are public as they are."""
_INTEGRATIONS = ("torch", "optax", "keras")
"""Modules that need another package, which ``import taut`` does not: ``taut.torch`` imports torch."""

__all__ = [*_HOMES, *_ROOMS, "__version__"]

if TYPE_CHECKING:
    from taut import families, laws
    from taut.estimators import Classifier, Regressor
    from taut.lesson import teach
    from taut.losses import Gamma, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, Tweedie
    from taut.network import Network, Params
    from taut.objective import Objective
    from taut.path import Path, fit_path, relax
    from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, NeuronLasso, Penalty
    from taut.selection import (
        Scores,
        Stability,
        TradeOff,
        bias_variance,
        cross_validate,
        stability,
        stability_selection,
    )
    from taut.solvers import Certificate
    from taut.streaming import Moments
    from taut.tabular import Fit, fit, load, moments, stream_path


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for (PEP 562), so that ``import taut`` costs nothing."""
    if name in (*_ROOMS, *_INTEGRATIONS):
        return importlib.import_module(f"taut.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'taut' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"taut.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_INTEGRATIONS])
