"""Design: table → matrix (types, missing values, categories) and target, learned on the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.design.columns import LeftOut, Levels, Overrides, Reason, are_sentences, identifiers
    from taut.design.derived import Derived, Expansion, Term, TermKind
    from taut.design.documents import from_document, to_document
    from taut.design.faults import DataError, brief, clean, closest
    from taut.design.hashing import mixed, text_keys
    from taut.design.header import column_names, unknown_column
    from taut.design.leaks import find_leaks, suspects
    from taut.design.learning import LARGEST, learn_preparation
    from taut.design.notation import Notation, notation_of, usual
    from taut.design.preparation import Design, Numbers, Preparation, Told
    from taut.design.reading import read_table
    from taut.design.reading_options import (
        OPTION_NAMES,
        PerColumn,
        ReadingOptions,
        for_column,
        per_column,
        spelt,
    )
    from taut.design.scratch import SHARE, allocate, memory
    from taut.design.source import LARGE, PIPE, Found, Source, Wanted, is_pipe
    from taut.design.sparse import Sparse, as_sparse
    from taut.design.split import Split, split_groups, split_rows, split_times
    from taut.design.stored import Frame, Rows, Stored, holds_sparse, runs_of
    from taut.design.streamed import digest_of
    from taut.design.survey import FEWEST_ROWS, SAMPLE, Survey, check_kinds
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
    from taut.design.values import Part, cells_of, number_block, texts, times
    from taut.design.vocabulary import Vocabulary
    from taut.design.writing import Known, Writings, conclude, table_decimal

open_door(
    __name__,
    {
        "columns": "LeftOut Levels Overrides Reason are_sentences identifiers",
        "derived": "Derived Expansion Term TermKind",
        "documents": "from_document to_document",
        "faults": "DataError brief clean closest",
        "header": "column_names unknown_column",
        "hashing": "mixed text_keys",
        "leaks": "find_leaks suspects",
        "learning": "LARGEST learn_preparation",
        "notation": "Notation notation_of usual",
        "preparation": "Design Numbers Preparation Told",
        "reading": "read_table",
        "reading_options": "OPTION_NAMES PerColumn ReadingOptions for_column per_column spelt",
        "scratch": "SHARE allocate memory",
        "source": "Found LARGE PIPE Source Wanted is_pipe",
        "sparse": "Sparse as_sparse",
        "split": "Split split_groups split_rows split_times",
        "stored": "Frame Rows Stored holds_sparse runs_of",
        "streamed": "digest_of",
        "survey": "FEWEST_ROWS SAMPLE Survey check_kinds",
        "target": (
            "Classes Quantity Target Task Understood target_from_document target_to_document "
            "understand_target"
        ),
        "values": "Part cells_of number_block texts times",
        "vocabulary": "Vocabulary",
        "writing": "Known Writings conclude table_decimal",
    },
)
