"""Paths: the λ grid, warm starts, and the fits along them."""

from taut.path.base import Path
from taut.path.fitting import fit_path
from taut.path.inputs import as_counts, as_weight, tells_nothing
from taut.path.linear import LinearPath
from taut.path.network import NetworkPath
from taut.path.options import SpecOptions, make_spec
from taut.path.relaxed import relax, relaxations
from taut.path.spec import PathSpec, strength_count
from taut.path.warm import continued_path, kept_path

__all__ = [
    "LinearPath",
    "NetworkPath",
    "Path",
    "PathSpec",
    "SpecOptions",
    "as_counts",
    "as_weight",
    "continued_path",
    "fit_path",
    "kept_path",
    "make_spec",
    "relax",
    "relaxations",
    "strength_count",
    "tells_nothing",
]
