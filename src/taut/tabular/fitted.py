"""Fit: the record of a fit with what tells, draws and writes it, each imported when asked for; ``load`` reads it back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, final

from taut.design import clean
from taut.tabular import storing
from taut.tabular.record import FitRecord

if TYPE_CHECKING:
    import polars as pl


@final
@dataclass(frozen=True, eq=False, repr=False)
class Fit(FitRecord):
    """What ``taut.fit`` returns.

    ``path`` the whole regularization path, ``scores`` the cross-validation (None where λ was given),
    ``index`` the chosen place on the path; ``layers`` the chosen model in the units of the table;
    ``choice`` whether it is the network or the linear model, and why; ``tested`` the models on the held-out
    test rows; ``same_as`` the same model in scikit-learn's words; ``seconds`` the fit took; ``version`` of
    taut; ``evidence`` what a report shows besides: test scores along λ, stability, residuals, moments;
    ``l1_ratio`` the mix of the elastic net that was taken, None for other penalties; ``gamma`` the share of the
    penalised fit in a relaxed one, 1 where nothing was relaxed; ``members`` of how many networks, one per fold, ``layers``
    are the mean, 1 for the one model of all rows, which ``path`` has at every λ; ``temperature`` what η of the chosen model is
    divided by for probabilities, 1 or that of the held-out rows; ``errors`` what held-out rows say for intervals, or None;
    ``confusion`` of the chosen model's classes on the test rows, and its AUC, None for numbers; ``tried`` the models that an
    automatic fit compared, this one among them.
    """

    def predict(self, table: Any, lam: float | str | None = None, interval: float | None = None) -> Any:
        """Predictions (n,): numbers, or the most probable class; ``lam`` takes another strength of the path.

        ``interval``, such as 0.9: a data frame with the columns ``prediction``, ``lower`` and ``upper`` of intervals that this
        share of new targets lies in, or ``prediction`` and ``set``, the classes of a set for each row
        (``Regressor.predict_interval``, ``Classifier.predict_set``).

        ``table``: a file, data frame or sparse matrix with the training columns (that of the offset, too, where there was
        one), those at least that the chosen model uses (at another ``lam`` all); the target need not be there, other columns
        are ignored. Raises ``DataError`` that names all columns that are missing.
        Levels never seen warn and count as no level.
        """
        if interval is None:
            return self.predictions(self.decision(table, lam))
        if lam is not None:
            raise ValueError("intervals are those of the chosen λ: leave out lam, or the interval")
        from taut.tabular.intervals import interval_table

        return interval_table(self, table, interval)

    def coefficients(self, lam: float | str | None = None) -> pl.DataFrame:
        """A row per feature (and class): feature, coef in the table's units, coef_standardized per sd.

        Where there are classes, ``class`` says of which one η is the log odds (of two the second: a positive coefficient
        makes it more likely), or for more classes the logarithm of its probability, but for what all classes share.
        ``lam``: another strength of the path, a number or ``"min"`` or ``"1se"``.

        For a network: feature, and the norms of what it sends into the network. Strongest first.
        """
        from taut.tabular.words.tables import coefficient_table

        return coefficient_table(self, lam)

    def path_table(self) -> pl.DataFrame:
        """A row per λ: non-zeros, deviance explained, cross-validated score and error, certificate, marks."""
        from taut.tabular.words.tables import path_table

        return path_table(self)

    def compact(self) -> Fit:
        """The chosen model alone, with the columns and neurons that it keeps: the same predictions from
        less."""
        from taut.tabular.compact import compacted

        return compacted(self)

    def save(self, path: str | FilePath) -> FilePath:
        """Write ``path`` if it ends in .safetensors, else a folder with model, path table and run record;
        safe to interrupt."""
        return storing.save(self, FilePath(path))

    def report(self, path: str | FilePath, gram: bool = True) -> FilePath:
        """Write one self-contained HTML page on which λ can be moved; it needs no network and no server.

        It holds names of columns, and sums, shares and quantiles of many rows, never a row. Squared loss, at most 100
        features, more rows than that: also the correlations of the features, with which the page solves the elastic net
        itself; ``gram=False`` leaves them out.
        """
        from taut.tabular.words.page import write_report

        return write_report(self, FilePath(path), gram)

    def _repr_html_(self) -> str:
        from taut.tabular.words.page import fit_html

        return fit_html(self)

    def export_onnx(self, path: str | FilePath) -> FilePath:
        """Write the chosen model as an ONNX file, preparation included; needs ``pip install 'taut[onnx]'``.

        Inputs are the columns, (n, 1) each: doubles with NaN for a missing cell, strings with "" for one; dates
        as days since 1970-01-01, doubles with NaN. Outputs: ``prediction``, or ``label`` and ``probabilities``.
        """
        from taut.tabular.export_onnx import export

        return export(self, FilePath(path))

    def __str__(self) -> str:
        from taut.tabular.words.summary import summary

        return summary(self)

    def __repr__(self) -> str:
        words = f"{clean(self.setting.target.name)!r}, {self.choice.model}, λ = {self.lam:.4g}"
        return f"<taut.Fit of {words}: {self.nonzeros} kept>"


def load(path: str | FilePath) -> Fit:
    """Read a model file, or the folder it lies in. Raises ``ModelFileError``; runs nothing that the file holds."""
    return storing.read(FilePath(path), Fit)
