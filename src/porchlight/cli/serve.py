"""`porchlight serve` and `porchlight worker`: the processes that run an installation."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
import uvicorn

from porchlight.cli.demo import prepare_demo
from porchlight.cli.session import console, prepared
from porchlight.demo.load import live
from porchlight.jobs.worker import run_worker
from porchlight.main import build, create_app

#: A socket server without compression and with the fast loop; see benchmarks/live.py for what each is worth.
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "ws_per_message_deflate": False,
    "access_log": False,
    "log_config": None,
    "proxy_headers": True,
    "timeout_graceful_shutdown": 10,  # a client that takes nothing in must not keep the server from ending
}


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help="Fill in a made-up brokerage and keep it alive.")] = False,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also run the background jobs, in a process beside.")
    ] = True,
) -> None:
    """Serve the pages, the API and the live feed."""
    found, at = prepared()
    runtime = build(found, at=at)
    sign_in = prepare_demo(runtime) if demo else None
    commands = (("worker",) if with_worker else ()) + (("demo-life",) if demo else ())
    helpers = [_beside(command) for command in commands]
    try:
        app = create_app(runtime)
        app.state.demo_sign_in = sign_in
        console.print(f"[bold]Porchlight[/] is at http://{host}:{port}, its API at http://{host}:{port}/docs")
        if sign_in is not None:
            console.print(f"Sign in as [bold]{sign_in.email}[/] with the password [bold]{sign_in.password}[/]")
        uvicorn.Server(uvicorn.Config(app, host=host, port=port, **SERVER)).run()
    finally:
        for process in helpers:
            process.terminate()
        for process in helpers:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)


def demo_life() -> None:
    """Keep the demo brokerage alive until stopped; `serve --demo` starts it."""
    _end_with_parent()
    found, at = prepared()

    async def main() -> None:
        runtime = build(found, at=at)
        try:
            await live(runtime)
        finally:
            await runtime.database.close()

    with suppress(KeyboardInterrupt):
        asyncio.run(main())


def worker(
    concurrency: Annotated[int, typer.Option(help="Jobs run at a time.", min=1, max=64)] = 4,
) -> None:
    """Run background jobs; any number of workers, on any number of machines."""
    _end_with_parent()
    found, at = prepared()

    async def main() -> None:
        runtime = build(found, at=at)
        try:
            await run_worker(runtime, concurrency=concurrency)
        finally:
            await runtime.database.close()

    asyncio.run(main())


_PARENT = "PORCHLIGHT_PARENT_PID"


def _beside(*command: str) -> subprocess.Popen[bytes]:
    """Run another of our commands as a process that ends with this one."""
    environment = {**os.environ, _PARENT: str(os.getpid())}
    return subprocess.Popen([sys.executable, "-m", "porchlight.cli", *command], env=environment)


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that started it, also when that one is killed."""
    parent = os.environ.get(_PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    import ctypes

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)
    if os.getppid() != int(parent):
        raise typer.Exit(0)
