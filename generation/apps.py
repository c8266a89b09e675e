"""The generation app."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    """One request's journey: admission, dispatch, storage, settlement."""

    name = "generation"
