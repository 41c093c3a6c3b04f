"""The workers of a run and the devices of each, on `tf.distribute`.

Comes in: how a run is distributed. Goes out: where variables are made, sums over all workers, and
what the chief says to all. Knows nothing of networks or of pairs.

Every device of every worker computes the gradient of its own share of a step's pairs. Gradients are
summed over all, and each device changes its own copy of the weights by the same sum, so that copies
never differ (synchronous data parallelism). What needs one clock or one file is the chief's: it
says, the others hear.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.cluster import Cluster
from chatbot.errors import ChatbotError
from chatbot.learn.tf import tf

Tensor = Any
Total = tuple[Tensor, Tensor, list[Tensor], Tensor]

_NONE = -1
"""An entry that there is not."""

REASONS = ("interrupted", "terminated", "the terminal was closed", "stopped")
"""Why a worker may ask all to stop; what is none of these is said as the last."""


class Team:
    """A run in one process on one device, which agrees with itself.

    Attributes:
        index: this worker, from 0; the chief is 0.
        workers: how many there are.
        devices: what of this worker computes, by TensorFlow's names; one alone needs none.
    """

    index, workers = 0, 1
    devices: Sequence[str] = ("",)

    @property
    def chief(self) -> bool:
        """Whether this worker writes."""
        return self.index == 0

    def scope(self) -> AbstractContextManager[Any]:
        """Where variables are made."""
        return nullcontext()

    def compiled(self, change: Callable[..., Any], spec: Sequence[Any]) -> Callable[..., Any]:
        """A function of one tuple of arguments for each device, run there; the first one's answer.

        Args:
            change: what is run; it may call `total`.
            spec: the types of its arguments.
        """
        run = tf.function(change, input_signature=spec)
        return lambda arguments: run(*arguments[0])

    def each(self, function: Callable[..., Any]) -> Callable[[Sequence[Any]], list[Any]]:
        """A compiled function of one tuple of arguments for each device; all their answers."""
        run = tf.function(function, autograph=False)
        return lambda arguments: [run(*one) for one in arguments]

    def total(self, touched: Tensor, rows: Tensor, weights: list[Tensor], sums: Tensor) -> Total:
        """The sums over all devices of all workers, inside what `compiled` runs.

        Args:
            touched: entries, distinct, [K].
            rows: their gradients, [K, E]; those of one entry on several devices are added.
            weights: other gradients.
            sums: numbers.
        """
        return touched, rows, weights, sums

    def agree(self, seconds: float, reason: str | None) -> tuple[float, str | None]:
        """The chief's seconds, and why any worker is to stop, if one is."""
        return seconds, reason

    def check(self, refusal: ChatbotError | None) -> None:
        """Lets all workers go on, or none.

        Args:
            refusal: why this one cannot; it, the others say that it cannot.

        Raises:
            ChatbotError: one cannot.
        """
        if refusal is not None:
            raise refusal

    def hear(self, data: bytes) -> bytes:
        """What the chief says; nobody reads what the others bring."""
        return data

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows that every worker brings, one worker after the other."""
        return rows

    def share(self, variables: Sequence[tf.Variable]) -> None:
        """Gives all workers the chief's values."""


