"""Ten folds on real tables that are hard: processor seconds of taut, scikit-learn and cv.glmnet on the same folds.

``python -m benchmarks.hard_tables [NAMES] [--out hard_tables.md]`` prints each row as it is measured, and writes the table. One
thread each, one warm run of taut on few rows before, peers in the same run. scikit-learn's columns are standardised
beforehand, glmnet standardises itself; scikit-learn's estimators are those that its users take by default: LassoCV, and
LogisticRegressionCV with ten strengths (L2, lbfgs). For ridges its hundred strengths are run beside its ten. cv.glmnet is
run as its users run it (thresh 1e-7), and for a lasso once more at the largest thresh whose objectives exceed the least ones by
3e-6 of the null model's loss at most: taut's default certifies 1e-6.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import io, sparse
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import taut
from benchmarks.problem import Array
from benchmarks.real import FOLDER
from taut.families import as_loss

FOLDS = 10
GLMNET = """
library(glmnet); library(Matrix)
folder <- commandArgs(TRUE)[1]; family <- commandArgs(TRUE)[2]
alpha <- as.numeric(commandArgs(TRUE)[3]); thresh <- as.numeric(commandArgs(TRUE)[4])
X <- as(readMM(file.path(folder, "X.mtx")), "CsparseMatrix")
if (nnzero(X) > 0.5 * length(X)) X <- as.matrix(X)
y <- scan(file.path(folder, "y.txt"), quiet = TRUE); folds <- scan(file.path(folder, "folds.txt"), quiet = TRUE)
used <- system.time(cv.glmnet(X, y, family = family, alpha = alpha, foldid = folds + 1,
                              thresh = thresh, maxit = 1e8))
f <- glmnet(X, y, family = family, alpha = alpha, thresh = thresh, maxit = 1e8)
b <- if (is.list(f$beta)) f$beta else list(f$beta)
found <- lapply(seq_along(b), function(k) rbind(f$lambda, matrix(f$a0, nrow = length(b))[k, ], as.matrix(b[[k]])))
write.table(do.call(rbind, found), file.path(folder, "found.txt"), row.names = FALSE, col.names = FALSE)
cat(sum(used[c("user.self", "sys.self")]))
"""

Columns = Array | sparse.csr_array


@dataclass(frozen=True)
class Table:
    """X, y, the loss, and the penalty of taut's path."""

    X: Columns
    y: Array
    loss: str
    penalty: str = "l1"


def spectra() -> Table:
    rows = np.genfromtxt(FOLDER / "meats_tecator/meats.csv", delimiter=",", skip_header=1)
    return Table(rows[:, 1:101], rows[:, 102], "squared")


def square() -> Table:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_500, 1_000))
    return Table(X, X[:, :30] @ rng.normal(size=30) + 3.0 * rng.normal(size=1_500), "squared")


def pcmac() -> Table:
    content = io.loadmat(FOLDER / "news20_pcmac/PCMAC.mat")
    y = content["Y"].ravel()
    return Table(sparse.csr_array(content["X"].astype(float)), (y == y.max()).astype(float), "logistic")


def sms() -> Table:
    from sklearn.feature_extraction.text import TfidfVectorizer

    lines = (FOLDER / "sms_spam/SMSSpamCollection").read_text(encoding="utf-8").splitlines()[1:]
    labels, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    X = sparse.csr_array(TfidfVectorizer(min_df=3).fit_transform(texts))
    return Table(X, (np.array(labels) == "spam").astype(float), "logistic")


def genes() -> Table:
    rows = np.genfromtxt(FOLDER / "golub_leukemia/leukemia.csv", delimiter=",", skip_header=1)
    return Table(rows[:, :-1], rows[:, -1], "logistic")


def srbct() -> Table:
    with np.load(FOLDER / "esl_srbct/srbct.npy.npz") as archive:
        rows = archive[archive.files[0]]
    return Table(rows[:, :2308], rows[:, 2308] - 1.0, "multinomial")


