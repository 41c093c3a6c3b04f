r"""Text <-> tokens, without loss.

Comes in: utterances with their whitespace collapsed, one by one or thousands at a time. Goes out:
tokens from which `text` gives back exactly that utterance. Knows nothing of counts or ids.

Words are cut by a segmenter where there are Chinese characters, and by letters and digits
elsewhere. Blanks cost nothing where they are expected: between two words of letters, and after
sentence marks before such a word. Two tokens speak where expectation fails: `" "` stands for a
blank that is there, `"##"` for one that is not. A rare word can be spelled: its characters follow
each other, with `##` before those that would otherwise seem to start a word. Of several utterances
joined by line breaks, the turns of a context, each is cut for itself.

    你好, world a  ->  你好 , world a
    5G 网          ->  5G " " 网
    x.y            ->  x . ## y
    你好\n在吗     ->  你好 <sep> 在 吗
    spell("cat")   ->  c ##a ##t
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from chatbot.corpus.normalise import HAN
from chatbot.corpus.segmenter import JiebaSegmenter, Segmenter, rjieba_segmenter
from chatbot.errors import ChatbotError

BLANK = " "
"""The token for a blank where none is expected."""

JOIN = "##"
"""The token for no blank where one is expected; before a character, that character joined."""

SEPARATOR = "<sep>"
"""The token between the utterances of a context, a line break in the text."""

END = "\n"
"""What stands after the tokens of each text in `Tokenizer.cut`; never a token."""

_UNSPACED = rf"{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
"""Characters of scripts that put no blanks between words: Han, kana, Thai, Lao, Burmese, Khmer."""

LETTER = rf"[^\W_{_UNSPACED}]"
"""What starts a word: letters and digits of all other scripts."""

MARKS = ",.!?;:"
_SENTENCE_MARKS = frozenset(MARKS)
_EXPECTING = rf"(?:(?<=[{MARKS}])|(?<={LETTER}))"
_SPACE = r"[^\S\n\x1e]+"
_EDGE, _GLUE = "\x1e", "\x1f"  # whitespace, and so in no word: between texts, between words

RUN, NUMBER = rf"[{HAN}][{HAN}a-zA-Z0-9]*", r"[0-9]+(?:[.,:][0-9]+)+"
"""What follows from a Chinese character on, and a number of several parts."""

_PIECES = re.compile(
    rf"{RUN}|{_EXPECTING}(?={LETTER})"  # found empty: no blank where one is expected
    rf"|[a-zA-Z0-9]+{RUN}"
    rf"|{NUMBER}"
    rf"|{LETTER}+(?:['’]{LETTER}+)*"
    rf"|\S|\n|{_EDGE}"
    rf"|(?<=\S)(?:(?<![{MARKS}])(?<!{LETTER}){_SPACE}|{_SPACE}(?!{LETTER}))(?=\S)"
)
"""The pieces of a text: runs of Chinese, words, other characters; "" and blanks that speak."""

_IS_LETTER = re.compile(LETTER)
_IS_CHINESE = re.compile(f"[{HAN}]")
_INSIDE = re.compile(f"{_GLUE}(?=[a-zA-Z0-9])(?<=[a-zA-Z0-9]{_GLUE})")
"""Between two words of a run where a blank would be expected."""

_odd = re.compile(
    r"[^\u4e00-\u9fff,!?:;\"'()*/<=>@\[\]^`{|}~$\\"
    r"\u3001-\u3003\u3008-\u3020\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    r"\u2010-\u2027\u2030-\u205e\u3040-\u30ff\u3400-\u4dbf]"
    r"(?:(?<! )|(?<=  )|(?<=\A )|\Z)"  # a blank only if the whitespace is not collapsed
).search
"""Finds nothing in a text that a segmenter cuts right as a whole: Chinese and lone signs only."""


class Tokenizer(Protocol):
    """Cuts text into tokens and puts it together again."""

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""

    def cut(self, texts: Sequence[str]) -> list[str]:
        """The tokens of many texts one after the other, `END` after each text."""

    def text(self, tokens: Iterable[str]) -> str:
        """The utterance that `tokens` stands for."""

    def spell(self, token: str) -> list[str]:
        """The tokens of one character each that stand for a token."""


def make_tokenizer(name: str, user_dict: Path | None = None) -> Tokenizer:
    """The tokenizer of a `CorpusConfig.tokenizer` name, with words of the user's own.

    Raises:
        ChatbotError: rjieba is not installed, or the user dictionary is at fault or not for jieba.
    """
    if user_dict and name != "jieba":
        raise ChatbotError(
            f"--user-dict {user_dict}: --tokenizer {name} takes no words of one's own. Take "
            "--tokenizer jieba, or leave --user-dict out."
        )
    if name == "char":
        return CharTokenizer()
    return WordTokenizer(rjieba_segmenter() if name == "rjieba" else JiebaSegmenter(user_dict))


def make_speller(name: str) -> Tokenizer:
    """A tokenizer that puts together and spells, but never cuts; it needs no dictionary."""
    return CharTokenizer() if name == "char" else WordTokenizer(lambda text: ())


class WordTokenizer:
    """Words by a segmenter of Chinese, everything else by letters and digits."""

    def __init__(self, segment: Segmenter) -> None:
        """Takes what cuts lines of Chinese characters, letters and digits."""
        self.segment = segment

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""
        return self.cut([text])[:-1]

    def cut(self, texts: Sequence[str]) -> list[str]:
        """The tokens of many texts one after the other, `END` after each text.

        Most texts of a Chinese corpus are plain and go to the segmenter as they are, in one call;
        the others leave a mark there, in whose place their tokens are put afterwards.
        """
        odd = list(map(_odd, texts))
        others = [text for text, found in zip(texts, odd, strict=True) if found]
        pieced = self._pieced(others) if others else []
        if len(others) == len(texts):
            return pieced
        lines = [_EDGE if found else text for text, found in zip(texts, odd, strict=True)]
        words = list(self.segment(END.join(lines)))
        words.append(END)
        if not others:
            return words
        tokens: list[str] = []
        at = start = 0
        for _ in others:
            mark, end = words.index(_EDGE, at), pieced.index(END, start)
            tokens += words[at:mark]
            tokens += pieced[start:end]
            at, start = mark + 1, end + 1
        return tokens + words[at:]

    def _pieced(self, texts: Sequence[str]) -> list[str]:
        """What `cut` gives, for texts of any kind."""
        whole = _EDGE.join(texts)
        if whole.count(_EDGE) >= len(texts):
            whole = _EDGE.join(text.replace(_EDGE, BLANK) for text in texts)
        pieces = _PIECES.findall(whole + _EDGE)
        tokens = {"": JOIN, _EDGE: END, "\n": SEPARATOR}
        runs = []
        for piece in set(pieces).difference(tokens):
            if _IS_CHINESE.search(piece):
                runs.append(piece)
            elif piece.isspace():
                tokens[piece] = BLANK
        words = _GLUE.join(self.segment("\n".join(runs)))
        cut = _INSIDE.sub(_GLUE + JOIN + _GLUE, words).split(f"{_GLUE}\n{_GLUE}")
        tokens.update(zip(runs, cut, strict=False))
        return _GLUE.join(map(tokens.get, pieces, pieces)).split(_GLUE)

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
            elif token == SEPARATOR:
                parts.append("\n")
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
        if token in (BLANK, JOIN, SEPARATOR):
            return [token]
        return [token[0]] + [
            JOIN + after if expects_blank(before, after) else after
            for before, after in zip(token, token[1:], strict=False)
        ]


class CharTokenizer:
    """Every character is a token, blanks too."""

    def tokens(self, text: str) -> list[str]:
        """The tokens of an utterance whose whitespace is collapsed."""
        return [SEPARATOR if character == "\n" else character for character in text]

    def cut(self, texts: Sequence[str]) -> list[str]:
        """The tokens of many texts one after the other, `END` after each text."""
        whole = END.join(texts) + END
        if whole.count(END) == len(texts):
            return list(whole)
        return [token for text in texts for token in (*self.tokens(text), END)]

    def text(self, tokens: Iterable[str]) -> str:
        """The utterance that `tokens` stands for."""
        return "".join("\n" if token == SEPARATOR else token for token in tokens)

    def spell(self, token: str) -> list[str]:
        """The token itself: there is nothing smaller."""
        return [token]


def expects_blank(before: str, after: str) -> bool:
    """Whether a blank is expected between two neighbouring characters."""
    return _starts_word(after) and (before in _SENTENCE_MARKS or _starts_word(before))


def _starts_word(character: str) -> bool:
    return _IS_LETTER.match(character) is not None
