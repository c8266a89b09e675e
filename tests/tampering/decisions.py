"""A decision for every table: tampering with it is found in this way, or not at all.

FOUND: `ledger_check` finds any insert, deletion and change by the tables' owner, except in the
columns named, and except for attempts that delivered nothing and cost nothing. NOT_MONEY: no charge
depends on it; docs/pricing.md lists these tables.
"""

FOUND: dict[str, frozenset[str]] = {
    "accounts_auditevent": frozenset(),
    "accounts_auditlink": frozenset(),
    "billing_account": frozenset(),
    "billing_failurerollup": frozenset({"id"}),
    "billing_keybudget": frozenset(),
    "billing_payment": frozenset(
        {
            *("automatic", "person_why", "tax_cents", "currency", "fee_cents", "fee_currency"),
            *("card_brand", "card_last4", "session_id", "payment_intent_id", "charge_id"),
            *("invoice_id", "invoice_number", "invoice_url", "receipt_url", "page_url"),
            *("declined", "begun_by_id", "begun_at", "expires_at", "paid_at", "looks", "applied"),
            "looked_at",
        }
    ),
    "billing_paymentmovement": frozenset(
        {"provider_id", "dispute_id", "key", "key_at", "asked_by_name", "reason", "at"}
    ),
    "billing_price": frozenset({"id"}),
    "billing_pricebook": frozenset(),
    "billing_pricebookwithdrawal": frozenset(),
    "billing_pricelistassignment": frozenset(),
    "billing_soldday": frozenset({"id"}),
    "billing_solduntil": frozenset({"until"}),
    "billing_tenantbalance": frozenset({"previous_seal"}),
    "billing_transfer": frozenset(),
    "billing_usagerollup": frozenset({"id"}),
    "generation_attempt": frozenset(
        {
            *("dispatch", "number", "channel_id", "upstream_model", "upstream_size", "started_at"),
            *("upstream_quality", "n", "images_received", "input_text_tokens"),
            *("input_image_tokens", "output_tokens", "cost_source"),
            *("finished_at", "http_status", "upstream_request_id", "may_have_billed", "detail"),
            *("fingerprint", "jobs"),
        }
    ),
    "generation_generation": frozenset(
        {
            *("request_id", "prompt", "size_requested", "quality_sent", "response_format"),
            *("output_format", "output_compression", "strict_size", "partial_images", "fields"),
            *("inputs", "worker_id", "dispatch", "deadline_at", "started_at"),
            *("body_digest", "web_process", "orphaned_at", "turn", "answer", "error"),
            *(
                "created_at",
                "deaths",
                "quarantine",
                "lost_with",
                "words_forgotten_at",
                "deleted_at",
            ),
            *("cleaned_at", "source"),
        }
    ),
    "storage_storedimage": frozenset(
        {
            *("id", "object_key", "content_type", "format", "size_bytes", "sha256"),
            *("revised_prompt", "created_at", "expires_at", "deleted_at", "has_thumbnail"),
            *("has_icon", "credentials", "credentials_reason", "manifest_label", "is_marked"),
        }
    ),
}

REBUILT = frozenset({"accounts_auditlink"})
"""Deleting only these rows loses nothing: the next link makes the same chain from the events."""

NOT_MONEY = frozenset(
    {
        *("accounts_apikey", "accounts_configrevision", "accounts_membership", "accounts_tenant"),
        *("accounts_invitation", "accounts_memberchange", "accounts_mail", "billing_balancealert"),
        *("accounts_signupcredit", "accounts_supportgrant", "accounts_operatorkey"),
        *("accounts_operatorcall", "accounts_opensession"),
        *(
            "billing_budgetwarning",
            "billing_workspacebudgetwarning",
            "billing_unchargedcost",
            "billing_moneymove",
            "billing_pricelist",
            "billing_paymentcustomer",
            "billing_paymentdispute",
            "billing_providerevent",
        ),
        *("billing_ledgercheckpoint", "billing_ledgerproof", "billing_ledgerhead"),
        *("accounts_user", "accounts_user_groups", "accounts_user_user_permissions"),
        *("generation_channel", "generation_contract", "generation_costtable"),
        *("generation_channelevent", "generation_attemptminute", "generation_openbreaker"),
        *("generation_vendorbill", "generation_billline"),
        *("generation_channeltrial", "generation_pendingrevision"),
        *("generation_condition", "generation_conditionlook", "generation_refusedrequest"),
        *("generation_taggedday", "generation_taggeduntil"),
        *("generation_incident", "generation_incidentupdate", "generation_sunsetnotice"),
        *("generation_alertrule", "generation_alertaddress"),
        *("generation_alertsending", "generation_alertsent"),
        *("generation_idempotencyrecord", "generation_promptsforgotten"),
        *("generation_route", "generation_stop", "generation_watchedday"),
        *("generation_worker", "storage_tenantexport", "storage_imageorigin"),
        "storage_originsuntil",
        *("webhooks_webhookendpoint", "webhooks_event", "webhooks_delivery"),
        "webhooks_deliveryattempt",
        *("account_emailaddress", "account_emailconfirmation", "mfa_authenticator"),
        *("auth_group", "auth_group_permissions", "auth_permission", "django_session"),
        *("django_content_type", "django_migrations"),
    }
)

ADDS_NOTHING = frozenset({"billing_account"})
"""An account that no transfer names holds nothing: docs/pricing.md says so."""
