"""Displays: what they show is what was fitted, drawn on the axes that were asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import taut
from taut import plots
from tests.agreement import assert_agrees, table

mpl = pytest.importorskip("matplotlib")
mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

DATA = table()
FRAME = pd.DataFrame(DATA.X, columns=[f"c{j}" for j in range(DATA.X.shape[1])])
MODEL = taut.Regressor(cv=4, lambdas=12, random_state=0).fit(FRAME, DATA.y)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_path_has_one_named_line_per_coefficient():
    shown = plots.PathDisplay.from_estimator(MODEL).plot()
    lines = {line.get_label(): line.get_ydata() for line in shown.ax_.lines[:7]}
    np.testing.assert_array_equal([lines[name] for name in FRAME], MODEL.path_.standardized_coefs.T)
    assert shown.ax_.get_ylabel() == "coefficient per sd of the feature"
    ends = [lines[text.get_text()][-1] for text in shown.ax_.get_legend().get_texts()]
    assert ends == sorted(ends, reverse=True)
    left, right = shown.ax_.get_xlim()
    assert left > right > 0
    raw = plots.PathDisplay.from_path(MODEL.path_, standardized=False)
    np.testing.assert_array_equal(raw.coefs, MODEL.path_.coefs)


def test_every_coefficient_of_every_class_has_a_name():
    model = taut.Classifier(lambdas=5, cv=3, random_state=0).fit(
        FRAME, np.array(["a", "b", "c"])[DATA.classes]
    )
    shown = plots.PathDisplay.from_estimator(model)
    names = list(shown.names)
    assert len(names) == shown.coefs.shape[1] == 21
    np.testing.assert_array_equal(
        shown.coefs[:, names.index("c2: b")], model.path_.standardized_coefs[:, 2, 1]
    )
    labels = [text.get_text() for text in shown.plot().ax_.get_legend().get_texts()]
    assert len(labels) == plots.NAMED
    named = np.abs(shown.coefs[-1][[names.index(label) for label in labels]])
    assert named.min() >= np.sort(np.abs(shown.coefs[-1]))[-plots.NAMED]
    assert plots.PathDisplay.from_path(MODEL.path_).names[:2] == ("x0", "x1")


def test_one_strength_and_none_used_and_zero_are_seen():
    one = taut.Regressor(lam=0.1).fit(FRAME, DATA.y)
    for display in (plots.PathDisplay, plots.SparsityDisplay):
        assert display.from_estimator(one).plot().ax_.lines[0].get_marker() == "o"
    none = taut.Regressor(lam=50.0).fit(FRAME, DATA.y)
    texts = plots.WeightHistogramDisplay.from_estimator(none).plot().ax_.texts
    assert [text.get_text() for text in texts] == ["all weights are zero"]
    path = taut.fit_path(DATA.X, DATA.y, lambdas=[0.1, 0.0])
    assert [text.get_text() for text in plots.PathDisplay.from_path(path).plot().ax_.texts] == ["λ = 0"]


def test_what_is_counted_is_named_and_counted_in_whole_numbers():
    network = taut.Regressor(
        (4,), lambdas=[0.1, 0.05], cv=3, max_epochs=2, random_state=0, fallback="never"
    ).fit(FRAME, DATA.y)
    for model, counted in ((MODEL, "features in use"), (network, "weights that are not zero")):
        axes = plots.SparsityDisplay.from_estimator(model).plot().ax_
        assert axes.get_ylabel() == counted
        assert all(tick == int(tick) for tick in axes.get_yticks())
    with pytest.raises(ValueError, match=r"network has no coefficients.*SparsityDisplay"):
        plots.PathDisplay.from_estimator(network)


def test_the_curve_has_its_band_and_both_marks():
    shown = plots.CrossValidationDisplay.from_estimator(MODEL).plot()
    np.testing.assert_array_equal(shown.ax_.lines[0].get_ydata(), MODEL.scores_.mean)
    band = shown.ax_.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx((MODEL.scores_.mean + MODEL.scores_.standard_error).max())
    marks = [line.get_xdata()[0] for line in shown.ax_.lines[1:]]
    assert marks == [MODEL.scores_.lam_min, MODEL.scores_.lam_1se]
    with pytest.raises(ValueError, match="no row was held out"):
        plots.CrossValidationDisplay.from_estimator(taut.Regressor(lam=0.1).fit(FRAME, DATA.y))


def test_they_draw_where_they_are_asked_to():
    figure, axes = plt.subplots(2)
    shown = plots.SparsityDisplay.from_estimator(MODEL).plot(axes[1])
    assert shown.ax_ is axes[1]
    assert shown.figure_ is figure
    np.testing.assert_array_equal(axes[1].lines[0].get_ydata(), MODEL.path_.nonzeros)
    assert len(axes[0].lines) == 0


def test_bias_and_variance_add_up_to_the_error():
    measured = taut.bias_variance(DATA.X, DATA.y, fits=6, lambdas=[0.5, 0.1, 0.0], random_state=0)
    error, bias, variance, _ = (
        line.get_ydata() for line in plots.BiasVarianceDisplay.from_trade_off(measured).plot().ax_.lines
    )
    assert_agrees(bias + variance, error, 1e-9)


@pytest.mark.parametrize("classes", [False, True])
def test_training_and_validation_losses_are_in_one_unit(classes):
    model, y = MODEL, DATA.y
    if classes:
        y = np.array(["a", "b", "c"])[DATA.classes]
        model = taut.Classifier(cv=3, lambdas=5, random_state=0).fit(FRAME, y)
    shown = plots.TrainingDisplay.from_estimator(model, FRAME, y).plot()
    index = len(shown.train) - 1
    lam = model.path_.lambdas[index]
    if classes:
        p = model.path_.predict(DATA.X, lam)
        expected = -np.mean(np.log(p[np.arange(len(y)), DATA.classes]))
    else:
        expected = np.mean((DATA.y - model.path_.predict(DATA.X, lam)) ** 2)
    assert shown.train[index] == pytest.approx(expected)
    assert shown.train[index] < shown.validation[index]


def test_the_histogram_says_how_many_weights_are_zero():
    shown = plots.WeightHistogramDisplay.from_estimator(MODEL).plot()
    assert f"{(MODEL.coef_ == 0).sum()} of 7 weights are exactly zero" in shown.ax_.get_title()
    network = taut.Regressor((4,), lam=0.05, max_epochs=2, random_state=0).fit(FRAME, DATA.y)
    assert plots.WeightHistogramDisplay.from_estimator(network).weights.size == 7 * 4 + 4 + 7


def test_the_histogram_of_a_unit_does_not_depend_on_it():
    """A feature in other units has another coefficient, and the same weight; layers are told apart."""
    scaled = FRAME * np.array([1e3, 1e-3, 1, 1, 1, 1, 1])
    model = taut.Regressor(cv=4, lambdas=12, random_state=0).fit(scaled, DATA.y)
    ours = plots.WeightHistogramDisplay.from_estimator(model).weights
    assert_agrees(ours, plots.WeightHistogramDisplay.from_estimator(MODEL).weights, 1e-5)
    index = int(np.argmin(np.abs(model.path_.lambdas - model.lam_)))
    assert_agrees(ours, model.path_.standardized_coefs[index], 1e-9)
    network = taut.Regressor((4,), lam=0.05, max_epochs=2, random_state=0, fallback="never").fit(
        FRAME, DATA.y
    )
    shown = plots.WeightHistogramDisplay.from_estimator(network).plot()
    texts = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert [text.split(":")[0] for text in texts] == ["layer 1", "layer 2", "skip connection"]


def test_the_chosen_strength_is_marked_and_axes_have_units():
    for display in (plots.PathDisplay, plots.SparsityDisplay):
        axes = display.from_estimator(MODEL).plot().ax_
        assert axes.lines[-1].get_xdata()[0] == MODEL.lam_
        assert axes.texts[-1].get_text() == f"chosen: λ = {MODEL.lam_:.3g}"
    assert (
        plots.CrossValidationDisplay.from_estimator(MODEL).plot().ax_.get_ylabel()
        == "Mean squared error (y²)"
    )
    training = plots.TrainingDisplay.from_estimator(MODEL, FRAME, DATA.y).plot().ax_
    assert training.get_ylabel() == "Mean squared error (y²)"
