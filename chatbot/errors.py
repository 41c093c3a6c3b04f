"""The one exception that this package raises on purpose.

Comes in: what went wrong, in words a user can act on. Goes out: an exception that the command line
prints as a single line with exit code 1. Everything else that escapes is a bug and keeps its
traceback.
"""


class ChatbotError(Exception):
    """An error the user can mend; its message reads "where: what. what to do."."""
