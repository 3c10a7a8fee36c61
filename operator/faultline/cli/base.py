"""What all verbs share: options, the two kinds of output, and how an error reaches a person or a program."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
import traceback
from enum import StrEnum
from shutil import which
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from faultline.errors import FaultlineError, HostProblem, InvalidInput

EXIT_PASS, EXIT_FAIL, EXIT_ERROR, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

_BEGAN = time.monotonic()
_REFUSALS = {
    errno.ENOSPC: "free disk space, then run the command again: nothing was left half done",
    errno.EDQUOT: "free disk space in your quota, then run the command again: nothing was left half done",
    errno.EROFS: "the file system is read-only: mount it writable",
    errno.EACCES: "make the file yours: `make` and `faultline` may have been run by another user before",
    errno.EPERM: "make the file yours: `make` and `faultline` may have been run by another user before",
}

PIPED_WIDTH = 160
"""Columns of tables and paragraphs where no terminal has a say: in a pipe or a file nobody has to turn lines over."""


def columns(is_terminal: bool) -> int | None:
    """The width to print at; None for the terminal's own, or what COLUMNS says."""
    return None if is_terminal or "COLUMNS" in os.environ else PIPED_WIDTH


console = Console(highlight=False, soft_wrap=True, width=columns(sys.stdout.isatty()))
"""For people; silent while the output is JSON."""

TARGETS = {
    *("apply", "chaos", "delete", "demo", "diagnose", "doctor", "fix", "grade"),
    *("hint", "progress", "solution", "status", "stop", "up", "verify", "watch"),
}
"""Verbs that are `make` targets, too; the scenario is S=SLUG there."""
_BY_NAME = re.compile(r"(?<![\w./-])faultline(?= [a-z-]|$)")
_given = {"verb": "apply"}
"""The verb of this command line."""


def typed(verb: str, slug: str = "") -> str:
    """The command line for a verb of a scenario: that of `make` where there is one, which works in every shell."""
    if verb in TARGETS:
        return f"make {verb}" + (f" S={slug}" if slug else "")
    return f"faultline {verb} {slug}".strip()


def given_verb() -> str:
    """The verb that this process was called with."""
    return _given["verb"]


def spelled(hint: str) -> str:
    """A hint as it works in this shell: `faultline` is found by its name after `eval "$(faultline env)"` alone."""
    return hint if which("faultline") else _BY_NAME.sub(".venv/bin/faultline", hint)


def under_make() -> bool:
    """Whether a recipe of `make` called this command."""
    return "MAKELEVEL" in os.environ


def since_start() -> float:
    """Seconds since this command was started, its imports included as far as the clock of the process tells."""
    return time.monotonic() - _BEGAN


class Output(StrEnum):
    """How a verb answers."""

    TEXT = "text"
    JSON = "json"


def _set_output(ctx: typer.Context, value: Output) -> Output:
    ctx.find_root().ensure_object(dict)["output"] = value
    console.quiet = value is Output.JSON
    return value


def complete_slug(incomplete: str) -> list[str]:
    """The scenarios whose names begin so, for the shell's completion."""
    from faultline.host.home import REPO

    return sorted(each.parent.name for each in REPO.glob(f"scenarios/{incomplete}*/scenario.yaml"))


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="text for people, json for programs", callback=_set_output)
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        "--context", envvar="FAULTLINE_CONTEXT", help="a kube context of your own instead of the lab's kind cluster"
    ),
]
SlugArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SLUG", help="the scenario; may be left out while there is one lab", autocompletion=complete_slug
    ),
]
ScenarioArgument = Annotated[
    str | None,
    typer.Argument(metavar="SLUG", help="the scenario: a folder under scenarios/", autocompletion=complete_slug),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="name of the Scenario object where it differs from the slug")
]


def emit(data: Any, output: Output) -> None:
    """Print `data` as JSON when that was asked for; text output is up to the verb."""
    if output is Output.JSON:
        print(json.dumps(data, indent=2, default=str), flush=True)


def confirm(question: str, without: str) -> None:
    """Ask, and end the command unless the answer is yes.

    Raises InvalidInput (FL140) where nobody answers; `without` is the command that does not ask.
    """
    try:
        agreed = typer.confirm(question)
    except typer.Abort as error:
        if sys.stdin.isatty():
            raise
        raise InvalidInput("FL140", f"nobody is there to answer: {question}", without) from error
    if not agreed:
        raise typer.Abort


class Commands(TyperGroup):
    """The group that turns every way of ending badly into a message and a stable exit status."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb, and keep its name for what is to be typed next."""
        found = super().resolve_command(ctx, args)
        _given["verb"] = found[0] or _given["verb"]
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; errors end in status 2, Ctrl-C in 130."""
        # Of the group itself the options have been read by now, of a verb not yet.
        console.quiet = (ctx.find_root().obj or {}).get("output") is Output.JSON
        try:
            return super().invoke(ctx)
        except FaultlineError as error:
            _show(ctx, error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            Console(stderr=True).print("\ninterrupted; run the command again to go on")
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            _show(ctx, refused(error) or unexpected(error))
            raise typer.Exit(EXIT_ERROR) from error


def refused(error: Exception) -> HostProblem | None:
    """What the operating system refused (FL502), where a person can do something about it; else None."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return HostProblem("FL502", f"{where}{error.strerror}", _REFUSALS[error.errno])


def unexpected(error: Exception) -> FaultlineError:
    """An error that nobody foresaw, its traceback kept in a log file that the message names (FL900)."""
    from faultline.host.home import Home

    log = Home.from_environment().logs / time.strftime("faultline-%Y%m%d-%H%M%S.log")
    log.write_text("".join(["command: ", " ".join(sys.argv), "\n", *traceback.format_exception(error)]))
    return FaultlineError("FL900", f"unexpected {type(error).__name__}: {error}", f"the traceback is in {log}")


def _show(ctx: Any, error: FaultlineError) -> None:
    root = ctx.find_root().obj or {}
    if root.get("output") is Output.JSON:
        print(json.dumps({"error": error_json(error)}, indent=2))
        return
    show_error(error)


def error_json(error: FaultlineError) -> dict[str, str]:
    """An error for programs."""
    return {"code": error.code, "message": error.message, "next": error.next_step}


def show_error(error: FaultlineError) -> None:
    """An error for people, on standard error."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    err.print(f"[bold red]{error.code}[/] ", end="")
    err.print(error.message, markup=False)
    if error.next_step:
        err.print("  next: ", style="bold", end="")
        err.print(spelled(error.next_step), markup=False)
