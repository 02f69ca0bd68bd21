"""Paths: the λ grid, warm starts, and the fits along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.path.base import Path, with_offset
    from taut.path.compaction import Compact, compact, find_live
    from taut.path.display import Drawing, Labels, path_data
    from taut.path.fitting import ORDER, fit_path, fit_paths
    from taut.path.inputs import (
        as_counts,
        as_weight,
        check_class_weight,
        check_groups,
        check_hidden,
        check_labels,
        check_lambdas,
        check_numbers,
        check_present,
        check_weights,
        is_constant,
        moderate,
        no_counts,
        tells_nothing,
    )
    from taut.path.knots import Entry
    from taut.path.linear import LinearPath
    from taut.path.linear_fit import fit_linear
    from taut.path.network import NetworkPath
    from taut.path.network_display import sent_norms
    from taut.path.options import make_spec
    from taut.path.relaxed import relax, relaxations
    from taut.path.spec import PathSpec, strength_count
    from taut.path.warm import continued_path, kept_path

open_door(
    __name__,
    {
        "base": "Path with_offset",
        "compaction": "Compact compact find_live",
        "display": "Drawing Labels path_data",
        "fitting": "ORDER fit_path fit_paths",
        "inputs": (
            "as_counts as_weight check_class_weight check_groups check_hidden check_labels check_lambdas "
            "check_numbers check_present check_weights is_constant moderate no_counts tells_nothing"
        ),
        "knots": "Entry",
        "linear": "LinearPath",
        "linear_fit": "fit_linear",
        "network": "NetworkPath",
        "network_display": "sent_norms",
        "options": "make_spec",
        "relaxed": "relax relaxations",
        "spec": "PathSpec strength_count",
        "warm": "continued_path kept_path",
    },
)
