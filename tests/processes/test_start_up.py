"""Imports of a process: an operator's command has few, a server all that it will need.

Names are compared, not seconds: an unneeded module that comes back fails here on a fast machine
too.
"""

import re
import subprocess
import sys

import pytest

from tests.fakes.token_services import nothing_else, session
from tests.stack.servers import ROOT, Stack, bare_environment

SERVERS_ALONE = frozenset(
    {
        *("PIL", "boto3", "botocore", "celery", "drf_spectacular.openapi", "kombu", "pyvips"),
        *("redis", "rest_framework.serializers", "rest_framework.views", "uvicorn"),
        *("generation.pipeline", "pictor.urls"),
    }
)
"""Modules that take long to import and that no operator's command needs."""
ADAPTER = re.compile(r"generation\.channels\.\w+\.adapter")

TELL = "import atexit, sys; atexit.register(lambda: print('\\n', *sys.modules))"
COMMAND = f"{TELL}; import manage; sys.argv = ['manage.py', *sys.argv[1:]]; manage.main()"
WEB = f"{TELL}; import pictor.asgi"
WORKER = f"""{TELL}
import importlib, sys
from celery.app.utils import find_app
from pictor.processes.worker_step import PARTS
app = find_app("pictor.celery")
worker = app.Worker(hostname="worker@here", pool_cls="threads", quiet=True, queues=[sys.argv[1]])
for name in PARTS[sys.argv[1]]:
    importlib.import_module(name)
"""


def ran(stack: Stack, code: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the code in a process of its own; never raises."""
    return subprocess.run(  # noqa: S603 (our own command line)
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env={**bare_environment(), **stack.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def imported(stack: Stack, code: str, *words: str, **env: str) -> set[str]:
    """Every module that the code has imported at its end."""
    return set(ran(stack, code, *words, **env).stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (("tenant", "credit", "nobody", "1", "--reason", "test"), "accounts.services.office"),
        (("key", "create", "nobody"), "accounts.services.office"),
        (("ledger_check",), "generation.oversight.ledger.proof"),
    ],
)
def test_a_command_imports_nothing_that_only_servers_need(stack, words, module):
    modules = imported(stack, COMMAND, *words)

    assert module in modules
    assert modules & {*SERVERS_ALONE, "cryptography", "httpx"} == set()


def test_the_channels_are_listed_without_what_calls_them(stack):
    modules = imported(stack, COMMAND, "channel", "list")

    assert "generation.catalogue.services" in modules
    assert [name for name in modules if ADAPTER.fullmatch(name)] == []
    assert modules & {*SERVERS_ALONE, "httpx"} == set()


@pytest.fixture(scope="module")
def in_web(stack: Stack) -> set[str]:
    """Every module that a web process has imported before its first request."""
    return imported(stack, WEB)


def test_the_web_process_has_all_of_the_api_before_the_first_request_and_no_page(in_web):
    assert in_web >= {"generation.api.views", "accounts.api.keys", "webhooks.api.endpoints"}
    pages = {"pictor.urls", "console.ops.urls", "drf_spectacular.generators"}
    assert in_web & {*pages, "pictor.celery", "fido2"} == set()


@pytest.fixture(scope="module")
def in_images(stack: Stack) -> set[str]:
    """Every module that an image worker has imported before its first task."""
    return imported(stack, WORKER, "images")


def test_the_storage_wire_is_imported_at_the_start_without_boto3(in_web, in_images):
    assert "storage.wire" in in_web & in_images
    assert not (in_web | in_images) & {"boto3", "botocore"}


SERVERS = {"web": [WEB], "images": [WORKER, "images"], "short": [WORKER, "short"]}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_has_what_a_chain_finds_at_its_start_and_no_boto3(stack, server, tmp_path):
    env = {**nothing_else(tmp_path), **session("AKIAEXAMPLE"), "S3_CREDENTIALS": "chain"}

    modules = imported(stack, *SERVERS[server], **env)

    assert "storage.credential_chain" in modules
    assert "boto3" not in modules


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_does_not_start_where_a_chain_finds_nothing(stack, server, tmp_path):
    env = {**nothing_else(tmp_path), "S3_CREDENTIALS": "chain"}

    ended = ran(stack, *SERVERS[server], **env)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "S3_CREDENTIALS=chain: botocore's chain finds no credentials."
        " See docs/operations/install.md."
    )


def test_the_embedded_server_has_its_own_keys_whatever_is_set(stack):
    assert stack.env["S3_CREDENTIALS"] == "keys"


def test_a_worker_of_the_short_queue_has_no_pages_and_nothing_that_images_go_through(stack):
    in_short = imported(stack, WORKER, "short")

    assert in_short >= {"generation.tasks", "generation.background.reaper", "webhooks.sender"}
    through = {"generation.dispatch.service", "generation.background.worker", "PIL", "pyvips"}
    pages = {"pictor.urls", "console.urls", "drf_spectacular.plumbing", "fido2"}
    assert in_short & {*through, *pages} == set()


def test_an_image_worker_has_no_pages(in_images):
    assert "generation.dispatch.service" in in_images
    assert in_images & {"pictor.urls", "drf_spectacular.plumbing", "fido2"} == set()
