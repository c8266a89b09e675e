"""Filters of the console's templates."""

from django import template

from console import amounts

register = template.Library()

register.filter("price", amounts.price)
register.filter("amount", amounts.amount)


@register.filter
def pixels(size: str) -> str:
    """'1024x768' with the sign that people read."""
    return size.replace("x", "\N{MULTIPLICATION SIGN}")
