"""The ways in which `run` ends early, each with a message for the person at the terminal."""

INSTALL = "install pictor[run], where this platform has it,"
"""What to do about a server of `run` that is not here."""


class RuntimeProblem(Exception):
    """Something the person can put right; its text is the whole message, never a traceback.

    The text is one line, or one line and the last lines of a part's log.
    """


class Stopped(Exception):
    """A signal asked `run` to stop while it was waiting for something."""
