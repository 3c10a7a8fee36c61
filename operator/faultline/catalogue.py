"""The scenario folders, and how their code gets into the cluster: ConfigMaps in the operator's namespace.

`code-DIGEST12` is one version of some scenario's code, named by its content and never changed; `catalogue-SLUG` says
which version is the flawed one and carries the folder's load.py and seed.sql; `lesson-SLUG` is for the dashboard. What
a folder holds out is no ConfigMap, which the dashboard may read, but the Secret `heldout-SLUG`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from faultline import heldout, safety_lines
from faultline.errors import Conflict, InvalidInput, NotFound
from faultline.names import SYSTEM_NAMESPACE, code_configmap
from faultline.safety_lines import SafetyLine
from faultline.sources import read_folder

CONFIGMAPS = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps"
SECRETS = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"
LABEL_SLUG = "faultline.dev/slug"
LABEL_LESSON = "faultline.dev/lesson"
LESSON_FILES = ("scenario.yaml", "SCENARIO.md", "HINTS.md")
ANNOTATION_VARIANT = "faultline.dev/variant"
ANNOTATION_DIGEST = "faultline.dev/digest"
SIZE_LIMIT = 900 * 1024
"""Bytes of one ConfigMap's contents; the API server's limit is 1 MiB with all else."""
ENTRY_HELDOUT = "heldout"
"""In `catalogue-SLUG`: the digest of what the folder holds out."""
FLAWED = "flawed"
LEARNER = "learner"
VARIANT_FILE = "variant.yaml"
"""Names in a variant's folder the solution that its files are laid over, as `over: solution`."""
_NO_CODE = {VARIANT_FILE, "wrong.yaml"}


class Api(Protocol):
    """What publishing needs of a connection to the cluster."""

    def get(self, where: str, /) -> dict[str, Any] | None:
        """An object, or None."""

    def create(self, where: str, body: dict[str, Any], /) -> dict[str, Any]:
        """Create an object. Raises Conflict when the name is taken."""

    def patch(self, where: str, body: dict[str, Any], /) -> dict[str, Any]:
        """Merge into an object."""


@dataclass(frozen=True)
class CodeVersion:
    """One version of a scenario's code: text by path.

    `variant` says whose: flawed, solution, solution-NAME, wrong/NAME, without/NAME or learner.
    """

    slug: str
    variant: str
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over sorted paths and contents."""
        found = hashlib.sha256()
        for path in sorted(self.files):
            for part in (path, self.files[path]):
                raw = part.encode()
                found.update(len(raw).to_bytes(8, "big") + raw)
        return found.hexdigest()

    @property
    def configmap(self) -> str:
        """Name of its ConfigMap."""
        return code_configmap(self.digest)

    def manifest(self) -> dict[str, Any]:
        """Its ConfigMap. Raises InvalidInput (FL112) when it is too large."""
        _check_size(f"the code of {self.slug} ({self.variant})", self.files)
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.configmap,
                "namespace": SYSTEM_NAMESPACE,
                "labels": {LABEL_SLUG: self.slug},
                "annotations": {ANNOTATION_VARIANT: self.variant, ANNOTATION_DIGEST: self.digest},
            },
            "immutable": True,
            "data": {key_of(path): text for path, text in self.files.items()},
        }


def digest_of(pod: Mapping[str, Any]) -> str:
    """The digest of the code that a pod was made for; empty where it has none of the scenario's."""
    return str((pod["metadata"].get("annotations") or {}).get(ANNOTATION_DIGEST, ""))


def key_of(path: str) -> str:
    """A file's path as a ConfigMap key, which may not have a slash."""
    return path.replace("/", "..")


def path_of(key: str) -> str:
    """The path that a ConfigMap key stands for. Raises InvalidInput (FL110) for one that leads out of the folder."""
    path = key.replace("..", "/")
    if path.startswith("/") or any(part in ("", ".") for part in path.split("/")):
        raise InvalidInput("FL110", f"{key!r} is no path inside the code's folder", "publish the code again")
    return path


