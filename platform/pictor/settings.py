"""The settings, read once from the environment. Names and defaults: docs/operations/settings.md.

Production needs SECRET_KEY, PICTOR_KEY_PEPPER, PICTOR_OBJECT_KEY_SECRET, PICTOR_LEDGER_KEY,
PICTOR_ENCRYPTION_KEYS, ALLOWED_HOSTS, DATABASE_URL, REDIS_URL and S3_*; `make run` creates and
keeps all of them itself.
"""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from pictor import ROOT, openapi_parts
from pictor.card_parts import *  # noqa: F403 - ten settings, each by its name
from pictor.env import (
    LOGGERS,
    env_authorities,
    env_bool,
    env_choice,
    env_database,
    env_dollars,
    env_doors,
    env_fernet_keys,
    env_int,
    env_list,
    env_log_level,
    env_mail,
    env_networks,
    env_secret,
    env_secrets,
    env_str,
    env_url,
)

# --- the site ---------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG")
EMBEDDED, EMBEDDED_PARTS = env_bool("PICTOR_EMBEDDED"), env_list("PICTOR_EMBEDDED_PARTS")
"""True under `make run` (one machine, plain http), and the names of the servers it started."""
DEMO_EMAIL = env_str("PICTOR_DEMO_EMAIL") if EMBEDDED else ""
"""The user whom the link printed by `make run` signs in."""

SECRET_KEY = env_secret("SECRET_KEY")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
DATA = Path(env_str("PICTOR_DATA", str(ROOT / ".pictor"))).absolute()
SPOOL = DATA / "spool"
SPOOL_BUDGET_BYTES = env_int("PICTOR_SPOOL_BUDGET_BYTES", 8 * 1024**3)

KEY_PEPPER, *OLD_KEY_PEPPERS = env_secrets("PICTOR_KEY_PEPPER") or [""]
"""New API keys are digested with the first; keys digested with the others still work."""
OBJECT_KEY_SECRET = env_secret("PICTOR_OBJECT_KEY_SECRET")
LEDGER_KEY = env_secret("PICTOR_LEDGER_KEY")
"""Seals transfers, audit events and heads of the ledger; in no database."""
ENCRYPTION_KEYS = env_fernet_keys("PICTOR_ENCRYPTION_KEYS")
"""Fernet keys, newest first: credentials, webhook secrets, factors, sessions and mail."""

OUR_APPS = ["pictor", "accounts", "webhooks", "billing", "storage", "generation", "console"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "storages",
    "django_cotton.apps.SimpleAppConfig",
    *OUR_APPS,
    "django.contrib.auth",  # behind ours, whose `changepassword` is recorded
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "pictor.web.compression.Compression",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # static files need no page policy
    "pictor.web.page_policy.PagePolicy",
    "accounts.sign_in.sessions.SessionCookie",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF, API_URLCONF = "pictor.urls", "pictor.api_urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "console.templatetags.cutting"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.theme.theme",
                "console.shell.shell",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
_VALIDATORS = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in _VALIDATORS
]
LOGIN_URL, LOGIN_REDIRECT_URL = "/accounts/login/", "/console/"
STAFF_MFA = env_bool("PICTOR_STAFF_MFA", default=True)
"""If true, staff see nothing of /ops/ before they show a second factor."""

# Mail: `EMAIL_URL=smtp://user:password@host:587/?tls=True`. Without it the embedded default shows
# its mail at /mailbox/, and other installations keep theirs until it is set.
_mail = env_mail("EMAIL_URL")
MAILBOX = EMBEDDED and not _mail
SENDS_MAIL = bool(_mail) or MAILBOX
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS"), _mail.get("EMAIL_USE_SSL")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env_str("PICTOR_MAIL_FROM", "Pictor <no-reply@localhost>")

