"""The program of docs/programs.md operates the running stack, as it stands there."""

import subprocess
import sys

from tests.stack.servers import ROOT, Stack

MADE = """
from datetime import timedelta
from accounts.models import User
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from pictor.kit.words import clock, ids

owner = User.objects.create_user("shop@pictor.example", staff_role="owner")
acts = ["tenant.create", "tenant.top_up", "key.create", "tenant.suspend"]
ends = clock.now() + timedelta(days=1)
terms = KeyTerms(["see", "money", "tenants"], acts=acts, ip_ranges=[], expires_at=ends)
by = {"actor": owner, "ip": None}
print(issue_operator_key(name="shop", terms=terms, once=ids.new_uuid(), now=clock.now(), by=by)[1])
"""


def test_a_shop_makes_a_tenant_and_its_key_reads_its_usage_and_suspends(
    stack: Stack,
) -> None:
    key = stack.manage("shell", "--command", MADE).stdout.split()[-1]
    text = (ROOT / "docs/programs.md").read_text(encoding="utf-8")
    program = text.partition("```python\n")[2].partition("```")[0]
    program = program.replace("ok-pictor-…", key).replace("https://pictor.example", stack.base_url)

    ran = subprocess.run(  # noqa: S603 (the program of our own document)
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.stderr == ""
    paid, used, suspended, shown = ran.stdout.splitlines()
    assert paid == "Book payment: $100.00. Shop 8 has $100.00 now"
    assert "'object': 'usage.bucket'" in used
    assert suspended == "Shop 8 suspended, reason mailed to 0 members"
    assert "'status': 'suspended'" in shown
    assert len(program.splitlines()) <= 40
