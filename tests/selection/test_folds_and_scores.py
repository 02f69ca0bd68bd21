"""Folds, scores and rules: hand-computed examples, laws, and agreement with scikit-learn and R's glmnet."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, PredefinedSplit, RepeatedKFold, ShuffleSplit, TimeSeriesSplit

from taut.selection.choice import choose, paired_gain
from taut.selection.folds import Folds, from_splits, make_folds, ordered_folds, repeated
from taut.selection.scores import Scores

RNG = np.random.default_rng(0)


def folds_of(cv, n=20, **options) -> Folds:
    options.setdefault("sample_weight", np.ones(n))
    return make_folds(cv, np.zeros((n, 1)), np.zeros(n), **options)


# ---- folds ------------------------------------------------------------------------------------


def test_k_fold_partitions_the_rows():
    folds = folds_of(7, n=23, random_state=1)
    assert len(folds) == 7
    np.testing.assert_array_equal(np.sort(np.concatenate(folds.test)), np.arange(23))
    for train, test in zip(folds.train, folds.test, strict=True):
        np.testing.assert_array_equal(np.flatnonzero(train == 0), np.sort(test))


def test_random_state_decides_the_shuffle():
    first, again, other = (folds_of(5, random_state=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.train, again.train)
    assert (first.train != other.train).any()


def test_integer_folds_are_stratified_by_label():
    labels = np.repeat([0, 1], [40, 10])
    folds = folds_of(5, n=50, labels=labels, random_state=0)
    assert [int(labels[test].sum()) for test in folds.test] == [2] * 5


def test_more_folds_than_rows_is_capped_with_one_warning():
    with pytest.warns(UserWarning, match="cv=10: 4 folds are used, because there are 4 rows") as record:
        folds = folds_of(10, n=4)
    assert len(record) == 1
    assert len(folds) == 4


def test_rarest_class_caps_the_folds_with_one_warning():
    labels = np.array(["a"] * 12 + ["b"] * 3)
    with pytest.warns(UserWarning, match="3 folds are used, because the rarest class has 3 rows") as record:
        folds = folds_of(10, n=15, labels=labels, random_state=0)
    assert len(record) == 1
    assert all((labels[test] == "b").sum() == 1 for test in folds.test)


def test_the_only_row_of_a_class_is_always_trained_on():
    labels = np.array([0] * 6 + [1] * 6 + [2])
    with pytest.warns(UserWarning, match="1 classes with a single row are never held out"):
        folds = folds_of(3, n=13, labels=labels, random_state=0)
    assert len(folds) == 3
    np.testing.assert_array_equal(folds.train[:, 12], 1.0)


def test_nothing_is_said_when_nothing_is_capped():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folds_of(5, n=20, labels=np.repeat([0, 1], 10))


@pytest.mark.parametrize(
    ("cv", "n", "message"),
    [
        (1, 20, "at least 2 folds, got 1"),
        (5, 1, "n_samples = 1"),
        ([], 20, "no split"),
        ([([0, 1], [1, 2])], 20, "rows that it holds out"),
        ([([0, 1], [25])], 20, "not among the 20 rows"),
        ([([0, 1], np.array([], dtype=int))], 20, "no held-out rows"),
    ],
)
def test_impossible_folds_are_refused(cv, n, message):
    with pytest.raises(ValueError, match=message):
        folds_of(cv, n=n)


@pytest.mark.parametrize(
    "splitter",
    [
        GroupKFold(4),
        TimeSeriesSplit(3),
        ShuffleSplit(3, random_state=0),
        RepeatedKFold(n_splits=4, n_repeats=2, random_state=0),
        PredefinedSplit(np.arange(20) % 3),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_any_splitter_of_scikit_learn(splitter):
    groups = np.arange(20) // 2 if isinstance(splitter, GroupKFold) else None
    folds = folds_of(splitter, groups=groups)
    expected = list(splitter.split(np.zeros((20, 1)), np.zeros(20), groups))
    assert len(folds) == len(expected)
    for (train, test), row, held in zip(expected, folds.train, folds.test, strict=True):
        np.testing.assert_array_equal(np.flatnonzero(row), np.sort(train))
        np.testing.assert_array_equal(held, test)


def test_pairs_may_be_numbers_or_masks_and_repeated_rows_count_twice():
    mask = np.arange(6) < 2
    folds = from_splits([([2, 3, 3], mask), (~mask, [0])], 6)
    np.testing.assert_array_equal(folds.train[0], [0, 0, 1, 2, 0, 0])
    np.testing.assert_array_equal(folds.test[0], [0, 1])
    np.testing.assert_array_equal(folds.train[1], [0, 0, 1, 1, 1, 1])


def test_rows_without_weight_are_as_good_as_absent():
    weight = np.ones(20)
    weight[[3, 11]] = 0.0
    weighted = folds_of(4, n=20, sample_weight=weight, random_state=5)
    removed = folds_of(4, n=18, random_state=5)
    np.testing.assert_array_equal(weighted.train[:, weight > 0], removed.train)


def test_weights_put_all_rows_first_and_need_training_weight():
    folds = from_splits([([0, 1], [2]), ([2], [0])], 3)
    np.testing.assert_array_equal(folds.weights(np.array([1.0, 2.0, 3.0])), [[1, 2, 3], [1, 2, 0], [0, 0, 3]])
    with pytest.raises(ValueError, match="no training row of positive weight"):
        folds.weights(np.array([1.0, 1.0, 0.0]))


def test_repeats_count_how_often_a_row_is_held_out():
    weight = RNG.uniform(1, 2, 20)
    assert folds_of(5).repeats(weight) == pytest.approx(1.0)
    repeated = RepeatedKFold(n_splits=4, n_repeats=3, random_state=0)
    assert folds_of(repeated).repeats(weight) == pytest.approx(3.0)
    assert folds_of(TimeSeriesSplit(3)).repeats(weight) == pytest.approx(1.0)


# ---- scores -----------------------------------------------------------------------------------


def test_mean_error_and_both_rules_by_hand():
    # Means: 4, 2.5, 2, 2.2. At the minimum the folds are 1 and 3: variance 1, SE = sqrt(1 / (2 - 1)) = 1,
    # so 1se takes the strongest λ with mean ≤ 3.
    scores = Scores(
        lambdas=np.array([8.0, 4.0, 2.0, 1.0]),
        folds=np.array([[3.0, 2.0, 1.0, 1.2], [5.0, 3.0, 3.0, 3.2]]),
        fold_weights=np.array([1.0, 1.0]),
    )
    np.testing.assert_allclose(scores.mean, [4.0, 2.5, 2.0, 2.2])
    np.testing.assert_allclose(scores.standard_error, [1.0, 0.5, 1.0, 1.0])
    assert (scores.index_min, scores.lam_min) == (2, 2.0)
    assert (scores.index_1se, scores.lam_1se) == (1, 4.0)
    assert scores.index("min") == 2
    assert scores.index("1se") == 1


def test_folds_count_by_their_weight():
    # mean = (1·2 + 3·4)/4 = 3.5, variance = (1·1.5² + 3·0.5²)/4 = 0.75, SE = sqrt(0.75)
    scores = Scores(np.array([1.0]), np.array([[2.0], [4.0]]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(scores.mean, [3.5])
    np.testing.assert_allclose(scores.standard_error, [np.sqrt(0.75)])


def test_equal_means_take_the_strongest():
    scores = Scores(np.array([3.0, 2.0, 1.0]), np.array([[2.0, 1.0, 1.0], [2.0, 1.0, 1.0]]), np.ones(2))
    assert scores.index_min == 1
    assert scores.index_1se == 1


def test_repeating_the_folds_does_not_shrink_the_error():
    folds = RNG.uniform(1, 2, (5, 8))
    once = Scores(np.arange(8.0, 0, -1), folds, np.ones(5))
    twice = Scores(np.arange(8.0, 0, -1), np.vstack([folds, folds]), np.ones(10), repeats=2.0)
    np.testing.assert_allclose(once.mean, twice.mean)
    np.testing.assert_allclose(once.standard_error, twice.standard_error)


def test_a_fold_without_weight_has_no_say():
    folds = np.array([[1.0, 2.0], [3.0, 1.0], [np.nan, np.nan]])
    scores = Scores(np.array([2.0, 1.0]), folds, np.array([1.0, 1.0, 0.0]))
    kept = Scores(np.array([2.0, 1.0]), folds[:2], np.ones(2))
    np.testing.assert_allclose(scores.mean, kept.mean)
    np.testing.assert_allclose(scores.standard_error, kept.standard_error)


def test_losses_beyond_all_numbers_warn_of_nothing_and_are_never_chosen():
    folds = np.array([[1.0, 1.5e308], [1.0, 1.7e308]])
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        scores = Scores(np.array([1.0, 0.1]), folds, np.array([40.0, 40.0]))
        assert scores.mean[0] == 1.0
        assert scores.standard_error.shape == (2,)
        assert scores.index("min") == scores.index("1se") == 0


def test_a_single_fold_has_no_error_and_1se_is_min():
    scores = Scores(np.array([3.0, 2.0, 1.0]), np.array([[3.0, 1.0, 2.0]]), np.ones(1))
    assert np.isnan(scores.standard_error).all()
    assert scores.index_1se == scores.index_min == 1


def test_unknown_rules_and_hopeless_scores_are_refused():
    scores = Scores(np.array([1.0]), np.array([[np.nan]]), np.ones(1))
    with pytest.raises(ValueError, match="rule must be one of"):
        scores.index("2se")
    with pytest.raises(ValueError, match="finite"):
        scores.index("min")


# ---- network or linear ------------------------------------------------------------------------


def test_paired_gain_is_the_mean_and_its_standard_error():
    difference = RNG.normal(1.0, 2.0, 50)
    mean, error = paired_gain(difference + 3.0, np.full(50, 3.0), np.full(50, 0.2))
    assert mean == pytest.approx(difference.mean())
    assert error == pytest.approx(difference.std(ddof=1) / np.sqrt(50))


def test_pairs_that_count_are_repetitions():
    rng = np.random.default_rng(4)
    linear, network, counts = rng.normal(size=30), rng.normal(size=30), rng.integers(0, 4, 30)
    where = np.repeat(np.arange(30), counts)
    weighted = paired_gain(linear, network, counts.astype(float), counts.astype(float))
    assert weighted == pytest.approx(paired_gain(linear[where], network[where], np.ones(where.size)))


def test_pairs_need_both_losses_and_weight():
    linear, network = RNG.uniform(1, 2, 10), RNG.uniform(1, 2, 10)
    weight = np.ones(10)
    weight[0] = 0.0
    linear[1] = np.nan
    expected = paired_gain(linear[2:], network[2:], np.ones(8))
    assert paired_gain(linear, network, weight) == pytest.approx(expected)


def test_the_error_of_grouped_pairs_is_the_true_one():
    # d = b_g + e: of G groups of m rows the mean varies by σ_b²/G + σ_e²/(Gm), which rows taken as independent miss.
    rng = np.random.default_rng(11)
    groups, rows, weight = 40, 8, np.ones(320)
    blocks = np.repeat(np.arange(groups), rows)
    squared, apart = [], []
    for _ in range(400):
        difference = 5.0 + rng.normal(size=groups)[blocks] + rng.normal(size=blocks.size)
        zeros = np.zeros(blocks.size)
        squared.append(paired_gain(difference, zeros, weight, None, blocks)[1] ** 2)
        apart.append(paired_gain(difference, zeros, weight)[1] ** 2)
    truth = 1.0 / groups + 1.0 / (groups * rows)
    assert np.mean(squared) == pytest.approx(truth, rel=0.05)
    assert np.mean(apart) < 0.3 * truth


def test_the_error_of_groups_by_hand_and_its_limits():
    linear, blocks = np.array([1.0, 3.0, 2.0, 6.0]), np.array([4, 4, 9, 7])
    weight = np.array([1.0, 1.0, 2.0, 4.0])
    mean = (1 + 3 + 4 + 24) / 8  # 4: sums about it are (1 + 3) − 2·4 = −4, 4 − 8 = −4, 24 − 16 = 8
    error = np.sqrt(3 / 2 * (16 + 16 + 64)) / 8
    assert paired_gain(linear, np.zeros(4), weight, None, blocks) == pytest.approx((mean, error))
    alone = np.arange(4)
    each = paired_gain(linear, np.zeros(4), np.ones(4))
    assert paired_gain(linear, np.zeros(4), np.ones(4), None, alone) == pytest.approx(each)
    assert paired_gain(linear, np.zeros(4), weight, None, np.zeros(4, dtype=int))[1] == np.inf


def test_folds_know_what_belongs_together():
    groups = np.repeat(["c", "a", "b", "d"], 5)
    whole = folds_of(2, groups=groups, random_state=0)
    np.testing.assert_array_equal(whole.blocks, np.repeat([2, 0, 1, 3], 5))
    np.testing.assert_array_equal(folds_of(GroupKFold(2), groups=groups).blocks, whole.blocks)
    np.testing.assert_array_equal(repeated([whole, whole]).blocks, whole.blocks)
    assert folds_of(4).blocks is None
    stretches = np.repeat([0, 1, 2, 3], 5)
    np.testing.assert_array_equal(folds_of(TimeSeriesSplit(3)).blocks, stretches)
    np.testing.assert_array_equal(ordered_folds(np.arange(20)[::-1], 3).blocks, stretches[::-1])


@pytest.mark.parametrize(
    ("fallback", "gain", "model"),
    [
        ("2se", 2.1, "network"),
        ("2se", 2.0, "linear"),
        ("2se", -9.0, "linear"),
        ("1se", 1.1, "network"),
        ("1se", 1.0, "linear"),
        ("never", -9.0, "network"),
        ("always", 9.0, "linear"),
        ("2se", float("nan"), "linear"),
    ],
)
def test_the_network_must_win_by_more_errors_than_asked(fallback, gain, model):
    choice = choose(fallback, gain, 1.0)
    assert choice.model == model
    assert str(choice).startswith(model)


def test_an_unknown_fallback_is_refused():
    with pytest.raises(ValueError, match="fallback must be one of"):
        choose("3se", 0.0, 1.0)
