"""Paths: the λ grid, warm starts, and the fits along them."""

from taut.path.base import Path
from taut.path.fitting import fit_path, fit_paths
from taut.path.inputs import as_counts, as_weight, lacking, tells_nothing
from taut.path.linear import LinearPath
from taut.path.linear_fit import fit_linear
from taut.path.network import NetworkPath
from taut.path.options import make_spec
from taut.path.relaxed import relax, relaxations
from taut.path.spec import PathSpec, strength_count
from taut.path.warm import continued_path, kept_path

__all__ = [
    "LinearPath",
    "NetworkPath",
    "Path",
    "PathSpec",
    "as_counts",
    "as_weight",
    "continued_path",
    "fit_linear",
    "fit_path",
    "fit_paths",
    "kept_path",
    "lacking",
    "make_spec",
    "relax",
    "relaxations",
    "strength_count",
    "tells_nothing",
]
