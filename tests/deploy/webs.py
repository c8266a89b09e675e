"""Web processes of production beside the running stack: a proxy's two upstreams."""

import signal
import subprocess
import sys
from dataclasses import dataclass

import httpx

from tests.deploy.proxies import BUCKET, SITE
from tests.stack.servers import Stack, bare_environment
from tests.stack.stack_processes import until

PROXY = "127.0.0.1"


@dataclass
class Web:
    """`pictor web`, started as docs/operations/install.md does."""

    stack: Stack
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, and return once it is ready."""
        env = {
            **bare_environment(),
            **self.stack.env,
            "PICTOR_EMBEDDED": "0",
            "PICTOR_HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LOG_LEVEL": "ERROR",
            "ALLOWED_HOSTS": SITE,
            "PICTOR_TRUSTED_PROXIES": PROXY,
            "S3_PUBLIC_ENDPOINT_URL": f"https://{BUCKET}",
        }
        command = [sys.executable, "-m", "pictor", "web"]
        self.process = subprocess.Popen(command, cwd=self.stack.root, env=env)  # noqa: S603 - our own
        until(self._is_ready)

    def stop(self) -> None:
        """Send SIGTERM, as a process manager does."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(15) == -signal.SIGTERM

    def restart(self) -> None:
        """Restart it, and return once it is ready."""
        self.stop()
        self.start()

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).is_success
        except httpx.HTTPError:
            return False
