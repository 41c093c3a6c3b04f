"""Settings of corpora: how files are read, what is left out, how text becomes ids.

Comes in: values from the command line, from a file header or from Python. Goes out: frozen
dataclasses whose values have been checked.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.errors import ChatbotError
from chatbot.settings import Config, setting

SMALL_CORPUS = 5_000
"""Pairs below which a corpus is learned by heart: none are held out, every character is kept."""

LARGEST_CONTEXT = 100
"""Most earlier turns that go before a question."""

DEFAULT_MIN_FREQ = 2

MOST_SHARDS = 100
"""Files that a token store may be written in: all are open while it is read."""


@dataclass(frozen=True)
class ReadingConfig(Config):
    """How the files of a corpus are read; what is not given is recognised. Belongs to a call."""

    format: str | None = setting(
        None, "the format of all files  [default: recognised; docs/formats.md names them]"
    )
    encoding: str | None = setting(
        None, "the encoding of all files, e.g. gb18030  [default: recognised]"
    )
    columns: str | None = setting(
        None,
        "where tables have the question and the reply: two numbers from 1 or two header names, "
        "e.g. 2,3 or title,body  [default: recognised]",
        pattern=r"[^,]+,[^,]+",
    )
    replies_by: str | None = setting(
        None,
        "only turns of this role or speaker are replies, e.g. assistant, where a format names them"
        "  [default: any turn answers the one before]",
    )


@dataclass(frozen=True)
class CleaningConfig(Config):
    """Which pairs are left out on purpose; recorded in the token store. Nothing by default."""

    drop_duplicates: bool = setting(False, "keep only the first of equal pairs")
    max_repeats: int | None = setting(
        None, "keep at most this many pairs with one and the same reply", minimum=1
    )
    min_chars: int | None = setting(
        None, "leave out pairs with a question or reply of fewer characters", minimum=1, fixed=True
    )
    max_chars: int | None = setting(
        None, "leave out pairs with a question or reply of more characters", minimum=1, fixed=True
    )
    drop_echoes: bool = setting(
        False, "leave out pairs whose reply equals the question", fixed=True
    )
    block_list: str | None = setting(
        None,
        "file of words or phrases, one a line; pairs that contain one are left out",
        fixed=True,
    )


@dataclass(frozen=True)
class CorpusConfig(Config):
    """How text becomes ids; stored with the vocabulary and in the header of the token store."""

    tokenizer: str = setting(
        "jieba",
        "how text is cut: words by jieba, words by rjieba (an extra; faster), or single characters",
        choices=("jieba", "rjieba", "char"),
        fixed=True,
    )
    min_freq: int | None = setting(
        None,
        f"words and characters seen fewer times are left out  [default: {DEFAULT_MIN_FREQ}; every "
        f"character is kept in corpora under {SMALL_CORPUS:,} pairs]",
        minimum=1,
    )
    max_size: int = setting(
        20_000, "most entries in the vocabulary, the special ones included", minimum=8
    )
    rare: str = setting(
        "characters",
        "what a word outside the vocabulary becomes: its characters, or one unknown word",
        choices=("characters", "unk"),
    )
    holdout: float | None = setting(
        None,
        "pairs kept for validation: a share (0.02) or a number (500); 0 for none  "
        f"[default: 1 % up to 2,000 pairs, none for corpora under {SMALL_CORPUS:,} pairs]",
        minimum=0,
    )
    openings: bool | None = setting(
        None,
        "where pairs are held out, learn to say what opens a conversation, to no question  "
        "[default: if at most one pair of three opens one]",
    )
    seed: int = setting(
        0, "seed of the order of the pairs", minimum=0, maximum=2**63 - 1, fixed=True
    )
    user_dict: str | None = setting(
        None,
        "file of words that jieba shall keep whole: a line each, word [count [tag]]",
        fixed=True,
    )
    context: int = setting(
        0,
        "earlier turns of the conversation put before the question",
        minimum=0,
        maximum=LARGEST_CONTEXT,
        fixed=True,
    )
    reverse: bool = setting(
        False,
        "turn every pair round, for a backward model: chat --backward",
        fixed=True,
    )
    narrow: bool = setting(True, "make full-width letters and digits ordinary ones", fixed=True)
    unescape: bool = setting(
        True, "make HTML entities such as &amp; the characters they stand for", fixed=True
    )
    simplify: bool = setting(
        False, "make traditional Chinese simplified (the extra opencc)", fixed=True
    )
    strip_placeholders: bool = setting(
        True, "take out what chat platforms leave: {r+}, [数字x], #E-s[数字x]", fixed=True
    )
    strip_controls: bool = setting(True, "take out control and zero-width characters", fixed=True)
    strip_urls: bool = setting(False, "take out web addresses", fixed=True)
    strip_speakers: bool = setting(
        False, "take out speakers before utterances, such as 小明：", fixed=True
    )
    blanks: str = setting(
        "one",
        "what blanks between Chinese characters become: one blank, a comma, or none",
        choices=("one", "comma", "none"),
        fixed=True,
    )

    def __post_init__(self) -> None:
        """Checks every field, and that they go together.

        Raises:
            ChatbotError: a value is outside what its field allows, or they do not.
        """
        super().__post_init__()
        if self.reverse and self.context:
            raise ChatbotError("--reverse: the question alone is predicted. Leave --context out.")
