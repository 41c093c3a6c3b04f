"""What is asked, as the network reads it.

Comes in: an utterance and the turns before it. Goes out: a `Question`. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.tokenizer import Tokenizer
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.talk.decoding import EMPTY


class Question(NamedTuple):
    """What is asked.

    Attributes:
        text: the utterance, without what was said before it.
        words: what its ids stand for: the pieces of the text, also of what is unknown.
        ids: at least one.
    """

    text: str
    words: Sequence[str]
    ids: Sequence[int]


class Reader:
    """Makes questions of utterances, as those were made that a bot was trained on."""

    def __init__(
        self, vocabulary: Vocabulary, normaliser: Normaliser, tokenizer: Tokenizer, longest: int
    ) -> None:
        """Takes what text goes through, and the most tokens of a question; its last ones count."""
        self._vocabulary, self._normaliser = vocabulary, normaliser
        self._tokenizer, self._longest = tokenizer, longest

    def questions(
        self, texts: Sequence[str], earlier: Sequence[Iterable[str]] = ()
    ) -> list[Question]:
        """Utterances, each with the turns before it, the oldest first; none if left out."""
        before = earlier or [()] * len(texts)
        return [self._question(*one) for one in zip(texts, before, strict=True)]

    def _question(self, text: str, earlier: Iterable[str]) -> Question:
        turns = self._normaliser.texts([*earlier, text])
        before = turns[:-1][max(0, len(turns) - 1 - self._vocabulary.config.context) :]
        whole = "\n".join([*filter(None, before), turns[-1]])
        tokens = self._tokenizer.tokens(whole)
        pieces = list(self._vocabulary.pieces(tokens, self._tokenizer))
        words, ids = zip(*(pieces or [("", id) for id in EMPTY])[-self._longest :], strict=True)
        return Question(turns[-1], words, ids)
