"""What is said where a solution misses its tolerance: the number and the way out, the same from every face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taut.messages import warn
from taut.solvers import Certificate, Measure

if TYPE_CHECKING:
    from taut.path import Path

WAY_OUT = "take a larger lam (rule 1se chooses one) or allow a larger tol"


def is_unmet(certificate: Certificate, tol: float | None = None) -> bool:
    """Whether a solution misses ``tol`` (None: what it was held to), or there is none.

    A network claims no optimum and misses none.
    """
    wanted = certificate.tol if tol is None else tol
    solved = certificate.value <= wanted and certificate.exists
    return certificate.measure is not Measure.STATIONARITY and not solved


def unmet_words(path: Path, index: int) -> str:
    """One sentence on a chosen strength that was not solved to its tolerance; empty where it was."""
    found = path.certificates[index]
    if not is_unmet(found):
        return ""
    if not found.exists:
        return f"the solution at the chosen λ = {path.lambdas[index]:.4g} {found.note}"
    return (
        f"the chosen λ = {path.lambdas[index]:.4g} has a {found.measure.value} of {found.value:.1e}, above {found.tol:g}:"
        f" {WAY_OUT}{f' ({found.note})' if found.note else ''}"
    )


def warn_unmet(paths: Sequence[Path], index: int, tol: float) -> None:
    """One ``ConvergenceWarning`` for all strengths of a path and of its folds that miss ``tol``."""
    every = [certificate for path in paths for certificate in path.certificates]
    missed = [certificate for certificate in every if is_unmet(certificate, tol)]
    if not missed:
        return
    worst, chosen = max(missed, key=lambda one: one.value), paths[0].certificates[index]
    here = (
        f"; at the chosen lam it is {chosen.value:.1e}"
        if is_unmet(chosen, tol)
        else ", the chosen lam is solved"
    )
    without = [one.note for one in (chosen, worst) if not one.exists]
    number = f"miss tol={tol:g}, the largest {worst.measure.value} is {worst.value:.1e}{here}: {WAY_OUT}"
    said = f"have no solution or miss tol={tol:g}: it {without[0]}" if without else number
    from sklearn.exceptions import ConvergenceWarning  # where there is something to warn of

    warn(f"{len(missed)} of {len(every)} fits along the path and its folds {said}", ConvergenceWarning)
