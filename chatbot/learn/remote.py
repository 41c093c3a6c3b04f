"""Files wherever TensorFlow reads: the token store's opener for `file://`, `gs://` and others.

Comes in: a name that tf.io.gfile knows. Goes out: a file of bytes that fails as Python's do, with
OSError. So the store can stand in an object store though corpus/ knows no TensorFlow.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from chatbot.learn.tf import tf


def open_anywhere(name: str) -> IO[bytes]:
    """Opens a file to read bytes at any place.

    Raises:
        OSError: no such file, or a folder, or its file system is unknown or does not answer.
    """
    return cast("IO[bytes]", _Remote(name))


@contextmanager
def _as_python_says(name: str) -> Iterator[None]:
    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, error.message or type(error).__name__, name) from error


class _Remote(io.RawIOBase):
    """A file of tf.io.gfile's."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        with _as_python_says(name):
            found = tf.io.gfile.stat(name)
            if found.is_directory:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
            self._size = found.length
            self._file: Any = tf.io.gfile.GFile(name, "rb")

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes from where it stands, fewer at its end; all without a number."""
        with _as_python_says(self._name):
            data: bytes = self._file.read(-1 if size is None else size)
            return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place and tells which, from the beginning."""
        with _as_python_says(self._name):
            from_where = {os.SEEK_SET: 0, os.SEEK_CUR: self._file.tell(), os.SEEK_END: self._size}
            place = int(from_where[whence] + offset)
            self._file.seek(place)
        return place

    def close(self) -> None:
        """Closes it."""
        if not self.closed:
            self._file.close()
        super().close()
