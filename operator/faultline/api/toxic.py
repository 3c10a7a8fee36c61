"""A Toxiproxy toxic with its attributes checked: the server itself takes a misspelt attribute in silence."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faultline.api.base import Model

ATTRIBUTES: dict[str, frozenset[str]] = {
    "latency": frozenset({"latency", "jitter"}),
    "bandwidth": frozenset({"rate"}),
    "slow_close": frozenset({"delay"}),
    "timeout": frozenset({"timeout"}),
    "reset_peer": frozenset({"timeout"}),
    "slicer": frozenset({"average_size", "size_variation", "delay"}),
    "limit_data": frozenset({"bytes"}),
}
"""What Toxiproxy 2.12 knows: milliseconds, but KB/s for `rate`, bytes for sizes, µs for the slicer's delay."""


class Toxic(Model):
    """One toxic: `stream` upstream is what the client sends, downstream what the dependency answers.

    `toxicity` is the share of connections it hits; Toxiproxy draws it again whenever a toxic is added behind it.
    """

    type: str
    stream: Literal["upstream", "downstream"]
    attributes: dict[str, int]
    toxicity: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.type not in ATTRIBUTES:
            raise ValueError(f"type must be one of {', '.join(sorted(ATTRIBUTES))}, got {self.type}")
        known = ATTRIBUTES[self.type]
        for name, value in self.attributes.items():
            if name not in known:
                raise ValueError(f"attributes of {self.type} must be among {', '.join(sorted(known))}, got {name}")
            if value < 0:
                raise ValueError(f"attributes.{name} must be 0 or above, got {value}")
        return self
