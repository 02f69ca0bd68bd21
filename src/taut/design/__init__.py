"""Design: table → matrix (types, missing values, categories) and target, learned on the training rows."""

from taut.design.columns import LeftOut, Levels, Reason
from taut.design.preparation import (
    Design,
    Numbers,
    Preparation,
    from_document,
    learn_preparation,
    to_document,
)
from taut.design.reading import (
    DataError,
    Frame,
    Source,
    clean,
    closest,
    read_table,
    unknown_column,
)
from taut.design.split import Split, split_rows
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
from taut.design.values import number_block

__all__ = [
    "Classes",
    "DataError",
    "Design",
    "Frame",
    "LeftOut",
    "Levels",
    "Numbers",
    "Preparation",
    "Quantity",
    "Reason",
    "Source",
    "Split",
    "Target",
    "Task",
    "Understood",
    "clean",
    "closest",
    "from_document",
    "learn_preparation",
    "number_block",
    "read_table",
    "split_rows",
    "target_from_document",
    "target_to_document",
    "to_document",
    "understand_target",
    "unknown_column",
]
