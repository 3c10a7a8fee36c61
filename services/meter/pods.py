"""Which pods are on this node: a list and a watch at the API server, with what a ServiceAccount mounts.

Plain HTTPS by the standard library: the kubernetes package would take more CPU to import than the meter may use.
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LABEL_SCENARIO = "faultline.dev/scenario"
LABEL_PART = "faultline.dev/part"
CONFIG_HASH = "kubernetes.io/config.hash"
"""On a static pod's mirror: what its cgroup is named after."""
WATCH_SECONDS = 240
ANSWER_SECONDS = 30
RETRY_SECONDS = 1.0

_log = logging.getLogger("meter")


class Pod(NamedTuple):
    """How a pod is labelled in the metrics."""

    namespace: str
    name: str
    scenario: str
    part: str


class WatchEnded(Exception):
    """The API server wants a new list."""


Connect = Callable[[float], http.client.HTTPConnection]
"""Opens a connection to the API server with a time-out in seconds."""


def in_cluster(host: str, port: int) -> Connect:
    """HTTPS, trusting the cluster's own authority."""

    def connect(timeout: float) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
        return http.client.HTTPSConnection(host, port, context=context, timeout=timeout)

    return connect


class Pods:
    """The pods of one node by UID, kept up to date by a thread."""

    def __init__(self, connect: Connect, node: str, token: Path = ACCOUNT / "token") -> None:
        self._connect = connect
        self._node = node
        self._token = token
        self._known: dict[str, Pod] = {}
        self.failures = 0
        """Times that list or watch broke off in an error."""

    def start(self) -> None:
        """Follow the API server for as long as the process lives."""
        threading.Thread(target=self._follow, name="pods", daemon=True).start()

    def get(self, uid: str) -> Pod | None:
        """The pod with this UID, None when it is not known (yet)."""
        return self._known.get(uid)

    def _follow(self) -> None:
        wait = threading.Event()
        while True:
            try:
                version = self.list()
                while True:
                    version = self.watch(version)
            except WatchEnded as ended:
                _log.info("listing pods again: %s", ended)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures += 1
                _log.warning("the API server does not answer, trying again: %r", error)
                wait.wait(RETRY_SECONDS)

    def list(self) -> str:
        """Learn all pods; gives the resource version to watch from."""
        (line,) = self._get({})
        answer = json.loads(line)
        known: dict[str, Pod] = {}
        for item in answer["items"]:
            known.update(_entries(item))
        self._known = known
        return str(answer["metadata"]["resourceVersion"])

    def watch(self, version: str) -> str:
        """Apply changes until the server closes the watch; gives the version to go on from."""
        parameters = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        for line in self._get(parameters):
            event = json.loads(line)
            item = event["object"]
            if event["type"] == "ERROR":
                raise WatchEnded(item.get("message", "no reason given"))
            version = str(item["metadata"]["resourceVersion"])
            if event["type"] == "DELETED":
                for uid in _entries(item):
                    self._known.pop(uid, None)
            elif event["type"] != "BOOKMARK":
                self._known.update(_entries(item))
        return version

    def _get(self, parameters: dict[str, str]) -> Iterator[bytes]:
        watching = "watch" in parameters
        connection = self._connect(WATCH_SECONDS + ANSWER_SECONDS if watching else ANSWER_SECONDS)
        query = urlencode({"fieldSelector": f"spec.nodeName={self._node}", **parameters})
        # Read anew each time: the kubelet replaces the token about once an hour.
        token = self._token.read_text().strip()
        try:
            connection.request("GET", f"/api/v1/pods?{query}", headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            if response.status == http.HTTPStatus.GONE:
                raise WatchEnded("410 Gone")
            if response.status != http.HTTPStatus.OK:
                raise http.client.HTTPException(f"{response.status} {response.read(500)!r}")
            yield from response if watching else [response.read()]
        finally:
            connection.close()


def _entries(item: dict[str, Any]) -> dict[str, Pod]:
    metadata = item["metadata"]
    labels = metadata.get("labels", {})
    pod = Pod(
        metadata["namespace"], metadata["name"], labels.get(LABEL_SCENARIO, ""), labels.get(LABEL_PART, "platform")
    )
    mirror = metadata.get("annotations", {}).get(CONFIG_HASH)
    return {uid: pod for uid in (metadata["uid"], mirror) if uid}
