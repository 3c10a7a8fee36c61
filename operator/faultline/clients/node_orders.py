"""How an injector has a node taken down: an order in its own namespace, which a helper on the host carries out.

Nothing in a cluster may stop the machine that it runs on. The injector writes a ConfigMap with the node and the times;
the helper (faultline.host.node_helper) answers in the same object.
"""

from __future__ import annotations

from faultline.api.base import Model
from faultline.clients.kube import Json, Kube, path
from faultline.names import LABEL_PART

PART = "node-loss"
SELECTOR = f"{LABEL_PART}={PART}"


class NodeOrder(Model):
    """Unix seconds; what the helper has not done yet is empty."""

    name: str
    namespace: str
    node: str
    start: float
    end: float
    seen: float | None = None
    killed: float | None = None
    started: float | None = None
    refused: str = ""

    def place(self, kube: Kube) -> None:
        """Write the order. Raises Conflict (FL404) when there is one of that name."""
        metadata = {"name": self.name, "namespace": self.namespace, "labels": {LABEL_PART: PART}}
        data = {"node": self.node, "start": str(self.start), "end": str(self.end)}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        kube.create(path("ConfigMap", namespace=self.namespace), body)

    def answer(self, kube: Kube, **data: float | str) -> None:
        """Note what was done."""
        kube.patch(self.where, {"data": {key: str(value) for key, value in data.items()}})

    @property
    def where(self) -> str:
        """The ConfigMap's path."""
        return path("ConfigMap", self.name, self.namespace)

    @classmethod
    def read(cls, found: Json) -> NodeOrder:
        """From the ConfigMap. Raises ValidationError for one that is none."""
        metadata = found["metadata"]
        return cls.model_validate(
            {"name": metadata["name"], "namespace": metadata["namespace"], **(found.get("data") or {})}
        )