# A new user gets a workspace with these limits, and this credit once the address is verified.
SIGN_UP = env_bool("PICTOR_SIGN_UP", default=EMBEDDED)
SIGN_UP_CREDIT = env_dollars("PICTOR_SIGN_UP_CREDIT", "5" if EMBEDDED else "0")
SIGN_UP_CREDITS_PER_ADDRESS = env_int("PICTOR_SIGN_UP_CREDITS_PER_ADDRESS", 3)
SIGN_UP_CREDIT_PER_DAY = env_dollars("PICTOR_SIGN_UP_CREDIT_PER_DAY", "100")
SIGN_UP_LIMITS = {
    "requests_per_minute": env_int("PICTOR_SIGN_UP_REQUESTS_PER_MINUTE", 60),
    "images_per_minute": env_int("PICTOR_SIGN_UP_IMAGES_PER_MINUTE", 60),
    "max_in_flight": env_int("PICTOR_SIGN_UP_MAX_IN_FLIGHT", 20),
}
PROMPT_RETENTION_DAYS = env_int("PICTOR_PROMPT_RETENTION_DAYS", 90, least=0)
LEGAL = Path(
    env_str("PICTOR_LEGAL_DIR", f"{Path(__file__).resolve().parents[1]}/console/people/legal")
)
TERMS_VERSION = env_str("PICTOR_TERMS_VERSION", "2026-11-21")
"""The version of the texts in that folder; members must accept new terms before they go on."""
OPERATOR_NAME, OPERATOR_PLACE = env_str("PICTOR_OPERATOR_NAME"), env_str("PICTOR_OPERATOR_PLACE")
OPERATOR_CONTACT = env_str("PICTOR_OPERATOR_CONTACT")
PAYMENT_DETAILS = env_str("PICTOR_PAYMENT_DETAILS")
SITE_URL = env_url("PICTOR_SITE_URL").rstrip("/")

# allauth: people of our own model, known by e-mail address.
ACCOUNT_ADAPTER = "accounts.sign_in.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "accounts.sign_in.forms.LoginForm",
    "signup": "accounts.sign_in.forms.SignUpForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# People do sign up, sign in and ask for another code within seconds. Wrong codes of second factors
# count only by person: by address they would lock out everyone behind it.
ACCOUNT_RATE_LIMITS = {"confirm_email": "6/m/key", "login_failed": "5/300s/key"}
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "accounts.sign_in.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Pictor"

LANGUAGE_CODE, TIME_ZONE = "en-us", "UTC"
USE_I18N, USE_TZ = False, True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env_str("PICTOR_STATIC_ROOT", str(DATA / "static")))
WHITENOISE_USE_FINDERS = EMBEDDED
"""The embedded default serves static files from their sources; production collects them first."""

# Only the embedded default uses plain http; elsewhere cookies and pages require TLS.
SECURE_SSL_REDIRECT = not EMBEDDED
SECURE_HSTS_SECONDS = 0 if EMBEDDED else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("PICTOR_HSTS_SUBDOMAINS")
SECURE_HSTS_PRELOAD = env_bool("PICTOR_HSTS_PRELOAD")
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # both would bind sites beside Pictor's
SESSION_ENGINE = "accounts.sign_in.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = env_networks("PICTOR_TRUSTED_PROXIES")
"""Addresses or networks whose X-Forwarded-* headers are trusted."""

CONNECTIONS = env_int("PICTOR_CONNECTIONS", 8_000)
CONNECTIONS_PER_ADDRESS = env_int("PICTOR_CONNECTIONS_PER_ADDRESS", 7_000 if EMBEDDED else 1_000)
"""On the embedded default every caller has the same address."""

if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- PostgreSQL -------------------------------------------------------------------------------

