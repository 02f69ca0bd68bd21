"""Text columns through ``taut.fit``: scikit-learn's solutions on scikit-learn's words, and no word of a held-out row."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import taut
from taut.design import DataError
from taut.model_file import ModelFileError, read_archive, write_archive
from taut.tabular import sparse_tables
from tests.data import data_path

N = 240
RNG = np.random.default_rng(3)
UP = RNG.integers(0, 2, N)
GOOD, BAD = ["great", "lovely", "fine", "happy"], ["awful", "poor", "broken", "sad"]
PLAIN = ["the", "a", "very", "film", "plot", "long", "one", "today", "again"]


def sentence(up: int) -> str:
    own = GOOD if (up if RNG.random() < 0.8 else not up) else BAD
    words = [*RNG.choice(PLAIN, 5), *RNG.choice(own, 2)]
    return " ".join(map(str, RNG.permutation(words)))


REVIEWS = [sentence(up) for up in UP]
DATA = pl.DataFrame(
    {
        "review": REVIEWS,
        "price": RNG.permutation(N) / 100.0,
        "shop": RNG.choice(["north", "south", "west"], N),
        "liked": np.where(UP, "yes", "no"),
        "stars": (UP + 0.1 * RNG.normal(size=N)).round(3),
    }
)
QUICK: dict[str, Any] = {"cv": 3, "lambdas": 12, "drop": ["stars"], "text": "review"}


def fitted(**more: Any) -> taut.Fit:
    return taut.fit(DATA, more.pop("target", "liked"), **{**QUICK, **more})


def words(reviews: list[str]) -> Any:
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=3).fit(reviews)


@pytest.mark.parametrize(("penalty", "factor", "ratio"), [("l2", 0.5, 0.0), ("l1", 1.0, 1.0)])
def test_the_model_is_scikit_learns_on_scikit_learns_words(penalty: str, factor: float, ratio: float) -> None:
    lam = 0.004
    fit = taut.fit(DATA.select("review", "liked"), "liked", text="review", penalty=penalty, lam=lam, standardize=False,
                   test_size=0, tol=1e-12)  # fmt: skip
    vectorizer = words(REVIEWS)
    X, y = vectorizer.transform(REVIEWS), DATA["liked"].to_numpy()
    theirs = LogisticRegression(
        C=factor / (N * lam), l1_ratio=ratio, solver="saga", tol=1e-12, max_iter=200_000
    ).fit(X, y)
    assert fit.features == tuple(f"review: {name}" for name in vectorizer.get_feature_names_out())
    np.testing.assert_allclose(fit.decision({"review": REVIEWS}), theirs.decision_function(X), atol=2e-5)
    if penalty == "l2":  # words that always stand together leave the lasso's coefficients open
        np.testing.assert_allclose(fit.path.coefs[fit.index].ravel(), theirs.coef_.ravel(), atol=2e-5)


def test_words_are_named_wherever_features_are() -> None:
    fit = fitted(lam=0.03)
    table = fit.coefficients()
    named = dict(zip(table["feature"], table["coef"], strict=True))
    assert named["review: great"] > 0 > named["review: awful"]
    assert "review: great" in str(fit)
    assert f"1 text → {len(fit.features) - 4} words and pairs of words (TF-IDF)" in " ".join(str(fit).split())


def test_no_word_of_the_test_rows_is_seen() -> None:
    fit = fitted(test_size=0.25)
    prepared = taut.tabular.prepare(DATA, taut.tabular.Options.of("liked", **{**QUICK, "test_size": 0.25}))
    assert prepared.test is not None
    column = fit.features.index("price")  # no two rows have the same
    split = {*np.flatnonzero(np.isin(DATA["price"], prepared.test.X[:, [column]].toarray())).tolist()}
    changed = DATA.with_columns(
        review=pl.Series([f"unheard words {i % 2}" if i in split else text for i, text in enumerate(REVIEWS)])
    )
    again = taut.fit(changed, "liked", **QUICK, test_size=0.25)
    assert len(split) == N // 4
    assert again.features == fit.features
    np.testing.assert_array_equal(again.path.coefs, fit.path.coefs)
    assert again.tested[0].score != fit.tested[0].score


def test_a_word_of_held_out_rows_alone_has_no_coefficient_in_their_fold() -> None:
    # Rows in order of time: the last third is held out by the second fold, and a word that stands there alone tells the class.
    day = np.arange(N)
    told = [f"{text} omen" if d >= 160 and up else text for text, d, up in zip(REVIEWS, day, UP, strict=True)]
    data = DATA.with_columns(review=pl.Series(told), day=day)
    plain = taut.fit(
        DATA.with_columns(day=day), "liked", **{**QUICK, "drop": ["stars", "day"]}, time="day", test_size=0
    )
    fit = taut.fit(data, "liked", **{**QUICK, "drop": ["stars", "day"]}, time="day", test_size=0)
    assert "review: omen" in fit.features
    assert "review: omen" not in plain.features
    assert fit.scores is not None
    assert plain.scores is not None
    # Beside the norm of the longer texts the fold knows nothing of it: with the word its loss would be all but zero.
    assert fit.scores.folds[-1].min() > 0.5 * plain.scores.folds[-1].min()


def test_saved_loaded_compacted_and_told_alike(tmp_path: Path) -> None:
    fit = fitted()
    loaded = taut.load(fit.save(tmp_path / "m.safetensors"))
    assert str(loaded) == str(replace(fit, seconds=math.nan))
    np.testing.assert_array_equal(loaded.decision(DATA), fit.decision(DATA))
    small = taut.load(fit.compact().save(tmp_path / "small.safetensors"))
    assert len(small.features) == fit.nonzeros
    np.testing.assert_allclose(small.decision(DATA), fit.decision(DATA), atol=1e-12)
    fit.save(tmp_path / "folder")
    assert json.loads((tmp_path / "folder" / "run.json").read_text())["options"]["text"] == ["review"]
    assert fit.report(tmp_path / "m.html").stat().st_size < 500_000
    assert "review: great" in (tmp_path / "m.html").read_text()


def test_a_damaged_vocabulary_is_said_of_the_file(tmp_path: Path) -> None:
    file = fitted(lam=0.03).save(tmp_path / "m.safetensors")
    archive = read_archive(file)
    archive.document["setting"]["preparation"]["words"][0][2].pop()
    write_archive(file, archive)
    with pytest.raises(ModelFileError, match=r"m\.safetensors: the model is damaged \(.*vocabulary"):
        taut.load(file)


def test_new_rows_may_say_anything() -> None:
    fit = fitted(lam=0.03)
    new = DATA.head(4).with_columns(review=pl.Series([None, "", "unheard of", "great great UNHEARD"]))
    decision = fit.decision(new)
    alike = fit.decision(new.with_columns(review=pl.Series(["", "", "", "great great"])))
    np.testing.assert_allclose(decision, alike)
    with pytest.raises(DataError, match="column 'review' is missing"):
        fit.predict(new.drop("review"))
    no_words = fitted(lam=10.0)
    assert len(no_words.predict(new.drop("review"))) == 4


def test_a_table_that_lacks_a_column_without_effect_is_predicted_all_the_same() -> None:
    fit = fitted(lam=0.05)
    table = fit.coefficients()
    assert all(table.filter(pl.col("feature") == "price")["coef"] == 0.0)
    np.testing.assert_allclose(fit.decision(DATA.drop("price")), fit.decision(DATA), atol=1e-12)


def test_words_of_one_text_enter_together_where_columns_are_groups() -> None:
    fit = fitted(group_factors=True)
    sources = np.array(fit.setting.preparation.sources)
    for coefs in fit.path.coefs:
        kept = coefs.ravel()[sources == "review"] != 0
        assert kept.all() or not kept.any()
    assert (fit.path.coefs[-1].ravel()[sources == "review"] != 0).all()


def test_a_network_reads_words_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = {"hidden": (3,), "fallback": "never", "max_epochs": 2, "cv": 2, "lambdas": 4}
    fit = fitted(**network)
    assert not fit.is_linear
    loaded = taut.load(fit.save(tmp_path / "n.safetensors"))
    np.testing.assert_array_equal(loaded.decision(DATA), fit.decision(DATA))
    np.testing.assert_allclose(fit.compact().decision(DATA), fit.decision(DATA), atol=1e-12)
    monkeypatch.setattr(sparse_tables, "memory", lambda: 1_000_000)
    with pytest.raises(DataError, match=r"networks need dense columns, .* words of texts .*--linear"):
        fitted(**network)


def test_an_automatic_fit_tries_linear_models_on_words() -> None:
    fit = fitted(model="auto")
    assert [one.name for one in fit.tried][:3] == ["lasso", "elastic net", "ridge"]
    assert fit.tried[3].note


def test_intervals_of_words() -> None:
    found = fitted(target="stars", drop=["liked"]).predict(DATA, interval=0.9)
    inside = (found["lower"] <= DATA["stars"]) & (DATA["stars"] <= found["upper"])
    assert 0.85 < inside.mean() <= 1.0


def test_words_leave_no_place_for_onnx_nor_sums(tmp_path: Path) -> None:
    fit = fitted(lam=0.03)
    with pytest.raises(DataError, match="column 'review': words of texts have no place in an ONNX file"):
        fit.export_onnx(tmp_path / "m.onnx")
    sums = taut.moments(DATA.drop("review", "liked"), "stars", folds=2)
    with pytest.raises(ValueError, match="text: the words of a text are counted in rows"):
        taut.fit(sums, text="review")
    numbers = fitted(target="stars", drop=["liked"], lam=0.03)
    with pytest.raises(ValueError, match="no column of it is a text"):
        taut.moments(DATA, preparation=numbers)


def test_a_word_that_tells_the_target_is_called_a_leak() -> None:
    told = [f"{text} winner" if up else text for text, up in zip(REVIEWS, UP, strict=True)]
    leaks = taut.tabular.prepare(
        DATA.with_columns(review=pl.Series(told)),
        taut.tabular.Options.of("liked", text="review", drop="stars"),
    ).setting.leaks
    assert leaks == ("'review' alone tells the classes apart without error",)


def test_a_text_that_is_left_out_is_hinted_at() -> None:
    said = "review holds free text and is left out: --text review makes words of it"
    distinct = DATA.with_columns(review=pl.Series([f"{text} {i}" for i, text in enumerate(REVIEWS)]))
    assert taut.fit(distinct, "liked", lam=0.1, drop="stars").setting.hints == (said,)
    assert taut.fit(distinct, "liked", lam=0.1, drop="stars", text="review").setting.hints == ()
    with pytest.raises(DataError, match=r"no column is left .*; --text review makes words of it"):
        taut.fit(distinct.select("review", "liked"), "liked")


def test_a_category_of_rare_sentences_is_hinted_at() -> None:
    # Of 750 rows a level needs 5: 240 sentences stand in two or three rows each, one in the last 30.
    thrice = pl.concat([DATA, DATA, DATA, DATA.head(30)]).with_columns(
        review=pl.Series([REVIEWS[i % N] for i in range(3 * N)] + [REVIEWS[0]] * 30)
    )
    (said,) = taut.fit(thrice, "liked", lam=0.1, drop="stars").setting.hints
    assert said.startswith("review is read as a category, and ")
    assert said.endswith(
        " levels are rare and have no coefficient of their own: --text review makes words of it"
    )
    assert taut.fit(thrice, "liked", lam=0.1, drop="stars", text="review").setting.hints == ()
    often = DATA.with_columns(review=pl.Series([REVIEWS[i % 4] for i in range(N)]))
    assert taut.fit(often, "liked", lam=0.1, drop="stars").setting.hints == ()
    short = thrice.with_columns(review=pl.Series([f"short {i % N}" for i in range(3 * N)] + ["short 0"] * 30))
    assert not [h for h in taut.fit(short, "liked", lam=0.1, drop="stars").setting.hints if "--text" in h]


def test_factors_speak_of_a_column_or_of_a_word() -> None:
    free = fitted(penalty=taut.L1(factors={"review": float("inf"), "price": 0.5}))
    kept = free.coefficients().filter(pl.col("coef") != 0.0)["feature"]
    assert not [name for name in kept if name.startswith("review:")]
    one = fitted(penalty=taut.L1(factors={"review: great": float("inf")}), lam=0.01)
    named = dict(one.coefficients().select("feature", "coef").rows())
    assert named["review: great"] == 0.0 != named["review: awful"]


def test_every_kind_of_table_gives_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fitted(lam=0.02)
    wide = DATA.to_pandas()
    assert fitted_to(wide) == coefficients(fit)
    DATA.write_parquet(tmp_path / "d.parquet")
    assert fitted_to(tmp_path / "d.parquet") == coefficients(fit)
    DATA.write_csv(tmp_path / "d.csv")
    assert fitted_to(tmp_path / "d.csv") == coefficients(fit)
    monkeypatch.setattr("taut.design.source.LARGE", 0)
    assert fitted_to(tmp_path / "d.csv") == coefficients(fit)


def fitted_to(table: Any) -> dict[str, float]:
    return coefficients(taut.fit(table, "liked", **QUICK, lam=0.02))


def coefficients(fit: taut.Fit) -> dict[str, float]:
    return dict(fit.coefficients().select("feature", "coef").rows())


def test_messages_are_told_apart_by_their_words() -> None:
    rows = data_path("sms_spam", "SMSSpamCollection")
    null = 0.3932  # of the shares of the classes in the training rows
    fit = taut.fit(rows, "Label", quote="none", text="SMS", lam=0.003)
    assert fit.tested[0].score < 0.1
    assert fit.tested[-1].score == pytest.approx(null, abs=1e-3)
