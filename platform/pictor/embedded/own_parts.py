"""Pictor's own parts: setup, sandbox upstream, web, workers."""

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pictor.embedded.errors import INSTALL, RuntimeProblem
from pictor.embedded.layout import Layout
from pictor.embedded.part import Running, StackPart, answers_ok
from pictor.embedded.process import Command
from pictor.embedded.stack_record import ALSO_OURS, OURS

CELERY_READY = re.compile(rb"@[^@\s]+ ready\.")
WEB_STOP_SECONDS = 15.0
"""Time to stop: 10 s for open requests, 2 s for admission, 2 s for facts about callers."""
DRAIN_SECONDS = 12.0
"""Time to stop: a worker drains for 8 s (settings.DRAIN_SECONDS), then hands back the rest."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Pictor's own processes, all with the same environment."""

    layout: Layout
    env: Mapping[str, str]

    def setup(self, command: str, *arguments: str, **extra: str) -> Command:
        """Return `pictor COMMAND …`, for a step of the start."""
        return self._python("-m", "pictor", command, *arguments, **extra)

    def sandbox(self, port: int, **extra: str) -> StackPart:
        """Return the sandbox upstream on a loopback port. Raises RuntimeProblem without aiohttp."""
        if importlib.util.find_spec("aiohttp") is None:
            raise RuntimeProblem(f"The sandbox's server is not here: {INSTALL} or set SANDBOX_URL.")
        return StackPart(
            name="sandbox",
            role="sandbox",
            command=lambda: Command(
                argv=(
                    *(sys.executable, "-m", "sandbox"),
                    *("--host", "127.0.0.1", "--port", str(port)),
                ),
                env={**_as_a_stranger(self.env), **extra},
                cwd=self.layout.root,
            ),
            is_ready=lambda _running: answers_ok(port, "/healthz"),
            stop_seconds=3.0,
        )

    def web(self) -> StackPart:
        """Return the web process, the only one that speaks HTTP to customers."""
        layout = self.layout
        return StackPart(
            name="web",
            role="web",
            command=lambda: self._python("-m", "pictor", "web"),
            is_ready=lambda _running: answers_ok(layout.port, "/readyz", layout.probe_host),
            stop_seconds=WEB_STOP_SECONDS,
        )

    def image_worker(self) -> StackPart:
        """Return the image worker. It starts first, so it leads its list in `pids.json`."""
        return self._worker("worker", "images")

    def short_worker(self) -> StackPart:
        """Return the short-work worker: reaper and hourly work, with the beat inside."""
        return self._worker("short", "short")

    def _worker(self, name: str, queue: str) -> StackPart:
        return StackPart(
            name=name,
            role="worker",
            command=lambda: self._python("-m", "pictor", "worker", queue, PICTOR_ROLE=name),
            is_ready=_is_consuming,
            stop_seconds=DRAIN_SECONDS,
        )

    def _python(self, *arguments: str, **extra: str) -> Command:
        return Command(
            argv=(sys.executable, *arguments), env={**self.env, **extra}, cwd=self.layout.root
        )


def _as_a_stranger(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without our variables: a vendor's server has none of our secrets."""
    return {
        name: value
        for name, value in env.items()
        if not name.startswith(OURS) and name not in ALSO_OURS
    }


def _is_consuming(running: Running) -> bool:
    """True if Celery's log says that it reads its queue."""
    return CELERY_READY.search(running.output()) is not None
