"""Does the code compile? Asked of this Python first; an older one than the lab's does not have the last word."""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Mapping

from faultline import sources
from faultline.cli import _labs
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.errors import FaultlineError
from faultline.names import lab_namespace

LAB_PYTHON = (3, 13)
ARGUMENT_LIMIT = 64 * 1024
"""Bytes of code in a command; it travels in a URL."""
_CHECK = """
import base64, json, sys, zlib
for path, source in json.loads(zlib.decompress(base64.b64decode(sys.argv[1]))).items():
    try:
        compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}\\n    {(error.text or '').rstrip()}")
        break
"""


def problem(cluster: Cluster, lab: Lab, files: Mapping[str, str]) -> str | None:
    """Where and why the first file that does not compile fails; None when all do."""
    here = sources.syntax_problem(files)
    if here is None or sys.version_info[:2] >= LAB_PYTHON:
        return here
    return _in_the_lab(cluster, lab, files, here)


def _in_the_lab(cluster: Cluster, lab: Lab, files: Mapping[str, str], here: str) -> str | None:
    """What the lab's own Python says; this one's answer where no pod of the lab can be asked."""
    sources = {path: text for path, text in files.items() if path.endswith(".py")}
    packed = base64.b64encode(zlib.compress(json.dumps(sources).encode())).decode()
    pods = [each for each in _labs.app_pods(cluster, lab.name, "app") if _labs.is_ready(each)]
    if not pods or len(packed) > ARGUMENT_LIMIT:
        return here
    command = ["python", "-I", "-c", _CHECK, packed]
    try:
        return cluster.execute(lab_namespace(lab.name), pods[0]["metadata"]["name"], command).strip() or None
    except FaultlineError as error:
        return (
            f"{here}\n    (as Python {sys.version.split()[0]} here sees it; the lab's was not asked: {error.message})"
        )
