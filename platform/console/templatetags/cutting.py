"""A built-in filter of Django's templates that must take linear time."""

from django import template

register = template.Library()


@register.filter
def truncatechars(text: object, most: int) -> str:
    """The text's first characters, with an ellipsis if there are more.

    Django's own puts the whole text into a normal form (NFC) first: for 32,000 combining marks it
    holds the interpreter's lock for a second.
    """
    words = str(text)
    return words if len(words) <= most else f"{words[: most - 1]}…"
