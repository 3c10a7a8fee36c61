"""How this host reaches its packages, carried into image builds: certificates, proxies, package indexes.

None of it is part of an image's digest: it says how to fetch, not what.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

from faultline.host import process

_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "default-timeout", "timeout", "retries", "proxy")
_GO_KEYS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE")
_PROXY_KEYS = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
CA_IN_BUILD = "/etc/faultline-host/ca.crt"


def ca_bundle() -> bytes:
    """The certificates that this host trusts; empty where none are found."""
    named = [os.environ.get(key, "") for key in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    for path in [*named, *_BUNDLES]:
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def apt_conf() -> str:
    """apt's proxy settings, and the bundle for mirrors behind TLS."""
    lines = []
    if shutil.which("apt-config"):
        dump = process.output(["apt-config", "dump"])
        lines = re.findall(r"^Acquire::(?:http|https)::Proxy(?:::\S+)? .*$", dump, re.M)
    if ca_bundle():
        lines.append(f'Acquire::https::CAInfo "{CA_IN_BUILD}";')
    return "".join(line + "\n" for line in lines)


def parse_pip_config(listing: str) -> dict[str, str]:
    """`pip config list` as settings that hold in a build; the environment wins over files, as in pip."""
    found: dict[str, str] = {}
    by_environment: dict[str, str] = {}
    for line in listing.splitlines():
        match = re.match(r"^(:env:|global|install|download)\.(\S+?)='(.*)'$", line.strip())
        if match and match[2] in _PIP_KEYS:
            (by_environment if match[1] == ":env:" else found)[match[2]] = match[3].replace("\\n", "\n")
    return {**found, **by_environment}


@cache
def _pip_settings() -> dict[str, str]:
    return parse_pip_config(process.output([sys.executable, "-m", "pip", "config", "list"]))


def pip_conf() -> str:
    """A pip.conf with this host's index, and its certificates."""
    parser = configparser.RawConfigParser()
    parser["global"] = dict(_pip_settings())
    if ca_bundle():
        parser["global"]["cert"] = CA_IN_BUILD
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


@cache
def _go_settings() -> dict[str, str]:
    settings = {key: os.environ[key] for key in _GO_KEYS if os.environ.get(key)}
    if shutil.which("go"):
        settings = {k: v for k, v in json.loads(process.output(["go", "env", "-json", *_GO_KEYS])).items() if v}
    if os.environ.get("GOFLAGS"):
        settings["GOFLAGS"] = os.environ["GOFLAGS"]
    return settings


def proxies() -> dict[str, str]:
    """The proxy variables, in both spellings: programs differ in which they read."""
    found: dict[str, str] = {}
    for key in _PROXY_KEYS:
        value = os.environ.get(key) or os.environ.get(key.upper())
        if value:
            found |= {key: value, key.upper(): value}
    return found


def build_args() -> dict[str, str]:
    """Build arguments of every image build. Docker knows the proxy ones and leaves them out of its cache's key."""
    return {**proxies(), **_go_settings()}


def needs_host_network() -> bool:
    """Whether something above is on this host's loopback, which a build's own network would not reach."""
    text = " ".join([*proxies().values(), *_go_settings().values(), *_pip_settings().values(), apt_conf()])
    return sys.platform == "linux" and bool(
        re.search(r"//(?:[^/@\s]*@)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])", text)
    )


def files() -> dict[str, bytes]:
    """The folder `host/` of a build's context."""
    return {
        "host/ca.crt": ca_bundle(),
        "host/apt.conf": apt_conf().encode(),
        "host/pip.conf": pip_conf().encode(),
    }
