"""Write the golden model files of this version: made once per release, never again; later versions must load them.

    python -m scripts.write_golden

Each is a model, the table it predicts, and its predictions. tests/model_file/test_golden.py loads them all.
"""

from __future__ import annotations

import json
from pathlib import Path

import taut
from tests.tables import features, fitted

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "model_file" / "golden"
CASES = {
    "lasso": {"target": "price", "interactions": True, "degree": 2, "splines": 3},
    "classes": {"target": "kind", "penalty": "elasticnet"},
    "network": {
        "target": "sold",
        "hidden": (4, 3),
        "fallback": "never",
        "max_epochs": 2,
        "cv": 2,
        "lambdas": 5,
    },
}


def main() -> None:
    """One folder per version and case."""
    for name, options in CASES.items():
        folder = FOLDER / taut.__version__ / name
        folder.mkdir(parents=True, exist_ok=False)
        fit = fitted(**options)
        rows = features(str(options["target"])).head(20).drop(str(options["target"]))
        rows.write_csv(folder / "rows.csv")
        fit.save(folder / "model.safetensors")
        eta = fit.decision(rows)
        expected = {
            "lambdas": fit.path.lambdas.tolist(),
            "index": fit.index,
            "features": list(fit.features),
            "predictions": fit.predict(rows).tolist(),
            "decision": eta.tolist(),
        }
        (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
