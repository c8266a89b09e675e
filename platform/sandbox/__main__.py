"""`python -m sandbox --host 127.0.0.1 --port 9000`: serve until SIGTERM or SIGINT.

Prints nothing; logs to standard error, first the address (port 0 takes a free one).
"""

import argparse
import asyncio
import logging
import resource
import signal
import sys
from typing import Final

import uvloop
from aiohttp import web

from sandbox import app

_BACKLOG: Final = 4096
"""Connections the system may hold before we accept them: thousands come at the same moment."""

_SHUTDOWN_SECONDS: Final = 0.2

logger = logging.getLogger("sandbox")


def main() -> None:
    """Run the server; the exit code is 1 where the port cannot be had."""
    parser = argparse.ArgumentParser(prog="sandbox", description="The sandbox upstream.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free port")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    _raise_open_files_limit()
    try:
        uvloop.run(serve(host=options.host, port=options.port))
    except OSError as error:
        sys.exit(f"sandbox: cannot listen on {options.host} port {options.port}: {error.strerror}")


async def serve(*, host: str, port: int) -> None:
    """Serve until a signal asks to stop; requests still running then are dropped."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        app.create(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        address = runner.addresses[0]
        logger.info("listening on http://%s:%s", address[0], address[1])
        await stop.wait()
    finally:
        await runner.cleanup()


def _raise_open_files_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):  # some systems report a limit that they then refuse
        logger.warning("the limit of open files could not be raised")


if __name__ == "__main__":
    main()
