"""Documents: a preparation as plain lists, strings and numbers for a JSON file, and back."""

from __future__ import annotations

import math
from typing import Any

from taut.design.columns import LeftOut, Levels, Read, Reason
from taut.design.dates import reader_of
from taut.design.derived import Derived, Term, TermKind
from taut.design.notation import notation_of
from taut.design.preparation import Numbers, Preparation
from taut.design.values import Part
from taut.design.vocabulary import Vocabulary


def to_document(preparation: Preparation) -> dict[str, Any]:
    """Return the preparation as plain lists, strings and numbers, for a JSON file."""
    numbers, derived = preparation.numbers, preparation.derived
    return {
        "reads": [[r.source, int(r.part), r.form] for r in numbers.reads],
        "medians": list(numbers.medians),
        "flagged": list(numbers.flagged),
        "categories": [
            [c.source, list(c.levels), c.missing, c.share, list(c.pooled)] for c in preparation.categories
        ],
        "selected": list(preparation.selected),
        "left_out": [[x.name, x.reason.value, x.detail] for x in preparation.left_out],
        "remarks": list(preparation.remarks),
        "decimal": preparation.decimal,
        "derived": {
            "center": list(derived.center),
            "scale": list(derived.scale),
            "knots": [list(k) for k in derived.knots],
            "terms": [[int(t.kind), t.first, t.second] for t in derived.terms],
        },
        "outputs": None if preparation.outputs is None else list(preparation.outputs),
        "words": [
            [w.source, list(w.terms), list(w.idf), None if w.kept is None else list(w.kept)]
            for w in preparation.words
        ],
    }


def from_document(document: dict[str, Any]) -> Preparation:
    """Return the preparation that ``to_document`` wrote; KeyError, TypeError or ValueError otherwise."""
    outputs = document["outputs"]
    result = Preparation(
        _numbers(document),
        tuple(_levels(*entry) for entry in document["categories"]),
        tuple(map(int, document["selected"])),
        tuple(LeftOut(str(n), Reason(r), str(d)) for n, r, d in document["left_out"]),
        tuple(map(str, document["remarks"])),
        str(document["decimal"]),
        _derived(document["derived"]),
        None if outputs is None else tuple(map(int, outputs)),
        tuple(_vocabulary(*entry) for entry in document.get("words", ())),  # absent from older files
    )
    _check(result)
    return result


def _numbers(document: dict[str, Any]) -> Numbers:
    reads = tuple(_read(str(s), Part(p), str(f)) for s, p, f in document["reads"])
    numbers = Numbers(reads, tuple(map(float, document["medians"])), tuple(map(bool, document["flagged"])))
    if {len(reads)} != {len(numbers.medians), len(numbers.flagged)}:
        raise ValueError("the preparation's lists do not fit together")
    return numbers


def _read(source: str, part: Part, form: str) -> Read:
    """A read whose form is one; ValueError for any other text."""
    if part is Part.VALUE:
        notation_of(form)
    elif form:
        reader_of(form)
    return Read(source, part, form)


def _levels(source: Any, levels: Any, missing: Any, share: Any, pooled: Any) -> Levels:
    return Levels(str(source), tuple(map(str, levels)), bool(missing), float(share), tuple(map(str, pooled)))


def _vocabulary(source: Any, terms: Any, idf: Any, kept: Any) -> Vocabulary:
    """A vocabulary whose lists fit together; ValueError for any other."""
    places = None if kept is None else tuple(map(int, kept))
    found = Vocabulary(str(source), tuple(map(str, terms)), tuple(map(float, idf)), places)
    inside = places is None or all(0 <= j < len(found.terms) for j in places)
    if not inside or not 0 < len(found.terms) == len(found.idf) == len({*found.terms}):
        raise ValueError("the preparation's vocabulary does not fit together")
    if not all(map(math.isfinite, found.idf)):
        raise ValueError("what the preparation learned is not finite")
    return found


def _derived(document: dict[str, Any]) -> Derived:
    return Derived(
        tuple(map(float, document["center"])),
        tuple(map(float, document["scale"])),
        tuple(tuple(map(float, knots)) for knots in document["knots"]),
        tuple(Term(TermKind(k), int(first), int(second)) for k, first, second in document["terms"]),
    )


def _check(preparation: Preparation) -> None:
    """ValueError where one list points outside another."""
    derived, p = preparation.derived, len(preparation.selected)
    width = len(preparation.numbers.names) + sum(len(c.names) for c in preparation.categories)
    inside = all(0 <= j < width for j in preparation.selected)
    parts = {len(derived.center), len(derived.scale), len(derived.knots)}
    made = parts == {p} if derived.terms else True
    made = made and all(0 <= j < p for term in derived.terms for j in term.inputs)
    made = made and all(_fits(term, derived) for term in derived.terms)
    learned = (
        *preparation.numbers.medians,
        *derived.center,
        *derived.scale,
        *(x for k in derived.knots for x in k),
    )
    if not all(map(math.isfinite, learned)) or not all(derived.scale):
        raise ValueError("what the preparation learned is not finite")
    every = p + len(derived.terms)
    shown = preparation.outputs is None or all(0 <= j < every for j in preparation.outputs)
    if not (inside and made and shown):
        raise ValueError("the preparation's lists do not fit together")


def _fits(term: Term, derived: Derived) -> bool:
    if term.kind is TermKind.SPLINE:
        return 1 <= term.second <= len(derived.knots[term.first]) - 2
    return term.kind is TermKind.PRODUCT or 2 <= term.second <= 9
