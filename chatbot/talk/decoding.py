"""Choosing a reply token by token: greedy, sampling and beam search.

Comes in: a `Decoder`, which knows how to begin a reply and how likely each next entry is. Goes out:
lists of ids. Knows nothing of text, of TensorFlow or of a network, so its tests need none.

Special entries other than EOS are never chosen, a reply is never empty, and it ends at EOS or at a
longest length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO, PAD, UNK

S = TypeVar("S")

LENGTH_PENALTY = 0.6
"""alpha of Wu et al. 2016, "Google's neural machine translation system", eq. 14."""


class Decoder(Protocol[S]):
    """The model behind replies; S is its state for B replies under way."""

    def begin(self, questions: Sequence[Sequence[int]]) -> S:
        """The state before the first step for B questions, each of at least one id."""

    def step(self, tokens: NDArray[np.int32], state: S) -> tuple[NDArray[np.float32], S]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""

    def select(self, state: S, rows: NDArray[np.int64]) -> S:
        """The state whose reply i is reply `rows[i]` of the given one."""


@dataclass(frozen=True)
class Rules:
    """What a reply may not contain.

    Attributes:
        never: entries that are never chosen.
        not_first: entries that cannot begin a reply, besides EOS.
    """

    never: tuple[int, ...] = (PAD, GO, UNK)
    not_first: tuple[int, ...] = ()

    def apply(self, scores: NDArray[np.float32], first: bool) -> NDArray[np.float32]:
        """Log-probabilities [B, V] with what is forbidden at minus infinity."""
        scores = scores.copy()
        scores[:, list(self.never)] = -np.inf
        if first:
            scores[:, [EOS, *self.not_first]] = -np.inf
        return scores


def decode(
    decoder: Decoder[S],
    questions: Sequence[Sequence[int]],
    config: ReplyConfig,
    rules: Rules,
    seed: Sequence[int] = (0,),
) -> list[list[int]]:
    """One reply to each question, without EOS.

    Args:
        decoder: the model.
        questions: ids, each question at least one.
        config: beam width, temperature and lengths.
        rules: what a reply may not contain.
        seed: seed of what is drawn, when the temperature is not 0.
    """
    if config.temperature == 0 and config.beam > 1:
        return [beam(decoder, question, config, rules)[0].tokens for question in questions]
    generator = np.random.default_rng(list(seed))
    state = decoder.begin(questions)
    tokens = np.full(len(questions), GO, np.int32)
    replies: list[list[int]] = [[] for _ in questions]
    open_replies = np.arange(len(questions))
    for length in range(config.max_reply):
        scores, state = decoder.step(tokens, state)
        tokens = choose(rules.apply(scores, length == 0), config, generator)
        going = np.flatnonzero(tokens != EOS)
        for row in going:
            replies[open_replies[row]].append(int(tokens[row]))
        if not len(going):
            break
        if len(going) < len(tokens):
            state, tokens, open_replies = (
                decoder.select(state, going),
                tokens[going],
                open_replies[going],
            )
    return replies


def choose(
    scores: NDArray[np.float32], config: ReplyConfig, generator: np.random.Generator
) -> NDArray[np.int32]:
    """The likeliest entry of each row [B, V], or one drawn at a temperature from the top k."""
    if config.temperature == 0:
        return np.asarray(np.argmax(scores, 1), np.int32)
    warm = scores.astype(np.float64) / config.temperature
    if 0 < config.top_k < warm.shape[1]:
        least = np.partition(warm, -config.top_k, axis=1)[:, -config.top_k, None]
        warm = np.where(warm >= least, warm, -np.inf)
    ends = np.cumsum(np.exp(warm - warm.max(1, keepdims=True)), 1)
    drawn = generator.random((len(ends), 1)) * ends[:, -1:]
    return np.asarray(np.sum(ends <= drawn, 1), np.int32)


@dataclass(frozen=True)
class Hypothesis:
    """A reply found by beam search.

    Attributes:
        tokens: its ids without EOS.
        log_probability: of its ids and, if it ended, of EOS, in nats.
        score: the log-probability over the length penalty; larger is better.
    """

    tokens: list[int]
    log_probability: float
    score: float


def beam(
    decoder: Decoder[S], question: Sequence[int], config: ReplyConfig, rules: Rules
) -> list[Hypothesis]:
    """Beam search with length normalisation (Wu et al. 2016, section 7, eq. 14, no coverage).

    Keeps the `config.beam` best unfinished replies by log-probability at every length. It ends when
    no unfinished reply can still beat the finished ones, or at the longest length.

    Returns:
        Up to `config.beam` finished replies, the best score first.
    """
    state = decoder.begin([question])
    tokens = np.array([GO], np.int32)
    open_replies: list[list[int]] = [[]]
    totals = np.zeros(1)
    done: list[Hypothesis] = []
    for length in range(config.max_reply):
        scores, state = decoder.step(tokens, state)
        everything = totals[:, None] + rules.apply(scores, length == 0)
        ending = everything[:, EOS].copy()
        done += [
            _finished(reply, float(total), length + 1)
            for reply, total in zip(open_replies, ending, strict=True)
            if total > -np.inf
        ]
        everything[:, EOS] = -np.inf
        flat = everything.ravel()
        best = np.argsort(-flat, kind="stable")[: config.beam]
        best = best[flat[best] > -np.inf]
        if not len(best):
            break
        rows, chosen = np.divmod(best, everything.shape[1])
        open_replies = [
            [*open_replies[row], int(token)] for row, token in zip(rows, chosen, strict=True)
        ]
        totals, tokens = flat[best], chosen.astype(np.int32)
        state = decoder.select(state, rows)
        done = sorted(done, key=lambda one: -one.score)[: config.beam]
        # A longer reply only loses probability; the penalty at the longest length is its best case.
        if len(done) == config.beam and done[-1].score >= totals[0] / _penalty(config.max_reply):
            break
    else:
        done += [
            _finished(reply, float(total), config.max_reply)
            for reply, total in zip(open_replies, totals, strict=True)
        ]
    return sorted(done, key=lambda one: -one.score)[: config.beam]


def _finished(reply: list[int], log_probability: float, length: int) -> Hypothesis:
    return Hypothesis(reply, log_probability, log_probability / _penalty(length))


def _penalty(length: int) -> float:
    return float(((5 + length) / 6) ** LENGTH_PENALTY)
