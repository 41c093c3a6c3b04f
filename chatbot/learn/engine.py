"""The network and its optimizer as compiled steps; threads and number formats.

Comes in: settings and batches. Goes out: losses, and changed weights. Knows nothing of the
order of batches, of schedules or of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.batches import Batch
from chatbot.corpus.doctor import forecast
from chatbot.corpus.store import Ranges
from chatbot.learn.dropout import Dropped
from chatbot.learn.model import Seq2Seq, feature_spec
from chatbot.learn.networks import network
from chatbot.learn.optimizer import Adam
from chatbot.learn.packing import round_up
from chatbot.learn.parts import merged, split
from chatbot.learn.recovery import Step
from chatbot.learn.team import Team
from chatbot.learn.tf import tf
from chatbot.machine import cores, has_bfloat16


def workers_of(training: TrainingConfig) -> int:
    """How many parts of a batch are computed at a time; a GPU takes the whole batch."""
    return 1 if tf.config.list_physical_devices("GPU") else forecast.workers_of(training)


def use_threads(training: TrainingConfig) -> None:
    """Sets TensorFlow's processor threads for a run; before its first operation, or not at all."""
    count = training.threads or cores()
    within = 1 if workers_of(training) == count else count
    try:
        tf.config.threading.set_intra_op_parallelism_threads(within)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:  # this process has used TensorFlow before: only speed depends on it
        return


def product_type(precision: str) -> tf.DType:
    """The type that matrix products are computed in, for a `TrainingConfig.precision`."""
    if precision == "auto":
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        precision = "bfloat16" if on_gpu or has_bfloat16() else "float32"
    return tf.as_dtype(precision)


def optimizer_of(net: Seq2Seq, training: TrainingConfig) -> Adam:
    """An optimizer of all weights of a network."""
    slowing = training.first_vectors == "corpus"
    return Adam(net.embedding, net.matrices, freezing=training.freeze_vectors, slowing=slowing)


