"""Where one stands: `faultline status`, and `faultline` alone."""

from __future__ import annotations

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, console, emit


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(status)


def status(output: OutputOption = Output.TEXT, context: ContextOption = None) -> None:
    """Show the labs, what runs in them, the last scores and the next command."""
    where(output, context)


def where(output: Output, context: str | None) -> None:
    """Print where one stands and the next command."""
    console.print("next: make up")
    emit({"labs": [], "next": "make up", "context": context}, output)
