"""Docstrings as the site's generator reads them: what stands behind a parameter's colon is its description, not its type.

A docstring says ``name : what it is``, over one line or several; types stand in the signature. Griffe, which reads docstrings
for mkdocstrings, takes what stands behind the colon for the type, so that the description is moved to its own line.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

PARAMETER = re.compile(r"^([\w*]+(?:, [\w*]+)*) : (.+)$", flags=re.M)


class Descriptions(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = described(obj.docstring.value)


def described(text: str) -> str:
    """Every line ``name : description`` as two lines, the second one indented."""
    return PARAMETER.sub(r"\1\n    \2", text)