def mice() -> Table:
    import polars as pl

    frame = pl.read_csv(FOLDER / "mice_protein/Data_Cortex_Nuclear.csv", infer_schema_length=None)
    X = frame.select(pl.selectors.numeric()).to_numpy()
    X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    return Table(X, np.unique(frame["class"].to_numpy(), return_inverse=True)[1].astype(float), "multinomial")


def images() -> Table:
    import gzip

    folder = FOLDER / "mnist_t10k"
    pixels = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:2_000] / 255.0
    return Table(X, np.frombuffer(labels, np.uint8)[:2_000].astype(float), "multinomial")


def ridge(make: Callable[[], Table]) -> Callable[[], Table]:
    """The same table with a ridge."""
    return lambda: replace(make(), penalty="l2")


TABLES: dict[str, Callable[[], Table]] = {
    "spectra": spectra,
    "square": square,
    "pcmac": pcmac,
    "sms": sms,
    "srbct": srbct,
    "mice": mice,
    "images": images,
    "pcmac-ridge": ridge(pcmac),
    "sms-ridge": ridge(sms),
    "genes-ridge": ridge(genes),
}


def folds_of(table: Table) -> list[tuple[Array, Array]]:
    """Shuffled, by class where there are classes."""
    kind = KFold if table.loss == "squared" else StratifiedKFold
    return list(kind(FOLDS, shuffle=True, random_state=0).split(table.X, table.y))


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what came out."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def by_taut(table: Table, folds: list[tuple[Array, Array]]) -> tuple[float, str]:
    """Seconds, and how the path ended."""
    options = {"loss": table.loss, "penalty": table.penalty}
    taut.cross_validate(table.X, table.y, cv=folds[:2], lambdas=5, **options)
    seconds, found = timed(lambda: taut.cross_validate(table.X, table.y, cv=folds, **options))
    missed = sum(not certificate.met for path in found.paths for certificate in path.certificates)
    return seconds, f"{len(found.scores.lambdas)} λ, min at {found.scores.index_min}, {missed} missed"


def by_scikit_learn(table: Table, folds: list[tuple[Array, Array]], strengths: int) -> float:
    """Seconds of its default for such a target."""
    X = StandardScaler(with_mean=not sparse.issparse(table.X)).fit_transform(table.X)
    if table.loss == "squared":
        return timed(lambda: LassoCV(cv=folds, max_iter=10_000).fit(X, table.y))[0]
    tol = 1e-6 if table.penalty == "l2" else 1e-4
    model = LogisticRegressionCV(
        Cs=strengths, cv=folds, tol=tol, max_iter=1_000, scoring="neg_log_loss", l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )  # fmt: skip
    return timed(lambda: model.fit(X, table.y))[0]


def by_glmnet(table: Table, folds: list[tuple[Array, Array]], thresh: float) -> tuple[float, Array]:
    """Seconds of cv.glmnet, and its λ, intercepts and coefficients (k, 2 + p, L) on all rows."""
    family = {"squared": "gaussian", "logistic": "binomial", "multinomial": "multinomial"}[table.loss]
    owner = np.zeros(len(table.y), dtype=int)
    for number, (_, test) in enumerate(folds):
        owner[test] = number
    with tempfile.TemporaryDirectory() as folder:
        io.mmwrite(Path(folder) / "X.mtx", sparse.coo_array(table.X))
        np.savetxt(Path(folder) / "y.txt", table.y)
        np.savetxt(Path(folder) / "folds.txt", owner, "%d")
        (Path(folder) / "run.R").write_text(GLMNET)
        alpha = "0" if table.penalty == "l2" else "1"
        command = ["Rscript", str(Path(folder) / "run.R"), folder, family, alpha, f"{thresh:g}"]
        one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=True, env=one)
        found = np.loadtxt(Path(folder) / "found.txt", ndmin=2)
    return float(done.stdout), found.reshape(-1, table.X.shape[1] + 2, found.shape[1])


