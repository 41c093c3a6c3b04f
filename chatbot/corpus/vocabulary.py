r"""Tokens <-> ids, and the vocabulary file.

Comes in: how often every word of a corpus occurs. Goes out: an ordered list of entries with their
ids, and ids for tokens. Knows nothing of files of conversations or of the network.

Ids 0 to 3 are PAD, GO, EOS and UNK. Entries follow from 4 by descending frequency, ties by code
point, so equal counts give equal bytes. A word outside the vocabulary is spelled in characters
(`rare="characters"`; a character that is outside too is UNK) or is one UNK (`rare="unk"`).

The file, UTF-8 text, `vocabulary.txt`:

    chatbot-vocabulary 1 89ab01ef {"size": 5, "settings": {…}}   format number, CRC-32, JSON
    <pad>\t0                                                     an entry a line:
    <go>\t0                                                      the token, a TAB, its count
    <eos>\t120
    <unk>\t3
    你好\t57

A count is how often the entry occurs in the encoded corpus, questions and replies together, after
rare words were spelled. The CRC-32 covers all that follows it and its blank.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.config import DEFAULT_MIN_FREQ, SMALL_CORPUS, CorpusConfig
from chatbot.corpus.tokenizer import BLANK, JOIN, SEPARATOR, Tokenizer
from chatbot.errors import ChatbotError

PAD, GO, EOS, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<go>", "<eos>", "<unk>")
FORMAT = 1
_MAGIC = "chatbot-vocabulary"


@dataclass(frozen=True)
class Vocabulary:
    """Entries in id order, with their counts and the settings that text must be cut with."""

    words: tuple[str, ...]
    counts: tuple[int, ...]
    config: CorpusConfig

    def __len__(self) -> int:
        """The number of entries, V, the four special ones included."""
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of every entry that can stand in text, from 4 on."""
        return {word: id for id, word in enumerate(self.words) if id >= len(SPECIAL)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the entries and of how text is cut; a checkpoint is good for one only."""
        cut = f"{self.config.tokenizer} {self.config.rare}"
        return hashlib.sha256("\n".join((cut, *self.words)).encode()).hexdigest()

    @property
    def unigram(self) -> NDArray[np.float32]:
        """Counts by id, float32 [V]; PAD and GO have none."""
        return np.asarray(self.counts, np.float32)

    def encode(self, tokens: Iterable[str], tokenizer: Tokenizer) -> list[int]:
        """The ids of tokens; a token outside is spelled, or UNK. No GO or EOS is added.

        >>> vocabulary.encode(["你好", "祸不单行"], tokenizer)  # 祸 is not in the vocabulary
        [4, 3, 17, 82, 35]
        """
        return [id for _, id in self.pieces(tokens, tokenizer)]

    def pieces(self, tokens: Iterable[str], tokenizer: Tokenizer) -> Iterator[tuple[str, int]]:
        """The pieces that tokens are encoded in, each with its id; arguments as for `encode`."""
        for token in tokens:
            id = self.ids.get(token)
            if id is not None:
                yield token, id
            elif self.config.rare == "unk":
                yield token, UNK
            else:
                yield from ((piece, self.ids.get(piece, UNK)) for piece in tokenizer.spell(token))

    def decode(self, ids: Iterable[int], tokenizer: Tokenizer) -> str:
        """The text of ids; special ids are left out."""
        return tokenizer.text(self.words[id] for id in ids if id >= len(SPECIAL))

    def check_extends(self, before: Vocabulary) -> None:
        """Refuses an earlier vocabulary of text that was normalised or cut otherwise.

        Raises:
            ChatbotError: a setting that says how is another one.
        """
        CorpusConfig.resumed(before.config, self.config.as_dict(), "with --restart")
        old, new = before.config.rare, self.config.rare
        if old != new:
            raise ChatbotError(
                f"--rare {new}: the model was trained on text cut with {old}. Give that, or begin "
                "anew with --restart."
            )

    def to_bytes(self) -> bytes:
        """The file drawn above."""
        body = "".join(f"{w}\t{n}\n" for w, n in zip(self.words, self.counts, strict=True))
        header = {"size": len(self), "settings": self.config.as_dict()}
        data = f"{json.dumps(header, ensure_ascii=False)}\n{body}".encode()
        first = f"{_MAGIC} {FORMAT} {zlib.crc32(data):08x} "
        return first.encode() + data

    def save(self, path: Path) -> None:
        """Writes the file, for the caller to rename into place."""
        path.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads the file drawn above.

        Raises:
            ChatbotError: no such file, another format number, or a damaged file.
        """
        again = f"Build it anew: chatbot build-vocab --restart --model {path.parent}."
        try:
            parts = path.read_bytes().split(b" ", 3)
        except FileNotFoundError as error:
            raise ChatbotError(
                f"{path}: no vocabulary yet. Build it first: chatbot build-vocab "
                f"--model {path.parent}."
            ) from error
        except OSError as error:
            raise ChatbotError(f"{path}: cannot be read ({error}).") from error
        if len(parts) < 4 or parts[0] != _MAGIC.encode():
            raise ChatbotError(f"{path}: not a vocabulary of chatbot. {again}")
        _, number, checksum, data = parts
        if number != str(FORMAT).encode():
            found = number.decode("utf-8", "replace")
            raise ChatbotError(f"{path}: format {found}, this version reads {FORMAT}. {again}")
        if checksum != f"{zlib.crc32(data):08x}".encode():
            raise ChatbotError(f"{path}: damaged (truncated or changed). {again}")
        header, *lines = data.decode().split("\n")[:-1]
        entries = [line.rsplit("\t", 1) for line in lines]
        words, counts = tuple(e[0] for e in entries), tuple(int(e[1]) for e in entries)
        settings = json.loads(header)["settings"]
        return cls(words, counts, CorpusConfig.from_dict(settings, str(path)))


@dataclass(frozen=True)
class Candidates:
    """What a vocabulary can be chosen from.

    Attributes:
        words: every distinct word with its count; can be gone through as often as needed.
        characters: how often each character occurs when all words are spelled.
        separator: whether the separator of earlier turns is needed, however rare.
    """

    words: Iterable[tuple[str, int]]
    characters: Counter[str]
    separator: bool

    @classmethod
    def of(
        cls, words: Iterable[tuple[str, int]], tokenizer: Tokenizer, config: CorpusConfig
    ) -> Candidates:
        """Spells every word once."""
        characters: Counter[str] = Counter()
        if config.rare == "characters":
            for word, n in words:
                for piece in tokenizer.spell(word):
                    characters[piece] += n
        return cls(words, characters, config.context > 0)


def choose_entries(candidates: Candidates, config: CorpusConfig, pairs: int) -> set[str]:
    """The entries of a vocabulary, special ones not included.

    Words seen `min_freq` times are entries, and so are characters, counted wherever they occur, as
    words may have to be spelled in them. When that is more than `max_size`, the rarest words give
    way first, then the rarest characters.

    Args:
        candidates: words and characters with their counts.
        config: the cut-offs.
        pairs: pairs of the corpus; where there are fewer than `SMALL_CORPUS` and no `min_freq` is
            given, every character is an entry.
    """
    least = config.min_freq or DEFAULT_MIN_FREQ
    least_characters = 1 if config.min_freq is None and pairs < SMALL_CORPUS else least
    room = config.max_size - len(SPECIAL)
    entries = {SEPARATOR} if candidates.separator else set()
    characters = _most_frequent(candidates.characters.items(), least_characters, room)
    entries.update(characters[: room - len(entries)])
    for word in _most_frequent(candidates.words, least, room):
        if len(entries) >= room:
            break
        entries.add(word)
    return entries


def _most_frequent(counts: Iterable[tuple[str, int]], least: int, most: int) -> list[str]:
    """The tokens seen `least` times or more, the most frequent first, ties by code point."""
    enough = ((-n, token) for token, n in counts if n >= least)
    return [token for _, token in heapq.nsmallest(most, enough)]


def count_entries(
    entries: Set[str], words: Iterable[tuple[str, int]], tokenizer: Tokenizer, rare: str
) -> dict[str, int]:
    """How often each entry occurs when the corpus is encoded.

    Args:
        entries: the entries, special ones not included.
        words: every distinct word of the corpus with its count.
        tokenizer: what spells the words that are no entries.
        rare: what becomes of these, see `CorpusConfig`.
    """
    counts = dict.fromkeys(sorted(entries), 0)
    for word, n in words:
        if word in entries:
            counts[word] += n
        elif rare == "characters":
            for token in tokenizer.spell(word):
                if token in entries:
                    counts[token] += n
    return counts


def make_vocabulary(
    entries: Mapping[str, int],
    eos: int,
    unk: int,
    config: CorpusConfig,
    order: Sequence[str] | None = None,
) -> Vocabulary:
    """Gives the entries their ids: descending frequency from 4 on, ties by code point.

    Args:
        entries: count by token.
        eos: how many replies end, the count of EOS.
        unk: how many UNK the encoded corpus has.
        config: the settings the entries were chosen by.
        order: another order of the same entries, e.g. that of a vocabulary which was brought.
    """
    order = order or sorted(entries, key=lambda token: (-entries[token], token))
    counts = (0, 0, eos, unk, *(entries[token] for token in order))
    return Vocabulary((*SPECIAL, *order), counts, config)


def fixed_entries(path: Path, config: CorpusConfig) -> tuple[list[str], bool]:
    """The entries of a vocabulary that the user brings, and whether their order is to be kept.

    A `vocabulary.txt` of this program keeps its ids. Any other file is a list, one word a line; a
    TAB and what follows it is passed over, and the tokens for blanks, which cannot stand in it, are
    added. Where there are earlier turns, the separator is added to either.

    Raises:
        ChatbotError: the file cannot be read or has no word, or the vocabulary was made for text
            that is cut in another way.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error
    if data.startswith(_MAGIC.encode()):
        brought = Vocabulary.load(path)
        for name in ("tokenizer", "rare"):
            before, now = getattr(brought.config, name), getattr(config, name)
            if before != now:
                raise ChatbotError(
                    f"{path}: made with --{name} {before}, asked for now is {now}. Give --{name} "
                    f"{before}, or bring a plain list of words."
                )
        return _with_separator(list(brought.words[len(SPECIAL) :]), config), True
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path}: not UTF-8. Save the list of words as UTF-8.") from error
    words = [line.split("\t")[0].strip("\r ") for line in lines]
    found = list(dict.fromkeys(word for word in words if word and word not in SPECIAL))
    if not found:
        raise ChatbotError(f"{path}: no words. Give one a line.")
    if spaced := next((word for word in found if " " in word), None):
        raise ChatbotError(
            f"{path}:{words.index(spaced) + 1}: {spaced!r} has a blank. Give one word a line."
        )
    blanks = (BLANK,) if config.tokenizer == "char" else (BLANK, JOIN)
    found += [token for token in blanks if token not in found]
    return _with_separator(found, config), False


def _with_separator(words: list[str], config: CorpusConfig) -> list[str]:
    """The words, and behind them what stands after earlier turns, if there will be any."""
    missing = config.context and SEPARATOR not in words
    return [*words, SEPARATOR] if missing else words
