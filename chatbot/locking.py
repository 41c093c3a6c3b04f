"""A lock on a model folder, so that two programs never write to one.

Comes in: a folder. Goes out: a lock that ends with its process, whatever ends that. Knows nothing
of what is written there. Windows and some network disks have no such locks; there it holds nobody
off.
"""

from __future__ import annotations

import os
import sys
from multiprocessing.util import register_after_fork
from pathlib import Path

from chatbot.errors import ChatbotError

if sys.platform != "win32":
    import fcntl


class Lock:
    """A lock on a folder, held by this process and not by those it starts."""

    def __init__(self, folder: Path) -> None:
        """Takes it, at once or not at all.

        Args:
            folder: one that exists.

        Raises:
            ChatbotError: another program holds it.
        """
        self._file: int | None = None
        if sys.platform == "win32":
            return
        self._file = os.open(folder, os.O_RDONLY)
        register_after_fork(self, Lock.close)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise ChatbotError(
                f"{folder}: another build-vocab or train is writing here. Wait until it has ended, "
                "or choose another folder with --model."
            ) from error
        except OSError:  # no locks on this disk
            pass

    def close(self) -> None:
        """Gives it back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