class Distributed(Team):
    """A run on several devices or machines."""

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        """Takes the strategy, and who the workers are if there are several."""
        self._strategy, self._cluster = strategy, cluster
        self.index = cluster.index if cluster else 0
        self.workers = len(cluster.addresses) if cluster else 1
        self.devices = tuple(strategy.extended.worker_devices)
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every new shape
        self._summed = tf.function(self._on_devices(_all_reduced), reduce_retracing=True)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """See `Team`; a variable that is made waits for those of the others."""
        with self._talking(), self._strategy.scope():
            yield

    def compiled(self, change: Callable[..., Any], spec: Sequence[Any]) -> Callable[..., Any]:
        """See `Team`."""
        one = len(self.devices) == 1
        known = {"input_signature": [tuple(spec)]} if one else {"reduce_retracing": True}
        run = tf.function(self._on_devices(change), **known)

        def called(arguments: Sequence[Any]) -> Any:  # noqa: ANN401
            """Runs it, and tells in one line of a worker that is gone."""
            with self._talking():
                return self._first(run(self._local(arguments)))

        return called

    def each(self, function: Callable[..., Any]) -> Callable[[Sequence[Any]], list[Any]]:
        """See `Team`."""
        run = tf.function(self._on_devices(function), autograph=False, reduce_retracing=True)

        def called(arguments: Sequence[Any]) -> list[Any]:
            """Runs it, and gives the answers device by device."""
            found = run(self._local(arguments))
            of_devices = [self._strategy.experimental_local_results(one) for one in found]
            return list(zip(*of_devices, strict=True))

        return called

    def total(self, touched: Tensor, rows: Tensor, weights: list[Tensor], sums: Tensor) -> Total:
        """See `Team`; rows travel as they are, with their entries, weights as one sum."""
        context = tf.distribute.get_replica_context()
        # An operation of its own puts each on the device, which arguments are not yet.
        touched, rows, *weights, sums = map(tf.identity, (touched, rows, *weights, sums))
        weights = context.all_reduce(tf.distribute.ReduceOp.SUM, weights)
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        # Where no worker has touched any, TensorFlow would fall over arrays without a row.
        touched = tf.pad(touched, [[0, 1]], constant_values=_NONE)
        rows = tf.pad(rows, [[0, 1], [0, 0]])
        entries, places = tf.unique(context.all_gather(touched, 0))
        rows = tf.math.unsorted_segment_sum(context.all_gather(rows, 0), places, tf.size(entries))
        real = entries != _NONE
        return tf.boolean_mask(entries, real), tf.boolean_mask(rows, real), weights, sums

    def agree(self, seconds: float, reason: str | None) -> tuple[float, str | None]:
        """See `Team`."""
        if self.workers == 1:
            return seconds, reason
        mine = np.zeros((1, 1 + len(REASONS)))
        if self.chief:
            mine[0, 0] = seconds
        if reason is not None:
            mine[0, 1 + REASONS.index(reason if reason in REASONS else REASONS[-1])] = 1
        total = self._sum(mine[0])
        asked = np.flatnonzero(total[1:])
        return float(total[0]), REASONS[asked[0]] if len(asked) else None

    def check(self, refusal: ChatbotError | None) -> None:
        """See `Team`."""
        if self._cluster is None:
            super().check(refusal)
            return
        flags = np.zeros(self.workers, np.int32)
        flags[self.index] = refusal is not None
        found = np.flatnonzero(self._sum(flags)).tolist()
        super().check(refusal)
        if found:
            names = ", ".join(map(self._cluster.name, found))
            raise ChatbotError(f"{names}: cannot train. Look at what it says there.")

    def hear(self, data: bytes) -> bytes:
        """See `Team`."""
        if self.workers == 1:
            return data
        size = int(self._sum(np.array([len(data) if self.chief else 0]))[0])
        if not size:
            return b""
        words = np.zeros(-(-size // 4), np.int32)
        if self.chief:
            words.view(np.uint8)[:size] = np.frombuffer(data, np.uint8)
        return self._sum(words).tobytes()[:size]

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """See `Team`; as a sum of arrays with zeros for the rows of others, none twice."""
        if self.workers == 1:
            return rows
        counts = np.zeros(self.workers, np.int64)
        counts[self.index] = len(rows)
        ends = np.cumsum(self._sum(counts))
        every = np.zeros((ends[-1], *rows.shape[1:]), rows.dtype)
        every[ends[self.index] - len(rows) : ends[self.index]] = rows
        return self._sum(every)

    def share(self, variables: Sequence[tf.Variable]) -> None:
        """See `Team`."""
        for variable in variables if self.workers > 1 else ():
            value = variable.numpy()
            heard = np.frombuffer(self.hear(value.tobytes()), value.dtype)
            variable.assign(heard.reshape(value.shape))

    def _sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sum over all workers; the first device of each brings its values."""
        arguments = [(values,), *[(np.zeros_like(values),) for _ in self.devices[1:]]]
        with self._talking():
            found: NDArray[Any] = self._first(self._summed(self._local(arguments))).numpy()
        return found

    def _on_devices(self, function: Callable[..., Any]) -> Callable[[Any], Any]:
        """What runs a function on all devices, given the arguments of each."""

        def run(arguments: Any) -> Any:  # noqa: ANN401 - tensors, one for each device
            """Runs it."""
            return self._strategy.run(function, args=arguments)

        return run

    def _local(self, arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        """One tuple of arguments for each device as the strategy wants them."""
        if len(self.devices) == 1:
            return arguments[0]
        first = len(self.devices) * self.index
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: arguments[context.replica_id_in_sync_group - first]
        )

    def _first(self, found: Any) -> Any:  # noqa: ANN401
        """What the first device of this worker gave."""
        return tf.nest.map_structure(
            lambda one: self._strategy.experimental_local_results(one)[0], found
        )

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Tells in one line of a worker that is gone."""
        try:
            yield
        except LOST as error:
            if self._cluster is None:
                raise
            raise gone(self._cluster, error) from error


def _all_reduced(values: Tensor) -> Tensor:
    """The sum of what all devices bring, on each of them."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))


LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
"""What TensorFlow says when it does not reach a worker."""


def gone(cluster: Cluster, error: Exception) -> ChatbotError:
    """What is said of workers that are lost, in one line."""
    said = " ".join(str(error).split()) or repr(error)
    silent = cluster.silent()
    again = "Run the same command on all workers: they go on from the last checkpoint."
    if not silent:
        return ChatbotError(f"workers cannot reach each other ({said[:300]}). {again}")
    names = ", ".join(map(cluster.name, silent))
    what = "gone" if len(silent) == 1 else "gone, or ended because another one was"
    return ChatbotError(f"{names}: {what}. {again}")
