"""drf-spectacular's settings: the OpenAPI document's title, hooks and webhooks."""

from pictor import __version__
from pictor.card_parts import STRIPE_SECRET_KEY

SPECTACULAR = {
    "TITLE": "Pictor",
    "DESCRIPTION": "Image generation for many models behind one OpenAI-style endpoint. Money is a"
    " string in USD with six decimals; times are Unix seconds. Text must not"
    " contain NUL characters or lone surrogates. Every path works with and without"
    " a trailing slash.",
    "VERSION": __version__,
    "LICENSE": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": [
        "pictor.kit.endpoints.documents.one_path_each",
        "pictor.web.documented.with_probes",
    ],
    "POSTPROCESSING_HOOKS": ["pictor.kit.endpoints.documents.as_it_is"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "WEBHOOKS": [
        "generation.api.event_data.SUCCEEDED",
        "generation.api.event_data.FAILED",
        "generation.api.event_data.CANCELED",
        "billing.low_balance.TOLD",
        "billing.budget_threshold.REACHED",
        *(["billing.top_up_failed.TOLD"] if STRIPE_SECRET_KEY else []),
        "webhooks.events.TESTED",
    ],
    "APPEND_COMPONENTS": {
        "securitySchemes": {"metricsToken": {"type": "http", "scheme": "bearer"}},
    },
}
