r"""Lines of Chinese -> words.

Comes in: text, of which each line is cut for itself. Goes out: its words, with `"\n"` as a word of
its own between lines. A word holds Chinese characters, ASCII letters and digits; every other
character is a word of its own, except that a segmenter may do as it likes with + # & . _ % and -.
Knows nothing of tokens.

`JiebaSegmenter` finds what `jieba.cut` finds, to the last bit of every probability: the likeliest
path through the dictionary's words, and by a hidden Markov model over B(egin), M(iddle), E(nd) and
S(ingle) the words that are in no dictionary (Rabiner 1989, section III.B, Viterbi; the tables are
jieba's). It is twice as fast: it walks the words once, and it remembers.

rjieba is the same program in Rust, some twenty times as fast. On 223,466 lines of subtitles 99.9 %
are cut the same.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import warnings
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from chatbot.corpus.markov import IMPOSSIBLE, Markov
from chatbot.errors import ChatbotError

Segmenter = Callable[[str], Iterable[str]]
"""Takes lines, gives their words with `"\n"` between lines; see above."""

_MEMO = 1 << 15
"""Entries of a memo after which it begins anew; about 10 MB."""

_LONG = 64
"""Characters from which on a block is not remembered."""

BLOCK = r"[\u4e00-\u9fd5a-zA-Z0-9]"
"""What stands in a run that jieba looks at as a whole; other characters are words of their own."""

_blocks = re.compile(f"{BLOCK}+|.", re.DOTALL).findall

_NEVER = -1e300

_USER_WORD = re.compile(r"(.+?)(?: ([0-9]+))?(?: ([a-z]+))?")
_ODD_WORD = re.compile(r"[^\S ]|\s[-+]?[0-9.]+(?:\s|$)")


def read_user_words(path: Path) -> list[tuple[str, int | None]]:
    """The words of a user dictionary: a line each, `word [count [tag]]`, as jieba reads them.

    A word with other characters than Chinese ones, ASCII letters and digits is allowed and has no
    effect. The tag is not used. Count 0 forbids a word.

    Raises:
        ChatbotError: the file cannot be read, is not UTF-8, or has a line of another shape.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}).") from error
    words: list[tuple[str, int | None]] = []
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode().strip().lstrip("\ufeff")
        except UnicodeDecodeError as error:
            raise ChatbotError(f"{path}:{number}: not UTF-8. Save the file as UTF-8.") from error
        if not line:
            continue
        found = _USER_WORD.fullmatch(line)
        if found is None or _ODD_WORD.search(found[1]):
            raise ChatbotError(
                f"{path}:{number}: {line!r} is not understood. Write word [count [tag]], single "
                "blanks between, e.g. 云计算 5 n."
            )
        words.append((found[1], None if found[2] is None else int(found[2])))
    return words


class Known(NamedTuple):
    """What a segmenter cuts by.

    Attributes:
        shares: the words of the dictionary; of each, the logarithm of its share of all words.
        unknown: what an unknown character counts as, likewise.
        forbidden: words that are not to be found.
        emissions: log-probabilities of Chinese characters in the states B, M, E and S.
        impossible: that of any other.
        starts: log-probabilities of the states at the beginning.
        steps: for each state, those of the steps from the two before it; see `Markov`.
    """

    shares: dict[str, float]
    unknown: float
    forbidden: frozenset[str]
    emissions: dict[str, list[float]]
    impossible: float
    starts: list[float]
    steps: list[list[float]]


