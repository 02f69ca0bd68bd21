"""Members of a contract that came later, or that few classes need: they have a default, which a class may replace."""

from __future__ import annotations

from typing import Any, TypeVar

Member = TypeVar("Member")


def default(member: Member) -> Member:
    """Mark a method (or the function under a ``property``) of a base class as one that a final class may replace.

    All other methods are either abstract or final, so that what a class does is written in it or in its base, never in both.
    """
    member.is_default = True  # type: ignore[attr-defined]
    return member


def is_default(member: Any) -> bool:
    """Whether ``member``, a method or a property, is marked as a default."""
    return bool(getattr(member.fget if isinstance(member, property) else member, "is_default", False))
