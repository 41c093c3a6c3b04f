"""All that is told of a bot: what it predicts, what it says, and beside what that is to be read.

Comes in: a bot, pairs, and the token store it was trained on, if that is at hand. Goes out: numbers
and a sentence or two about what they mean.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.learn.judging import bits
from chatbot.learn.preparing import count_ngrams
from chatbot.talk.baselines import ORDERS, Nearest, nats_of
from chatbot.talk.bot import Bot
from chatbot.talk.copies import copied
from chatbot.talk.evaluation import Evaluator, Metrics
from chatbot.talk.measures import ReplyMeasures, measure

SHUFFLED = 2_000
"""Pairs whose questions are shuffled, and by which baselines are judged, at most."""

IGNORED = 0.01
"""Nats a token below which the question does not matter."""

_HALF = 0.5
_RESAMPLED = 2_000
_SEED = 20_261


@dataclass(frozen=True)
class Assessment:
    """What is told of a bot.

    Attributes:
        metrics: how well it predicts replies.
        question_gain: how much higher the loss is with another pair's question, in nats per token;
            None for a single pair.
        replies: what its replies are like, None where none were asked for; unknown words are not
            copied in them, as they are in `chat`.
        copied: the share of its replies that a training pair has word for word, None without
            replies or without the store.
        baselines: bits per character of n-grams, and of the bot, by name, on the first `SHUFFLED`
            pairs; empty without the store.
        nearest: what the replies of the nearest training questions are like.
    """

    metrics: Metrics
    question_gain: float | None
    replies: ReplyMeasures | None
    copied: float | None
    baselines: dict[str, float]
    nearest: ReplyMeasures | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the metrics first, as they stand."""
        found = dataclasses.asdict(self)
        metrics: dict[str, Any] = found.pop("metrics")
        return {**metrics, **found, "verdicts": self.verdicts()}

    def verdicts(self) -> list[str]:
        """What the numbers mean, a sentence each."""
        said = []
        if self.question_gain is not None:
            gain = f"{self.question_gain:.3f} nats a token"
            ignored = self.question_gain < IGNORED
            said.append(
                f"It ignores the question: another one costs it only {gain}."
                if ignored
                else f"It listens: another question costs it {gain}."
            )
        if self.baselines:
            name, best = min(
                (one for one in self.baselines.items() if one[0] in ORDERS.values()),
                key=lambda one: one[1],
            )
            better = best - self.baselines["this bot"]
            which = "better" if better >= 0 else "worse"
            said.append(
                f"It predicts replies {which} than {name} by {abs(better):.3f} bits per character."
            )
        if self.replies is not None and self.copied is not None:
            said.append(
                f"{self.copied:.0%} of its replies are those of training pairs, word for word"
                + (": it mostly repeats what it has read." if self.copied >= _HALF else ".")
            )
        if self.replies is not None and self.nearest is not None and self.replies.chrf is not None:
            better = self.replies.chrf - (self.nearest.chrf or 0)
            which = "nearer" if better >= 0 else "farther"
            said.append(
                "Its replies are "
                f"{which} to those people gave than the nearest question's, by {abs(better):.1f} "
                "chrF."
            )
        return said


class Comparison(NamedTuple):
    """How much better one bot predicts replies than another.

    Attributes:
        bits: bits per character of the other less those of this one.
        low: the lower end of the interval that holds 95 % of resamples.
        high: its upper end.
    """

    bits: float
    low: float
    high: float

    def verdict(self, other: str) -> str:
        """What that means, in a sentence."""
        numbers = f"{abs(self.bits):.3f} bits per character"
        interval = f"95 %: {self.low:+.3f} to {self.high:+.3f}"
        if self.low <= 0 <= self.high:
            return f"No difference to {other} can be told: {self.bits:+.3f} ({interval})."
        which = "better" if self.bits > 0 else "worse"
        return f"It predicts replies {which} than {other} by {numbers} ({interval})."


