"""`aeromatch lab`: experiments that teach."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from aeromatch import lab
from aeromatch.cli.console import (
    OUT_FILE,
    NumberRange,
    check_writable,
    examples,
    has_matplotlib,
    json_option,
    print_json,
    stdout_console,
)


@click.group(name="lab", epilog=examples("aeromatch lab list", "aeromatch lab run aba --output aba.png"))
def lab_group() -> None:
    """Run experiments that teach lock-free design.

    Measured here and now, with a chart and what to learn. Each has a page in docs/lab.
    """


@lab_group.command(name="list")
@json_option
def list_experiments(as_json: bool) -> None:
    """List the experiments, in the order in which to read them."""
    if as_json:
        print_json({"experiments": [{"name": each.name, "question": each.question} for each in lab.experiments()]})
        return
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left")
    table.add_column("experiment", no_wrap=True)
    table.add_column("question")
    for each in lab.experiments():
        table.add_row(each.name, each.question)
    stdout_console().print(table)


@lab_group.command(name="run", epilog=examples("aeromatch lab run store-buffering --seconds 5 --output chart.svg"))
@click.argument("name", type=click.Choice([each.name for each in lab.experiments()]))
@click.option(
    "--seconds",
    type=NumberRange(0, 3600, min_open=True),
    default=2.0,
    show_default=True,
    help="How long it measures, about.",
)
@click.option("--output", type=OUT_FILE, help="Draw the chart into this file too: .png or .svg.")
@json_option
def run_experiment(name: str, seconds: float, output: Path | None, as_json: bool) -> None:
    """Run one experiment: what was done, the figures, and what to learn."""
    _check_output(output)
    result = lab.run(name, seconds=seconds)
    if output is not None:
        result.chart(output)
    if as_json:
        print_json(result.as_dict())
        return
    click.echo(result.table(), nl=False)
    if output is not None:
        click.echo(f"\npicture: {output}")


def _check_output(output: Path | None) -> None:
    """Fail before the measurement, not after it."""
    if output is None:
        return
    if output.suffix.lower() not in (".png", ".svg"):
        raise click.UsageError(f"--output draws a PNG or an SVG: {output} ends in neither .png nor .svg")
    if not has_matplotlib():
        raise click.ClickException("pictures need matplotlib: pip install 'aeromatch[plot]'")
    check_writable(output)
