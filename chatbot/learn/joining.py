"""How the workers of a run come together.

Comes in: how a run is distributed, and what this worker is about to train. Goes out: a team whose
workers are all there and are about to train the same. Knows nothing of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot import __version__
from chatbot.cluster import Cluster, check_alike, meet
from chatbot.corpus.store import Header
from chatbot.learn.sharing import OWN
from chatbot.learn.strategies import mirrored, multi_worker
from chatbot.learn.team import Team
from chatbot.learn.tf import tf
from chatbot.settings import option_of

_NOT_COMPARED = (*OWN, "vectors")
"""Settings that every machine may have its own of: a file, too, may lie elsewhere."""


@dataclass(frozen=True)
class Joining:
    """How a run is distributed.

    Attributes:
        how: one of `cluster.HOW`.
        cluster: the workers, if there are several machines.
        wait: seconds to wait for workers that are not there yet.
        told: now and then told which those are.
    """

    how: str = "none"
    cluster: Cluster | None = None
    wait: float = 600.0
    told: Callable[[Sequence[int]], None] = lambda absent: None

    @property
    def chief(self) -> bool:
        """Whether this worker is the one that writes."""
        return self.cluster is None or self.cluster.chief

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self.cluster.addresses) if self.cluster else 1

    def team(
        self, header: Header, asked: Mapping[str, Any], stop: Callable[[], str | None]
    ) -> Team:
        """The team, all of it there; before TensorFlow's first operation.

        Args:
            header: of this worker's store.
            asked: the settings that were asked for here.
            stop: a reason in words ends the waiting.

        Raises:
            ChatbotError: a worker is not there in time, or about to train something else.
        """
        if self.cluster is None:
            return mirrored() if self.how == "mirrored" else Team()
        gpus = len(tf.config.list_physical_devices("GPU"))
        said = {
            "version of chatbot": __version__,
            "version of TensorFlow": tf.__version__,
            "list of workers": list(self.cluster.addresses),
            "vocabulary": header.vocabulary,
            "store": header.identity,
            "number of pairs": header.pairs,
            "devices": f"{max(1, gpus)} of kind {'GPU' if gpus else 'CPU'}",
            **{option_of(name): asked[name] for name in sorted(asked) if name not in _NOT_COMPARED},
        }
        check_alike(self.cluster, meet(self.cluster, said, self.wait, stop, self.told))
        return multi_worker(self.cluster)
