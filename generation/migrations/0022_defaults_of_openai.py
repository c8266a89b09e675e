"""What OpenAI's clients take for granted: base64 from gpt-image models, and `auto` as a quality.

A contract that an operator has changed stays as it is; `seed` touches none that is there.
"""

import hashlib
import json
from typing import Any

from django.db import migrations

TERMS = (
    "sizes", "accepts_auto", "default_size", "qualities", "quality_default", "quality_aliases",
    "prompt_max_chars", "max_n", "response_format_default", "is_exact", "tasks",
)  # fmt: skip
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "dall-e-3": (
        "896c2a2c150fbab42b287f923a6073589e715aa89d9c78b4aedd6b785a3d0de8",
        {"quality_aliases": {"auto": "standard"}},
    ),
    "gpt-image-2": (
        "896b056803f563f5f2a7240886ef5829175bd809f33476208898274fb1a725e8",
        {"response_format_default": "b64_json"},
    ),
    "gpt-image-2-pro": (
        "6c897f5c860141ec123697c341708da17ac9eb3beec4ee86b50a66d685cd92b7",
        {"response_format_default": "b64_json"},
    ),
    "gpt-image-2-auto": (
        "68c3d2544573706235ce039f5d569ab5a573df21613d08ce4dc9f117621de6f0",
        {"response_format_default": "b64_json"},
    ),
}
"""By model: the digest of its terms as they were seeded, and what becomes of them."""


def digest_of(terms: dict[str, Any]) -> str:
    """Of a contract's terms."""
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()


def follow_openai(apps: Any, _: Any) -> None:
    """Change those that are still as they were seeded."""
    contracts = apps.get_model("generation", "Contract").objects
    for model, (seeded, change) in CHANGES.items():
        terms = contracts.filter(model=model).values(*TERMS).first()
        if terms and digest_of(terms) == seeded:
            contracts.filter(model=model).update(**change)


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_squashed_0021_fewer_indexes")]

    operations = [migrations.RunPython(follow_openai, migrations.RunPython.noop)]
