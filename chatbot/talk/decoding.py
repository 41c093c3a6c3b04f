"""Choosing a reply entry by entry: greedy, drawn, or by beam search.

Comes in: a `Decoder`, which knows how to begin a reply and how likely each next entry is. Goes out:
lists of ids, the best reply or the best few, or its entries one by one while they are decided.
Knows nothing of text, of TensorFlow or of a network, so its tests need none.

A reply ends at EOS or at a longest length, is never empty, and keeps to `rules.Rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.talk.beam import Hypothesis, search
from chatbot.talk.decoder import AntiLanguageModel, Decoder, S
from chatbot.talk.drawing import choose
from chatbot.talk.rules import Rules

EMPTY = (GO,)
"""The ids that stand for an empty question."""

_ROWS = 64
"""Replies under way at a time; more are no faster, and each needs memory for every entry."""


def decode(
    decoder: Decoder[S],
    questions: Sequence[Sequence[int]],
    config: ReplyConfig,
    rules: Rules,
    turns: Sequence[int] = (),
) -> list[list[int]]:
    """One reply to each question, without EOS.

    Args:
        decoder: the model.
        questions: ids, each question at least one.
        config: how replies are chosen.
        rules: what a reply may not contain.
        turns: a number of each question, by which with the seed it is drawn; as they stand.
    """
    if config.temperature == 0 and config.beam > 1:
        return [found[0].tokens for found in candidates(decoder, questions, config, rules)]
    replies: list[list[int]] = [[] for _ in questions]
    for row, token in stream(decoder, questions, config, rules, turns):
        replies[row].append(token)
    return replies


def stream(
    decoder: Decoder[S],
    questions: Sequence[Sequence[int]],
    config: ReplyConfig,
    rules: Rules,
    turns: Sequence[int] = (),
) -> Iterator[tuple[int, int]]:
    """Greedy or drawn replies while they are decided: (question's number, entry), without EOS.

    Arguments as for `decode`; the beam is not used.
    """
    model, turns = objective(decoder, config), turns or range(len(questions))
    for first in range(0, len(questions), _ROWS):
        replies: list[list[int]] = [[] for _ in questions[first : first + _ROWS]]
        draws = [
            np.random.default_rng([config.seed, turn]) for turn in turns[first : first + _ROWS]
        ]
        numbers = np.arange(len(replies))
        state = model.begin(questions[first : first + _ROWS])
        tokens = np.full(len(replies), GO, np.int32)
        for _ in range(config.max_reply):
            scores, state = model.step(tokens, state)
            allowed = rules.apply(scores, [replies[number] for number in numbers], config)
            tokens = choose(allowed, config, [draws[number] for number in numbers])
            going = np.flatnonzero(tokens != EOS)
            for row in going.tolist():
                token = int(tokens[row])
                replies[numbers[row]].append(token)
                yield first + int(numbers[row]), token
            if not len(going):
                break
            if len(going) < len(tokens):
                state = model.select(state, going)
                tokens, numbers = tokens[going], numbers[going]


def candidates(
    decoder: Decoder[S], questions: Sequence[Sequence[int]], config: ReplyConfig, rules: Rules
) -> list[list[Hypothesis]]:
    """The best replies to each question, `config.beam` at most, the best first."""
    model = objective(decoder, config)
    at_once = max(1, _ROWS // config.beam)
    found: list[list[Hypothesis]] = []
    for first in range(0, len(questions), at_once):
        found += search(model, questions[first : first + at_once], config, rules)
    return found


def objective(decoder: Decoder[S], config: ReplyConfig) -> Decoder[Any]:
    """The decoder, by what replies are judged: its likelihood, or what `AntiLanguageModel` says."""
    if not config.anti_lm:
        return decoder
    return AntiLanguageModel(decoder, EMPTY, config.anti_lm, config.anti_lm_tokens)
