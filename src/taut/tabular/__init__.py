"""From a table to a chosen model: ``fit`` and ``load``, and the ``Fit`` that they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.design import DataError
    from taut.tabular.automatic import pairs_of
    from taut.tabular.checkpoint import FOLDER, CheckpointFolder, holds, key_of, remove_temporaries
    from taut.tabular.competing import ComparedModel, Contender, Verdict, fit_contender, is_close, judge
    from taut.tabular.conflicts import check_choices
    from taut.tabular.fitted import Fit, load
    from taut.tabular.fitting import fit, fit_prepared
    from taut.tabular.fitting_moments import prepare_moments
    from taut.tabular.inputs import PreparedData, prepare
    from taut.tabular.intervals import held_out_errors, interval_runs
    from taut.tabular.live import live_parts
    from taut.tabular.making_moments import moments
    from taut.tabular.options import Options, TableOptions
    from taut.tabular.probing import probe_hint
    from taut.tabular.storing import MODEL, PATH, RUN, csv_text, run_record
    from taut.tabular.streamed_path import stream_path
    from taut.tabular.streamed_table import prepare_table
    from taut.tabular.test_scores import is_affordable
    from taut.tabular.words.columns import column_lines
    from taut.tabular.words.layout import INDENT, WIDTH, labelled, tabulated
    from taut.tabular.words.metrics import metric_of
    from taut.tabular.words.numbers import counted, finite, grouped, significant, with_error
    from taut.tabular.words.path_summary import path_rows
    from taut.tabular.words.summary import closing, opening
    from taut.tabular.words.tables import cv_metric, cv_scores
    from taut.tabular.words.units import eta_words

open_door(
    __name__,
    {
        "taut.design": "DataError",
        "automatic": "pairs_of",
        "checkpoint": "CheckpointFolder FOLDER holds key_of remove_temporaries",
        "competing": "ComparedModel Contender Verdict fit_contender is_close judge",
        "conflicts": "check_choices",
        "fitted": "Fit load",
        "fitting": "fit fit_prepared",
        "making_moments": "moments",
        "inputs": "PreparedData prepare",
        "intervals": "held_out_errors interval_runs",
        "live": "live_parts",
        "options": "Options TableOptions",
        "streamed_path": "stream_path",
        "streamed_table": "prepare_table",
        "fitting_moments": "prepare_moments",
        "probing": "probe_hint",
        "storing": "MODEL PATH RUN csv_text run_record",
        "test_scores": "is_affordable",
        "words.columns": "column_lines",
        "words.metrics": "metric_of",
        "words.numbers": "counted finite grouped significant with_error",
        "words.layout": "INDENT WIDTH labelled tabulated",
        "words.path_summary": "path_rows",
        "words.summary": "closing opening",
        "words.tables": "cv_metric cv_scores",
        "words.units": "eta_words",
    },
)