def _check_size(what: str, data: Mapping[str, str]) -> None:
    size = sum(len(text.encode()) for text in data.values())
    if size > SIZE_LIMIT:
        raise InvalidInput("FL112", f"{what} has {size} bytes, at most {SIZE_LIMIT} fit", "remove large files")


def folders(root: Path) -> list[Path]:
    """Every scenario's folder under `root`, sorted by slug."""
    return sorted(each.parent for each in root.glob("*/scenario.yaml"))


def variants(folder: Path) -> list[str]:
    """Whose code a folder has: flawed, solution, solution-NAME, wrong/NAME, without/NAME.

    Raises InvalidInput (FL104, FL105) for a safety.yaml that cannot be read.
    """
    return [*written(folder), *(each.variant for each in safety_lines.of_folder(folder))]


def written(folder: Path) -> list[str]:
    """The variants that have a folder: all but without/NAME, which are made from the solution and safety.yaml."""
    solutions = sorted(each.name for each in folder.glob("solution*") if each.is_dir())
    wrong = sorted(f"wrong/{each.name}" for each in folder.glob("wrong/*") if each.is_dir())
    return [FLAWED, *solutions, *wrong]


def base(folder: Path, variant: str) -> str:
    """Which variant the files of one are laid over: the solution that its variant.yaml names, else the flawed app.

    Raises InvalidInput (FL126) for what is no solution, or one that is laid over another itself.
    """
    path = folder / variant / VARIANT_FILE
    if not path.is_file():
        return FLAWED
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidInput(
            "FL126", f"{VARIANT_FILE} of {variant} is not YAML: {error}", "mend the line that is named"
        ) from error
    if not isinstance(said, dict) or set(said) != {"over"}:
        got = ", ".join(map(str, said)) if isinstance(said, dict) else said
        raise InvalidInput(
            "FL126", f"{VARIANT_FILE} of {variant} must have over alone, got {got}", "write `over: solution`"
        )
    allowed = bases(folder)[1:]
    if said["over"] not in allowed:
        rule = "must be another solution, laid over app/ itself"
        raise InvalidInput(
            "FL126",
            f"{VARIANT_FILE} of {variant}: over {rule}, got {said['over']}",
            f"one of: {', '.join(allowed) or 'none'}; or remove the file, to lay {variant} over app/",
        )
    return str(said["over"])


def bases(folder: Path) -> list[str]:
    """What variants may be laid over: the flawed app, and the solutions that are laid over it themselves."""
    solutions = [each for each in written(folder) if each.startswith("solution")]
    return [FLAWED, *(each for each in solutions if not (folder / each / VARIANT_FILE).is_file())]


def own_files(folder: Path, variant: str) -> dict[str, str]:
    """The code in a variant's own folder: text by path. What explains a variant is no part of it."""
    found = read_folder(folder / variant)
    return {path: text for path, text in found.items() if path not in _NO_CODE and not path.endswith(".md")}


def version(folder: Path, variant: str = FLAWED) -> CodeVersion:
    """A version of the folder's code; all but the flawed one are laid over app/, or over a solution.

    Raises NotFound (FL203) when there is no such variant, InvalidInput for files that cannot go (FL112 to FL114), a
    variant.yaml that cannot be followed (FL126), a line of safety that cannot be taken away (FL127) or a safety.yaml
    that cannot be read (FL104, FL105).
    """
    if (taken := safety_line(folder, variant)) is not None:
        return CodeVersion(
            folder.name, variant, safety_lines.taken_away(version(folder, safety_lines.SOLUTION).files, taken)
        )
    if variant not in written(folder) or not (folder / "app").is_dir():
        raise NotFound("FL203", f"{folder.name} has no {variant}", f"it has {', '.join(variants(folder))}")
    if variant == FLAWED:
        return CodeVersion(folder.name, variant, read_folder(folder / "app"))
    below = version(folder, base(folder, variant)).files
    return CodeVersion(folder.name, variant, {**below, **own_files(folder, variant)})


def safety_line(folder: Path, variant: str) -> SafetyLine | None:
    """The line that without/NAME has not; None for other variants, which do not depend on safety.yaml."""
    if not variant.startswith(safety_lines.PREFIX):
        return None
    return next((each for each in safety_lines.of_folder(folder) if each.variant == variant), None)


