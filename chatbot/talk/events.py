"""Event files, as TensorBoard reads them, without TensorBoard.

Comes in: numbers, texts and pictures of a step. Goes out: a file of TensorFlow's `Event` messages
in TFRecord framing. Knows nothing of training.

The file is `events.out.tfevents.<number>.chatbot`. TensorBoard reads the files of a folder in the
order of their names, so the number is the time in seconds, or one more than the largest there:

    uint64 length, uint32 masked CRC-32C of it, the message, uint32 masked CRC-32C of the message

The first message says "brain.Event:2". A message with `session_log` START at step s takes back what
was said of step s and later, but for the first such message in a folder, which TensorBoard passes
over; so every file begins with one. Numbers and pictures are plain values that every version of
TensorBoard knows; a text is a string tensor of its plugin "text", whose content has no field set
(version 0), so no bytes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

VERSION = "brain.Event:2"

Value = Any
"""A `Summary.Value`."""

_NAME = re.compile(r"events\.out\.tfevents\.(\d+)\.")


class EventFile:
    """A new event file in a folder; every message is handed to the system at once.

    Whatever cannot be written is an OSError or a `tf.errors.OpError`.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Begins the file; what earlier files say of this step and later ones is taken back."""
        names = (_NAME.match(path.name) for path in folder.iterdir())
        numbers = [int(name[1]) + 1 for name in names if name]
        self.path = folder / f"events.out.tfevents.{max([int(time.time()), *numbers]):010d}.chatbot"
        self._writer = tf.io.TFRecordWriter(str(self.path))
        self._write(file_version=VERSION)
        self.take_back(step)

    def take_back(self, step: int) -> None:
        """Makes TensorBoard forget what was said of this step and later ones."""
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(step=step, session_log=start)

    def write(self, step: int, values: Iterable[Value]) -> None:
        """Writes what `number`, `text` and `picture` gave."""
        self._write(step=step, summary=tf.compat.v1.Summary(value=values))

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()

    def _write(self, **fields: Any) -> None:  # noqa: ANN401 - fields of an Event
        event = tf.compat.v1.Event(wall_time=time.time(), **fields)
        self._writer.write(event.SerializeToString())
        self._writer.flush()


def number(tag: str, value: float) -> Value:
    """A number; TensorBoard holds it as float32."""
    return tf.compat.v1.Summary.Value(tag=tag, simple_value=value)


def text(tag: str, markdown: str) -> Value:
    """A text in Markdown."""
    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="text")
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin, data_class="DATA_CLASS_TENSOR")
    return tf.compat.v1.Summary.Value(
        tag=tag, metadata=metadata, tensor=tf.make_tensor_proto(markdown)
    )


def picture(tag: str, pixels: NDArray[np.uint8]) -> Value:
    """A picture, [height, width, 3], stored as PNG."""
    height, width, channels = pixels.shape
    image = tf.compat.v1.Summary.Image(
        height=height,
        width=width,
        colorspace=channels,
        encoded_image_string=tf.io.encode_png(pixels).numpy(),
    )
    return tf.compat.v1.Summary.Value(tag=tag, image=image)
