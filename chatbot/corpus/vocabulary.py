r"""Tokens <-> ids, and the vocabulary file.

Comes in: how often every word of a corpus occurs. Goes out: an ordered list of entries with their
ids, and ids for tokens. Knows nothing of files of conversations or of the network.

Ids 0 to 3 are PAD, GO, EOS and UNK. Entries follow from 4 by descending frequency, ties by code
point, so equal counts give equal bytes. A word outside the vocabulary is spelled in characters
(`rare="characters"`; a character that is outside too is UNK) or is one UNK (`rare="unk"`).

The file, UTF-8 text, `vocabulary.txt`:

    chatbot-vocabulary 1 {"size": 5, "crc32": "…", "settings": {…}}   format number, a line of JSON
    <pad>\t0                                                          an entry a line:
    <go>\t0                                                           the token, a TAB, its count
    <eos>\t120
    <unk>\t3
    你好\t57

A count is how often the entry occurs in the encoded corpus, questions and replies together, after
rare words were spelled. crc32 covers all lines after the first.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CorpusConfig
from chatbot.corpus.tokenizer import Tokenizer
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
        found: list[int] = []
        for token in tokens:
            id = self.ids.get(token)
            if id is not None:
                found.append(id)
            elif self.config.rare == "unk":
                found.append(UNK)
            else:
                found.extend(self.ids.get(piece, UNK) for piece in tokenizer.spell(token))
        return found

    def decode(self, ids: Iterable[int], tokenizer: Tokenizer) -> str:
        """The text of ids; special ids are left out."""
        return tokenizer.text(self.words[id] for id in ids if id >= len(SPECIAL))

    def save(self, path: Path) -> None:
        """Writes the file drawn above, for the caller to rename into place."""
        body = "".join(f"{w}\t{n}\n" for w, n in zip(self.words, self.counts, strict=True))
        data = body.encode()
        header = {
            "size": len(self),
            "crc32": f"{zlib.crc32(data):08x}",
            "settings": self.config.as_dict(),
        }
        first = f"{_MAGIC} {FORMAT} {json.dumps(header, ensure_ascii=False)}\n"
        path.write_bytes(first.encode() + data)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads the file drawn above.

        Raises:
            ChatbotError: no such file, another format number, or a damaged file.
        """
        again = f"Build it anew: chatbot build-vocab --restart --model {path.parent}."
        try:
            first, _, data = path.read_bytes().partition(b"\n")
        except FileNotFoundError as error:
            raise ChatbotError(
                f"{path}: no vocabulary yet. Build it first: chatbot build-vocab "
                f"--model {path.parent}."
            ) from error
        except OSError as error:
            raise ChatbotError(f"{path}: cannot be read ({error}).") from error
        magic, number, rest = (first.decode("utf-8", "replace") + "  ").split(" ", 2)
        if magic != _MAGIC:
            raise ChatbotError(f"{path}: not a vocabulary of chatbot. {again}")
        if number != str(FORMAT):
            raise ChatbotError(f"{path}: format {number}, this version reads {FORMAT}. {again}")
        try:
            header = json.loads(rest)
            lines = data.decode().split("\n")[:-1]
            entries = [line.rsplit("\t", 1) for line in lines]
            words, counts = tuple(e[0] for e in entries), tuple(int(e[1]) for e in entries)
            sound = header["crc32"] == f"{zlib.crc32(data):08x}" and header["size"] == len(words)
            settings = dict(header["settings"])
        except (ValueError, KeyError, IndexError, TypeError):
            sound = False
        if not sound:
            raise ChatbotError(f"{path}: damaged (truncated or changed). {again}")
        return cls(words, counts, CorpusConfig.from_dict(settings, str(path)))


def choose_entries(
    words: Mapping[str, int], tokenizer: Tokenizer, config: CorpusConfig
) -> dict[str, int]:
    """The entries of a vocabulary and their counts, from the counts of all words.

    Words seen `min_freq` times are candidates, the most frequent first; the characters of the words
    left out are candidates too if they, with the words equal to them, are seen as often. When that
    is more than `max_size`, the rarest candidate words give way, and their characters count
    instead.

    Returns:
        Count by entry, special ones not included, in no particular order.
    """
    candidates = _Candidates(words, tokenizer, config)
    entries = candidates.entries()
    most = config.max_size - len(SPECIAL)
    if len(entries) > most:
        candidates.shrink(len(entries) - most)
        entries = candidates.entries()
    if len(entries) > most:  # more characters than room: the most frequent stay
        best = sorted(entries, key=lambda word: (-entries[word], word))[:most]
        entries = {word: entries[word] for word in best}
    return entries


class _Candidates:
    """Words that may become entries, and the characters of those left out, with their counts."""

    def __init__(
        self, words: Mapping[str, int], tokenizer: Tokenizer, config: CorpusConfig
    ) -> None:
        self._words = words
        self._least = config.min_freq
        self._spell = tokenizer.spell if config.rare == "characters" else lambda word: []
        self._kept = {word: n for word, n in words.items() if n >= self._least}
        self._pieces: Counter[str] = Counter()
        for word in words:
            if word not in self._kept:
                self._leave_out(word)

    def entries(self) -> dict[str, int]:
        both = {word: n + self._pieces.get(word, 0) for word, n in self._kept.items()}
        pieces = self._pieces.items()
        return both | {p: n for p, n in pieces if p not in both and n >= self._least}

    def shrink(self, surplus: int) -> None:
        """Leaves the rarest words out until there are `surplus` entries fewer, or no words."""
        for word in sorted(self._kept, key=lambda word: (self._kept[word], word)):
            if surplus <= 0:
                return
            touched = {word, *self._spell(word)}
            surplus -= self._held(touched)
            del self._kept[word]
            self._leave_out(word)
            surplus += self._held(touched)

    def _leave_out(self, word: str) -> None:
        for piece in self._spell(word):
            self._pieces[piece] += self._words[word]

    def _held(self, tokens: Iterable[str]) -> int:
        return sum(
            token in self._kept or self._pieces.get(token, 0) >= self._least for token in tokens
        )


def make_vocabulary(
    entries: Mapping[str, int], eos: int, unk: int, config: CorpusConfig
) -> Vocabulary:
    """Gives the entries their ids: descending frequency from 4 on, ties by code point.

    Args:
        entries: count by token.
        eos: how many replies end, the count of EOS.
        unk: how many UNK the encoded corpus has.
        config: the settings the entries were chosen by.
    """
    order = sorted(entries, key=lambda token: (-entries[token], token))
    counts = (0, 0, eos, unk, *(entries[token] for token in order))
    return Vocabulary((*SPECIAL, *order), counts, config)
