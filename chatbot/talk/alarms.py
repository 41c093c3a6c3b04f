"""What is wrong with a run, from its records; pure.

Comes in: records, one after the other. Goes out: alarms, each with advice, when something begins to
be wrong. Knows nothing of networks or of files; a run that is resumed reads its records again.

benchmarks/alarms.py sets broken runs beside healthy ones and records how soon each is found. The
thresholds here were set on other seeds and another corpus than those they are judged on there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chatbot.history import Record
from chatbot.memory import bytes_of

IN_A_ROW = 3
"""Records in a row that must show what is wrong before it is said."""

REPLIES_FROM = 100
"""Steps from which replies are judged: every network begins with the commonest words."""

SAME_REPLY = 0.9
"""Share of the commonest reply from which replies have collapsed."""

LEAST_GAIN = 0.01
"""Nats a token that shuffled questions must cost from step `REPLIES_FROM` on."""

TOO_GOOD = 1.0
"""Held-out loss, nats a token, that no dialogue can have: even the best models stay above two."""

OVERFIT = 0.1
"""Nats a token that the held-out loss lies above its least while the training loss falls."""

UNKNOWN = 0.05
"""Share of unknown words in the held-out replies."""

NEAR = 0.98
"""Share of the cap on memory from which the peak is near it."""

LEARNED_FROM = 50
"""Steps from which a loss must have fallen: before, the rate is still warming up."""

FALLEN = 0.02
"""Nats a token by which the loss must have fallen since the first validation."""

ADVICE = {
    "nothing is learned": "The loss is where it began. Raise --learning-rate, or look whether the "
    "corpus is what it should be (chatbot inspect).",
    "too good to be true": "A loss that low means that held-out replies are all alike or stand in "
    "the training pairs, or in their own questions. Look at the corpus (chatbot inspect).",
    "the question is ignored": "With the questions shuffled the loss is no higher. Replies may "
    "belong to other questions, by a line for instance: look at some pairs; or train longer.",
    "replies collapse": "Most replies are the same. Leave out replies that come too often "
    "(chatbot build-vocab --max-repeats), or train longer.",
    "the model overfits": "The held-out loss rises while the training loss falls; the best "
    "weights are kept. More pairs or a higher --dropout help; training longer does not.",
    "many unknown words": "More of the corpus is unknown than a bot can do without. Build anew "
    "with a lower --min-freq or a larger --max-size.",
    "memory nears the cap": "The peak is within 2 % of --memory, or past it. Stop and go on with a "
    "lower --memory, so that a step is computed in more parts, or with a higher one.",
}
"""What each alarm means, and what to do."""


@dataclass
class Alarms:
    """The alarms of one run, and what they are judged by."""

    _cap: int | None = None
    _first: float | None = None
    _least: float | None = None
    _trained: list[float] = field(default_factory=list)
    _least_trained: float | None = None
    _counts: dict[str, int] = field(default_factory=dict)

    def after(self, record: Record) -> list[str]:
        """The names of the alarms that a record sets off, each again only after it has passed."""
        if record.kind == "extend":  # what was judged so far was another corpus
            self._first = self._least = self._least_trained = None
            self._trained, self._counts = [], {}
        judge = _JUDGED_BY.get(record.kind)
        found = []
        for name, wrong in judge(self, record).items() if judge else ():
            self._counts[name] = self._counts.get(name, 0) + 1 if wrong else 0
            if self._counts[name] == IN_A_ROW:
                found.append(name)
        return found

    def _start(self, record: Record) -> Mapping[str, bool]:
        """Keeps the cap on memory; every start of the program may have another."""
        cap = (record.training or {}).get("memory")
        self._cap = bytes_of(cap) if cap else None
        self._counts.pop("memory nears the cap", None)
        return {}

    def _progress(self, record: Record) -> Mapping[str, bool]:
        """What memory says; keeps the training loss of every tenth step, as those are recorded."""
        if record.step % 10:
            return {}
        if record.loss is not None:
            self._trained = [*self._trained, record.loss][-10:]
        if self._cap is None or record.memory is None:
            return {}
        return {"memory nears the cap": record.memory >= NEAR * self._cap}

    def _validation(self, record: Record) -> Mapping[str, bool]:
        """What a loss says: of held-out pairs, or where there are none of those learned."""
        loss = record.loss if record.heldout_loss is None else record.heldout_loss
        if loss is None:
            return {}
        if self._first is None or self._least is None:
            self._first = self._least = loss
            return {}
        self._least = min(self._least, loss)
        falls = self._training_falls()
        found = {}
        if record.step >= LEARNED_FROM:
            found["nothing is learned"] = loss > self._first - FALLEN
        if record.heldout_loss is not None:
            found["too good to be true"] = loss < TOO_GOOD
            found["the model overfits"] = loss > self._least + OVERFIT and falls
        return found

    def _training_falls(self) -> bool:
        """Whether the training loss has never been as low as now."""
        if not self._trained:
            return False
        now = sum(self._trained) / len(self._trained)
        falls = self._least_trained is None or now <= self._least_trained
        self._least_trained = now if falls else self._least_trained
        return falls

    def _probe(self, record: Record) -> Mapping[str, bool]:
        """What replies and shuffled questions say."""
        found = {}
        if record.unknown_share is not None:
            found["many unknown words"] = record.unknown_share > UNKNOWN
        if record.step < REPLIES_FROM:
            return found
        if record.commonest_share is not None:
            found["replies collapse"] = record.commonest_share >= SAME_REPLY
        if record.question_gain is not None:
            found["the question is ignored"] = record.question_gain < LEAST_GAIN
        return found


_JUDGED_BY: Mapping[str, Callable[[Alarms, Record], Mapping[str, bool]]] = {
    "start": Alarms._start,
    "progress": Alarms._progress,
    "validation": Alarms._validation,
    "probe": Alarms._probe,
}
