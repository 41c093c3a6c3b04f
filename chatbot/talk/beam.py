"""The best replies by beam search, of many questions at once.

Comes in: a decoder and questions. Goes out: for each question its best replies, the best first.
Knows nothing of text.

Length normalisation is that of Wu et al. 2016, "Google's neural machine translation system",
section 7, eq. 14, without coverage: a reply of n entries, its end among them, is judged by its
log-probability over ((5 + n) / 6) ^ alpha. With groups the search is diverse (Vijayakumar et al.
2016, "Diverse beam search", section 4, Hamming diversity): the groups go on one after another, and
an entry costs a group so much for each time that the groups before it have chosen it at this
place. The cost decides what goes on, not how a reply is judged in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.talk.decoder import Decoder, S
from chatbot.talk.rules import Rules


@dataclass(frozen=True)
class Hypothesis:
    """A reply found by beam search.

    Attributes:
        tokens: its ids without EOS.
        log_probability: of its ids and, if it ended, of EOS, in nats, by what is searched for.
        score: the log-probability over the length penalty; larger is better.
    """

    tokens: list[int]
    log_probability: float
    score: float


@dataclass
class _Group:
    """Replies under way that are compared with each other, and those that have ended.

    Attributes:
        width: how many go on.
        replies: those under way.
        totals: the log-probability of each.
        rows: the row of each in the decoder's state.
        done: the best that have ended, the best first.
    """

    width: int
    replies: list[list[int]]
    totals: NDArray[np.float32]
    rows: NDArray[np.int64]
    done: list[Hypothesis] = field(default_factory=list)


def search(
    decoder: Decoder[S], questions: Sequence[Sequence[int]], config: ReplyConfig, rules: Rules
) -> list[list[Hypothesis]]:
    """The best replies to each question, `config.beam` at most and at least one, the best first.

    The best unfinished replies by log-probability go on at every length. A question is done when
    nothing unfinished can be better any more than the worst of the finished ones, or at the longest
    length.
    """
    widths = [
        len(part) for part in np.array_split(range(config.beam), min(config.groups, config.beam))
    ]
    every = [
        [_Group(w, [[]], np.zeros(1, np.float32), np.full(1, q)) for w in widths]
        for q in range(len(questions))
    ]
    state = decoder.begin(questions)
    tokens = np.full(len(questions), GO, np.int32)
    for length in range(1, config.max_reply + 1):
        scores, state = decoder.step(tokens, state)
        rows: list[NDArray[np.int64]] = []
        chosen: list[NDArray[np.int32]] = []
        count = 0
        for groups in every:
            taken: Counter[int] = Counter()
            for group in groups:
                if not len(group.rows):
                    continue
                allowed = rules.apply(scores[group.rows], group.replies, config)
                parents, entries = _go_on(group, allowed, taken, config, length)
                taken.update(entries.tolist())
                rows.append(group.rows[parents])
                chosen.append(entries)
                group.rows = np.arange(count, count + len(entries))
                count += len(entries)
        if not count:
            break
        state, tokens = decoder.select(state, np.concatenate(rows)), np.concatenate(chosen)
    for group in (group for groups in every for group in groups):
        for reply, total in zip(group.replies, group.totals.tolist(), strict=True):
            group.done.append(_finished(reply, total, config.max_reply, config.length_penalty))
    return [_best(groups) for groups in every]


def _go_on(
    group: _Group,
    scores: NDArray[np.float32],
    taken: Counter[int],
    config: ReplyConfig,
    length: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """What the replies of a group go on with: which of them, and the entry; ends are put aside."""
    everything = scores
    everything += group.totals[:, None]
    for reply, total in zip(group.replies, everything[:, EOS].tolist(), strict=True):
        if total > -np.inf:
            group.done.append(_finished(reply, total, length, config.length_penalty))
    group.done = _ranked(group.done)[: group.width]
    everything[:, EOS] = -np.inf
    ranked = everything
    if taken and config.diversity:
        ranked = everything.copy()
        ranked[:, list(taken)] -= np.array(list(taken.values())) * np.float32(config.diversity)
    best = largest(ranked, group.width)
    parents, entries = np.divmod(best, everything.shape[1])
    totals = everything.ravel()[best]
    worst = group.done[-1].score if len(group.done) == group.width else -np.inf
    if not len(best) or worst >= _most(totals.max(), config, length):
        best, parents, entries, totals = best[:0], parents[:0], entries[:0], totals[:0]
    going = zip(parents.tolist(), entries.tolist(), strict=True)
    group.replies = [[*group.replies[parent], entry] for parent, entry in going]
    group.totals = totals
    return parents, entries.astype(np.int32)


def largest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Where the largest numbers of [B, V] stand, flattened: the largest first, equal ones in order.

    Those at minus infinity are none.
    """
    flat = scores.ravel()
    if len(scores) >= count:  # each of the largest is at least the least of the rows' own largest
        bound = np.partition(scores.max(1), len(scores) - count)[len(scores) - count]
    else:
        count = min(count, len(flat))
        bound = np.partition(flat, len(flat) - count)[len(flat) - count]
    found = np.flatnonzero(flat >= bound) if bound > -np.inf else np.flatnonzero(flat > -np.inf)
    return found[np.argsort(-flat[found], kind="stable")[:count]]


def _most(total: float, config: ReplyConfig, length: int) -> float:
    """No better score can come of an unfinished reply: it only loses log-probability.

    Its best case is the longest length, or where a total is positive, the next one. While the
    anti-language model has a say, entries may gain.
    """
    if config.anti_lm and length < config.anti_lm_tokens:
        return np.inf
    n = config.max_reply if total < 0 else length + 1
    return float(total) / _penalty(n, config.length_penalty)


def _best(groups: Sequence[_Group]) -> list[Hypothesis]:
    """The best of each group, the best first; each reply once."""
    found = _ranked(one for group in groups for one in _ranked(group.done)[: group.width])
    distinct: dict[tuple[int, ...], Hypothesis] = {}
    for one in found:
        distinct.setdefault(tuple(one.tokens), one)
    return list(distinct.values())


def _ranked(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    return sorted(found, key=lambda one: -one.score)


def _finished(reply: list[int], log_probability: float, length: int, alpha: float) -> Hypothesis:
    return Hypothesis(reply, log_probability, log_probability / _penalty(length, alpha))


def _penalty(length: int, alpha: float) -> float:
    return float(((5 + length) / 6) ** alpha)
