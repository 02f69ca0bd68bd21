"""Read polluted tables by the thousand and count what came out: ``python -m scripts.read_polluted 2000 --seed 1``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "robustness"))

from judging import judge
from pollution import combinations, polluted


def main() -> int:
    """Print every silent difference and the counts; 1 where there was one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", nargs="*", default=[], help="families of pollutions to leave out")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    for table, names, seed in combinations(given.count, given.seed):
        if any(name.startswith(f"{family}:") for name in names for family in given.without):
            continue
        outcome = judge(polluted(table, names, seed))
        counts[outcome.kind] += 1
        if outcome.kind == "different":
            print(table, names, seed, outcome.words[:300])
    print(dict(counts))
    return int(counts["different"] > 0)


if __name__ == "__main__":
    sys.exit(main())
