"""Rules: which penalty is whose, by patterns over the names of parameters, of which the first that matches wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeAlias

from taut.messages import closest, written
from taut.penalties import Penalty

Rules: TypeAlias = "Mapping[str, Penalty | None]"
"""Shell-style patterns (``*``, ``?``, ``[abc]``) over names of parameters; None leaves what it matches unpenalised."""


class Ruled(NamedTuple):
    """What the rules say of one parameter; ``pattern`` is None where nothing matched it."""

    pattern: str | None
    penalty: Penalty | None


def assign(rules: Rules, parameters: Sequence[Sequence[str]]) -> list[Ruled]:
    """The rule of each parameter, given by all of its names (a tied one has several).

    Raises TypeError for a rule that is no penalty, and ValueError for a pattern that decides nothing, because it matches no
    name or because earlier patterns match all that it does.
    """
    checked = _checked(rules)
    found = [_first(checked, names) for names in parameters]
    decisive = {one.pattern for one in found}
    for pattern in checked:
        if pattern not in decisive:
            raise ValueError(_idle(pattern, checked, parameters))
    return found


def _checked(rules: Rules) -> dict[str, Penalty | None]:
    if not isinstance(rules, Mapping):
        raise TypeError(
            f"rules must map patterns to penalties, such as {{'*.bias': None, '*': taut.L1()}}, got {written(rules)}"
        )
    for pattern, penalty in rules.items():
        if not isinstance(pattern, str):
            raise TypeError(f"a rule's pattern must be a text such as '*.weight', got {written(pattern)}")
        if penalty is not None and not isinstance(penalty, Penalty):
            raise TypeError(
                f"the rule {pattern!r} must be a penalty such as taut.L1(), or None for none, got {written(penalty)}"
            )
    return dict(rules)


def _first(rules: Rules, names: Sequence[str]) -> Ruled:
    for pattern, penalty in rules.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return Ruled(pattern, penalty)
    return Ruled(None, None)


def _idle(pattern: str, rules: Rules, parameters: Sequence[Sequence[str]]) -> str:
    """The sentence on a pattern that decides nothing."""
    names = [name for several in parameters for name in several]
    if any(fnmatchcase(name, pattern) for name in names):
        return f"the rule {pattern!r} decides nothing: earlier rules match all that it does, so put it before them"
    near = closest(pattern, names)
    hint = (
        f"did you mean {near!r}?"
        if near
        else f"the parameters are {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
    )
    return f"the rule {pattern!r} matches no parameter: {hint}"
