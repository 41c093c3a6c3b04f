"""Conversations -> pairs of a question and its reply, under a number of earlier turns.

Comes in: conversations as a reader found them. Goes out: their turns laid end to end in chunks of
bounded size, and which of them make pairs. Knows nothing of files, of words or of ids.

A pair is a turn that is a reply, and before it the question: the turn it answers, with `context`
turns more before that one, as far as the conversation has them. Empty turns answer nothing and are
not answered.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of
from chatbot.corpus.formats.base import NO_REPLY, Conversation

EMPTY_QUESTION = "empty question"
EMPTY_REPLY = "empty reply"

CHARACTERS = 1 << 22
"""Characters of a chunk, about, where turns are long."""


@dataclass
class LaidTurns:
    """The turns of some conversations laid end to end, T in all; cheap to hand to a process.

    Attributes:
        text: the turns, a line feed between two; line feeds inside turns have become blanks.
        sizes: turns of every conversation.
        lines: the line of every turn, uint32 [T].
        replies: whether each turn is to be learned as a reply, bool [T].
    """

    text: str
    sizes: NDArray[np.int64]
    lines: NDArray[np.uint32]
    replies: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of turns, T."""
        return len(self.lines)

    @property
    def texts(self) -> list[str]:
        """The turns one by one."""
        return self.text.split("\n") if len(self) else []


@dataclass(frozen=True)
class Pairing:
    """The pairs that some turns make, P of them, as places among the turns.

    Attributes:
        first: the earliest turn of each question, int64 [P].
        question: the turn that is answered, int64 [P]; those from `first` on go before it.
        reply: the reply, int64 [P].
    """

    first: NDArray[np.int64]
    question: NDArray[np.int64]
    reply: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Pairing:
        """The pairs for which `chosen` is true."""
        return Pairing(self.first[chosen], self.question[chosen], self.reply[chosen])

    def turned_round(self) -> Pairing:
        """The pairs of which each reply is the question, and the question alone the reply."""
        return Pairing(self.reply, self.reply, self.question)


def turns_of(
    conversations: Iterable[Conversation],
    most: int,
    context: int,
    skipped: Counter[str],
    characters: int = CHARACTERS,
) -> Iterator[LaidTurns]:
    """Lays conversations end to end, about `most` turns and `characters` at most at a time.

    A conversation that is longer goes on in the next chunk, with the turns that its first pair
    there needs before it. One of a single turn has no reply; it is counted in `skipped`.
    """
    texts: list[str] = []
    lines: list[int] = []
    sizes: list[int] = []
    replies = bytearray()
    room = characters
    for conversation in conversations:
        if len(conversation.turns) < 2:
            skipped[NO_REPLY] += len(conversation.turns)
            continue
        length = sum(map(len, conversation.turns))
        whole = len(conversation.turns) <= most and length <= characters
        pieces = (conversation,) if whole else _pieces(conversation, most, characters, context)
        for turns, numbers, marks in pieces:
            size = len(turns)
            texts += turns
            lines += numbers
            sizes.append(size)
            if marks is not None:
                replies += bytes(marks)
            else:
                replies += b"\1" * size
            room -= length  # of all pieces: too much rather than too little
            if len(texts) >= most or room <= 0:
                yield _laid(texts, lines, sizes, replies)
                texts, lines, sizes, replies, room = [], [], [], bytearray(), characters
    if texts:
        yield _laid(texts, lines, sizes, replies)


def _pieces(
    conversation: Conversation, most: int, characters: int, context: int
) -> Iterator[Conversation]:
    turns, lines, marks = conversation
    marks = [True] * len(turns) if marks is None else marks
    for start, end in itertools.pairwise(_bounds(turns, most, characters)):
        first = max(0, start - context - 1)
        mine = [False] * (start - first) + list(marks[start:end])
        yield Conversation(turns[first:end], lines[first:end], mine)


def _bounds(turns: Sequence[str], most: int, characters: int) -> list[int]:
    """Where pieces of some turns begin, each of a turn at least, and where the last one ends."""
    bounds, length = [0], 0
    for place, turn in enumerate(turns):
        length += len(turn)
        if place and (place - bounds[-1] >= most or length > characters):
            bounds.append(place)
            length = len(turn)
    return [*bounds, len(turns)]


def _laid(texts: list[str], lines: list[int], sizes: list[int], replies: bytearray) -> LaidTurns:
    text = "\n".join(texts)
    if text.count("\n") >= len(texts):
        text = "\n".join([one.replace("\n", " ") for one in texts])
    return LaidTurns(
        text,
        np.asarray(sizes, np.int64),
        np.asarray(lines, np.uint32),
        np.frombuffer(bytes(replies), np.bool_),
    )


@dataclass(frozen=True)
class Talks:
    """Which pairs are of one conversation, whatever is left out of them later.

    It is one if it is written as one or, as many corpora give each pair of a talk a line of its
    own, where a pair asks what was said last, or the same again.

    Attributes:
        number: the conversation of each turn that is a reply, int64 [T].
        opened: whether each turn that is a reply answers what opens its conversation, bool [T].
            A turn that is not to be learned as a reply opens none.
    """

    number: NDArray[np.int64]
    opened: NDArray[np.bool_]

    @classmethod
    def of(cls, turns: LaidTurns, pairing: Pairing, hashes: NDArray[np.uint64]) -> Talks:
        """Finds them from the hashes of the turns, [T]."""
        asked, said = hashes[pairing.question], hashes[pairing.reply]
        written = np.repeat(np.arange(len(turns.sizes)), turns.sizes)
        first = np.repeat(bounds_of(turns.sizes)[:-1], turns.sizes)
        mine = written[pairing.reply]
        new = np.ones(len(asked), np.bool_)
        new[1:] = (mine[1:] != mine[:-1]) & (asked[1:] != said[:-1]) & (asked[1:] != asked[:-1])
        found = cls(np.zeros(len(turns), np.int64), np.zeros(len(turns), np.bool_))
        found.number[pairing.reply] = np.cumsum(new)
        opening = (pairing.question == first[pairing.question]) & turns.replies[pairing.question]
        found.opened[pairing.reply] = new & opening
        return found

    def goes_on(self, pairing: Pairing) -> NDArray[np.bool_]:
        """Whether each pair belongs to the conversation of the pair before it, [P]."""
        number = self.number[pairing.reply]
        found: NDArray[np.bool_] = np.diff(number, prepend=-1) == 0
        return found


def pair_up(
    turns: LaidTurns, filled: NDArray[np.bool_], context: int, skipped: Counter[str]
) -> Pairing:
    """The pairs of some turns, counting in `skipped` those of which a side is empty.

    Args:
        turns: T turns.
        filled: whether each turn has text after normalisation, [T].
        context: turns before the question that belong to it.
        skipped: counts by reason.
    """
    bounds = bounds_of(turns.sizes)
    opening = np.repeat(bounds[:-1], turns.sizes)
    marked = turns.replies.copy()
    marked[bounds[:-1]] = False  # a turn that opens a conversation answers nothing
    reply = np.flatnonzero(marked)
    asked, answered = filled[reply - 1], filled[reply]
    if not asked.all():
        skipped[EMPTY_QUESTION] += int((~asked).sum())
    if not answered.all() and (empty := int((asked & ~answered).sum())):
        skipped[EMPTY_REPLY] += empty
    reply = reply[asked & answered]
    question = reply - 1
    return Pairing(np.maximum(opening[reply], question - context), question, reply)