def excess(table: Table, found: Array) -> float:
    """By how much glmnet's objective of a lasso exceeds the least one at its worst λ, as a share of the null model's loss.

    The least one is that of taut's path to 1e-9 on the same strengths; both are summed by the same lines, on columns that are
    standardised. Where glmnet halves a loss, its λ is doubled.
    """
    lambdas = found[0, 0] * (2.0 if table.loss == "squared" else 1.0)
    least = taut.fit_path(table.X, table.y, loss=table.loss, lambdas=lambdas, tol=1e-9)
    spread = StandardScaler(with_mean=not sparse.issparse(table.X)).fit(table.X).scale_
    loss = as_loss(table.loss)

    def objective(eta: Array, coef: Array, lam: float) -> float:
        data = loss.pointwise(eta if eta.shape[-1] > 1 else eta[:, 0], table.y).mean()
        return float(data + lam * np.abs(coef * spread[:, None]).sum())

    shares = []
    for i, lam in enumerate(lambdas):
        own = found[:, 2:, i].T
        best = np.asarray(least.coefs[i]).reshape(own.shape[0], -1)
        eta = np.asarray(least.decision_at(table.X, i)).reshape(len(table.y), -1)
        shares.append(objective(table.X @ own + found[:, 1, i], own, lam) - objective(eta, best, lam))
    null = objective(np.tile(loss.null(table.y), (len(table.y), 1)), np.zeros((table.X.shape[1], 1)), 0.0)
    return max(shares) / null


def by_glmnet_twice(table: Table, folds: list[tuple[Array, Array]], seconds: float) -> list[str]:
    """What its default takes and misses, and the same where it misses no more than three millionths; empty without R."""
    if shutil.which("Rscript") is None:
        return ["", ""]
    usual, found = by_glmnet(table, folds, 1e-7)
    if table.penalty != "l1":
        return [against(seconds, usual), ""]
    cells = [f"{against(seconds, usual)}, {excess(table, found):.0e}"]
    for thresh in (1e-9, 1e-11, 1e-13, 1e-15):
        exact, found = by_glmnet(table, folds, thresh)
        missed = excess(table, found)
        if missed <= 3e-6:
            break
    return [*cells, f"{against(seconds, exact)}, {missed:.0e}"]


def against(seconds: float, peer: float) -> str:
    """A peer's seconds, and taut's beside them."""
    return f"{peer:.2f} ({seconds / peer:.2f} ×)" if peer == peer else ""


def measured(names: list[str]) -> Iterator[list[str]]:
    """One row of the table after the other."""
    for name in names:
        table = TABLES[name]()
        folds = folds_of(table)
        seconds, ended = by_taut(table, folds)
        usual = by_scikit_learn(table, folds, 10)
        many = by_scikit_learn(table, folds, 100) if table.penalty == "l2" else float("nan")
        shape = f"{table.X.shape[0]:,} × {table.X.shape[1]:,}"
        peers = [against(seconds, usual), against(seconds, many), *by_glmnet_twice(table, folds, seconds)]
        yield [name, shape, table.loss, table.penalty, f"{seconds:.2f}", ended, *peers]


HEAD = [
    "table",
    "rows × columns",
    "loss",
    "penalty",
    "taut",
    "its path",
    "scikit-learn",
    "its 100 strengths",
    "cv.glmnet, its excess",
    "cv.glmnet at an excess ≤ 3e-6",
]


def main() -> None:
    """Measure what is named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"tables: {', '.join(TABLES)}")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("hard_tables.md"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    with threadpool_limits(1):
        for row in measured(arguments.names or list(TABLES)):
            lines.append(f"| {' | '.join(row)} |")
            print(lines[-1], flush=True)
    title = (
        "# Hard tables: processor seconds of ten folds and the whole\n\n"
        "`python -m benchmarks.hard_tables`; in parentheses taut's time beside it.\n"
    )
    arguments.out.write_text(title + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
