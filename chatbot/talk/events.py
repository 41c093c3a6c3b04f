"""Event files, as TensorBoard reads them, without TensorBoard.

Comes in: numbers, texts and pictures of a step. Goes out: a file of TensorFlow's `Event` messages
in TFRecord framing. Knows nothing of training.

The file is `events.out.tfevents.<number>.chatbot`. TensorBoard reads the files of a folder in the
order of their names, so the number is the time in seconds, or one more than the largest there:

    uint64 length, uint32 masked CRC-32C of it, the message, uint32 masked CRC-32C of the message

The first message says "brain.Event:2". The second is `session_log` START at a step s: what earlier
files say of step s and later is taken back. TensorBoard's data server passes over that, and every
program passes over the first START in a folder; so what is taken back is besides removed: what
remains of the earlier files is gathered in one, which begins with START at step 0. Of the files of
other programs nothing is read and nothing removed.

Numbers and pictures are plain values that every version of TensorBoard knows; a text is a string
tensor of its plugin "text", whose content has no field set (version 0), so no bytes.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from chatbot.folder import put_in_place
from chatbot.learn.tf import tf

VERSION = "brain.Event:2"

Value = Any
"""A `Summary.Value`."""

_Event = Any

_OURS = "events.out.tfevents.*.chatbot"
_NAME = re.compile(r"events\.out\.tfevents\.(\d+)\.")


class EventFile:
    """A new event file in a folder; every message is handed to the system at once.

    Whatever cannot be written is an OSError or a `tf.errors.OpError`.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Begins the file; what earlier files say of this step and later ones is taken back."""
        _keep_before(folder, step)
        self.path = _next(folder)
        self._writer = _begin(self.path, step)

    def write(self, step: int, values: Iterable[Value]) -> None:
        """Writes what `number`, `text` and `picture` gave."""
        _put(self._writer, step=step, summary=tf.compat.v1.Summary(value=values))

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()


def _next(folder: Path) -> Path:
    """The path of a file that is read after all that are there."""
    names = (_NAME.match(path.name) for path in folder.iterdir())
    numbers = [int(name[1]) + 1 for name in names if name]
    return folder / f"events.out.tfevents.{max([int(time.time()), *numbers]):010d}.chatbot"


def _begin(path: Path, step: int) -> tf.io.TFRecordWriter:
    writer = tf.io.TFRecordWriter(str(path))
    _put(writer, file_version=VERSION)
    start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    _put(writer, step=step, session_log=start)
    return writer


def _put(writer: tf.io.TFRecordWriter, **fields: Any) -> None:  # noqa: ANN401 - fields of an Event
    event = tf.compat.v1.Event(wall_time=time.time(), **fields)
    writer.write(event.SerializeToString())
    writer.flush()


def _keep_before(folder: Path, step: int) -> None:
    """Removes what our files say of a step and later ones, if there is any."""
    old = sorted(folder.glob(_OURS))
    if not any(event.step >= step for path in old for event in _said(path)):
        return
    temporary = folder / "kept.tmp"
    try:
        with _begin(temporary, 0) as writer:
            for path in old:
                for event in _said(path):
                    if event.step < step:
                        writer.write(event.SerializeToString())
        put_in_place(temporary, _next(folder))
    finally:
        temporary.unlink(missing_ok=True)
    for path in old:
        path.unlink()


def _said(path: Path) -> Iterator[_Event]:
    """The events of a file that have values, to its end or to where it is torn."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            size = struct.unpack("<Q", head[:8])[0]
            if file.tell() + size + 4 > end:
                return
            message = file.read(size)
            file.seek(4, os.SEEK_CUR)
            try:
                event = tf.compat.v1.Event.FromString(message)
            except DecodeError:
                return
            if event.HasField("summary"):
                yield event


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
