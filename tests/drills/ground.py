"""The base of every drill: servers of its own, nginx with our file, and production sites.

A site is the set of processes in docs/operations/install.md: two web processes, two image workers
and two short-work workers, with the commands of deploy/systemd and nothing of `make run` in their
environment.
"""

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from pictor.embedded.kept_secrets import keep_secrets
from pictor.embedded.own_parts import CELERY_READY
from pictor.embedded.part import StackPart, answers_ok
from pictor.embedded.ports import free_port
from pictor.embedded.process import Command
from pictor.embedded.s3 import S3
from pictor.embedded.valkey import Valkey
from tests.deploy.proxies import BUCKET, SITE, Proxy
from tests.deploy.proxies import running as proxy_running
from tests.drills.clusters import Cluster, new_cluster
from tests.drills.units import Unit, Units
from tests.stack.servers import ROOT, bare_environment, python_of
from tests.stack.stack_processes import until

KINDS = ("web", "images", "short")
EACH = 2
"""Processes of each kind."""
STOP_SECONDS = {"web": 15.0, "images": 490.0, "short": 60.0}
"""TimeoutStopSec of deploy/systemd."""
ROLES = {"web": "", "images": "worker", "short": "short"}
STARTS = {
    "web": ("pictor", "web"),
    "images": ("pictor", "worker", "images"),
    "short": ("pictor", "worker", "short"),
}
"""The module that starts each kind, and its arguments."""
STARTS_OF_9FB68FC = {
    "web": ("pictor.runtime.web",),
    "images": ("pictor.runtime.celery_worker", "images"),
    "short": ("pictor.runtime.celery_worker", "short"),
}
"""The same in the version before this one, which has no command `pictor`."""
COMMAND_SECONDS = 300.0
REFUSAL_SECONDS = 30.0
CHANNEL = "upstream"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Servers that all drills share, and the address of a site."""

    folder: Path
    units: Units
    cluster: Cluster
    postgres: Unit
    valkey: Unit
    s3: S3
    upstream_url: str
    proxy: Proxy
    web_ports: tuple[int, ...]
    env: dict[str, str]
    """Variables of every process, from deploy/pictor.env.example."""

    def calls(self) -> int:
        """Calls that the upstream has got since it was started."""
        stats = httpx.get(f"{self.upstream_url}/__stats", trust_env=False, timeout=30)
        return int(stats.json()["requests"])

    def manage(
        self, *arguments: str, of: Cluster | None = None, root: Path = ROOT, **env: str
    ) -> str:
        """Standard output of `manage.py ARGUMENTS`; raises RuntimeError with its errors."""
        there = {"DATABASE_URL": of.url} if of else {}
        done = subprocess.run(  # noqa: S603 - our own command line
            [python_of(root), "manage.py", *arguments],
            cwd=root,
            env=self.environment(root, **there, **env),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def seed(self, cluster: Cluster) -> None:
        """Migrate and seed a database, and set up a channel to the upstream."""
        self.manage("seed", "--migrate", of=cluster, MIGRATION_DATABASE_URL=cluster.owner_url)
        address = ("--base-url", f"{self.upstream_url}/v1", "--api-key", "sk-drills")
        self.manage("channel", "set", CHANNEL, *address, of=cluster)
        self.manage("channel", "enable", CHANNEL, "--untested", of=cluster)

    def environment(self, root: Path, **more: str) -> dict[str, str]:
        """The environment of a process that runs a checkout's code."""
        paths = f"{root}:{root / 'platform'}"
        return {**bare_environment(), **self.env, "PYTHONPATH": paths, **more}

    def refusal(self, kind: str, **env: str) -> tuple[int, str]:
        """Exit status and output of a process that must end at its start; 0 if it serves."""
        own = {"PORT": str(self.web_ports[0]), "PICTOR_ROLE": ROLES[kind], **env}
        try:
            done = subprocess.run(  # noqa: S603 - our own command line
                [sys.executable, "-m", *STARTS[kind]],
                cwd=ROOT,
                env=self.environment(ROOT, **own),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=REFUSAL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 0, "it serves"
        return done.returncode, done.stdout

    def log(self, name: str) -> Path:
        """A log file for a program of a drill."""
        return self.folder / "log" / f"{name}.log"

    @contextmanager
    def site(
        self, *, cluster: Cluster | None = None, root: Path = ROOT, **env: str
    ) -> "Iterator[Site]":
        """Run a site for as long as the block lasts.

        Args:
            cluster: its database; the shared one unless named.
            root: the checkout whose code its processes run.
            env: more of their environment.
        """
        where = cluster or self.cluster
        site = Site(self, where, {"DATABASE_URL": where.url, **env})
        try:
            for kind in KINDS:
                site.units[kind] = self.units.start(*site.parts(kind, root, {}))
            yield site
        except BaseException:
            self.units.forget(*site.all_units())
            raise
        self.units.remove(*site.all_units())


@dataclass
class Site:
    """The processes, by kind."""

    ground: Ground
    cluster: Cluster
    env: dict[str, str]
    units: dict[str, list[Unit]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def renew(self, kind: str, *, root: Path = ROOT, **env: str) -> None:
        """Restart the processes of a kind in turn, perhaps with other code or environment."""
        for number, part in enumerate(self.parts(kind, root, env)):
            old = self.units[kind][number]
            self.ground.units.remove(old)
            (self.units[kind][number],) = self.ground.units.start(part)

    def all_units(self) -> list[Unit]:
        """Processes of every kind."""
        return [unit for kind in KINDS for unit in self.units[kind]]

    def storage(self) -> bool | None:
        """The storage field of `/readyz`: whether all image workers can store."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.ground.web_ports[0]}/readyz", trust_env=False, timeout=30
        )
        found: bool | None = answer.json()["storage"]
        return found

    def is_storing(self) -> None:
        """Wait until all image workers can store."""
        until(lambda: self.storage() is True, 30)

    def parts(self, kind: str, root: Path, env: dict[str, str]) -> list[StackPart]:
        """The parts from which a kind's processes are started."""
        return [self._part(kind, number, root, env) for number in range(EACH)]

    def _part(self, kind: str, number: int, root: Path, env: dict[str, str]) -> StackPart:
        name, port = f"{kind}-{number + 1}", self.ground.web_ports[number]
        own = {"PORT": str(port)} if kind == "web" else {"PICTOR_ROLE": ROLES[kind]}
        has_command = (root / "platform/pictor/__main__.py").exists()
        starts = STARTS if has_command else STARTS_OF_9FB68FC
        command = Command(
            argv=(python_of(root), "-m", *starts[kind]),
            env=self.ground.environment(
                root,
                **{**self.env, **own, "PICTOR_DATA": str(self.ground.folder / name), **env},
            ),
            cwd=root,
        )
        return StackPart(
            name=name,
            role=kind,
            command=lambda: command,
            is_ready=(
                (lambda _: answers_ok(port, "/readyz"))
                if kind == "web"
                else (lambda running: CELERY_READY.search(running.output()) is not None)
            ),
            stop_seconds=STOP_SECONDS[kind],
        )


@contextmanager
def fresh_ground() -> "Iterator[Ground]":
    """Servers in a temporary folder; everything is ended and removed with the block."""
    with ExitStack() as stack:
        folder = stack.enter_context(_temporary_folder())
        units = stack.enter_context(Units(folder / "log"))
        ports: tuple[int, ...] = ()
        for _ in range(5):
            ports += (free_port(frozenset(ports)),)
        valkey_port, s3_port, upstream_port, *web_ports = ports
        kept = keep_secrets(folder / "secrets.json")
        cluster = new_cluster(folder, "postgres")
        valkey = Valkey(folder=folder / "valkey", port=valkey_port, password=kept["valkey"])
        s3 = S3(folder=folder / "s3", port=s3_port, key_id=kept["s3_id"], secret=kept["s3_secret"])
        parts = cluster.part(), replace(valkey.part(), name="valkey"), s3.part()
        postgres, broker, *_ = units.start(*parts, _upstream(upstream_port))
        ground = Ground(
            folder=folder,
            units=units,
            cluster=cluster,
            postgres=postgres,
            valkey=broker,
            s3=s3,
            upstream_url=f"http://127.0.0.1:{upstream_port}",
            proxy=stack.enter_context(
                proxy_running(
                    "nginx",
                    folder / "nginx",
                    upstreams={
                        "8001": web_ports[0],
                        "8002": web_ports[1],
                        "9000": s3_port,
                    },
                )
            ),
            web_ports=tuple(web_ports),
            env={
                **{name: value for name, value in kept.items() if name.isupper()},
                "DATABASE_URL": cluster.url,
                **_environment(folder, valkey, s3, upstream_port),
            },
        )
        ground.seed(cluster)
        yield ground


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pictor-drills-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o711)  # PostgreSQL's account must get in
        yield folder


def _upstream(port: int) -> StackPart:
    argv = (sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port))
    env = {**bare_environment(), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    return StackPart(
        name="upstream",
        role="upstream",
        command=lambda: Command(argv=argv, env=env, cwd=ROOT),
        is_ready=lambda _: answers_ok(port, "/healthz"),
    )


def _environment(folder: Path, valkey: Valkey, s3: S3, upstream_port: int) -> dict[str, str]:
    return {
        "ALLOWED_HOSTS": SITE,
        "PICTOR_TRUSTED_PROXIES": "127.0.0.1",
        "PICTOR_METRICS_TOKEN": secrets.token_urlsafe(24),
        "PICTOR_STATIC_ROOT": str(folder / "static"),
        "PICTOR_DATA": str(folder / "command"),
        "REDIS_URL": valkey.url,
        "S3_ENDPOINT_URL": s3.url,
        "S3_PUBLIC_ENDPOINT_URL": f"https://{BUCKET}",
        "S3_BUCKET": "pictor",
        "S3_ACCESS_KEY_ID": s3.key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret,
        "PICTOR_EGRESS_ALLOW": f"127.0.0.1:{upstream_port}",
        "MALLOC_ARENA_MAX": "1",
    }
