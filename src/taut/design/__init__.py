"""Design: table → matrix (types, missing values, categories) and target, learned on the training rows."""

from taut.design.columns import LeftOut, Levels, Overrides, Reason
from taut.design.derived import Derived, Expansion
from taut.design.documents import from_document, to_document
from taut.design.faults import DataError, brief, clean, closest
from taut.design.leaks import find_leaks, suspects
from taut.design.learning import learn_preparation
from taut.design.notation import Notation, notation_of, usual
from taut.design.preparation import Design, Numbers, Preparation, Told
from taut.design.reading import read_table, unknown_column
from taut.design.reading_options import PerColumn, ReadingOptions, for_column, per_column, spelt
from taut.design.source import LARGE, PIPE, Found, Source, Wanted, is_pipe
from taut.design.sparse import Sparse, as_sparse, is_matrix
from taut.design.split import Split, split_groups, split_rows, split_times
from taut.design.stored import Frame, Rows, Stored, is_sparse, runs_of
from taut.design.target import (
    Classes,
    Quantity,
    Target,
    Task,
    Understood,
    target_from_document,
    target_to_document,
    understand_target,
)
from taut.design.values import cells_of, number_block, texts, times
from taut.design.writing import Known, Writings, conclude, table_decimal

__all__ = [
    "LARGE",
    "PIPE",
    "Classes",
    "DataError",
    "Derived",
    "Design",
    "Expansion",
    "Found",
    "Frame",
    "Known",
    "LeftOut",
    "Levels",
    "Notation",
    "Numbers",
    "Overrides",
    "PerColumn",
    "Preparation",
    "Quantity",
    "ReadingOptions",
    "Reason",
    "Rows",
    "Source",
    "Sparse",
    "Split",
    "Stored",
    "Target",
    "Task",
    "Told",
    "Understood",
    "Wanted",
    "Writings",
    "as_sparse",
    "brief",
    "cells_of",
    "clean",
    "closest",
    "conclude",
    "find_leaks",
    "for_column",
    "from_document",
    "is_matrix",
    "is_pipe",
    "is_sparse",
    "learn_preparation",
    "notation_of",
    "number_block",
    "per_column",
    "read_table",
    "runs_of",
    "spelt",
    "split_groups",
    "split_rows",
    "split_times",
    "suspects",
    "table_decimal",
    "target_from_document",
    "target_to_document",
    "texts",
    "times",
    "to_document",
    "understand_target",
    "unknown_column",
    "usual",
]
