"""Building blocks of the API models: strict base class, durations, bounded names."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

GROUP = "faultline.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

DURATION_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m)$"
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(duration: str) -> float:
    """The length of a duration such as `250ms`, `30s` or `2m`, in seconds.

    Raises ValueError when the text is not a duration.
    """
    if not re.match(DURATION_PATTERN, duration):
        raise ValueError(f"must be a duration such as 500ms, 30s or 2m, got {duration!r}")
    number, unit = re.match(r"([0-9.]+)(ms|s|m)", duration).groups()  # type: ignore[union-attr]
    return float(number) * _UNIT_SECONDS[unit]


def _positive(value: str) -> str:
    if seconds(value) <= 0:
        raise ValueError(f"must be above 0, got {value}")
    return value


Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN, max_length=12)]
"""Zero or longer: an offset."""

PositiveDuration = Annotated[
    Duration,
    AfterValidator(_positive),
    Field(
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self.matches('[1-9]')", "messageExpression": "'must be above 0, got ' + self"}
            ]
        }
    ),
]
"""Longer than zero: a length. The CEL rule is the same one for the API server."""

SLUG_PATTERN = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=40)]
"""A DNS label short enough to be part of a namespace's name."""

EdgeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}->[a-z][a-z0-9-]{0,39}$", max_length=82)]
"""`from->to`: one connection from a service to what it depends on."""

Text = Annotated[str, StringConstraints(max_length=1000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=160)]


class Model(BaseModel):
    """Base of all API models: unknown fields are errors, aliases and names are both accepted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)