class JiebaSegmenter:
    """Cuts as `jieba.cut` does, with words of the user's own if given.

    The dictionary (70 MB) is read at the first cut, in 0.7 s; later runs read jieba's cache. With a
    user dictionary it is read for this segmenter alone, so that no other one is disturbed.
    """

    def __init__(self, user_dict: Path | None = None) -> None:
        """Reads the user dictionary.

        Raises:
            ChatbotError: as `read_user_words`.
        """
        self._user_words = read_user_words(user_dict) if user_dict else []
        self._counts: dict[str, int] = {}  # 0 for what only begins a word; empty: not loaded yet
        self._memo: dict[str, tuple[str, ...]] = {}  # the words of whole blocks
        self._loose_memo: dict[str, tuple[str, ...]] = {}  # the words the hidden Markov model found

    def __call__(self, text: str) -> list[str]:
        r"""The words of lines, `"\n"` between them."""
        if not self._counts:
            self._load()
        if len(self._memo) > _MEMO:
            self._memo.clear()
        words: list[str] = []
        for block in _blocks(text):
            if len(block) == 1:
                words.append(block)
            else:
                known = self._memo.get(block)
                if known is None:
                    known = tuple(self._words(block))
                    if len(block) < _LONG:
                        self._memo[block] = known
                words += known
        return words

    def known(self) -> Known:
        """What it cuts by."""
        if not self._counts:
            self._load()
        shares = {word: self._logs[count] for word, count in self._counts.items() if count}
        markov = self._markov
        return Known(
            *(shares, self._logs[1], self._forbidden, markov.emissions(), IMPOSSIBLE),
            *(markov.starts, markov.steps),
        )

    def _load(self) -> None:
        jieba = quiet_jieba()
        dictionary = jieba.Tokenizer() if self._user_words else jieba.dt
        dictionary.tmp_dir = jieba.dt.tmp_dir
        dictionary.initialize()
        for word, count in self._user_words:
            if count == 0:  # add_word would forbid it to every segmenter of the process
                dictionary.FREQ.update(dict.fromkeys(_beginnings(word, dictionary.FREQ), 0))
                dictionary.FREQ[word] = 0
            else:
                dictionary.add_word(word, count)
        self._forbidden = frozenset(word for word, count in self._user_words if count == 0)
        self._markov = Markov(jieba.finalseg)
        self._logs = _Logs(math.log(dictionary.total))
        self._counts = dictionary.FREQ

    def _words(self, block: str) -> list[str]:
        """The words of a block of two characters or more."""
        ends = self._ends(block)
        words: list[str] = []
        place = alone = 0  # from `alone` to `place` the path has single characters
        while place < len(block):
            end = ends[place]
            if end - place > 1:
                words += self._loose(block[alone:place])
                words.append(block[place:end])
                alone = end
            place = end
        words += self._loose(block[alone:])
        return words

    def _ends(self, block: str) -> list[int]:
        """Where the word that begins at each place ends, on the likeliest path to the block's end.

        Of equally likely paths the one with the longer word; an unknown character counts as one.
        """
        count_of, logs, size = self._counts.get, self._logs, len(block)
        best, ends = [0.0] * (size + 1), [0] * size
        for place in range(size - 1, -1, -1):
            end = place + 1
            top, last = _NEVER, end
            count = count_of(block[place])
            while count is not None:
                if count:
                    value = logs[count] + best[end]
                    if value >= top:
                        top, last = value, end
                end += 1
                if end > size:
                    break
                count = count_of(block[place:end])
            best[place] = logs[1] + best[last] if top == _NEVER else top
            ends[place] = last
        return ends

    def _loose(self, characters: str) -> Iterable[str]:
        """The words among characters that the dictionary leaves single."""
        if len(characters) < 2 or self._counts.get(characters):
            return characters
        known = self._loose_memo.get(characters)
        if known is None:
            if len(self._loose_memo) > _MEMO:
                self._loose_memo.clear()
            found = self._markov.cut(characters)
            known = tuple(
                part
                for word in found
                for part in (word if word in self._forbidden and not word.isascii() else (word,))
            )
            self._loose_memo[characters] = known
        return known


class _Logs(dict[int, float]):
    """Logarithm of the share that a count has of all words, by count."""

    def __init__(self, log_total: float) -> None:
        self._log_total = log_total

    def __missing__(self, count: int) -> float:
        self[count] = share = math.log(count) - self._log_total
        return share


def _beginnings(word: str, known: Container[str]) -> list[str]:
    return [word[:end] for end in range(1, len(word)) if word[:end] not in known]


def quiet_jieba() -> Any:  # noqa: ANN401 - jieba has no types
    """The module jieba, silent, its dictionary cache in the user's own cache folder."""
    import platformdirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It would look for its files by pkg_resources, which takes 0.1 s and 10 MB; it finds them
        # without it, too.
        hidden = sys.modules.setdefault("pkg_resources", None) is None  # type: ignore[arg-type]
        try:
            import jieba
        finally:
            if hidden:
                del sys.modules["pkg_resources"]
    jieba.setLogLevel(logging.ERROR)
    cache = Path(platformdirs.user_cache_dir("chatbot", appauthor=False))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        jieba.dt.tmp_dir = str(cache)
    except OSError:
        pass  # without a cache it is slower, not wrong
    return jieba


def rjieba_segmenter() -> Segmenter:
    """The segmenter rjieba; its dictionary is read at once, in 0.2 s.

    Raises:
        ChatbotError: it is not installed.
    """
    try:
        import rjieba
    except ImportError as error:
        raise ChatbotError(
            "--tokenizer rjieba: rjieba is not installed. Install it: pip install "
            "'chatbot[rjieba]', or take --tokenizer jieba."
        ) from error
    segment: Segmenter = rjieba.cut
    return segment
