"""What the operator's Deployment tells it, by environment variables."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faultline.errors import InvalidInput
from faultline.names import PROMETHEUS_PORT, SYSTEM_NAMESPACE


@dataclass(frozen=True)
class Settings:
    """`identity` names this process in the Lease; `images` are the references that labs are made of."""

    namespace: str = SYSTEM_NAMESPACE
    identity: str = field(default_factory=socket.gethostname)
    images: Mapping[str, str] = field(default_factory=dict)
    prometheus_url: str = f"http://prometheus.{SYSTEM_NAMESPACE}:{PROMETHEUS_PORT}"
    data: Path = Path("/var/lib/faultline")
    log_level: str = "info"

    @classmethod
    def from_environment(cls) -> Settings:
        """Raises InvalidInput (FL106) when FAULTLINE_IMAGES is not a JSON object."""
        given = os.environ
        return cls(
            namespace=given.get("FAULTLINE_NAMESPACE", cls.namespace),
            identity=given.get("FAULTLINE_POD") or f"{socket.gethostname()}-{os.getpid()}",
            images=_images(given.get("FAULTLINE_IMAGES", "{}")),
            prometheus_url=given.get("FAULTLINE_PROMETHEUS_URL", cls.prometheus_url),
            data=Path(given.get("FAULTLINE_DATA", str(cls.data))),
            log_level=given.get("FAULTLINE_LOG_LEVEL", cls.log_level),
        )


def _images(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput("FL106", f"FAULTLINE_IMAGES must be a JSON object, got {text[:80]!r}", "make up") from error
    if not isinstance(found, dict):
        raise InvalidInput("FL106", f"FAULTLINE_IMAGES must be a JSON object, got {text[:80]!r}", "make up")
    return {str(name): str(reference) for name, reference in found.items()}
