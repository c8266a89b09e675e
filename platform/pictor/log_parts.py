"""How much each logger says, where it is not as much as `LOG_LEVEL` lets through."""

LOGGERS = {
    "botocore": {"level": "WARNING"},
    "botocore.credentials": {"level": "ERROR"},  # credential_chain.py says it, without a traceback
    "django.db.backends": {"level": "INFO"},  # below it stands every statement, prompts and all
    "django.request": {"level": "ERROR"},
    "django.security": {"level": "CRITICAL"},  # it writes a traceback of what callers send
    "django.security.csrf": {"level": "WARNING"},
    "httpx": {"level": "WARNING"},
    "python_multipart": {"level": "ERROR"},  # it warns of what callers send
    "pyvips": {"level": "WARNING"},
    "uvicorn.access": {"level": "WARNING"},
}
