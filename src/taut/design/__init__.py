"""Design: table → matrix (types, missing values, categories) and target, learned on the training rows."""

from taut.design.columns import LeftOut, Levels, Overrides, Reason
from taut.design.derived import Derived, Expansion
from taut.design.documents import from_document, to_document
from taut.design.faults import DataError, brief, clean, closest
from taut.design.leaks import find_leaks, suspects
from taut.design.learning import learn_preparation
from taut.design.preparation import Design, Numbers, Preparation, Told
from taut.design.reading import read_table, unknown_column
from taut.design.source import LARGE, Found, Source, Wanted
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

__all__ = [
    "LARGE",
    "Classes",
    "DataError",
    "Derived",
    "Design",
    "Expansion",
    "Found",
    "Frame",
    "LeftOut",
    "Levels",
    "Numbers",
    "Overrides",
    "Preparation",
    "Quantity",
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
    "as_sparse",
    "brief",
    "cells_of",
    "clean",
    "closest",
    "find_leaks",
    "from_document",
    "is_matrix",
    "is_sparse",
    "learn_preparation",
    "number_block",
    "read_table",
    "runs_of",
    "split_groups",
    "split_rows",
    "split_times",
    "suspects",
    "target_from_document",
    "target_to_document",
    "texts",
    "times",
    "to_document",
    "understand_target",
    "unknown_column",
]
