"""What this package raises on purpose.

Comes in: what went wrong, in words a user can act on. Goes out: an exception that the command line
prints as a single line with exit code 1. Everything else that escapes is a bug and keeps its
traceback.
"""

import errno


class ChatbotError(Exception):
    """An error the user can mend; its message reads "where: what. what to do."."""


class NoRoomError(ChatbotError):
    """The disk is full: what could not be written can be, once there is room."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the system's errors that say so."""
