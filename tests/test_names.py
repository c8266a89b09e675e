"""One name, one meaning: names that occur twice mean the same thing in both places.

They may name the same subject in an app's layers and on its pages, or the same port across apps.
Names given by Django or by a folder's pattern may occur anywhere. Commands are named as operators
type them, and the sandbox stands apart, as a vendor would.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("accounts", "billing", "generation", "storage", "webhooks", "platform")
APART = {"migrations", "commands", "sandbox"}
OF_DJANGO = {"admin", "api", "apps", "management", "models", "tasks", "urls", "views"}
OF_A_PATTERN = {
    *("selectors", "service", "services", "rules", "locks", "base", "wire"),  # layers
    *("bodies", "errors", "objects", "retry", "signing"),  # parts of an API or of a protocol
    *("adapter", "kind"),  # of a vendor
    *("access", "edit", "ending", "finding", "forms", "listed", "one", "pages"),
    *("places", "rows", "seeking", "shown", "standing"),  # pages of a subject
}
SAME = {
    "accounts": "the app, and billing's accounts of tenants in it",
    "addresses": "addresses of others' servers that we call",
    "alerts": "rules by which somebody is told",
    "api_keys": "API keys",
    "audit": "the audit log",
    "audit_events": "events of the audit log, as pages tell them",
    "audit_log": "the audit log, read",
    "bills": "vendors' bills",
    "calls": "a call as code that makes it",
    "channels": "channels",
    "checks": "the statements that prove the ledger, and how they ended",
    "complaints": "what a refusal is about",
    "conditions": "what needs a person",
    "console": "the console, and its tags in templates",
    "contracts": "models' contracts",
    "costs": "what a channel's images cost us",
    "deciding": "what becomes of a draft or of a bill's lines",
    "deliveries": "deliveries of webhooks",
    "endpoints": "what is made of endpoints: ours under /v1, and customers' of webhooks",
    "exports": "lists as files",
    "filters": "what a list is filtered by",
    "findings": "what the proof of the ledger finds",
    "forgetting": "what is deleted in time, and how",
    "founding": "a new tenant",
    "generations": "generations",
    "heads": "the heads of the ledger's chains",
    "history": "what has been",
    "holdings": "the port by which apps export and erase what they keep of tenants",
    "incidents": "what customers are told of what goes wrong",
    "inputs": "reference images of a request",
    "invitations": "invitations to a workspace",
    "keys": "API keys",
    "kinds": "kinds of conditions",
    "ledger": "the ledger: the port, its rows, its proof, its pages",
    "lists": "the port by which the console writes long lists",
    "listing": "reads for lists",
    "members": "members of a workspace",
    "metrics": "what /metrics says",
    "money": "money: its unit, its pages, its conditions",
    "moves": "money that waits for a second person",
    "offer": "what the operator offers, and the port by which it is asked",
    "people": "people who sign in",
    "periods": "spans of time",
    "playground": "requests made on a page",
    "price_lists": "price lists that tenants share",
    "price_stops": "what has to be typed before a book comes into force",
    "prices": "price books",
    "pricing": "prices of requests",
    "proof": "the proof of the ledger",
    "proofs": "how the proofs of the ledger ended",
    "refusals": "requests that were refused",
    "refused": "a request that was refused",
    "relations": "SQL for the statements of other apps",
    "repricing": "a book made of another one",
    "requests": "a request, as it came",
    "revisions": "a channel as it is to be",
    "rotation": "secrets under the newest key",
    "routes": "routes of channels",
    "searching": "how generations are looked for",
    "settings": "settings: of the installation, and of a workspace",
    "site": "what needs no sign-in",
    "sold": "what was sold, by the day",
    "staff": "those who run the installation",
    "statements": "a tenant's month",
    "storage": "what is stored",
    "sunsets": "models that end",
    "supply": "what serves us, and the port by which its cost is asked",
    "support": "support views of a workspace",
    "tenants": "tenants",
    "thumbnails": "small pictures of a generation",
    "traffic": "how calls to channels go",
    "trials": "tests of routes",
    "uncharged": "what calls cost that nobody is charged for",
    "uploads": "files of a page's form",
    "usage": "usage by the hour",
    "web": "what speaks HTTP, and its process",
    "webhooks": "webhooks",
    "whatif": "what a book would have brought",
    "wording": "conditions and rules in words",
}
SAME_CLASSES = {
    "CostTable": "a channel's table of costs, as a row and as a value",
    "DollarsField": "an amount in dollars, typed",
    "LiveWorkers": "the port by which the probes ask for image workers",
    "Permission": "what a role may do, in a console",
    "PriceList": "prices in force; the API's document has published this name",
}


def modules() -> Iterator[Path]:
    """All of our modules but those that stand apart."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not APART & set(path.parts):
                yield path


def dotted(path: Path) -> str:
    """The name by which a module is imported."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removeprefix("platform.").removesuffix(".__init__")


def twice(found: dict[str, set[str]]) -> dict[str, list[str]]:
    """Names with more than one place."""
    return {name: sorted(places) for name, places in sorted(found.items()) if len(places) > 1}


def names_of_modules() -> dict[str, list[str]]:
    """Basenames of modules and packages that occur twice, except those of a pattern."""
    found = defaultdict(set)
    for path in modules():
        name = dotted(path)
        if (last := name.rpartition(".")[2]) not in {"__main__", *OF_DJANGO, *OF_A_PATTERN}:
            found[last].add(name)
    return twice(found)


def names_of_classes() -> dict[str, list[str]]:
    """Names that two or more public classes have."""
    found = defaultdict(set)
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(dotted(path))
    return twice(found)


@pytest.mark.parametrize(
    ("look", "same"),
    [(names_of_modules, SAME), (names_of_classes, SAME_CLASSES)],
    ids=["modules", "classes"],
)
def test_no_name_stands_for_two_things(look, same):
    found = look()

    assert {name: places for name, places in found.items() if name not in same} == {}
    assert set(same) - set(found) == set()
