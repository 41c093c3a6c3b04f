"""From corpus files to (question, reply) pairs, in whichever known format they come.

Comes in: the files that `files` found. Goes out: for every corpus its format, its pairs with the
line each came from, and counts of the lines skipped, by reason. Whitespace inside an utterance is
collapsed to single blanks; nothing else is changed. Knows nothing of words or ids.

Most corpora are one file, in one of the `formats`. Paired files are told by their names.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.corpus.files import find_files, read_lines, sample_lines
from chatbot.corpus.formats import NOT_UTF8, Format, Pair, collapse, recognise
from chatbot.errors import ChatbotError

EMPTY_QUESTION = "empty question"
EMPTY_REPLY = "empty reply"

_SIDES = {
    "enc": ("dec",),
    "encode": ("decode",),
    "encoder": ("decoder",),
    "question": ("answer", "reply"),
    "questions": ("answers", "replies"),
    "post": ("response",),
    "posts": ("responses",),
    "src": ("trg", "tgt"),
    "source": ("target",),
}
_QUESTIONS = {reply: (question,) for question, replies in _SIDES.items() for reply in replies}


def partner_names(name: str) -> list[str]:
    """The names that the reply side may have if a file of this name is the question side.

    >>> partner_names("x_post.txt")
    ['x_response.txt']
    """
    return _renamed(name, _SIDES)


def _renamed(name: str, sides: Mapping[str, Sequence[str]]) -> list[str]:
    """The name with one of its words exchanged, in each way that `sides` has, keeping capitals."""
    words = re.finditer(rf"(?<![a-z])({'|'.join(sides)})(?![a-z])", name, re.IGNORECASE)
    return [
        name[: word.start()] + _with_capitals(other, word[1]) + name[word.end() :]
        for word in words
        for other in sides[word[1].lower()]
    ]


def _with_capitals(word: str, like: str) -> str:
    return word.upper() if like.isupper() else word.title() if like.istitle() else word


@dataclass
class Corpus:
    """One corpus: a file, or two paired files, and what reading it has shown so far.

    `pairs_read` and `skipped` are filled while `pairs` is consumed.
    """

    path: Path
    replies: Path | None
    format: Format | None
    pairs_read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """What the store calls it: the file names, without their folder, whatever the locale."""
        name = self.path.name + (f"+{self.replies.name}" if self.replies else "")
        return os.fsencode(name).decode("utf-8", "replace")

    @property
    def format_name(self) -> str:
        """The format in words."""
        return self.format.name if self.format else "paired files"

    def pairs(self) -> Iterator[Pair]:
        """Reads the corpus from its beginning.

        Raises:
            ChatbotError: a file cannot be read, paired files differ in length, or no line gives
                a pair.
        """
        self.pairs_read, self.skipped = 0, Counter()
        for pair in self._candidates():
            if not pair.question:
                self.skipped[EMPTY_QUESTION] += 1
            elif not pair.reply:
                self.skipped[EMPTY_REPLY] += 1
            else:
                self.pairs_read += 1
                yield pair
        if not self.pairs_read:
            reasons = ", ".join(f"{n:,} {why}" for why, n in self.skipped.most_common())
            raise ChatbotError(
                f"{self.path}: read as {self.format_name}, but not one line gives a pair "
                f"({reasons or 'no conversation has two turns'}). See docs/formats.md."
            )

    def _candidates(self) -> Iterator[Pair]:
        if self.replies is None and self.format is not None:
            yield from self.format.read(read_lines(self.path), self.skipped)
        elif self.replies is not None:
            yield from self._paired(self.replies)

    def _paired(self, replies: Path) -> Iterator[Pair]:
        questions, answers = read_lines(self.path), read_lines(replies)
        count = 0
        for count, question in questions:
            answer = next(answers, None)
            if answer is None:
                more = sum(1 for _ in questions)
                raise ChatbotError(self._unequal(replies, count + more, count - 1))
            if question is None or answer[1] is None:
                self.skipped[NOT_UTF8] += 1
            else:
                yield Pair(collapse(question), collapse(answer[1]), count)
        more = sum(1 for _ in answers)
        if more:
            raise ChatbotError(self._unequal(replies, count, count + more))

    def _unequal(self, replies: Path, questions: int, answers: int) -> str:
        return (
            f"{self.path}: {questions:,} lines, but {replies.name} has {answers:,}. Line i of one "
            "must answer line i of the other; mend the files."
        )


def find_corpora(names: Sequence[Path]) -> list[Corpus]:
    """The corpora behind files and folders, each with its format, in a fixed order.

    A file whose name has a partner beside it (enc/dec, question/answer, post/response, src/trg) is
    read with it as paired files, even if only one of the two was named.

    Raises:
        ChatbotError: as `find_files` and `recognise`.
    """
    corpora: dict[Path, Corpus] = {}
    taken: set[Path] = set()
    files = _with_questions(find_files(names))
    for path in files:
        partner = _partner(path)
        if partner is not None:
            sample_lines(path)
            sample_lines(partner)
            taken |= {path, partner}
            corpora[path] = Corpus(path, partner, None)
    for path in files:
        if path not in taken:
            corpora[path] = Corpus(path, None, recognise(path))
    return [corpora[path] for path in files if path in corpora]


def _partner(path: Path) -> Path | None:
    """The reply side that stands beside a file, if there is one."""
    partners = (path.with_name(name) for name in partner_names(path.name))
    return next((partner for partner in partners if partner.is_file()), None)


def _with_questions(files: Sequence[Path]) -> list[Path]:
    """The files, a reply side alone replaced by the question side that stands beside it."""
    found: dict[Path, None] = {}
    for path in files:
        sides = (path.with_name(name) for name in _renamed(path.name, _QUESTIONS))
        questions = next(
            (side for side in sides if side.is_file() and _partner(side) == path), path
        )
        found[path if questions in files else questions] = None
    return list(found)
