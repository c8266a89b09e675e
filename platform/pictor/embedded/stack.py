"""A complete stack: its parts, their shared environment, and the order of their start."""

import os
from collections.abc import Callable, Sequence

from pictor.embedded.environment import (
    BUCKET,
    Embedded,
    add_cards,
    allow,
    base_environment,
)
from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.first_image import Customer
from pictor.embedded.kept_secrets import keep_secrets
from pictor.embedded.last_lines import show_first_image, show_welcome
from pictor.embedded.layout import Layout
from pictor.embedded.own_parts import Site
from pictor.embedded.part import StackPart
from pictor.embedded.ports import keep_ports
from pictor.embedded.postgres import Postgres
from pictor.embedded.postgres_place import find_place
from pictor.embedded.progress import Progress
from pictor.embedded.s3 import S3
from pictor.embedded.setup_mark import digest_of, is_marked, write_mark
from pictor.embedded.stack_record import write_record
from pictor.embedded.supervisor import Supervisor
from pictor.embedded.valkey import Valkey

PORTS = ("postgres", "valkey", "s3", "sandbox")
SETUP_SECONDS = 300.0
PICTURES_SECONDS = 120.0
MIGRATED = b"migrated"
"""Line that `manage.py seed --migrate` prints between migrations and seed."""
OWNERS = ("MIGRATION_DATABASE_URL", "MIGRATION_DATABASE_URL_FILE")


