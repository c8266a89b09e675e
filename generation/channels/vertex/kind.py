"""Abilities of Gemini's models on Vertex AI, which are those of the Gemini API, and jpegs.

Source: Vertex AI, discovery document 20261106.
"""

import re
from dataclasses import replace

from generation.channels.channel_kind import by_wire
from generation.channels.declaration import AccountSetting, CredentialForm
from generation.channels.gemini.kind import KIND as GEMINI

KIND = replace(
    GEMINI,
    name="vertex",
    about="Google's image models on Vertex AI, by a service account",
    open=by_wire("generation.channels.vertex.wire.VertexWire", has_tokens=True, max_n=1),
    abilities=replace(GEMINI.abilities, formats=frozenset({"png", "jpeg"})),
    credential=CredentialForm(
        "key", re.compile(r"\{[^{}]{40,20000}\}"), fault="is no JSON of a service account"
    ),
    settings=(
        AccountSetting("project", re.compile("[a-z0-9.:-]{4,80}")),
        AccountSetting("location", re.compile("[a-z0-9-]{2,40}")),
    ),
)
