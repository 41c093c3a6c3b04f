"""Text to ids and back as a graph of TensorFlow's own operations.

Comes in: questions and ids of replies. Goes out: ids and texts, as `talk.question` and the bot's
own vocabulary give them. The twin of `corpus.normalise`, `corpus.tokenizer` and
`corpus.vocabulary`, but for the rules that take HTML's entities, speakers' names and traditional
characters away: what asks a graph is a program, and can give it plain text.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chatbot.corpus import normalise, tokenizer
from chatbot.corpus.normalise import HAN
from chatbot.corpus.segmenter import BLOCK, JiebaSegmenter
from chatbot.corpus.tokenizer import BLANK, JOIN, LETTER, MARKS, NUMBER, RUN, SEPARATOR
from chatbot.corpus.vocabulary import PAD, SPECIAL, UNK, Vocabulary
from chatbot.graph.segmenting import GraphSegmenter, joined, table
from chatbot.learn.tf import tf
from chatbot.talk.decoding import EMPTY

Tensor = Any

_CODES = 0x110000
_EARLIER = "\t"
"""Stands behind each earlier turn of a question, as in a pipe."""

_END, _CUT = "\x1f", "\x1e"  # of a piece; before a piece that is to be cut


class GraphText(tf.Module):  # type: ignore[misc]
    """Makes ids of a question, and texts of replies."""

    def __init__(
        self, vocabulary: Vocabulary, segmenter: JiebaSegmenter | None, longest: int
    ) -> None:
        """Takes the vocabulary, what cuts text (None: it is not cut), and a question's most ids."""
        super().__init__(name="text")
        self._config, self._longest = vocabulary.config, longest
        known = vocabulary.ids
        self._ids = table(list(known), np.array(list(known.values()), np.int32), -1)
        self._spelled = vocabulary.config.rare != "unk"
        self._segmenter = None if segmenter is None else GraphSegmenter(segmenter)
        self._letters, self._ascii, self._blocks, self._wide = map(
            _ranges, (LETTER, "[a-zA-Z0-9]", BLOCK, f"[{normalise.WIDE}]")
        )
        letter = rf"[{_class(self._letters)}]"
        self._pieces = _re2(rf"{RUN}|[a-zA-Z0-9]+{RUN}|{NUMBER}|{letter}+(?:['’]{letter}+)*|[^ ]")
        shown = [(word, False, False) for word in vocabulary.words]
        if self._segmenter is not None:
            shown = [_shown(word) for word in vocabulary.words]
        for id in (*range(len(SPECIAL)), vocabulary.ids.get(SEPARATOR, PAD)):
            shown[id] = "", False, False
        texts, opens, expecting = zip(*shown, strict=True)
        self._texts, self._opens, self._expecting = map(tf.constant, (texts, opens, expecting))

    def ids(self, question: Tensor) -> Tensor:
        """The ids of a question, a scalar, int32 [N], at least one.

        Before it may stand the turns before it, the oldest first, a TAB behind each.
        """
        turns = tf.strings.split(question[None], _EARLIER).values
        turns = tf.map_fn(self.normalised, turns)
        said = tf.strings.length(turns[:-1]) > 0
        context = self._config.context
        earlier = tf.boolean_mask(turns[:-1][-context:], said[-context:]) if context else turns[:0]
        turns = tf.concat([earlier, turns[-1:]], 0)
        found = tf.map_fn(
            self._encoded,
            turns,
            fn_output_signature=tf.RaggedTensorSpec([None], tf.int32, ragged_rank=0),
        )
        separator = self._ids.lookup(tf.constant([SEPARATOR]))
        separator = tf.where(separator < 0, UNK, separator)
        separators = tf.repeat(separator[None], found.nrows(), 0)
        ids = tf.concat([separators, found], 1).values[1:][-self._longest :]
        return tf.cond(tf.size(ids) > 0, lambda: ids, lambda: tf.constant(EMPTY, tf.int32))

    def texts(self, ids: Tensor) -> Tensor:
        """The texts of replies, ids [B, T] with those that are special behind them, [B]."""
        expecting = tf.pad(tf.gather(self._expecting, ids), [[0, 0], [1, 0]])[:, :-1]
        blanks = tf.where(expecting & tf.gather(self._opens, ids), BLANK, "")
        words = tf.strings.join([blanks, tf.gather(self._texts, ids)])
        return tf.strings.strip(tf.strings.reduce_join(words, -1))

    def normalised(self, text: Tensor) -> Tensor:
        """An utterance by the rules of the vocabulary; a scalar, as all that follows."""
        text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")  # what is none: U+FFFD
        return self._round(self._round(text))

    def _round(self, text: Tensor) -> Tensor:
        """An utterance after every rule once."""
        config, replace = self._config, _replace
        text = replace(text, "[\x1c-\x1f]", " ")
        if config.strip_controls:
            # Joiners that are spelling are set aside, the others go with the control characters.
            asides = (("\u200c", "\x1e"), ("\u200d", "\x1f"))
            for joiner, aside in asides:
                for _ in range(2):
                    inside = f"([{normalise.JOINED}]){joiner}([{normalise.JOINED}])"
                    text = replace(text, inside, rf"\1{aside}\2")
            text = replace(text, rf"[{normalise.CONTROLS}\u200c\u200d]", "")
            for joiner, aside in asides:
                text = replace(text, aside, joiner)
        if config.narrow:
            codes = tf.strings.unicode_decode(text, "UTF-8")
            wide = _within(codes, self._wide)
            text = tf.strings.unicode_encode(tf.where(wide, codes - 0xFEE0, codes), "UTF-8")
        if config.strip_placeholders:
            text = replace(text, normalise.PLACEHOLDER.pattern, " ")
        if config.strip_urls:
            begin = rf"(?:{normalise.SCHEME}|(^|[^A-Za-z0-9]){normalise.HOST})"
            text = replace(text, begin + normalise.ADDRESS, r"\1 ")
        text = replace(text, f"[ {normalise.SPACES}]+", " ")
        gap = normalise.GAPS[config.blanks]
        if gap != " ":
            for _ in range(2):
                text = replace(text, f"([{HAN}]) ([{HAN}])", rf"\1{gap}\2")
        return tf.strings.strip(text)

    def _encoded(self, text: Tensor) -> Tensor:
        """The ids of an utterance, int32 [N], none for an empty one."""
        return tf.cond(
            tf.strings.length(text) > 0, lambda: self._read(text), lambda: tf.zeros([0], tf.int32)
        )

    def _read(self, text: Tensor) -> Tensor:
        """The ids of an utterance of at least one character."""
        if self._segmenter is None:
            ids = self._ids.lookup(tf.strings.unicode_split(text, "UTF-8"))
            return tf.where(ids < 0, UNK, ids)
        pieces = _split(_replace(text, f"({self._pieces})", rf"\1{_END}"))
        chinese = tf.strings.regex_full_match(pieces, _re2(f"[^{HAN}]*[{HAN}].*"))
        blocks = _replace(pieces, f"( ?(?:{BLOCK}+|[^ ]))", rf"{_CUT}\1{_END}")
        whole = tf.strings.join([pieces, _END])
        pieces = _split(tf.strings.reduce_join(tf.where(chinese, blocks, whole)))
        cut = tf.strings.substr(pieces, 0, 1) == _CUT
        pieces = tf.strings.regex_replace(pieces, _CUT, "")
        spaced = tf.strings.substr(pieces, 0, 1) == BLANK
        parts = tf.strings.unicode_split(tf.strings.strip(pieces), "UTF-8")
        number = parts.value_rowids()
        characters = parts.values
        codes = tf.strings.unicode_decode(characters, "UTF-8").values
        inside = tf.gather(cut, number) & _within(codes, self._blocks)
        over = tf.concat([number[1:] != number[:-1], [True]], 0)
        ascii = _within(codes, self._ascii)
        last = self._segmenter.ends(characters, inside, over, ascii)
        last = tf.where(inside, last, over)
        space = tf.concat([[False], over[:-1]], 0) & tf.gather(spaced, number)
        return self._looked_up(characters, codes, last, space)

    def _looked_up(self, characters: Tensor, codes: Tensor, last: Tensor, space: Tensor) -> Tensor:
        """The ids of words.

        Args:
            characters: all of them but blanks, [N].
            codes: their numbers, [N].
            last: with which of them a word ends, [N].
            space: before which of them is a blank, [N].
        """
        letter = _within(codes, self._letters)
        mark = tf.reduce_any(codes[:, None] == [ord(one) for one in MARKS], 1)
        first = tf.concat([[True], last[:-1]], 0)
        words, number = joined(characters, last)
        before = tf.concat([[False], (letter | mark)[:-1]], 0)
        expected = before & letter
        joins = expected & ~space & first
        glue, join = tf.unstack(self._ids.lookup(tf.constant([BLANK, JOIN])))
        known = tf.gather(self._ids.lookup(words), number)
        spelled = tf.strings.join([tf.where(expected & ~first, JOIN, ""), characters])
        spelled = self._ids.lookup(spelled)

        def some(ids: Tensor, there: Tensor) -> Tensor:
            """Ids where they are, UNK for those that the vocabulary lacks, elsewhere none."""
            return tf.where(there, tf.where(ids < 0, UNK, ids), -1)

        blanks = tf.where(joins, some(join, joins), some(glue, space & ~expected))
        unknown = known < 0 if self._spelled else tf.zeros_like(first)
        own = tf.where(unknown, some(spelled, unknown), some(known, first))
        ids = tf.reshape(tf.stack([blanks, own], 1), [-1])
        return tf.boolean_mask(ids, ids >= 0)


