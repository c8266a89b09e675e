"""Terms and privacy notice: Markdown from the operator's folder, or ours with the operator's name.

`{{operator}}`, `{{place}}`, `{{contact}}`, `{{image_days}}` and `{{prompt_days}}` are replaced with
values from the settings; for a missing one the text says that it is missing. Raises OSError for a
text that does not exist.
"""

import re
from collections.abc import Mapping
from functools import cache

from django.conf import settings
from django.utils.html import escape

from console.site.guides import Guide, read

_read = cache(read)
_WORD = re.compile(r"\{\{(\w+)\}\}")


def document(name: str) -> Guide:
    """Return the text `terms` or `privacy`."""
    return _read(settings.LEGAL / f"{name}.md")


def fill_in(text: Guide) -> str:
    """The text's HTML with values from the settings."""
    words = _words()
    return _WORD.sub(lambda match: escape(words.get(match[1], match[0])), text.html)


def _words() -> Mapping[str, str]:
    return {
        "operator": settings.OPERATOR_NAME or "The operator of this installation",
        "place": settings.OPERATOR_PLACE or "at an address not given yet",
        "contact": settings.OPERATOR_CONTACT or "them (no address is given here yet)",
        "image_days": str(settings.IMAGE_RETENTION_DAYS),
        "prompt_days": str(settings.PROMPT_RETENTION_DAYS),
    }