class Engine:
    """The network, its optimizer, and the compiled steps over parts of batches.

    Attributes:
        net: the network.
        optimizer: the optimizer.
        parts: how many parts a batch is dealt out to; as many are computed at a time as there are
            processors, so more of them take less memory and a little more time.
        workers: how many are computed at a time.
        team: the workers of the run.
    """

    def __init__(
        self,
        size: int,
        model: ModelConfig,
        training: TrainingConfig,
        unigram: NDArray[np.float32],
        dropout: float,
        parts: int | None = None,
        team: Team | None = None,
    ) -> None:
        """Draws the weights and declares the steps; they are compiled at their first use.

        Args:
            size: entries of the vocabulary, V.
            model: the widths.
            training: the settings of a step.
            unigram: how often each entry occurs, [V].
            dropout: share of activations dropped.
            parts: the attribute; default: one for each processor.
            team: the attribute; default: alone.
        """
        self.team = team = team or Team()
        with team.scope():
            self.net = network(size, model, seed=training.seed, unigram=unigram)
            self.optimizer = optimizer_of(self.net, training)
        self.workers = max(workers_of(training), len(team.devices))
        parts = self.workers if parts is None else parts
        self.parts = round_up(parts, len(team.devices))
        self._pool = ThreadPoolExecutor(self.workers)
        self._clip, self._dropout = training.clip, dropout
        self._word_dropout, self._variational = training.word_dropout, training.variational
        self._dtype = product_type(training.precision)
        self._seed = np.int32(training.seed & 0x7FFFFFFF)
        self._seed ^= np.int32(team.index * 0x3C6EF35F & 0x7FFFFFFF)  # the chief draws as if alone
        spec, numbers = feature_spec(), tf.TensorSpec((None,), tf.int32)
        rows = tf.TensorSpec((None, model.embedding), tf.float32)
        shapes = [(self.net.output.shared, model.embedding), *(v.shape for v in self.net.matrices)]
        weights = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
        number, key = tf.TensorSpec((), tf.float32), tf.TensorSpec((2,), tf.int32)
        self._gradient = tf.function(
            self._part_gradient, input_signature=[spec, number, key], autograph=False
        )
        self._add = tf.function(self._sum, input_signature=[weights, weights], autograph=False)
        sums = tf.TensorSpec((3,), tf.float64)
        change = [numbers, numbers, rows, weights, sums, number]
        self._change = team.compiled(self._update, change)
        self._everywhere = team.each(self._part_gradient)
        self._shapes = shapes
        self._judge = tf.function(self._part_loss, input_signature=[spec], autograph=False)

    @property
    def product_type(self) -> str:
        """The number format of matrix products, by its name."""
        return str(self._dtype.name)

    def train(
        self,
        batch: Batch,
        learning_rate: float,
        step: int,
        *,
        counted: bool = False,
        dropping: float = 1.0,
    ) -> Step:
        """One optimizer step.

        Args:
            batch: at least one pair, or with a team at least one among all workers: this one's.
            learning_rate: the rate of this step.
            step: its number, which dropout is drawn by.
            counted: whether the n-grams of the batch are among those counted.
            dropping: how much of the dropout is in force, 0 to 1.
        """
        parts = split(batch, min(self.parts, len(batch))) if len(batch) else []
        shared = self.net.output.shared

        def prepared(number: int) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
            """What a part touches; the arguments of `_part_gradient`."""
            packed = self.net.pack(parts[number])
            # Places of one part of one step draw from four keys, beginning with this one.
            key = [self._seed, 4 * (step * self.parts + number) & 0x7FFFFFFF]
            features = self.net.features(packed, counted=counted)
            share = np.float32(self._dropout * dropping)
            return packed.touched[shared:], (features, share, np.asarray(key, np.int32))

        found = [_Sums(self._add, self._shapes) for _ in self.team.devices]
        for number, one in enumerate(self._gradients(prepared, len(parts))):
            found[number % len(found)].add(*one)
        found[0].numbers[2] = batch.weights.sum()
        rate = np.float32(learning_rate)
        norm, sums = self._change([(*one.arguments(), rate) for one in found])
        loss, network, tokens = sums.numpy().tolist()
        return Step(loss / tokens, network / tokens, float(norm), int(tokens))

    def counted(self, runs: Ranges) -> bool:
        """Whether the n-grams of some of these pairs of the store are among those counted."""
        return self.net.mixture is not None and self.net.mixture.counted(runs)

    def forget_moments(self) -> None:
        """Begins the optimizer anew, as after drawing the weights."""
        self.optimizer.forget()

    def validate(self, batches: Iterable[Batch]) -> NDArray[np.float32]:
        """The losses of all pairs of one or more batches, nothing left out, in nats, [2, all B].

        The first row is what replies are chosen by, the second the network alone.
        """

        def nats(batch: Batch) -> NDArray[np.float32]:
            """The losses of the pairs of one batch, [2, B]."""
            packed = self.net.pack(batch)
            real, pairs = packed.weights > 0, packed.pairs
            found = [rows.numpy()[real] for rows in self._judge(self.net.features(packed))]
            sums = [np.bincount(pairs[real], rows, len(batch)) for rows in found]
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
                return np.stack(sums).astype(np.float32)

        none = np.zeros((2, 0), np.float32)
        return np.concatenate([none, *self._pool.map(nats, batches)], 1)

    def _part_gradient(self, batch: Any, share: Any, key: Any) -> Any:  # noqa: ANN401
        """The losses of a part, by mixture and by network, and the gradients of what it touched.

        The first of these is that of the embedding rows that are not shared and so differ from part
        to part, [K - shared, E], the next that of those which are; the others are those of all
        other weights. What all parts have is added up as they come, so that it is held once.
        """
        rows = tf.gather(self.net.embedding, batch["touched"])
        with tf.GradientTape() as tape:
            tape.watch(rows)
            left_out = share if self._dropout else 0.0
            dropped = Dropped(left_out, self._word_dropout, key, self._variational)
            learned, judged = self.net.losses(rows, batch, self._dtype, dropped)
        gradients = tape.gradient(learned, [rows, *self.net.matrices])
        rows, *others = (tf.convert_to_tensor(one) for one in gradients)
        shared = self.net.output.shared
        alone = judged if self.net.mixture is None else learned - judged
        return judged, alone, rows[shared:], rows[:shared], *others

    def _gradients(
        self, prepared: Callable[[int], tuple[NDArray[np.int32], tuple[Any, ...]]], count: int
    ) -> Iterator[tuple[NDArray[np.int32], Sequence[Any]]]:
        """What each part touches, and what `_part_gradient` gives of it, in order.

        One device takes as many parts at a time as there are processors, several take one each.
        """
        devices = len(self.team.devices)
        if devices == 1:

            def found(number: int) -> tuple[NDArray[np.int32], Sequence[Any]]:
                """Those of one part."""
                touched, arguments = prepared(number)
                return touched, self._gradient(*arguments)

            yield from self._pool.map(found, range(count))
            return
        for first in range(0, count, devices):
            some = list(self._pool.map(prepared, range(first, min(first + devices, count))))
            idle = devices - len(some)  # they compute one again, which nobody takes
            given = [arguments for _, arguments in (*some, *some[:1] * idle)]
            yield from zip((touched for touched, _ in some), self._everywhere(given), strict=False)

    def _sum(self, some: list[Any], others: list[Any]) -> list[Any]:
        return [one + other for one, other in zip(some, others, strict=True)]

    def _update(
        self,
        touched: Any,  # noqa: ANN401
        places: Any,  # noqa: ANN401
        rows: Any,  # noqa: ANN401
        weights: list[Any],
        sums: Any,  # noqa: ANN401
        learning_rate: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """The optimizer step; gives the norm of the gradient, and `sums` over all workers."""
        rows = tf.math.unsorted_segment_sum(rows, places, tf.size(touched))
        touched, rows, weights, sums = self.team.total(touched, rows, weights, sums)
        scale = tf.cast(1 / sums[2], tf.float32)
        shared, *weights = weights
        touched = tf.concat([tf.range(len(shared)), touched], 0)
        rows = tf.concat([shared, rows], 0) * scale
        weights = [one * scale for one in weights]
        return self.optimizer.apply(touched, rows, weights, learning_rate, self._clip), sums

    def _part_loss(self, batch: Any) -> Any:  # noqa: ANN401
        rows = tf.gather(self.net.embedding, batch["touched"])
        return self.net.judged(rows, batch, self._dtype)


class _Sums:
    """What the parts of one device come to.

    Attributes:
        numbers: loss with n-grams, loss of the network, and real targets, float64 [3].
    """

    def __init__(self, add: Callable[..., Any], shapes: Sequence[Any]) -> None:
        self.numbers = np.zeros(3)
        self._touched: list[NDArray[np.int32]] = []
        self._rows: list[Any] = []
        self._weights: Any = None
        self._add, self._shapes = add, shapes

    def add(self, touched: NDArray[np.int32], found: Sequence[Any]) -> None:
        """Takes in what a part touched, and what `Engine._part_gradient` gave of it."""
        judged, alone, rows, *weights = found
        self.numbers[:2] += float(judged), float(alone)
        self._touched.append(touched)
        self._rows.append(rows)
        self._weights = weights if self._weights is None else self._add(self._weights, weights)

    def arguments(self) -> tuple[Any, ...]:
        """What `Engine._update` takes of it."""
        if self._weights is None:  # no pairs here
            weights = [tf.zeros(shape) for shape in self._shapes]
            none = np.zeros(0, np.int32)
            return none, none, tf.zeros([0, self._shapes[0][1]]), weights, self.numbers
        entries, places = merged(self._touched)
        return entries, places, tf.concat(self._rows, 0), list(self._weights), self.numbers
