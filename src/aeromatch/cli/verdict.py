"""How far engine and recording agree, in words and as an exit code; the same for every kind of recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aeromatch.cli.console import percent
from aeromatch.replay.tally import KEPT_DIFFERENCES

if TYPE_CHECKING:
    from aeromatch.replay import Agreement


def agreement_text(agreement: Agreement) -> str:
    """Show a share and what it is of."""
    return f"{percent(agreement.ratio)} ({agreement.agreed:,} of {agreement.judged:,})"


def print_differences(what: str, agreement: Agreement) -> None:
    """Show the first differences, if any."""
    different = agreement.judged - agreement.agreed
    if not different:
        return
    shown = "" if different <= KEPT_DIFFERENCES else f"; the first {KEPT_DIFFERENCES}"
    click.echo(f"\n{what} differences: {different:,}{shown}")
    for text in agreement.differences:
        click.echo(f"  {text}")


def require(what: str, agreement: Agreement, minimum: float | None) -> None:
    """Fail where too little agrees."""
    if minimum is not None and not agreement.at_least(minimum):
        raise click.ClickException(f"{what} agreement {percent(agreement.ratio)} is below {minimum:g}")
