"""The `faultline` command: one file for each group of verbs, found by walking this folder.

A module here has `register(app)`, which adds its verbs to the Typer app, and imports what they need inside them: the
start of the command is part of the five seconds that `faultline fix` has. `base.py` and files with a leading
underscore are what verbs share.
"""

from __future__ import annotations

import signal
import sys

import typer

from faultline import discovery
from faultline.cli.base import Commands, ContextOption, Output, OutputOption
from faultline.errors import InvalidInput


def build(first: str = "") -> typer.Typer:
    """The app with the verbs of every module in this folder.

    Where `first`, the first word of the command line, is a verb, it is the only one: Typer reads the signature of each
    verb that it has, which takes longer than all else at a start.

    Raises InvalidInput (FL101, FL108) naming a module that does not load or has no `register`.
    """
    app = typer.Typer(
        cls=Commands,
        help="Break real systems on Kubernetes, fix them, and be graded by what was measured.",
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_where)
    for name, module in discovery.modules(sys.modules[__name__]).items():
        register = getattr(module, "register", None)
        if register is None:
            raise InvalidInput(
                "FL108", f"faultline.cli.{name} has no register(app)", "add it, or rename the file _NAME"
            )
        register(app)
    only = [each for each in app.registered_commands if each.callback and each.callback.__name__ == first]
    app.registered_commands = only or app.registered_commands
    return app


def _where(ctx: typer.Context, output: OutputOption = Output.TEXT, context: ContextOption = None) -> None:
    """Break real systems on Kubernetes, fix them, and be graded by what was measured.

    Without a verb: where you stand, and the next command.
    """
    if ctx.invoked_subcommand is None:
        from faultline.cli.status import where

        where(output, context)


def main() -> None:
    """Run the command line: exit status 0 for done or pass, 1 for fail, 2 for an error, 3 for inconclusive."""
    # So that what a command made for itself (the demo's lab) goes with it, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    build(*sys.argv[1:2])(prog_name="faultline")
