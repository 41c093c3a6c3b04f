"""The likeliest word each time, as a graph: `talk.decoding`'s twin for greedy replies.

Comes in: ids of questions. Goes out: ids of replies, by a bot's own settings: the anti-language
model, no repeats, shortest and longest length. See `talk.decoder` and `talk.rules`.
"""

from __future__ import annotations

import math
from typing import Any

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO, PAD
from chatbot.graph.network import GraphNetwork, State
from chatbot.learn.tf import tf
from chatbot.talk.decoder import FAR, PLAUSIBLE
from chatbot.talk.decoding import EMPTY
from chatbot.talk.rules import Rules

Tensor = Any


class GraphReplies(tf.Module):  # type: ignore[misc]
    """Decides replies."""

    def __init__(self, network: GraphNetwork, config: ReplyConfig, rules: Rules) -> None:
        """Takes the network, how replies are chosen, and what they may not contain."""
        super().__init__(name="replies")
        self._network, self._config = network, config
        every = tf.range(network.size)

        def among(ids: tuple[int, ...]) -> Tensor:
            """Which entries are these, [V]."""
            return tf.reduce_any(every[:, None] == list(ids), 1)

        self._never, self._not_first = among(rules.never), among((*rules.not_first, EOS))

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Replies to questions [B, S] of these lengths, [B, T]; EOS fills what is over."""
        rows, longest = tf.shape(ids)[0], self._config.max_reply
        counted = min(self._config.anti_lm_tokens, longest) if self._config.anti_lm else 0
        asked = tf.where(tf.sequence_mask(lengths, tf.shape(ids)[1]), ids, PAD)
        if counted:
            asked = tf.concat([asked, asked], 0)
            ids = tf.concat([ids, tf.pad(_empty(rows), [[0, 0], [0, tf.shape(ids)[1] - 1]])], 0)
            lengths = tf.concat([lengths, tf.ones_like(lengths)], 0)
        state = self._network.begin(ids, lengths, asked)
        tokens, replies = tf.fill([rows], GO), tf.fill([rows, longest], EOS)
        step = tf.constant(0)
        if counted:
            step, tokens, replies, state = self._decided(
                step, tokens, replies, state, until=counted, doubled=True
            )
            state = tuple(part[:rows] for part in state)
        return self._decided(step, tokens, replies, state, until=longest, doubled=False)[2]

    def _decided(
        self,
        step: Tensor,
        tokens: Tensor,
        replies: Tensor,
        state: State,
        *,
        until: int,
        doubled: bool,
    ) -> tuple[Tensor, Tensor, Tensor, State]:
        """Replies with their entries from one step to another decided, or all at their ends."""

        def going(step: Tensor, tokens: Tensor, *_: Tensor) -> Tensor:
            """Whether some reply goes on."""
            return (step < until) & ((step == 0) | tf.reduce_any(tokens != EOS))

        def next_one(
            step: Tensor, tokens: Tensor, replies: Tensor, state: State
        ) -> tuple[Tensor, Tensor, Tensor, State]:
            """One entry more."""
            if doubled:
                scores, state = self._network.step(tf.concat([tokens, tokens], 0), state)
                scores = self._without_dullness(*tf.split(scores, 2))
            else:
                scores, state = self._network.step(tokens, state)
            found = tf.argmax(self._allowed(scores, replies, step), 1, tf.int32)
            over = (step > 0) & (tokens == EOS)
            tokens = tf.where(over, EOS, found)
            here = tf.range(tf.shape(replies)[1]) == step
            return step + 1, tokens, tf.where(here, tokens[:, None], replies), state

        shapes = [[], [None], [None, replies.shape[1]]]
        shapes = [tf.TensorShape(shape) for shape in shapes]
        opened = tuple(tf.TensorShape(shape) for shape in self._network.open)
        variables = step, tokens, replies, state
        found: tuple[Tensor, Tensor, Tensor, State] = tf.while_loop(
            going, next_one, variables, shape_invariants=(*shapes, opened)
        )
        return found

    def _without_dullness(self, asked: Tensor, anyway: Tensor) -> Tensor:
        """What `talk.decoder.AntiLanguageModel` makes of scores with a question and without."""
        least = tf.reduce_max(asked, 1, keepdims=True) + math.log(PLAUSIBLE)
        return tf.where(asked >= least, asked - self._config.anti_lm * anyway, asked + FAR)

    def _allowed(self, scores: Tensor, replies: Tensor, step: Tensor) -> Tensor:
        """Scores [B, V], minus infinity for what is forbidden; see `talk.rules`."""
        not_yet = (tf.range(scores.shape[1]) == EOS) & (step < self._config.min_reply)
        forbidden = (self._never | not_yet | (self._not_first & (step == 0)))[None]
        n = self._config.no_repeat
        if n and n <= self._config.max_reply:
            forbidden |= _repeated(replies, step, n, scores.shape[1])
        scores = tf.where(forbidden, -math.inf, scores)
        ended = tf.one_hot(EOS, scores.shape[1], 0.0, -math.inf)
        return tf.where(tf.reduce_max(scores, 1, keepdims=True) > -math.inf, scores, ended)


def _empty(rows: Tensor) -> Tensor:
    """Empty questions."""
    return tf.tile(tf.constant([EMPTY], tf.int32), [rows, 1])


def _repeated(replies: Tensor, step: Tensor, n: int, size: int) -> Tensor:
    """The entries after which some n in a row would stand in a reply twice, [B, V]."""
    rows, starts = tf.shape(replies)[0], tf.maximum(step - n + 1, 0)
    same = tf.fill([rows, starts], True)
    for back in range(1, n):  # each entry before the last of n against the reply's own last ones
        same &= replies[:, n - 1 - back : n - 1 - back + starts] == replies[:, step - back, None]
    entries = replies[:, n - 1 : n - 1 + starts]
    row = tf.tile(tf.range(rows)[:, None], [1, starts])
    where = tf.stack([tf.reshape(row, [-1]), tf.reshape(entries, [-1])], 1)
    counts = tf.scatter_nd(where, tf.reshape(tf.cast(same, tf.int32), [-1]), [rows, size])
    return counts > 0
