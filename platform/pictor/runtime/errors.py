"""The ways in which `run` ends early, each with a message for the person at the terminal."""


class RuntimeProblem(Exception):
    """Something the person can put right; its text is the whole message, never a traceback.

    The text is one line, or one line and the last lines of a part's log.
    """


class Stopped(Exception):
    """A signal asked `run` to stop while it was waiting for something."""
