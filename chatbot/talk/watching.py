"""What is looked at while a run trains: replies to fixed questions, and how much these matter.

Comes in: a run at a validation, and the losses found there. Goes out: a probe, and alarms. Changes
nothing of the run, and finds the same for the same weights.

The questions are judged ones: held-out pairs, or where there are none the first training pairs.
Each time a few are answered and shown; now and then many are answered, to see how much the replies
differ. How much the question matters is seen by giving every pair another one's question: with
those the loss is higher, pair by pair, unless the question is ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chatbot.config import ReplyConfig
from chatbot.corpus.batches import Batch, make_batch
from chatbot.corpus.vocabulary import UNK
from chatbot.history import Record, read
from chatbot.learn.comparison import Judged
from chatbot.learn.judging import judged_range
from chatbot.learn.saved import user_dict_of
from chatbot.learn.training import Run
from chatbot.talk.alarms import ADVICE, Alarms
from chatbot.talk.bot import Bot
from chatbot.talk.measures import distinct
from chatbot.talk.network import Network
from chatbot.talk.networks import network
from chatbot.talk.why import Why, why

SAMPLES = 4
"""Questions that are answered at every validation."""

ANSWERED = 32
"""Questions that are answered to see how much replies differ, ..."""

EVERY = 2
"""... at every so many validations."""

SHUFFLED = 250
"""Pairs whose questions are shuffled."""

GREEDY = ReplyConfig(anti_lm=0, no_repeat=0, max_reply=20)
"""How they are answered: the alarms are about what the network says, not about what is kept off."""


class Watch:
    """Looks at one run; to be given to it as its `watch`."""

    def __init__(self, run: Run) -> None:
        """Takes the run.

        Raises:
            ChatbotError: what cuts its text is missing, so that no reply can be put together.
        """
        user_dict = user_dict_of(run.folder, run.vocabulary)
        at = run.folder.checkpoints
        self._bot = Bot(run.vocabulary, self._network(run), run.position, at, user_dict)
        self._samples: tuple[list[list[int]], list[list[int]]] = ([], [])
        self._run = run
        self._alarms: Alarms | None = None
        self._halvings = 0
        self._pending: list[str] = []

    def looks(self) -> list[Why]:
        """What the replies of the last samples looked at, by the present weights."""
        return why(self._network(self._run), self._run.vocabulary, *self._samples)

    @staticmethod
    def _network(run: Run) -> Network:
        """What answers by the present weights."""
        net = run.engine.net
        return network(net.weights(), net.config, net.mixture and net.mixture.ngrams)

    def see(self, record: Record) -> None:
        """Takes note of what the run records."""
        if self._alarms is not None:
            self._pending += self._alarms.after(record)

    def __call__(self, judged: Judged) -> Iterator[Record]:
        """What a validation shows, for the run to record.

        Args:
            judged: the losses found there.
        """
        halvings = self._run.position.schedule.halvings
        if self._alarms is None or halvings != self._halvings:
            self._halvings = halvings
            self._remember()
        yield self.probe(judged)
        pending, self._pending = self._pending, []
        for name in pending:
            yield self._record("alarm", alarm=name, note=ADVICE[name])

    def _remember(self) -> None:
        """Reads what was recorded, after a resume or a roll-back.

        What it set off was said then, but for what has been found since the program started.
        """
        self._alarms, self._pending = Alarms(), []
        for one in read(self._run.folder.history):
            record = Record.from_dict(one)
            if record.kind == "start":
                self._pending = []
            self._pending += self._alarms.after(record)
            self._pending = [name for name in self._pending if name != record.alarm]

    def probe(self, judged: Judged) -> Record:
        """What replies say of the present weights."""
        run = self._run
        begin, end = judged_range(run.store)
        pairs = run.store.read([(begin, min(begin + SHUFFLED, end))])
        batch = make_batch(pairs, run.position.training.max_length)
        known = {"question_gain": self._question_gain(batch, judged)} if len(batch) > 1 else {}
        known["unknown_share"] = float((batch.targets == UNK).sum() / batch.weights.sum())
        return self._record("probe", **known, **self._replies(batch))

    def _replies(self, batch: Batch) -> dict[str, Any]:
        """The samples, and now and then how much many replies differ."""
        validation = self._run.position.step // self._run.position.training.validate_every
        count = min(len(batch), SAMPLES if validation % EVERY else ANSWERED)
        questions = [
            row[:length].tolist()
            for row, length in zip(
                batch.encoder_input[:count], batch.encoder_lengths[:count], strict=True
            )
        ]
        bot = self._bot
        bot.network = self._network(self._run)
        replies = bot.answers(questions, GREEDY)
        del bot.network  # a copy of the weights
        texts = [bot.text(ids) for ids in replies]
        self._samples = questions[:SAMPLES], replies[:SAMPLES]
        samples = [(bot.text(q), r) for q, r in zip(self._samples[0], texts, strict=False)]
        found: dict[str, Any] = {"samples": samples}
        if count > SAMPLES:
            commonest = Counter(texts).most_common(1)[0][1]
            found["commonest_share"] = commonest / count
            found["distinct_1"], found["distinct_2"] = (distinct(replies, n) for n in (1, 2))
        return found

    def _question_gain(self, batch: Batch, judged: Judged) -> float:
        """How much higher the loss is when every pair is given the question of the next."""
        shuffled = replace(
            batch,
            encoder_input=np.roll(batch.encoder_input, 1, axis=0),
            encoder_lengths=np.roll(batch.encoder_lengths, 1),
        )
        nats, _ = self._run.engine.validate([shuffled])
        return float((nats - judged.nats[: len(batch)]).sum() / batch.weights.sum())

    def _record(self, kind: str, **known: Any) -> Record:  # noqa: ANN401 - fields of Record
        position = self._run.position
        return Record(kind, position.step, seconds=round(position.seconds, 3), **known)
