"""A bot that any TensorFlow answers with: questions in, replies out, as a SavedModel.

Comes in: a bot. Goes out: a folder that `tf.saved_model.load`, TensorFlow Serving and the bindings
of other languages open. Nothing of this package is needed there.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatbot.corpus.segmenter import JiebaSegmenter
from chatbot.corpus.tokenizer import WordTokenizer
from chatbot.folder import sync
from chatbot.graph import networks
from chatbot.graph.replying import GraphReplies
from chatbot.graph.text import GraphText
from chatbot.learn.tf import quietly, tf
from chatbot.talk.bot import Bot
from chatbot.talk.stored import Stored

Tensor = Any

SIGNATURE = "serving_default"

_ROWS = 64
"""Questions that are answered together; more are no faster, and each needs memory."""

_NUMBERS = {
    tf.errors.RESOURCE_EXHAUSTED: errno.ENOSPC,
    tf.errors.PERMISSION_DENIED: errno.EACCES,
}
"""The system's numbers of what TensorFlow says of a file."""


class GraphBot(tf.Module):  # type: ignore[misc]
    """A bot by its own settings, but for what `GraphText` leaves out and for unknown words."""

    def __init__(self, bot: Bot, stored: Stored) -> None:
        """Takes a bot, and its weights."""
        super().__init__(name="bot")
        position = bot.position
        self._text = GraphText(bot.vocabulary, _segmenter(bot), position.training.max_length)
        network = networks.network(stored.weights, position.model, stored.ngrams)
        self._replies = GraphReplies(network, bot.settled(None), bot.rules)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec([None], tf.string, name="questions")], autograph=False
    )
    def reply(self, questions: Tensor) -> dict[str, Tensor]:
        """The replies to questions [B], [B]; see `GraphText.ids` for earlier turns."""
        found = tf.map_fn(
            lambda first: self._together(questions[first : first + _ROWS]),
            tf.range(0, tf.size(questions), _ROWS),
            parallel_iterations=1,
            fn_output_signature=tf.RaggedTensorSpec([None], tf.string, ragged_rank=0),
        )
        return {"replies": found.values}

    def _together(self, questions: Tensor) -> Tensor:
        """The replies to at least one question."""
        spec = tf.RaggedTensorSpec([None], tf.int32, ragged_rank=0)
        ids = tf.map_fn(self._text.ids, questions, fn_output_signature=spec)
        return self._text.texts(
            self._replies(ids.to_tensor(), tf.cast(ids.row_lengths(), tf.int32))
        )


def write(graph: GraphBot, folder: Path) -> None:
    """Writes a bot as a SavedModel, whole or not at all; one that is there gives way.

    Raises:
        OSError: the folder cannot be written.
    """
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new = Path(name) / "new"
        try:
            with quietly():
                tf.saved_model.save(graph, str(new), {SIGNATURE: graph.reply})
        except tf.errors.OpError as error:
            number = _NUMBERS.get(error.error_code, errno.EIO)
            raise OSError(number, os.strerror(number)) from error
        for file in new.rglob("*"):
            if file.is_file():
                sync(file)
        _replace(folder, new, Path(name) / "old")


def _replace(folder: Path, new: Path, old: Path) -> None:
    """Puts a folder in the place of another, which is kept as `old`, and comes back if it fails."""
    there = folder.exists()
    if there:
        folder.rename(old)
    try:
        new.rename(folder)
    finally:
        if there and not folder.exists():
            old.rename(folder)


def _segmenter(bot: Bot) -> JiebaSegmenter | None:
    """What cuts a bot's text; jieba stands in for rjieba, which cuts nearly all the same."""
    if not isinstance(bot.tokenizer, WordTokenizer):
        return None
    segment = bot.tokenizer.segment
    return segment if isinstance(segment, JiebaSegmenter) else JiebaSegmenter()
