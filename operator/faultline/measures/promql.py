"""Any number that PromQL gives."""

from __future__ import annotations

import re
from string import Template
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from faultline.measures._load import PhasedMeasure
from faultline.measures.base import Context, Direction, length, moment

NAMES = ("run", "lab", "harness", "range", "seconds")
FORGEABLE = re.compile(r"\bapp_|__name__")


def _checked(text: str) -> str:
    template = Template(text)
    if not template.is_valid():
        raise ValueError(f"must have $$ for a dollar sign of its own, got {text}")
    if unknown := sorted(set(template.get_identifiers()) - set(NAMES)):
        raise ValueError(f"must name none but ${', $'.join(NAMES)}, got ${', $'.join(unknown)}")
    if FORGEABLE.search(text):
        raise ValueError(f"must not read what the graded app says of itself (app_…, __name__), got {text}")
    return text


Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_checked)]


class Promql(PhasedMeasure):
    """The one number that `query` gives at the end of the run; no series, or more than one, is no value.

    In the query `$run` is the run's name, `$lab` and `$harness` are the namespaces, `$range` is the time of `phases` as
    a range with its moment, as in `increase(x{namespace="$lab"}$range)`, and `$seconds` is its length. What the graded
    app exports itself has names that begin with `app_` and cannot be asked for: its code could export anything.
    """

    unit: ClassVar[str] = "as stated"
    better: ClassVar[Direction | None] = None

    expression: Expression = Field(alias="query", description="PromQL")
    unit_name: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        alias="unit", description="the value's unit; `s` and `ratio` are shown as times and per cent"
    )
    direction: Direction = Field(description="which way is better")

    @property
    def value_unit(self) -> str:
        """As stated."""
        return self.unit_name

    @property
    def improves(self) -> Direction:
        """As stated."""
        return self.direction

    def query(self, context: Context) -> str:
        """The text with its names filled in."""
        start, end = context.span(self.phases)
        return Template(self.expression).substitute(
            run=context.run,
            lab=context.lab_namespace,
            harness=context.harness_namespace,
            range=f"{length(start, end)} {moment(end)}",
            seconds=f"{end - start:g}",
        )
