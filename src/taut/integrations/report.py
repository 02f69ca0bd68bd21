"""The report's part on a network that was trained elsewhere: accounts as tables, written as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from taut.integrations.account import HEAD, Account
from taut.report import Paragraph, ReportContent, ReportTable, page, shown


def write(
    file: FilePath,
    name: str,
    accounts: Sequence[Account],
    path: tuple[tuple[str, ...], Sequence[tuple[str, ...]]] | None = None,
) -> FilePath:
    """Write the page of a network, or of the networks of a ``path`` (head and rows of its table)."""
    file.write_bytes(page(content(name, accounts, path)).encode("utf-8", errors="replace"))
    return file


def content(
    name: str,
    accounts: Sequence[Account],
    path: tuple[tuple[str, ...], Sequence[tuple[str, ...]]] | None = None,
) -> ReportContent:
    """Everything that the page says; every name in it is data, and shown as such."""
    tables = [_table("The path, from dense to sparse", *path, words=())] if path else []
    for number, account in enumerate(accounts):
        caption = f"Parameters at λ = {account.lam:.4g}" if path else "Parameters"
        tables.append(_table(caption, HEAD, account.rows(), words=(0, 1), folded=bool(path) and number > 0))
    last = accounts[-1]
    lead = [Paragraph("Weights", last.head() + ".")] if not path else []
    residual = last.residual
    if residual is not None and not path:
        words = f"The distance of minus the gradient of the last batch from λ∂Ω is {residual:.3g} (0 where it is stationary)."
        lead.append(Paragraph("Stationarity", words))
    total = sum(one.size for one in last.entries)
    subtitle = f"{total:,} parameters, {last.weights:,} of them penalised"
    return ReportContent(shown(name), subtitle, tuple(lead), tuple(tables))


def _table(
    caption: str,
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    words: tuple[int, ...],
    folded: bool = False,
) -> ReportTable:
    return ReportTable(caption, head, tuple(tuple(map(shown, row)) for row in rows), words, folded)
