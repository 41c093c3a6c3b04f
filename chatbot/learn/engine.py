"""The network and its optimizer as compiled steps; threads and number formats.

Comes in: settings and packed batches. Goes out: losses, and changed weights. Knows nothing of the
order of batches, of schedules or of files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.vectors import Vectors
from chatbot.learn.dropout import Dropped
from chatbot.learn.model import Seq2Seq, feature_spec
from chatbot.learn.optimizer import Adam
from chatbot.learn.packing import Packed
from chatbot.machine import has_bfloat16

VECTORS_RMS = 0.3
"""Root of the mean square of the elements of word vectors, at the beginning of a run.

Random embeddings begin at 0.03, which is little beside the first of Adam's steps, about 0.02 an
element whatever the gradient. docs/training.md has the measurement that chose this value.
"""


def use_threads(threads: int) -> None:
    """Limits TensorFlow to some processor threads; 0 leaves it all. Before its first operation."""
    if threads and tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def product_type(precision: str) -> tf.DType:
    """The type that matrix products are computed in, for a `TrainingConfig.precision`."""
    if precision == "auto":
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        precision = "bfloat16" if on_gpu or has_bfloat16() else "float32"
    return tf.as_dtype(precision)


class Engine:
    """The network, its optimizer, and the compiled steps over packed batches."""

    def __init__(
        self,
        size: int,
        model: ModelConfig,
        training: TrainingConfig,
        unigram: NDArray[np.float32],
        dropout: float,
    ) -> None:
        """Draws the weights and declares the steps; they are compiled at their first use."""
        self.net = Seq2Seq(size, model, seed=training.seed, unigram=unigram)
        self.optimizer = Adam(
            self.net.embedding, self.net.matrices, freezing=training.freeze_vectors
        )
        self._clip, self._dropout = training.clip, dropout
        self._word_dropout = training.word_dropout
        self._dtype = product_type(training.precision)
        self._seed = np.int32(training.seed & 0x7FFFFFFF)
        spec = feature_spec()
        number = tf.TensorSpec((), tf.float32)
        key = tf.TensorSpec((2,), tf.int32)
        self._train = tf.function(self._train_step, input_signature=[spec, number, number, key])
        self._validate = tf.function(self._validate_step, input_signature=[spec])

    def begin_with(self, vectors: Vectors) -> None:
        """Gives entries their word vectors, scaled as one, and freezes them if that is asked for.

        Turian et al. 2010, "Word representations: a simple and general method for semi-supervised
        learning" (https://aclanthology.org/P10-1040), eq. 1, E <- sigma E / stddev(E), with the
        root of the mean square in place of the deviation, so that zero stays zero.
        """
        rows = vectors.rows
        square = np.einsum("ne,ne->", rows, rows, dtype=np.float64) / rows.size
        scaled = rows * float(VECTORS_RMS / np.sqrt(square))
        self.net.embedding.scatter_update(tf.IndexedSlices(scaled, vectors.ids))
        if self.optimizer.frozen is not None:
            frozen = np.zeros(self.net.size, np.bool_)
            frozen[vectors.ids] = True
            self.optimizer.frozen.assign(frozen)

    def train(
        self,
        packed: Packed,
        tokens: float,
        learning_rate: float,
        step: int,
        *,
        counted: bool = False,
    ) -> float:
        """One optimizer step; gives the mean loss of the batch before it, nats per token."""
        # Places of one step draw from keys step * 4 + 0 .. 3.
        key = np.asarray([self._seed, step * 4 & 0x7FFFFFFF], np.int32)
        arguments = (np.float32(1 / tokens), np.float32(learning_rate), key)
        return float(self._train(self.net.features(packed, counted=counted), *arguments))

    def validate(self, packed: Packed) -> float:
        """The summed loss of a batch, in nats."""
        return float(self._validate(self.net.features(packed)))

    def _train_step(self, batch: Any, scale: Any, learning_rate: Any, key: Any) -> Any:  # noqa: ANN401
        rows = tf.gather(self.net.embedding, batch["touched"])
        with tf.GradientTape() as tape:
            tape.watch(rows)
            dropped = Dropped(self._dropout, self._word_dropout, key)
            learned, judged = self.net.losses(rows, batch, self._dtype, dropped)
            learned *= scale
        weights = self.net.matrices
        first, *others = tape.gradient(learned, [rows, *weights])
        first = tf.convert_to_tensor(first)
        self.optimizer.apply(batch["touched"], first, others, learning_rate, self._clip)
        return judged * scale

    def _validate_step(self, batch: Any) -> Any:  # noqa: ANN401
        rows = tf.gather(self.net.embedding, batch["touched"])
        return self.net.judged(rows, batch, self._dtype)
