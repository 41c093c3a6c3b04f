"""The strategies of `tf.distribute`, set up for a team.

Comes in: the workers of a run, or the devices of this machine. Goes out: a team of them. Knows
nothing of what a team does.
"""

from __future__ import annotations

import functools
import importlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.cluster import Cluster
from chatbot.errors import ChatbotError
from chatbot.learn.team import LOST, Distributed, Team, gone
from chatbot.learn.tf import quietly, tf


def mirrored() -> Team:
    """All GPUs of this machine, or all of its processors' logical devices."""
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) == 1:
        return Team()
    with quietly():
        return Distributed(tf.distribute.MirroredStrategy([one.name for one in found]))


def multi_worker(cluster: Cluster) -> Team:
    """The workers of a cluster, all of which call this; before TensorFlow's first operation.

    Raises:
        ChatbotError: one of them does not come, a minute long.
    """
    with quietly(), _sigterm_kept():
        _be_less_patient()
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except LOST as error:
            raise gone(cluster, error) from error
        except tf.errors.UnknownError as error:
            raise ChatbotError(
                f"{cluster.name(cluster.index)}: TensorFlow cannot open its port "
                f"({' '.join(str(error).split())[:300]}). Free it, or name another in TF_CONFIG."
            ) from error
    return Distributed(strategy, cluster)


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """SIGTERM is ours again afterwards, and what comes meanwhile comes then.

    TensorFlow takes it for a notice of preemption, which nobody would read.
    """
    before = signal.getsignal(signal.SIGTERM)
    blocking = getattr(signal, "pthread_sigmask", lambda how, which: None)  # Windows has none
    blocking(signal.SIG_BLOCK if hasattr(signal, "SIG_BLOCK") else 0, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        blocking(signal.SIG_UNBLOCK if hasattr(signal, "SIG_UNBLOCK") else 0, {signal.SIGTERM})


def _be_less_patient() -> None:
    """Makes TensorFlow wait a minute, not an hour, for workers that met and are gone again.

    The strategy sets its coordination service up by itself, with no way to say this.
    """
    context = importlib.import_module("tensorflow.python.eager.context").context()
    context.configure_coordination_service = functools.partial(
        context.configure_coordination_service,
        cluster_register_timeout_in_ms=60_000,
        heartbeat_timeout_in_ms=20_000,
    )