def assess(
    bot: Bot,
    parts: Iterable[EncodedPairs],
    store: TokenStore | None,
    replies: int,
    each: list[NDArray[np.float64]] | None = None,
) -> Assessment:
    """Measures a bot.

    Args:
        bot: the bot.
        parts: pairs, encoded for it.
        store: the token store it was trained on, for baselines and copies; None without.
        replies: how many of the first questions are answered; 0 for none.
        each: takes for every part the bits and the characters of each pair, [pairs, 2].

    Raises:
        ChatbotError: there are no pairs, or the checkpoint cannot be read.
    """
    first: list[EncodedPairs] = []
    evaluate = Evaluator(bot)
    metrics = evaluate(_noting(parts, first, max(SHUFFLED, replies)), each)
    some = EncodedPairs.concatenate(first)
    few = some.take(np.arange(min(len(some), SHUFFLED)))
    alone = metrics if metrics.pairs == len(few) else evaluate([few])
    gain = None
    if len(few) > 1:
        shuffled = evaluate([with_other_questions(few)])
        gain = shuffled.loss_nats - alone.loss_nats
    measured, share, nearest = None, None, None
    if replies:
        questions, given = sides(some.take(np.arange(min(len(some), replies))), bot)
        said = bot.answers(questions, bot.settled(None))
        texts = [bot.text(ids) for ids in given]
        measured = measure(said, [bot.text(ids) for ids in said], texts)
        if store is not None:
            share = float((copied(store, said) > 0).mean())
            found = Nearest(store, len(bot.vocabulary)).replies(questions)
            nearest = measure(found, [bot.text(ids) for ids in found], texts)
    baselines = {} if store is None else _baselines(store, few, alone, len(bot.vocabulary))
    return Assessment(metrics, gain, measured, share, baselines, nearest)


def _noting(
    parts: Iterable[EncodedPairs], first: list[EncodedPairs], most: int
) -> Iterator[EncodedPairs]:
    """The parts as they are; the first pairs are kept besides."""
    for part in parts:
        room = most - sum(map(len, first))
        if room > 0:
            first.append(part.take(np.arange(min(room, len(part)))))
        yield part


def _baselines(
    store: TokenStore, pairs: EncodedPairs, alone: Metrics, size: int
) -> dict[str, float]:
    """Bits per character of n-grams and of the bot on the same pairs."""
    found = {
        name: bits(nats_of(count_ngrams(store, order, size), pairs), alone.lost_characters)
        / alone.characters
        for order, name in ORDERS.items()
    }
    return {**found, "this bot": alone.bits_per_character}


def compare(
    these: Sequence[NDArray[np.float64]], others: Sequence[NDArray[np.float64]]
) -> Comparison:
    """How two bots differ on the same pairs, by a paired bootstrap over pairs.

    Koehn 2004, "Statistical significance tests for machine translation evaluation", section 4.

    Args:
        these: bits and characters of each pair by one bot, in parts, [pairs, 2].
        others: the same of the same pairs by the other.

    Raises:
        ChatbotError: they are not as many.
    """
    this, other = np.concatenate(these), np.concatenate(others)
    if len(this) != len(other):
        raise ChatbotError(
            f"--compare: the bots read {len(this):,} and {len(other):,} pairs, as they were built "
            "with other settings. Compare bots that read text in the same way."
        )
    both = np.concatenate([this, other], 1)  # bits, characters, bits, characters
    generator = np.random.default_rng(_SEED)
    found = np.empty(_RESAMPLED)
    for n in range(_RESAMPLED):
        bits, characters, other_bits, others_characters = both[
            generator.integers(0, len(both), len(both))
        ].sum(0)
        found[n] = other_bits / others_characters - bits / characters
    low, high = np.quantile(found, (0.025, 0.975)).tolist()
    bits, characters, other_bits, others_characters = both.sum(0)
    return Comparison(float(other_bits / others_characters - bits / characters), low, high)


def with_other_questions(pairs: EncodedPairs) -> EncodedPairs:
    """Every reply after the question of another pair, drawn with a fixed seed.

    Not that of the pair behind it: in a dialogue that question is this reply.
    """
    halves = np.split(pairs.tokens, pairs.bounds[1:-1])
    order = np.random.default_rng(_SEED).permutation(len(pairs))
    given = np.empty(len(pairs), np.int64)
    given[order] = np.roll(order, 1)  # in a ring, so that no pair has its own
    questions = [halves[2 * n] for n in given.tolist()]
    return EncodedPairs.of_sides(questions, halves[1::2], pairs.sources)


def sides(pairs: EncodedPairs, bot: Bot) -> tuple[list[list[int]], list[list[int]]]:
    """Questions, as far as the bot reads them, and replies, as ids."""
    halves = [half.tolist() for half in np.split(pairs.tokens, pairs.bounds[1:-1])]
    longest = bot.position.training.max_length
    return [half[-longest:] for half in halves[::2]], halves[1::2]
