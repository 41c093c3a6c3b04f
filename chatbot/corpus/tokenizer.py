"""Text <-> tokens, without loss.

Comes in: an utterance with its whitespace collapsed. Goes out: a list of tokens from which `text`
gives back exactly that utterance. Knows nothing of counts or ids.

Words are cut by jieba where there are Chinese characters, and by letters and digits elsewhere.
Blanks cost nothing where they are expected: between two words of letters, and after sentence marks
before such a word. Two tokens speak where expectation fails: `" "` stands for a blank that is
there, `"##"` for one that is not. A rare word can be spelled: its characters follow each other,
with `##` before those that would otherwise seem to start a word.

    你好, world a  ->  你好 , world a
    5G 网          ->  5G " " 网
    x.y            ->  x . ## y
    spell("cat")   ->  c ##a ##t
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

BLANK = " "
"""The token for a blank where none is expected."""

JOIN = "##"
"""The token for no blank where one is expected; before a character, that character joined."""

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_UNSPACED = re.compile(rf"[{_HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]")
"""Characters of scripts that put no blanks between words: Han, kana, Thai, Lao, Burmese, Khmer."""

_LETTER = rf"[^\W_{_UNSPACED.pattern[1:-1]}]"
_RUNS = re.compile(
    rf"(?P<han>[a-zA-Z0-9]*[{_HAN}][{_HAN}a-zA-Z0-9]*)"
    rf"|(?P<number>[0-9]+(?:[.,:][0-9]+)+)"
    rf"|(?P<word>{_LETTER}+(?:['’]{_LETTER}+)*)"
    r"|(?P<other>\S)"
)
_SENTENCE_MARKS = frozenset(",.!?;:")


class Tokenizer(Protocol):
    """Cuts text into tokens and puts it together again."""

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""

    def text(self, tokens: Iterable[str]) -> str:
        """The utterance that `tokens` stands for."""

    def spell(self, token: str) -> list[str]:
        """The tokens of one character each that stand for a token."""


def make_tokenizer(name: str) -> Tokenizer:
    """The tokenizer of a `CorpusConfig.tokenizer` name."""
    return CharTokenizer() if name == "char" else WordTokenizer(jieba_cut())


class WordTokenizer:
    """Words by a segmenter of Chinese, everything else by letters and digits."""

    def __init__(self, cut: Callable[[str], Iterable[str]]) -> None:
        """Takes the function that cuts a run of Chinese characters, letters and digits."""
        self._cut = cut

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""
        found: list[str] = []
        before, end = "", 0
        for run in _RUNS.finditer(text):
            blank = run.start() > end
            words = self._cut(run[0]) if run.lastgroup == "han" else (run[0],)
            for word in words:
                if before and blank != expects_blank(before, word[0]):
                    found.append(BLANK if blank else JOIN)
                found.append(word)
                before, blank = word[-1], False
            end = run.end()
        return found

    def text(self, tokens: Iterable[str]) -> str:
        """The utterance that `tokens` stands for."""
        parts: list[str] = []
        before, glue = "", True
        for token in tokens:
            if token == BLANK:
                parts.append(BLANK)
                glue = True
            elif token == JOIN:
                glue = True
            else:
                joined = len(token) > len(JOIN) and token.startswith(JOIN)
                word = token[len(JOIN) :] if joined else token
                if not (glue or joined) and expects_blank(before, word[0]):
                    parts.append(BLANK)
                parts.append(word)
                before, glue = word[-1], False
        return "".join(parts)

    def spell(self, token: str) -> list[str]:
        """The tokens of one character each that stand for a token."""
        if token in (BLANK, JOIN):
            return [token]
        return [token[0]] + [
            JOIN + after if expects_blank(before, after) else after
            for before, after in zip(token, token[1:], strict=False)
        ]


class CharTokenizer:
    """Every character is a token, blanks too."""

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""
        return list(text)

    def text(self, tokens: Iterable[str]) -> str:
        """The utterance that `tokens` stands for."""
        return "".join(tokens)

    def spell(self, token: str) -> list[str]:
        """The token itself: there is nothing smaller."""
        return [token]


def expects_blank(before: str, after: str) -> bool:
    """Whether a blank is expected between two neighbouring characters."""
    return _starts_word(after) and (before in _SENTENCE_MARKS or _starts_word(before))


def _starts_word(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)


def jieba_cut() -> Callable[[str], Iterable[str]]:
    """The segmenter jieba, silent, its dictionary cache in the user's own cache folder.

    The dictionary (70 MB) is read at the first cut, in 0.7 s; later runs read the cache.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
        import platformdirs
    jieba.setLogLevel(logging.ERROR)
    cache = Path(platformdirs.user_cache_dir("chatbot", appauthor=False))
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return jieba.cut  # type: ignore[no-any-return] # without a cache it is slower, not wrong
    jieba.dt.tmp_dir = str(cache)
    return jieba.cut  # type: ignore[no-any-return]
