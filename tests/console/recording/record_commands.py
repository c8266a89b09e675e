"""Records what operators' own commands print, and the status that each ends with.

    RECORD=before python -m pytest -p no:randomly tests/console/recording/record_commands.py

All that a file's commands do is undone after it. Made again after a change and compared by
`diff -r`, the files show what a script would read otherwise. Not here: what cannot be undone
(`run`, `migrate`, `seed`, `usage_rebuild`, proofs by `ledger_*`).
"""

import shlex
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from pictor.management.commands.demo import NAMES
from tests.console.recording.conftest import record
from tests.console.recording.frozen import masked
from tests.console.recording.rows import objects

COMMANDS = {
    "tenant": """
        tenant create new --rpm 9 --ours [--json]
        tenant top-up {tenant} 5 --reference INV-7 [--json]
        tenant top-up {tenant} 5000 --reference INV-8
        tenant credit {tenant} 0.5 --reason so --words sorry [--json]
        key create {tenant} --name ci --rpm 3 --budget 5 --test [--json]
        key rotate {key} --overlap 1h [--json]
        key revoke {key} [--json]
        staff set finance-1@pictor.example support
        person set member-0@acme.example --name Ann --may-sign-in no
        person reset-mfa member-0@acme.example
        person rotate-mfa
        webhook rotate""",
    "channel": """
        channel list [--json]
        channel set one --weight 2
        channel set other --kind openai --base-url https://a.example --api-key k --models {model}
        channel enable other --untested
        channel reset other
        channel set other --api-key another
        channel test other --route x [--json]
        channel swap other --untested --yes [--json]
        channel discard other [--json]
        channel disable other --yes
        channel rotate""",
    "price": """
        price export
        price import - --name list [--json]
        price publish list:5 --yes [--json]
        price publish list:6 --yes [--json]""",
    "others": """
        stop {model} --reason so --words soon [--json]
        start {model} [--json]
        status --all [--json]
        ledger_seal
        ledger_head --kept [--json]
        generation redeliver {generation}
        demo [--json]
        demo --shell""",
}
"""By file, the commands of ../shared/ops.md §4; braces hold what the rows are about."""


@pytest.mark.parametrize("form", ["", "--json"])
@pytest.mark.parametrize("name", COMMANDS)
def test_record_of_commands(name, form, named, monkeypatch):
    for variable in NAMES:
        monkeypatch.setenv(variable, variable.lower())
    known, book = {part: several[0] for part, several in objects(named).items()}, StringIO()
    call_command("price", "export", stdout=book)
    with record(f"commands {name} {form}".rstrip()) as lines:
        for line in COMMANDS[name].format(**known).replace("[--json]", form).strip().splitlines():
            monkeypatch.setattr("sys.stdin", StringIO(book.getvalue()))
            out, err, status = StringIO(), StringIO(), 0
            try:
                call_command(*shlex.split(line), stdout=out, stderr=err)
            except CommandError as error:
                status, _ = error.returncode, err.write(str(error))
            lines += [line.strip(), masked(out.getvalue() + err.getvalue()), f"status {status}"]
