"""Operators' changes of channels, one after the other."""

from pictor.kit.database.cursors import run


def take_turns() -> None:
    """Lock channels against other changes until the transaction ends; readers go on."""
    run("LOCK TABLE generation_channel IN SHARE ROW EXCLUSIVE MODE")
