"""TensorFlow, imported quietly; every module that needs it takes it from here.

Importing it takes 2 s and about 530 MB, so what only talks or looks never does. Its C++ side writes
notes to file descriptor 2 while it is imported, whatever its log level; they are let go, so that
what the program writes to stderr is its own.
"""

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _stderr_let_go() -> Iterator[None]:
    """Without what is written to file descriptor 2."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the notes that TensorFlow writes, on either of its sides."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with _stderr_let_go():
            yield
    finally:
        logger.setLevel(level)


def _import_quietly() -> Any:  # noqa: ANN401 - TensorFlow has no types
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_let_go():
        module = importlib.import_module("tensorflow")
        module.config.list_physical_devices()
    return module


tf = _import_quietly()