_LIMITS = {
    "connect_timeout": 5,
    # A connection notices a server that vanished well before a watch of 60 s ends the process.
    "keepalives_idle": 10,
    "keepalives_interval": 10,
    "keepalives_count": 2,
    "tcp_user_timeout": 30_000,
    "prepare_threshold": 5,  # only for kit/database/prepared.py: Django's own are never prepared
    "options": "-c statement_timeout=5000 -c lock_timeout=2000"
    " -c idle_in_transaction_session_timeout=30000",
}
PROCESSES_DATABASE = env_database(
    "DATABASE_URL", "postgresql://pictor@127.0.0.1:5432/pictor", options=_LIMITS
)
DATABASES = {
    "default": {
        **PROCESSES_DATABASE,
        # The site's requests close their connection at their end. The threads of the fixed pools
        # (kit/database/pools.py) see no requests, so each keeps its one connection; a broken one is
        # dropped after the call that broke it.
        "CONN_MAX_AGE": 0,
    }
}
MIGRATION_DATABASE = (
    env_database("MIGRATION_DATABASE_URL", "", options={"connect_timeout": 5})
    if env_secret("MIGRATION_DATABASE_URL")
    else None
)
"""The same database as the tables' owner, the only role that changes tables (database/roles.py)."""

# --- Redis or Valkey, Celery ------------------------------------------------------------------