class Stack:
    """The parts of one run. `up` and `supervise` are called from the main thread."""

    def __init__(self, layout: Layout, progress: Progress) -> None:
        self.supervisor = Supervisor(
            run=layout.run, children_file=layout.data / "children.json", progress=progress
        )
        self._layout = layout
        self._progress = progress
        self._secrets = keep_secrets(layout.data / "secrets.json")
        taken = frozenset({layout.port})
        self._ports = keep_ports(layout.data / "ports.json", PORTS, reserved=taken)
        self._embedded = Embedded.of(os.environ)
        self._env = base_environment(layout, self._secrets)
        # Only for migrations and operator commands: no serving process gets the owner's URL.
        self._owner = {name: self._env.pop(name) for name in OWNERS if name in self._env}
        self._mark = layout.data / "setup.json"
        self._is_new = False

    def up(self) -> None:
        """Start everything in order and show the first image.

        Raises RuntimeProblem if a part does not become ready, Stopped if a signal arrives first.
        """
        self.start_servers()
        site = Site(layout=self._layout, env=self._env)
        # The first image would cost money in a database in use, which may have a vendor's channel.
        first, short = self._wants("PICTOR_FIRST_IMAGE"), site.short_worker()
        serving = [site.web(), site.image_worker()]
        self._set_up(site, meanwhile=serving if first else [*serving, short])
        self.supervisor.wait_ready()
        self.write_record()
        customer = self._customer()
        if first:
            show_first_image(self._progress, self.supervisor.meanwhile(customer.first_image))
            self.supervisor.begin([short])  # not needed for the first image
        has_key = self.supervisor.meanwhile(customer.is_let_in)
        show_welcome(self._progress, self._layout, self._env, has_key=has_key)
        if self._wants("PICTOR_DEMO_HISTORY"):
            self._paint_history(site)

    def start_servers(self) -> None:
        """Start PostgreSQL, Valkey, S3 and the sandbox upstream, each unless it is configured."""
        embedded = self._embedded
        self.supervisor.listen()
        if embedded.sandbox:  # it starts more slowly than the others, and is needed later
            self.supervisor.begin([self._sandbox()])
        makers: list[tuple[str, bool, Callable[[], StackPart]]] = [
            ("postgres", embedded.postgres, self._postgres),
            ("valkey", embedded.valkey, self._valkey),
            ("s3", embedded.s3, self._s3),
        ]
        for name, is_embedded in (*(maker[:2] for maker in makers), ("sandbox", embedded.sandbox)):
            if not is_embedded:
                self._progress.skipped(name, "configured in the environment")
        self.supervisor.start([make() for _, is_embedded, make in makers if is_embedded])

    def write_record(self) -> None:
        """Write the record, by which operator commands and tests find the stack."""
        write_record(self._layout.run, self._env | self._owner)

    def _postgres(self) -> StackPart:
        server = Postgres(
            place=find_place(self._layout.data),
            port=self._ports["postgres"],
            owner_password=self._secrets["postgres"],
            processes_password=self._secrets["postgres_processes"],
        )
        self._is_new = server.create()
        if self._is_new:
            self._mark.unlink(missing_ok=True)
        self._owner["MIGRATION_DATABASE_URL"] = server.owner_url
        self._env["DATABASE_URL"] = server.url
        return server.part()

    def _valkey(self) -> StackPart:
        server = Valkey(
            folder=self._layout.data / "valkey",
            port=self._ports["valkey"],
            password=self._secrets["valkey"],
        )
        self._env["REDIS_URL"] = server.url
        return server.part()

    def _s3(self) -> StackPart:
        server = S3(
            folder=self._layout.data / "s3",
            port=self._ports["s3"],
            key_id=self._secrets["s3_id"],
            secret=self._secrets["s3_secret"],
        )
        self._env |= {
            "S3_ENDPOINT_URL": server.url,
            "S3_BUCKET": BUCKET,
            "S3_CREDENTIALS": "keys",
            "S3_ACCESS_KEY_ID": server.key_id,
            "S3_SECRET_ACCESS_KEY": server.secret,
        }
        self._env.setdefault("S3_PUBLIC_ENDPOINT_URL", self._layout.base_url)
        return server.part()

    def _sandbox(self) -> StackPart:
        port = self._ports["sandbox"]
        self._env["SANDBOX_URL"] = f"http://127.0.0.1:{port}/v1"
        allow(self._env, f"127.0.0.1:{port}")
        cards = self._cards(f"http://127.0.0.1:{port}")
        return Site(layout=self._layout, env=self._env).sandbox(port, **cards)

    def _cards(self, sandbox: str) -> dict[str, str]:
        if self._env.get("PICTOR_CARDS") != "1":
            return {}
        secret = self._secrets["cards_webhook"]
        return add_cards(self._env, self._layout, sandbox=sandbox, secret=secret)

    def _set_up(self, site: Site, *, meanwhile: Sequence[StackPart]) -> None:
        """Migrate and seed, unless nothing has changed since the last setup; begin the parts."""
        digest = digest_of(self._layout.root, self._env)
        is_embedded = self._embedded.postgres and self._embedded.s3
        bucket = self._layout.data / "s3" / BUCKET
        if is_embedded and bucket.exists() and is_marked(self._mark, digest):
            self._progress.skipped("setup", "nothing has changed")
            self.supervisor.begin(meanwhile)
            return
        history = str(int(self._wants("PICTOR_DEMO_HISTORY")))
        seed = site.setup("seed", "--migrate", PICTOR_DEMO_HISTORY=history, **self._owner)
        step = self.supervisor.begin_step("seed", seed, seconds=SETUP_SECONDS)
        self.supervisor.wait_until_said(step, MIGRATED)
        # The parts need the seed only at the first request.
        self.supervisor.begin(meanwhile)
        self.supervisor.end_step(step)
        if not self._is_new:  # rows of a new database were sealed as they were written
            seal = site.setup("ledger_seal")
            self.supervisor.run_step("ledger_seal", seal, seconds=SETUP_SECONDS)
        write_mark(self._mark, digest)

    def _wants(self, name: str) -> bool:
        """True unless this is switched off: only in a new database, with our own sandbox."""
        return self._env.get(name) != "0" and self._is_new and self._embedded.sandbox

    def _customer(self) -> Customer:
        return Customer(
            host=self._layout.probe_host,
            port=self._layout.port,
            api_key=self._env["PICTOR_DEMO_API_KEY"],
        )

    def _paint_history(self, site: Site) -> None:
        """Make the images of the demo's history last; a failure is reported and ends nothing."""
        try:
            self.supervisor.run_step(
                "pictures", site.setup("demo", "pictures"), seconds=PICTURES_SECONDS
            )
        except RuntimeProblem as problem:
            self._progress.trouble(str(problem))
