"""What we can sell: models that few channels serve."""

from collections.abc import Iterator, Mapping

from generation.conditions.found import Outlook, Wrong


def shrunk(outlook: Outlook) -> Iterator[Wrong]:
    """Models that several channels served, of which one is left, or none."""
    for model, now, before in _served(outlook):
        if now < min(before, 2):
            left = "one channel serves it" if now else "no channel serves it"
            yield Wrong(model, None, f"{left}, where there were {before}")


def channels_before(outlook: Outlook) -> Mapping[str, int]:
    """What the next look is held against: what there was stays known while it is wrong."""
    return {
        model: before if now < min(before, 2) else now for model, now, before in _served(outlook)
    }


def _served(outlook: Outlook) -> Iterator[tuple[str, int, int]]:
    """Each model on offer, how many channels serve it, and how many did."""
    for contract in outlook.catalogue.offered:
        now = outlook.channels_of(contract.model)
        yield contract.model, now, outlook.channels_before.get(contract.model, now)