REDIS_URL = env_secret("REDIS_URL", "redis://127.0.0.1:6379/0")
REDIS_TIMEOUT_SECONDS = 0.5
CACHES = {
    "default": {
        "BACKEND": "pictor.kit.redis.cache.RedisOrLocal",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "pictor:cache",
        "OPTIONS": {
            "serializer": "pictor.kit.redis.cache.JsonSerializer",
            "socket_timeout": REDIS_TIMEOUT_SECONDS,
            "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        },
    }
}
RATE_CEILING_PER_MINUTE = env_int("PICTOR_RATE_CEILING_PER_MINUTE", 1_000_000)
MONEY_TYPED_TWICE = env_dollars("PICTOR_MONEY_TYPED_TWICE", "1000")
MONEY_NEEDS_TWO = env_dollars("PICTOR_MONEY_NEEDS_TWO", "10000")
MONEY_ALONE_A_DAY = env_dollars("PICTOR_MONEY_ALONE_A_DAY", "10000")
UNCHARGED_CEILING = env_dollars("PICTOR_UNCHARGED_CEILING", "20", least=1)
READS_PER_MINUTE = env_int("PICTOR_READS_PER_MINUTE", 30_000)
QUERIES_PER_MINUTE = env_int("PICTOR_QUERIES_PER_MINUTE", 3_000)
KEY_CHANGES_PER_MINUTE = env_int("PICTOR_KEY_CHANGES_PER_MINUTE", 60)
TEST_BYTES_PER_DAY = env_int("PICTOR_TEST_BYTES_PER_DAY", 200_000_000)
CELERY_BROKER_URL = env_secret("CELERY_BROKER_URL", REDIS_URL)
DOORBELL_APP = "pictor.celery.app"
"""The Celery app that rings for short work, imported at the first bell, not by every command."""

# --- S3 ---------------------------------------------------------------------------------------

S3_ENDPOINT_URL = env_url("S3_ENDPOINT_URL")
S3_PUBLIC_ENDPOINT_URL = env_url("S3_PUBLIC_ENDPOINT_URL", S3_ENDPOINT_URL)
S3_CA_BUNDLE = env_authorities("S3_CA_BUNDLE")
C2PA_TRUST_LIST = env_authorities("PICTOR_C2PA_TRUST_LIST")
S3_BUCKET, S3_REGION = env_str("S3_BUCKET", "pictor"), env_str("S3_REGION", "us-east-1")
S3_CREDENTIALS = env_choice("S3_CREDENTIALS", "keys", "chain")
S3_ACCESS_KEY_ID = env_secret("S3_ACCESS_KEY_ID")
S3_SECRET_ACCESS_KEY = env_secret("S3_SECRET_ACCESS_KEY")
S3_PASSTHROUGH = EMBEDDED and bool(S3_ENDPOINT_URL)
"""The web process passes `/{bucket}/…` to the embedded S3 server, so one public port is enough."""

STORAGES = {
    "default": {
        "BACKEND": "storage.backends.PrivateBucket",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "public_endpoint_url": S3_PUBLIC_ENDPOINT_URL or None,
            "ca_bundle": S3_CA_BUNDLE,
            "region_name": S3_REGION,
            "credentials": S3_CREDENTIALS,
            "access_key": S3_ACCESS_KEY_ID,
            "secret_key": S3_SECRET_ACCESS_KEY,
        },
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
URL_EXPIRY_SECONDS = env_int("PICTOR_URL_EXPIRY_SECONDS", 3600)
IMAGE_RETENTION_DAYS = env_int("PICTOR_IMAGE_RETENTION_DAYS", 30)
STORED_BYTES_PER_TENANT = env_int("PICTOR_STORED_BYTES_PER_TENANT", 1024**4)

C2PA_CERTIFICATE, C2PA_KEY = env_str("PICTOR_C2PA_CERTIFICATE"), env_str("PICTOR_C2PA_KEY")
"""Paths of PEM files that Content Credentials are signed with; both or neither."""

# --- what a page may load and run (web/page_policy.py) ----------------------------------------

_IMAGES_AT = (
    ["{0.scheme}://{0.netloc}".format(urlsplit(S3_PUBLIC_ENDPOINT_URL))]
    if S3_PUBLIC_ENDPOINT_URL
    else ["https://s3.amazonaws.com", f"https://s3.{S3_REGION}.amazonaws.com"]
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_IMAGES_AT],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- egress -----------------------------------------------------------------------------------

EGRESS_ALLOW = env_doors("PICTOR_EGRESS_ALLOW")
"""Exact host:port entries that may be private addresses and may be plain http."""
WEBHOOK_ALLOW = env_doors("PICTOR_WEBHOOK_ALLOW")
"""The same for tenants' webhooks; each entry opens the address to every tenant."""

# --- time limits: each ends inside the one around it (watching/system_checks.py checks) --------

GENERATION_DEADLINE_SECONDS = 480
"""From admission to the end, with all calls and retries. A channel limits each of its calls."""
WAIT_LIMIT_SECONDS = 540
"""The longest that a caller waits for the generation."""
SDK_TIMEOUT_SECONDS = 600
"""The default timeout of OpenAI's SDKs: a fact, which this setting does not change."""

LEASE_SECONDS = 15
HEARTBEAT_SECONDS = 3
REAPER_SECONDS = 3
MAX_DEATHS = 3
"""A generation fails, uncharged, when this many workers have died with it."""
MAX_DISPATCHES = 9
"""The most dispatches of a generation, since each call may cost us."""
QUARANTINE_SECONDS = 60
"""Time within which all of a dead worker's generations begin again, one at a time if they can."""
WORKER_SLOTS = env_int("PICTOR_WORKER_SLOTS", 2500)
DRAIN_SECONDS = env_int("PICTOR_DRAIN_SECONDS", 8 if EMBEDDED else 480, least=0)

# --- bodies -----------------------------------------------------------------------------------

MAX_JSON_BYTES = 32 * 1024**2
MAX_IMAGE_BYTES = 50 * 1024**2
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2

# --- Django REST framework, OpenAPI -----------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.bearer.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "pictor.kit.endpoints.errors.drf_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = openapi_parts.SPECTACULAR

# --- metrics (web/metrics.py): a reader needs both if both are set -----------------------------

METRICS_TOKEN = env_secret("PICTOR_METRICS_TOKEN")
METRICS_NETWORKS = env_networks("PICTOR_METRICS_NETWORKS")
METRICS = bool(METRICS_TOKEN or METRICS_NETWORKS)

# --- logs: structured, one line each, secrets removed -----------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "pictor.kit.watching.log.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_log_level("LOG_LEVEL")},
    "loggers": LOGGERS,
}