def catalogue_name(slug: str) -> str:
    """Name of a folder's ConfigMap."""
    return f"catalogue-{slug}"


def heldout_name(slug: str) -> str:
    """Name of the Secret with what a folder holds out, under the key heldout.FILE."""
    return f"heldout-{slug}"


def heldout_digest(text: str) -> str:
    """SHA-256 of a heldout.yaml. `catalogue-SLUG` carries it, so that the operator sees which Secret belongs to it."""
    return hashlib.sha256(text.encode()).hexdigest()


def entry(folder: Path) -> dict[str, Any]:
    """The ConfigMap `catalogue-SLUG` of a folder. Raises NotFound (FL203) without load.py."""
    if not (folder / "load.py").is_file():
        raise NotFound("FL203", f"{folder.name} has no load.py", "restore it with `git checkout`")
    data = {"flawed": version(folder).configmap}
    data |= {
        name: (folder / name).read_text(encoding="utf-8")
        for name in ("load.py", "seed.sql")
        if (folder / name).is_file()
    }
    _check_size(f"load.py and seed.sql of {folder.name}", data)
    if (held := _held_out(folder)) is not None:
        data[ENTRY_HELDOUT] = heldout_digest(held)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": catalogue_name(folder.name),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {LABEL_SLUG: folder.name},
        },
        "data": data,
    }


def lesson(folder: Path) -> dict[str, Any]:
    """The ConfigMap `lesson-SLUG` of a folder: what the dashboard shows of it."""
    data = {name: (folder / name).read_text(encoding="utf-8") for name in LESSON_FILES if (folder / name).is_file()}
    _check_size(f"the lesson of {folder.name}", data)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"lesson-{folder.name}",
            "namespace": SYSTEM_NAMESPACE,
            "labels": {LABEL_LESSON: folder.name},
        },
        "data": data,
    }


def _held_out(folder: Path) -> str | None:
    path = folder / heldout.FILE
    return path.read_text(encoding="utf-8") if path.is_file() else None


def secret(folder: Path) -> dict[str, Any] | None:
    """The Secret `heldout-SLUG` of a folder; None for one that holds nothing out."""
    text = _held_out(folder)
    if text is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": heldout_name(folder.name),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {LABEL_SLUG: folder.name},
        },
        "data": {heldout.FILE: base64.b64encode(text.encode()).decode()},
    }


def publish_code(api: Api, code: CodeVersion) -> bool:
    """Bring a version of code into the cluster; whether it was new. The same content is never written twice."""
    manifest = code.manifest()
    if api.get(f"{CONFIGMAPS}/{code.configmap}"):
        return False
    try:
        api.create(CONFIGMAPS, manifest)
    except Conflict:
        return False  # another command has just brought the very same content
    return True


def publish_folder(api: Api, folder: Path) -> bool:
    """Bring a folder's flawed code, load.py, seed.sql, lesson and what it holds out into the cluster.

    Returns whether anything had changed. A Secret of before that is held out no more stays, and nobody reads it.
    """
    changed = publish_code(api, version(folder))
    # Before the entry, which says that it is there.
    if (held := secret(folder)) is not None:
        changed = _bring(api, SECRETS, held) or changed
    for wanted in (entry(folder), lesson(folder)):
        changed = _bring(api, CONFIGMAPS, wanted) or changed
    return changed


def _bring(api: Api, kind: str, wanted: dict[str, Any]) -> bool:
    """Create a ConfigMap or a Secret, or make its data as wanted; whether it was not so before."""
    where = f"{kind}/{wanted['metadata']['name']}"
    there = api.get(where)
    if there is None:
        api.create(kind, wanted)
        return True
    old = there.get("data") or {}
    if old == wanted["data"]:
        return False
    gone = {key: None for key in old if key not in wanted["data"]}
    api.patch(where, {"data": {**wanted["data"], **gone}})
    return True


def publish(api: Api, root: Path) -> list[str]:
    """Bring every folder under `root` into the cluster; the slugs that had changed."""
    return [folder.name for folder in folders(root) if publish_folder(api, folder)]
