"""From batches to weights: the network, its loss, its optimizer and the training loop.

Importing this package imports TensorFlow (2 s, about 530 MB); `chatbot` and `chatbot.corpus` never
do. TensorFlow's C++ side writes notes to file descriptor 2 while it is imported, whatever its log
level; they are let go, so that what the program writes to stderr is its own.
"""

import os
import sys


def _import_quietly() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_import_quietly()