def _shown(word: str) -> tuple[str, bool, bool]:
    """A token's text, whether a blank may be expected before it, and whether after it."""
    if word in (BLANK, JOIN):
        return word.replace(JOIN, ""), False, False
    glued = len(word) > len(JOIN) and word.startswith(JOIN)
    text = word[len(JOIN) :] if glued else word
    opens = not glued and tokenizer.expects_blank("a", text[0])
    return text, opens, tokenizer.expects_blank(text[-1], "a")


def _ranges(pattern: str) -> Tensor:
    """Where runs of characters that a pattern matches begin, and where they are over."""
    whole = "".join(map(chr, range(_CODES)))
    return tf.constant(
        np.array([found.span() for found in re.finditer(f"(?:{pattern})+", whole)]).ravel(),
        tf.int32,
    )


def _within(codes: Tensor, ranges: Tensor) -> Tensor:
    """Which characters are in ranges."""
    return tf.searchsorted(ranges, codes, side="right") % 2 == 1


def _class(ranges: Tensor) -> str:
    """Ranges as a character class of a regular expression."""
    pairs = ranges.numpy().reshape(-1, 2).tolist()
    return "".join(rf"\x{{{first:x}}}-\x{{{last - 1:x}}}" for first, last in pairs)


def _re2(pattern: str) -> str:
    """A regular expression of Python's as TensorFlow's library RE2 writes it."""
    return re.sub(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2}))", _code, pattern)


def _code(found: re.Match[str]) -> str:
    return rf"\x{{{int(next(filter(None, found.groups())), 16):x}}}"


def _replace(text: Tensor, pattern: str, by: str) -> Tensor:
    return tf.strings.regex_replace(text, _re2(pattern), by)


def _split(text: Tensor) -> Tensor:
    """What stands before each end of a piece."""
    return tf.strings.split(text[None], _END).values[:-1]
