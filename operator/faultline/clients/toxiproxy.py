"""Drives one Toxiproxy process through `toxiproxy-python`, without that package's traps.

The package keeps one server address for the whole process, sets no time-outs, takes a 503 for success and hides what
the server made of a toxic. All of that sits in its `APIConsumer`, which `_Calls` replaces: the address and the bound
belong to the `EdgeProxy` on whose behalf the current thread calls.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import requests
import toxiproxy.api
import toxiproxy.exceptions
import toxiproxy.proxy
import toxiproxy.server

from faultline.api.toxic import Toxic
from faultline.errors import Conflict, InvalidInput, Unreachable

_caller = threading.local()


class _Calls(toxiproxy.api.APIConsumer):  # type: ignore[misc]
    """The package's way to the server, for the thread's own `EdgeProxy`."""

    @classmethod
    def get(cls, url: str, params: Any = None, **kwargs: Any) -> requests.Response:
        return _call("GET", url, params=params, **kwargs)

    @classmethod
    def delete(cls, url: str, **kwargs: Any) -> requests.Response:
        return _call("DELETE", url, **kwargs)

    @classmethod
    def post(cls, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> requests.Response:
        return _call("POST", url, data=data, json=json, **kwargs)


def _call(method: str, url: str, **kwargs: Any) -> requests.Response:
    proxy: EdgeProxy = _caller.proxy
    try:
        response = proxy.session.request(method, proxy.address + url, timeout=proxy.timeout, **kwargs)
    except requests.RequestException as error:
        message = f"Toxiproxy of edge {proxy.name} did not answer {method} {url} within {proxy.timeout:g}s: {error}"
        raise Unreachable("FL610", message) from error
    toxiproxy.api.validate_response(response)
    if response.status_code >= 300:
        raise Unreachable(
            "FL611", f"Toxiproxy of edge {proxy.name} answered {method} {url} with {response.status_code}"
        )
    proxy.answer = response
    return response


toxiproxy.proxy.APIConsumer = _Calls
toxiproxy.server.APIConsumer = _Calls


class EdgeProxy:
    """The one proxy of one Toxiproxy process. Every call is synchronous and bounded by `timeout` seconds.

    All methods raise Unreachable (FL610, FL611) when the process does not answer well and in time.
    One thread at a time may use it.
    """

    def __init__(self, name: str, api_port: int, timeout: float = 1.0) -> None:
        self.name = name
        self.address = f"http://127.0.0.1:{api_port}"
        self.timeout = timeout
        self.session = requests.Session()
        # Loopback never goes through the host's HTTP proxy.
        self.session.trust_env = False
        self.answer: requests.Response | None = None
        self._proxy: toxiproxy.Proxy | None = None

    def create(self, listen: str, upstream: str) -> None:
        """Make the proxy on a fresh process. Raises Conflict (FL410) when the process is not fresh."""
        _caller.proxy = self
        try:
            self._proxy = toxiproxy.Toxiproxy().create(upstream=upstream, name=self.name, listen=listen, enabled=True)
        except toxiproxy.exceptions.ProxyExists as error:
            raise Conflict(
                "FL410", f"{self.address} is not this injector's own Toxiproxy: it has {self.name}"
            ) from error

    def lead(self, upstream: str) -> None:
        """Send new connections to another upstream; those that are open are closed. Toxics stay."""
        _caller.proxy = self
        toxiproxy.proxy.APIConsumer.post(f"/proxies/{self.name}", json={"upstream": upstream})

    def add(self, name: str, toxic: Toxic) -> None:
        """Put a toxic on; one of that name that is there already counts as done.

        Raises InvalidInput (FL144) when the server refuses it or makes something else of it.
        """
        _caller.proxy = self
        try:
            self._known().add_toxic(name=name, **toxic.model_dump())
        except toxiproxy.exceptions.ProxyExists:
            return
        except toxiproxy.exceptions.InvalidToxic as error:
            raise InvalidInput("FL144", f"Toxiproxy refused toxic {name} ({toxic}): {error}") from error
        # The package keeps the server's own account of the toxic to itself: unknown attributes are missing there.
        made = self.answer.json()["attributes"] if self.answer is not None else {}
        if any(made.get(attribute) != value for attribute, value in toxic.attributes.items()):
            self.remove(name)
            raise InvalidInput("FL144", f"Toxiproxy made {made} of toxic {name} ({toxic})")

    def remove(self, name: str) -> None:
        """Take a toxic off; absent counts as done."""
        _caller.proxy = self
        try:
            self._known().destroy_toxic(name)
        except toxiproxy.exceptions.NotFound:
            return

    def toxics(self) -> dict[str, Toxic]:
        """What the process says is on, by name."""
        _caller.proxy = self
        try:
            found = self._known().toxics()
        except toxiproxy.exceptions.NotFound as error:
            # Somebody deleted it; a process that is started clean has it again.
            raise Unreachable("FL611", f"Toxiproxy of edge {self.name} does not know the edge any more") from error
        return {
            name: Toxic(type=each.type, stream=each.stream, attributes=each.attributes, toxicity=each.toxicity)
            for name, each in found.items()
        }

    def spoilt(self, wanted: Mapping[str, Toxic]) -> str | None:
        """In words what somebody else did to the proxy: it is off, or a toxic of `wanted` is not on as it should be.

        Any thread may ask this at any time.
        """
        # Past the package, which keeps what it read, and by a connection of its own, whatever else is under way.
        where = f"{self.address}/proxies/{self.name}"
        try:
            with requests.Session() as session:
                session.trust_env = False
                found = session.get(where, timeout=self.timeout).json()
        except requests.RequestException as error:
            message = f"Toxiproxy of edge {self.name} did not answer GET {where} within {self.timeout:g}s: {error}"
            raise Unreachable("FL610", message) from error
        if not found.get("enabled"):
            return "the proxy was switched off"
        on = {each["name"]: each for each in found.get("toxics", [])}
        for name, toxic in wanted.items():
            if name not in on:
                return f"the toxic {name} was removed"
            if any(on[name]["attributes"].get(key) != value for key, value in toxic.attributes.items()) or (
                on[name]["toxicity"] != toxic.toxicity
            ):
                return f"the toxic {name} was changed"
        return None

    def clear(self) -> None:
        """Take every toxic off. Raises Unreachable (FL611) when the proxy is off or gone: a restart cures that."""
        if text := self.spoilt({}):
            raise Unreachable("FL611", f"Toxiproxy of edge {self.name} is not as it was started: {text}")
        for name in self.toxics():
            self.remove(name)

    def close(self) -> None:
        """Drop the connection to the API."""
        self.session.close()

    def _known(self) -> Any:
        if self._proxy is None:
            raise Unreachable("FL610", f"the proxy of edge {self.name} has not been created")
        return self._proxy
