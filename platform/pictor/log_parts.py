"""Levels of loggers that differ from `LOG_LEVEL`."""

LOGGERS = {
    "botocore": {"level": "WARNING"},
    "botocore.credentials": {"level": "ERROR"},  # credential_chain.py logs it, without a traceback
    "django.db.backends": {"level": "INFO"},  # DEBUG would log every statement, with prompts
    "django.request": {"level": "ERROR"},
    "django.security": {"level": "CRITICAL"},  # it logs tracebacks of callers' bad requests
    "django.security.csrf": {"level": "WARNING"},
    "httpx": {"level": "WARNING"},
    "python_multipart": {"level": "ERROR"},  # it warns of callers' bad forms
    "pyvips": {"level": "WARNING"},
    "stripe": {"level": "WARNING"},  # DEBUG would log every answer, with names and addresses
    "uvicorn.access": {"level": "WARNING"},
}
