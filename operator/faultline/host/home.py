"""Where the host's state is kept: programs, kubeconfig, logs, the engine's files, the data that outlives a cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
CLUSTER = "faultline"
CONTEXT = f"kind-{CLUSTER}"


@dataclass(frozen=True)
class Home:
    """The folder of `FAULTLINE_HOME`, by default `~/.faultline`."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that the environment names; its folders are made when they are missing."""
        home = cls(Path(os.environ.get("FAULTLINE_HOME") or Path.home() / ".faultline").expanduser().resolve())
        for folder in (home.root, home.bin, home.logs, home.engine, home.data):
            folder.mkdir(parents=True, exist_ok=True)
        # Pods write there as their own users; only this machine's users come near it.
        if home.data.stat().st_mode & 0o777 != 0o777 and home.data.stat().st_uid == os.getuid():
            home.data.chmod(0o777)
        return home

    @property
    def bin(self) -> Path:
        """kind, helm and kubectl."""
        return self.root / "bin"

    @property
    def logs(self) -> Path:
        """One file for each step of `up`, and the engine's own."""
        return self.root / "logs"

    @property
    def engine(self) -> Path:
        """The Docker engine that `up` started: its configuration and pid."""
        return self.root / "engine"

    @property
    def data(self) -> Path:
        """Mounted into the cluster's nodes at /var/lib/faultline: runs, progress."""
        return self.root / "data"

    @property
    def kubeconfig(self) -> Path:
        """The only kubeconfig that the commands use unless a context is named."""
        return self.root / "kubeconfig"
