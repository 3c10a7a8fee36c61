"""`faultline dashboard`: a port of this machine to the dashboard in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from faultline.cli.base import ContextOption, Output, OutputOption, console, emit

if TYPE_CHECKING:
    from faultline.cli._cluster import Cluster

PORT = 8088
IN_POD = 8080
SYNC_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(dashboard)


def dashboard(
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="FAULTLINE_DASHBOARD_PORT", help="of this machine; 0: any")
    ] = PORT,
    output: OutputOption = Output.TEXT,
    context: ContextOption = None,
) -> None:
    """Open a way to the dashboard: catalogue, lessons, live labs, runs. It stays until Ctrl-C.

    Pods may restart meanwhile. Your progress on this machine and the dashboard's are kept the same.
    """
    import asyncio

    from faultline.cli import _progress
    from faultline.cli._cluster import Cluster
    from faultline.errors import NotReady
    from faultline.names import SYSTEM_NAMESPACE

    cluster = Cluster.open(context)
    if cluster.get(f"/apis/apps/v1/namespaces/{SYSTEM_NAMESPACE}/deployments/dashboard") is None:
        raise NotReady("FL318", f"the cluster {cluster.context} has no dashboard", "make up")
    _progress.sync(cluster)
    asyncio.run(_serve(cluster, port, output))


async def _serve(cluster: Cluster, port: int, output: Output) -> None:
    import asyncio

    from faultline.cli._forward import Forward, stream_of
    from faultline.names import SYSTEM_NAMESPACE

    async with stream_of(cluster) as kube:
        forward = Forward(kube, SYSTEM_NAMESPACE, "dashboard", IN_POD, lambda text: console.print(f"[dim]{text}[/]"))
        server = await forward.listen(port)
        url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        console.print(f"the dashboard: [bold cyan]{url}[/]  (Ctrl-C ends this; labs and runs go on)")
        emit({"url": url}, output)
        async with server:
            try:
                await asyncio.gather(server.serve_forever(), _keep_progress(cluster))
            finally:
                # Ctrl-C: what was done in the last seconds counts, too.
                _sync_if_possible(cluster)


async def _keep_progress(cluster: Cluster) -> None:
    """Merge what commands and what the dashboard put on record."""
    import asyncio

    said = ""
    while True:
        await asyncio.sleep(SYNC_SECONDS)
        problem = await asyncio.to_thread(_sync_if_possible, cluster)
        if problem and problem != said:
            console.print(f"[dim]the progress is not merged at the moment: {problem}[/]")
        said = problem


def _sync_if_possible(cluster: Cluster) -> str:
    """Merge once; why it could not be done, if it could not."""
    from faultline.cli import _progress
    from faultline.errors import FaultlineError

    try:
        _progress.sync(cluster)
    except FaultlineError as error:
        return error.message
    return ""
