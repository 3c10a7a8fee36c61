"""Every error that a person may see, each with a stable code and the next step.

FaultlineError
├── InvalidInput      FL1xx  a field, a rule and the value that broke it
├── NotFound          FL2xx  a scenario, lab, run or file that is not there
├── NotReady          FL3xx  a cluster, lab or tool that is not up (yet)
├── Conflict          FL4xx  something else is in the way: a run under way, a port, a lock
├── HostProblem       FL5xx  the machine: engine, disk, memory, rights
└── Unreachable       FL6xx  a service that did not answer in time
"""

from __future__ import annotations


class FaultlineError(Exception):
    """An error for people: what is wrong, and what to do next.

    `code` is stable and has a section in docs/errors.md; `next_step` is a command or an action.
    """

    exit_code = 2

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        tail = f"\n  next: {self.next_step}" if self.next_step else ""
        return f"{self.code}: {self.message}{tail}"


class InvalidInput(FaultlineError):
    """A field breaks a rule; the message names the field, the rule and the value."""


class NotFound(FaultlineError):
    """A scenario, lab, run or file that was named does not exist."""


class NotReady(FaultlineError):
    """A cluster, lab or tool is not up, or did not come up."""


class Conflict(FaultlineError):
    """Something else is in the way."""


class HostProblem(FaultlineError):
    """The machine lacks something: an engine, disk, memory, rights."""


class Unreachable(FaultlineError):
    """A service did not answer within its bound."""
