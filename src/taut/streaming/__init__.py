"""Streaming: from rows that no memory holds to moments, sums from which a whole path is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.streaming.assignment import TEST, Assignment
    from taut.streaming.cluster import is_distributed, sum_up_partitions
    from taut.streaming.gathering import sum_up, sum_up_with_sample
    from taut.streaming.learning import MomentsRequest
    from taut.streaming.moments import Moments
    from taut.streaming.parquet import is_parquet
    from taut.streaming.points import Points, points_of
    from taut.streaming.shared import SharedPreparation, powers_of_two
    from taut.streaming.sources import RowSource, source_of
    from taut.streaming.storing import is_moments
    from taut.streaming.streamed_path import StreamedPath, stream

open_door(
    __name__,
    {
        "assignment": "Assignment TEST",
        "cluster": "is_distributed sum_up_partitions",
        "gathering": "sum_up sum_up_with_sample",
        "streamed_path": "StreamedPath stream",
        "learning": "MomentsRequest",
        "moments": "Moments",
        "storing": "is_moments",
        "parquet": "is_parquet",
        "points": "Points points_of",
        "shared": "SharedPreparation powers_of_two",
        "sources": "RowSource source_of",
    },
)
