"""The playground's form, filled in."""

from uuid import uuid4

from tests.making.factories import PayingCustomer


def form(customer: PayingCustomer, **changes: str) -> dict[str, str]:
    return {
        "model": "gpt-image-2-origin", "prompt": "a fox", "size": "1024x1024", "was": "1024x1024",
        "quality": "medium", "n": "1", "output_format": "png", "key": customer.key.public_id,
        "number": uuid4().hex, "shown": "52680", **changes,
    }  # fmt: skip
