"""Help of `manage.py`, and its errors about an unusable database."""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.stack.servers import ROOT, Stack, bare_environment

PICTORS = """\

Type 'manage.py help <subcommand>' for help on a specific subcommand.

Pictor's:
    alert           Print alert rules and their recipients; change, test and switch them.
    changepassword  Give a person another password.
    channel         Create, change, switch, test and list channels.
    cost_correct    Correct the cost of calls by lines of a vendor's bill, each once.
    demo            Print address, API key and sign-in of the running demo; remove its demo data.
    do              Do what the operator's console does.
    generation      Show a generation, or send its message again.
    incident        Inform customers about an incident or maintenance, or print what is published.
    key             Create or rotate an API key (shown once), list a tenant's keys, or revoke one.
    ledger_check    Prove the ledger against itself and the generations.
    ledger_head     Print the heads of the ledger at a day's end, signed; or prove a file of them.
    ledger_seal     Seal entries from before the ledger had a chain of seals.
    list            Print what the operator's console lists.
    margin          Show revenue, cost and margin by tenant, model, channel, price cell or in total.
    migrate         Run the migrations, then let the processes' role use the tables.
    model           List, show, change, copy and end models.
    money           Show, approve or decline moves of money that need a second person.
    person          Change a person, reset a second factor, end sessions, or re-encrypt factors.
    price           List, import, change, compare, publish, withdraw and restore price books.
    reconcile       Match a vendor's bill with our books; show its lines.
    run             Start a complete Pictor here.
    seed            Create missing contracts, prices, bucket and demo account.
    staff           List staff, give somebody a staff role, or take it away.
    start           Resume what was stopped.
    status          Print open conditions; assign, silence or accept them.
    stop            Stop new work for a model, a tenant or everything; print the stops.
    support         List support views of tenants, or end one.
    tenant          Create, show, credit, limit, export or erase tenants.
    usage_rebuild   Recount hourly usage and daily sales.
    webhook         Re-encrypt the secrets of webhook endpoints with the newest key.

Processes, for production (docs/operations/install.md):
    web                  Serve HTTP on PORT.
    worker images|short  Make images; or do the short work.
    health ROLE          Check the health of a process: web, images or short.

Django's:

[account]
    account_unsetmultipleprimaryemails

[auth]
    createsuperuser
"""


@pytest.fixture(scope="module")
def shown(stack: Stack) -> subprocess.CompletedProcess[str]:
    """Output of `manage.py help`."""
    return stack.manage("help")


def test_pictors_commands_come_first_with_a_line_each(shown):
    assert shown.stdout.startswith(PICTORS)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_djangos_commands_follow_as_django_lists_them(shown):
    djangos = shown.stdout.partition("Django's:")[2]

    assert "\n[staticfiles]\n    collectstatic\n    findstatic\n    runserver\n" in djangos
    assert "channel" not in djangos.split()


def test_no_command_at_all_asks_for_help(stack, shown):
    assert stack.manage().stdout == shown.stdout


def test_the_words_for_shells_stay_a_plain_list(stack):
    words = stack.manage("help", "--commands").stdout.splitlines()

    assert {"channel", "migrate", "run", "tenant"} <= set(words)
    assert not any(" " in word for word in words)


@pytest.mark.parametrize(
    "words",
    [["tenant", "list"], ["channel", "list"], ["ledger_check"], ["seed"], ["key", "list", "acme"]],
    ids=" ".join,
)
def test_a_database_that_was_never_migrated_is_named_in_a_line(words):
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()

    said = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    (line,) = said.stderr.splitlines()
    assert line.startswith("The database lacks migrations; run `migrate`: relation ")
    assert (said.returncode, said.stdout) == (1, "")


TALKATIVE = (
    "help", "channel explain gpt-image-2", "demo", "key list demo", "ledger_check", "ledger_head",
    "list audit", "price list", "tenant show demo",
)  # fmt: skip
"""One reading action of each command that has one."""


def test_a_pipe_that_closes_early_ends_any_command_without_a_word(stack):
    read, write = os.pipe()
    os.close(read)

    with open(write, "wb") as pipe:  # noqa: PTH123 - what is open already
        begun = {
            words: subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "manage.py", *words.split()],
                cwd=ROOT,
                env={**bare_environment(), "PICTOR_RUN_DIR": str(stack.run_dir)},
                stdout=pipe,
                stderr=subprocess.PIPE,
                text=True,
            )
            for words in TALKATIVE
        }
        said = {words: one.communicate(timeout=120)[1] for words, one in begun.items()}

    assert said == dict.fromkeys(TALKATIVE, "")
    ended = {words: one.returncode for words, one in begun.items()}
    assert ended == dict.fromkeys(TALKATIVE, 128 + signal.SIGPIPE)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["web"], "PORT must be a number from 1 to 65535, not ''."),
        (["worker"], "usage: pictor worker images|short"),
        (["worker", "long"], "usage: pictor worker images|short"),
        (
            ["worker", "short"],
            "Each worker needs its own PICTOR_DATA folder: docs/operations/settings.md.",
        ),
        (["health", "database"], "usage: pictor health web|images|short"),
    ],
    ids=str,
)
def test_a_process_that_is_not_asked_for_rightly_says_so_in_a_line(words, line):
    said = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "pictor", *words],
        cwd=ROOT,
        env={**bare_environment(), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    (written,) = said.stderr.splitlines()
    assert line in written  # a server logs a line instead
    assert (said.returncode, said.stdout) == (1, "")
