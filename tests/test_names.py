"""One name, one meaning: names that occur twice mean the same thing in both places.

They may name the same subject in an app's layers and on its pages, or the same port across apps.
Names given by Django or by a folder's pattern may occur anywhere. Commands are named as operators
type them, and the sandbox stands apart, as a vendor would. Functions that return a value to be run
are named by its kind.
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
    *("access", "acts", "edit", "ending", "finding", "forms", "listed", "one", "pages"),
    *("places", "rows", "seeking", "shown", "standing"),  # pages of a subject
}
SAME = {
    "accounts": "the app; in billing, tenants' accounts",
    "addresses": "addresses of servers that we call",
    "alerts": "notifications, by rule or by threshold",
    "api_keys": "API keys",
    "audit": "the audit log",
    "audit_events": "entries of the audit log on pages",
    "bills": "vendors' bills",
    "channels": "channels",
    "checks": "the checks of the ledger's proof, and their results",
    "complaints": "the subject of an upstream's refusal",
    "conditions": "problems that need a person",
    "console": "the console, and its template tags",
    "contracts": "models' contracts",
    "costs": "our costs of a channel's images",
    "deliveries": "webhook deliveries",
    "endpoints": "endpoints: ours under /v1, and customers' for webhooks",
    "exports": "lists and data as files",
    "filters": "the filters of a list",
    "findings": "findings of the ledger's proof",
    "forgetting": "deletion of data",
    "founding": "creation of a tenant",
    "generations": "generations",
    "heads": "the heads of the ledger's chains",
    "history": "the past of a channel or of the demo",
    "holdings": "the port through which apps export and erase a tenant's data",
    "incidents": "incidents announced to customers",
    "inputs": "reference images of a request",
    "invitations": "invitations to a workspace",
    "keys": "API keys",
    "kinds": "kinds of conditions",
    "ledger": "the ledger: the port, its rows, its proof, its pages",
    "lists": "the port through which the console writes long lists",
    "listing": "reads for lists",
    "members": "members of a workspace",
    "metrics": "the metrics at /metrics",
    "money": "money: its unit, its pages, its conditions",
    "moves": "money moves by staff, and their approval",
    "operator_keys": "keys of programs at /ops/v1/",
    "offer": "the operator's offer, and the port to it",
    "office": "what no request for an image loads of selectors and services",
    "payments": "payments by card",
    "people": "people who sign in",
    "periods": "spans of time",
    "playground": "requests made on a page",
    "price_lists": "price lists that tenants share",
    "price_stops": "confirmations of price changes",
    "prices": "price books",
    "pricing": "prices of requests",
    "proof": "the ledger's proof",
    "proofs": "results of the ledger's proofs",
    "refusals": "refused requests",
    "refused": "a refused request",
    "relations": "SQL relations for other apps' statements",
    "repricing": "new prices for a draft's rows",
    "requests": "requests: their bodies, and their traces",
    "revisions": "pending changes of a channel",
    "rotation": "rotation of secrets and of their encryption key",
    "routes": "routes of channels",
    "searching": "searches over generations and refused requests",
    "second_person": "what waits for a second person",
    "settings": "settings: of the installation, and of a workspace",
    "site": "the pages outside /v1, and the public ones among them",
    "sold": "sales by day",
    "statements": "monthly statements of a tenant",
    "storage": "stored images and their bytes",
    "sunsets": "ends of models",
    "supply": "the channels that serve us, and the port to their costs",
    "support": "support views of a workspace",
    "tenants": "tenants",
    "thumbnails": "small copies of images",
    "traffic": "channels' events and results of calls",
    "trials": "tests of routes",
    "uploads": "files in a page's form",
    "usage": "usage by hour",
    "web": "the HTTP layers, and their process",
    "webhooks": "webhooks",
    "whatif": "revenue at other prices",
    "wording": "conditions and rules in words",
}
SAME_CLASSES = {
    "Call": "a call to an upstream: to be made, or on a page",
    "CostTable": "a channel's table of costs, as a row and as a value",
    "LiveWorkers": "the port through which the probes ask for image workers",
    "Permission": "a permission of a role, in a console",
    "Event": "what happened, for who listens: ours to webhooks, or the payment provider's to us",
    "Ids": "ids to look by: of rows, or of a payment at its provider",
    "PriceList": "prices in force; the API's document has published this name",
    "Wire": "the calls of a protocol: an upstream's, or a bucket's",
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


def names_of_values() -> Iterator[str]:
    """Functions whose name does not end in the kind of value that they return unrun."""
    kinds = {"Statement": "_statement", "SqlPart": "_part", "RedisCommand": "_command"}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.returns:
                returned = {
                    each.id for each in ast.walk(node.returns) if isinstance(each, ast.Name)
                }
                ends = [end for kind, end in kinds.items() if kind in returned]
                if any(not node.name.removesuffix("s").endswith(end) for end in ends):
                    yield f"{dotted(path)}.{node.name}"


def test_a_function_is_named_by_the_statement_or_command_it_returns():
    assert list(names_of_values()) == []


@pytest.mark.parametrize(
    ("look", "same"),
    [(names_of_modules, SAME), (names_of_classes, SAME_CLASSES)],
    ids=["modules", "classes"],
)
def test_no_name_stands_for_two_things(look, same):
    found = look()

    assert {name: places for name, places in found.items() if name not in same} == {}
    assert set(same) - set(found) == set()
