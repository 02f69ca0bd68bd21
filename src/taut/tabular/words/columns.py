"""Columns in words: what became of each column of the table on its way into the matrix, a line for each."""

from __future__ import annotations

from collections import Counter

from taut.design import (
    LeftOut,
    Levels,
    Notation,
    Numbers,
    Part,
    Preparation,
    TermKind,
    Vocabulary,
    brief,
    clean,
)
from taut.tabular.words.numbers import counted, grouped, significant

SHOWN_LEVELS = 6
PLAIN = ("", Notation().form)
"""Forms of numbers of which nothing need be said."""


def column_lines(preparation: Preparation) -> list[str]:
    """Numbers, dates and categories with what fills their gaps, derived features, and columns left out."""
    lines = [*_number_lines(preparation.numbers), *map(_levels_line, preparation.categories)]
    lines += [*_derived_lines(preparation), *map(_words_line, preparation.words)]
    return [*lines, *map(_left_out_line, preparation.left_out)]


def _number_lines(numbers: Numbers) -> list[str]:
    lines: dict[str, str] = {}
    for read, median, flagged in zip(numbers.reads, numbers.medians, numbers.flagged, strict=True):
        filled = f"gaps become {significant(median)}" + (", with an indicator" if flagged else "")
        if read.part is Part.VALUE:
            written = f" written as {clean(read.form)}" if read.form not in PLAIN else ""
            lines[read.source] = f"{clean(read.source)}: number{written}; {filled}"
        else:
            written = f" written {read.form}" if read.form else ""
            parts = ", ".join(
                other.part.name.lower() for other in numbers.reads if other.source == read.source
            )
            lines[read.source] = f"{clean(read.source)}: date{written} → {parts}; {filled}"
    return list(lines.values())


def _levels_line(levels: Levels) -> str:
    shown = ", ".join(brief(level) for level in levels.levels[:SHOWN_LEVELS])
    more = f" and {len(levels.levels) - SHOWN_LEVELS} more" if len(levels.levels) > SHOWN_LEVELS else ""
    parts = [f"{clean(levels.source)}: category of {counted(len(levels.levels), 'level')} ({shown}{more})"]
    if levels.pooled:
        names = ", ".join(brief(level) for level in levels.pooled[:SHOWN_LEVELS])
        dots = ", …" if len(levels.pooled) > SHOWN_LEVELS else ""
        parts.append(f"{counted(len(levels.pooled), 'rare level')} pooled ({names}{dots})")
    parts.append("gaps are a level of their own" if levels.missing else "gaps are no level")
    return "; ".join(parts)


def _words_line(words: Vocabulary) -> str:
    count = f"{grouped(len(words.names))} words and pairs of words"
    return f"{clean(words.source)}: text → {count} (TF-IDF); gaps are empty texts"


def _derived_lines(preparation: Preparation) -> list[str]:
    terms = preparation.derived.terms
    if not terms:
        return []
    kinds = Counter(term.kind for term in terms)
    words = {TermKind.POWER: "power", TermKind.SPLINE: "spline", TermKind.PRODUCT: "product"}
    made = ", ".join(counted(kinds[kind], word) for kind, word in words.items() if kinds[kind])
    return [f"derived from standardised columns: {made}"]


def _left_out_line(left_out: LeftOut) -> str:
    detail = f", {left_out.detail}" if left_out.detail else ""
    return f"{clean(left_out.name) or 'unnamed'}: left out, {left_out.reason.value}{detail}"
