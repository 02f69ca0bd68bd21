"""Vocabularies: a text column as the words and pairs of words in it, sparse features weighted by TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from taut.design.columns import fewest_rows
from taut.design.faults import DataError, brief, clean
from taut.design.stored import Frame
from taut.design.values import Column, is_date, is_number, texts
from taut.design.writing import TEXT, CellKind, Writings
from taut.types import Float

FEWEST_ROWS = 3
"""A word of fewer training rows is no feature, however small the table: words of two rows made held-out losses worse."""
MOST_TERMS = 20_000
"""Terms of one column that are features, those that stand most often."""


@dataclass(frozen=True)
class Vocabulary:
    """A text column: one feature for each word, and each pair of neighbouring words, of enough training rows.

    With f_t > 0 the times that term t stands in a row, n_t the training rows that hold it and n all of them,

        v_t = (1 + ln f_t) · (1 + ln((1 + n) / (1 + n_t))),     x_t = v_t / ‖v‖₂,

    which is scikit-learn's ``TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=m)``, m = 5, in small tables 1 %
    of the rows and 3 at least: words are in lower case and have two characters or more. A missing cell is an empty text,
    all zeros. Terms that are not among ``terms`` are passed over. ``kept``: the places of the terms that are features, all
    if None; the others count in the norm.

    Salton and Buckley, *Term-weighting approaches in automatic text retrieval* (1988).
    """

    source: str
    terms: tuple[str, ...]
    idf: tuple[float, ...]
    kept: tuple[int, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, such as ``review: free prize``."""
        terms = self.terms if self.kept is None else [self.terms[j] for j in self.kept]
        return tuple(f"{self.source}: {term}" for term in terms)

    def take(self, places: Sequence[int]) -> Vocabulary:
        """The same text column with the features at the given places alone."""
        return replace(self, kept=tuple(places if self.kept is None else (self.kept[j] for j in places)))

    def columns(self, column: Column) -> Any:
        """The features of a column's cells: a CSR array (n, features)."""
        vectorizer = _vectorizer(vocabulary={term: j for j, term in enumerate(self.terms)})
        vectorizer.idf_ = np.array(self.idf)
        found = scipy.sparse.csr_array(vectorizer.transform(_documents(column)))
        return found if self.kept is None else found[:, list(self.kept)]


def learn_vocabulary(frame: Frame, name: str, writings: Writings) -> tuple[Vocabulary, list[str]]:
    """The vocabulary of the training rows of a text column, and what is to be said of it.

    ``DataError`` for a column that holds no texts, or of which no term stands in two rows.
    """
    column = frame[name]
    _check_text(name, column, writings)
    documents = _documents(column)
    fewest = max(FEWEST_ROWS, fewest_rows(len(documents)))
    try:
        found = _vectorizer(min_df=fewest).fit(documents)
    except ValueError:  # scikit-learn's word for a vocabulary without a term
        raise DataError(
            f"column {brief(name)}: no word stands in {fewest} training rows or more; leave it out of the text columns (--text)"
        ) from None
    count, said = len(found.vocabulary_), []
    if count > MOST_TERMS:
        found = _vectorizer(min_df=fewest, max_features=MOST_TERMS).fit(documents)
        said = [
            f"{clean(name)}: the {MOST_TERMS} most frequent of {count} words and pairs of words are features"
        ]
    terms = tuple(map(str, found.get_feature_names_out()))
    return Vocabulary(name, terms, tuple(found.idf_.tolist())), said


def _check_text(name: str, column: Column, writings: Writings) -> None:
    """``DataError`` for a column that holds anything but texts."""
    dtype, kind = column.dtype, writings.columns.get(name, TEXT).kind
    found = None
    if is_number(dtype) or kind is CellKind.NUMBER:
        found = "numbers"
    elif is_date(dtype) or kind is CellKind.DATE:
        found = "dates"
    elif dtype.is_nested() or dtype.is_temporal():
        found = f"values of type {dtype}"
    if found is not None:
        raise DataError(
            f"column {brief(name)} holds {found}, and only texts have words; leave it out of the text columns (--text)"
        )


def _documents(column: Column) -> list[str]:
    """The cells as texts, empty where missing."""
    return [cell or "" for cell in texts(column)]


def _vectorizer(**more: Any) -> Any:
    """scikit-learn's vectoriser, imported where a table has texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **more)


def beside_words(dense: Float, vocabularies: Sequence[Vocabulary], frame: Frame) -> Any:
    """The dense features (n, q), and the words of each text column to their right: a CSR array, or ``dense`` without any."""
    if not vocabularies:
        return dense
    words = [own.columns(frame[own.source]) for own in vocabularies]
    return scipy.sparse.hstack([scipy.sparse.csr_array(dense), *words], format="csr")


def taken(vocabularies: Sequence[Vocabulary], places: Sequence[int]) -> tuple[Vocabulary, ...]:
    """The vocabularies for the features at the given places among all of theirs, without those that have none left."""
    left, start = [], 0
    for own in vocabularies:
        end = start + len(own.names)
        inside = [j - start for j in places if start <= j < end]
        left += [own.take(inside)] if inside else []
        start = end
    return tuple(left)
