"""Real resets of open connections, by the kernel's SOCK_DESTROY through `ss -K`, in this pod's own network."""

from __future__ import annotations

import subprocess

SS_SECONDS = 1.0


def reset_connections(port: int) -> None:
    """Ends every open connection whose local port is `port`; the other side gets RST.

    Raises PermissionError without NET_ADMIN, OSError when `ss` fails or takes more than a second.
    """
    command = ["ss", "-K", "-tnH", "state", "connected", "sport", "=", f":{port}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SS_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise OSError(f"ss did not end within {SS_SECONDS:g}s") from error
    complaint = done.stderr.strip()[:300]
    # It ends with 0 all the same.
    if "not permitted" in complaint:
        raise PermissionError(f"connections on port {port} may not be reset: {complaint}")
    if done.returncode:
        raise OSError(f"ss ended with {done.returncode}: {complaint}")
