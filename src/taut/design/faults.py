"""Faults: the one error for data that cannot be used, and the words in which names from the data are said."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
LONGEST = 80
"""Characters of a name that are said in a message."""


class DataError(ValueError):
    """The data cannot be used as they are; the message names the file, column or value and what to do."""


def clean(text: object) -> str:
    """Return a name or value from the data without control sequences, so that it is safe to print."""
    return _CONTROL.sub("", str(text))


def brief(text: object) -> str:
    """Return a name or value in quotes, cleaned and cut to what a line of a message can hold."""
    whole = clean(text)
    return repr(whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}…")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _spelt(text: str) -> str:
    """What is special in the characters of a name that looks like another one."""
    odd = [c for c in text if ord(c) > 0x7F]
    return "written with " + ", ".join(f"U+{ord(c):04X}" for c in odd[:3])


def closest(name: str, known: Iterable[str]) -> str:
    """Say which of the ``known`` names come closest to ``name``: a hint for a message, empty if none is."""
    known = list(known)
    same = next((each for each in known if each != name and _composed(each) == _composed(name)), None)
    if same is not None:
        return f"; did you mean {brief(same)}? It looks the same and is {_spelt(same)}, and {brief(name)} is {_spelt(name)}"
    lowered = {each.lower()[:LONGEST]: each for each in known}
    matches = difflib.get_close_matches(name.lower()[:LONGEST], lowered, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(brief(lowered[m]) for m in matches)}?" if matches else ""
