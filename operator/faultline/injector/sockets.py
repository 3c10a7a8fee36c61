"""Real resets of open connections, by the kernel's SOCK_DESTROY through `ss -K`, in this pod's own network."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

SS_SECONDS = 1.0


def reset_connections(port: int, wait: Callable[[], None]) -> None:
    """Ends every open connection whose local port is `port` as soon as `wait` returns; the other side gets RST.

    `ss` is started before: it takes its filter from standard input. Raises PermissionError without NET_ADMIN, OSError
    when `ss` fails or takes more than a second.
    """
    command = ["ss", "-K", "-tnH", "state", "connected", "-F", "-"]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait()
        try:
            _, complaint = process.communicate(f"sport = :{port}\n", timeout=SS_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise OSError(f"ss did not end within {SS_SECONDS:g}s") from error
    complaint = complaint.strip()[:300]
    # It ends with 0 all the same.
    if "not permitted" in complaint:
        raise PermissionError(f"connections on port {port} may not be reset: {complaint}")
    if process.returncode:
        raise OSError(f"ss ended with {process.returncode}: {complaint}")
