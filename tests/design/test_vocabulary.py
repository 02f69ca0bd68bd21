"""The words of text columns are scikit-learn's, learned from the training rows, and the same after every way that they go."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

import taut.design.vocabulary as vocabulary
from taut.design import (
    DataError,
    Expansion,
    Overrides,
    Preparation,
    from_document,
    learn_preparation,
    to_document,
)
from tests.design.samples import NUMBERS, N, cycle, table

PLAIN = Expansion()
SENTENCES = cycle(
    "A free prize, call now", "call me later", "free free PRIZE", "see you later then", "you won a prize"
)
NEW = ["call the unheard free prize", "nothing known", None, "later later later"]


def learn(
    text: str | tuple[str, ...] = "review", expansion: Expansion = PLAIN, **columns: Any
) -> Preparation:
    names = (text,) if isinstance(text, str) else text
    frame = table(**columns)
    return learn_preparation(
        frame, np.arange(N) * 3 + 7, overrides=Overrides(text=names), expansion=expansion
    )


def sklearns(train: list[str], rows: list[str | None]) -> tuple[list[str], Any]:
    fitted = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True).fit(train)
    return list(fitted.get_feature_names_out()), fitted.transform([row or "" for row in rows]).toarray()


def test_words_are_those_of_scikit_learn_beside_the_other_columns() -> None:
    learned = learn(review=SENTENCES, size=NUMBERS, shop=cycle("a", "b", "c"))
    names, values = sklearns(SENTENCES, NEW)
    assert learned.names == ("size", "shop=a", "shop=b", "shop=c", *(f"review: {name}" for name in names))
    assert learned.sources == ("size", *["shop"] * 3, *["review"] * len(names))
    assert learned.columns == ("size", "shop", "review")
    new = learned.transform(table(review=NEW, size=NUMBERS[:4], shop=["a", "c", None, "b"])).matrix
    np.testing.assert_allclose(new[:, 4:].toarray(), values, atol=1e-15)
    np.testing.assert_array_equal(new[:, [0]].toarray()[:, 0], NUMBERS[:4])
    assert new[[2], 4:].nnz == 0  # a missing text has no words


def test_a_text_alone_and_two_of_them() -> None:
    names = sklearns(SENTENCES, NEW)[0]
    assert learn(review=SENTENCES).names == tuple(f"review: {name}" for name in names)
    both = learn(("title", "review"), title=SENTENCES[::-1], review=SENTENCES, size=NUMBERS)
    assert both.sources == ("size", *["title"] * len(names), *["review"] * len(names))


def test_constant_columns_beside_a_text_are_left_out_as_ever() -> None:
    learned = learn(review=SENTENCES, same=[1.0] * N)
    assert [x.name for x in learned.left_out] == ["same"]
    assert {*learned.sources} == {"review"}


def test_derived_features_are_those_of_the_other_columns() -> None:
    asked, columns = Expansion(interactions=True, degree=2), {"size": NUMBERS, "age": NUMBERS[::-1] ** 2}
    plain = learn((), expansion=asked, **columns)
    learned = learn("review", expansion=asked, review=SENTENCES, **columns)
    count = len(plain.names)
    assert learned.names[:count] == plain.names
    assert {*learned.sources[count:]} == {"review"}
    beside = learned.transform(table(review=SENTENCES, **columns)).matrix[:, :count].toarray()
    np.testing.assert_array_equal(beside, plain.transform(table(**columns)).matrix)


@pytest.mark.parametrize("places", [[0, 5, 9], [3], [2, 4, 5, 6], list(range(12)), [0]])
def test_a_part_has_the_same_features(places: list[int]) -> None:
    columns = {"size": NUMBERS, "age": NUMBERS[::-1] ** 2, "review": SENTENCES}
    for whole in (learn(**columns), learn(expansion=Expansion(interactions=True), **columns)):
        part = whole.take(places)
        assert part.names == tuple(whole.names[j] for j in places)
        assert part.sources == tuple(whole.sources[j] for j in places)
        rows = table(**columns)
        taken = part.transform(rows).matrix
        taken = taken.toarray() if part.words else taken
        np.testing.assert_array_equal(taken, whole.transform(rows).matrix.toarray()[:, places])
        used = {name for source in part.sources for name in source.split(":")}
        assert {*part.columns} == used
        assert part.take([0]).names == part.names[:1]


def test_a_document_brings_back_the_same_words() -> None:
    learned = learn(review=SENTENCES, size=NUMBERS)
    for each in (learned, learned.take([0, 3, 5])):
        again = from_document(json.loads(json.dumps(to_document(each))))
        assert again == each
    older = to_document(learn((), size=NUMBERS))
    del older["words"]
    assert from_document(older).words == ()


@pytest.mark.parametrize(
    "damage",
    [
        {"idf": (1.0,)},
        {"idf": (float("nan"),) * 3},
        {"kept": (3,)},
        {"kept": (-1,)},
        {"terms": ("a", "a", "b")},
        {"terms": (), "idf": ()},
    ],
)
def test_a_damaged_vocabulary_is_refused(damage: dict[str, Any]) -> None:
    own = vocabulary.Vocabulary("review", ("a", "b", "c"), (1.0, 2.0, 1.5))
    learned = replace(learn(review=SENTENCES), words=(replace(own, **damage),))
    with pytest.raises(ValueError, match=r"vocabulary does not fit together|not finite"):
        from_document(to_document(learned))


DAY = datetime.date(2024, 1, 1)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (NUMBERS, "column 'review' holds numbers, and only texts have words"),
        ([i % 2 == 0 for i in range(N)], "holds numbers"),
        ([str(x) for x in NUMBERS], "holds numbers"),
        ([DAY + datetime.timedelta(days=i) for i in range(N)], "holds dates"),
        ([str(DAY + datetime.timedelta(days=i)) for i in range(N)], "holds dates"),
        ([datetime.timedelta(days=i) for i in range(N)], "holds values of type Duration"),
        ([[i] for i in range(N)], "holds values of type List"),
        ([f"word{i}x" for i in range(N)], "no word stands in 3 training rows or more"),
        ([None] * (N - 1) + ["lonely"], "no word stands in 3 training rows or more"),
        (cycle("?", "!", "a"), "no word stands in 3 training rows or more"),
    ],
)  # fmt: skip
def test_what_has_no_words_is_refused_by_name(cells: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        learn(review=cells, size=NUMBERS)
    assert "'review'" in str(raised.value)
    assert "(--text)" in str(raised.value)


def test_declared_categories_are_texts_too() -> None:
    plain = learn(review=SENTENCES, size=NUMBERS)
    assert learn(review=pl.Series(SENTENCES, dtype=pl.Categorical), size=NUMBERS).words == plain.words
    assert (
        learn(review=pl.Series(SENTENCES).to_pandas().astype("category"), size=NUMBERS).words == plain.words
    )


def test_a_limit_on_words_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learn(review=SENTENCES, size=NUMBERS)
    monkeypatch.setattr(vocabulary, "MOST_TERMS", 4)
    cut = learn(review=SENTENCES, size=NUMBERS)
    assert cut.names == ("size", "review: call", "review: free", "review: later", "review: prize")
    count = len(whole.words[0].terms)
    assert cut.remarks == (f"review: the 4 most frequent of {count} words and pairs of words are features",)
    assert whole.remarks == ()
    same = dict(zip(whole.words[0].terms, whole.words[0].idf, strict=True))
    assert [same[term] for term in cut.words[0].terms] == list(cut.words[0].idf)


def test_words_of_few_rows_are_no_features() -> None:
    cells = ["common words"] * 995 + ["rare words"] * 4 + ["common seldom"]
    frame = table(review=cells)
    learned = learn_preparation(frame, np.arange(1000), overrides=Overrides(text=("review",)))
    assert learned.words[0].terms == ("common", "common words", "words")
    few = learn_preparation(frame[500:], np.arange(500), overrides=Overrides(text=("review",)))
    assert few.words[0].terms == learned.words[0].terms
    fewer = learn_preparation(frame[700:], np.arange(300), overrides=Overrides(text=("review",)))
    assert fewer.words[0].terms == ("common", "common words", "rare", "rare words", "words")
