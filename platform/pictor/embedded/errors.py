"""Early ends of `run`, with a message for the operator at the terminal."""

INSTALL = "install pictor[run], where this platform has it,"
"""Advice about a missing server of `run`, for messages."""


class RuntimeProblem(Exception):
    """A problem that the operator can solve; its text is the whole message, never a traceback.

    The text is one line, or one line and the last lines of a part's log.
    """


class Stopped(Exception):
    """A signal asked `run` to stop while it was waiting."""
