"""Every setting of the program once: its name, type, default, help and check.

Comes in: values from the command line, from a file header or from Python. Goes out: frozen
dataclasses whose values have been checked. The command line derives its options from the fields, so
a default is written here and nowhere else. Knows nothing of click, of files or of TensorFlow.

Settings are grouped by who must agree on them later: `CorpusConfig` is stored with the vocabulary
and the token store, `CleaningConfig` with the token store, `ModelConfig` and `TrainingConfig`
inside every checkpoint; `ReadingConfig` and `ReplyConfig` belong to a call.
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


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of the network; stored inside every checkpoint."""

    units: int = setting(
        256, "width of the recurrent layers", minimum=1, maximum=16_384, fixed=True
    )
    embedding: int = setting(
        256, "width of the word embeddings", minimum=1, maximum=16_384, fixed=True
    )
    bidirectional: bool = setting(False, "read the question in both directions", fixed=True)
    ngrams: int | None = setting(
        None,
        "longest run of words whose frequency in the replies helps to choose the next; 0 for none  "
        "[default: 4, or 0 when no pairs are held out]",
        minimum=0,
        maximum=4,
        fixed=True,
    )


@dataclass(frozen=True)
class TrainingConfig(Config):
    """How the network is trained; stored inside every checkpoint."""

    batch: int = setting(1000, "pairs per step", minimum=1, fixed=True)
    sampler: str = setting(
        "window",
        "how the pairs of a step are chosen",
        choices=("window", "epoch", "blocks", "cyclic"),
        fixed=True,
    )
    seed: int = setting(
        0, "seed of weights, sampling and dropout", minimum=0, maximum=2**63 - 1, fixed=True
    )
    max_length: int = setting(
        40,
        "tokens of a question or reply that are used in training",
        minimum=2,
        maximum=100_000,
        fixed=True,
    )
    learning_rate: float = setting(
        0.015,
        "learning rate of Adam",
        minimum=1e-9,
        maximum=1_000,
        fixed=True,
        changed_by="--set-learning-rate",
    )
    warmup: int = setting(20, "steps over which the rate rises to its full value", minimum=0)
    clip: float = setting(1.0, "largest global norm of the gradient", minimum=1e-6, fixed=True)
    dropout: float | None = setting(
        None,
        "share of activations dropped in training, rising over the first three passes  "
        "[default: 0.4, or 0 when no pairs are held out]",
        minimum=0,
        maximum=0.95,
        fixed=True,
    )
    word_dropout: float = setting(
        0.1,
        "share of the tokens of questions left out in training",
        minimum=0,
        maximum=0.95,
        fixed=True,
    )
    decay_on: str = setting(
        "heldout",
        "the loss that decides on decay: the held-out loss, or the training loss above the "
        "largest of the last five",
        choices=("heldout", "train"),
        fixed=True,
    )
    patience: int = setting(
        10,
        "validations that are compared with as many before them; without a fall the rate decays",
        minimum=1,
        fixed=True,
    )
    cooldown: int = setting(2, "validations after a decay that are left out", minimum=0, fixed=True)
    floor: float = setting(
        0.01,
        "smallest rate that decay reaches, as a share of the learning rate",
        minimum=1e-9,
        maximum=1,
        fixed=True,
    )
    steps: int | None = setting(None, "steps of the whole run", minimum=1)
    minutes: float | None = setting(None, "minutes of the whole run", minimum=1e-3)
    epochs: float | None = setting(None, "passes over the corpus of the whole run", minimum=1e-3)
    validate_every: int = setting(25, "steps between validations", minimum=1, fixed=True)
    save_every: str = setting(
        "5m",
        "a number of steps between checkpoints, or minutes such as 5m",
        pattern=r"[1-9][0-9]*m?|(?=[0-9.]*[1-9])[0-9]*\.[0-9]+m",
    )
    keep: int = setting(3, "checkpoints kept, the best one not counted", minimum=1)
    precision: str = setting(
        "auto",
        "numbers in matrix products: bfloat16 where the processor has it, else float32",
        choices=("auto", "float32", "bfloat16"),
        fixed=True,
    )
    memory: str | None = setting(
        None,
        "most memory that training may take, such as 900MB or 1.5GB  [default: no limit]",
        pattern=r"(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?[MmGg][Bb]",
    )
    threads: int = setting(0, "processor threads; 0 for all", minimum=0, maximum=1024)
    vectors: str | None = setting(
        None,
        "file of word vectors (word2vec's text format) that the embeddings begin with  "
        "[default: random ones]",
        fixed=True,
    )
    freeze_vectors: bool = setting(False, "never change the embeddings from --vectors", fixed=True)

    def __post_init__(self) -> None:
        """Checks every field, and that there is something to freeze.

        Raises:
            ChatbotError: a value is outside what its field allows.
        """
        super().__post_init__()
        if self.freeze_vectors and self.vectors is None:
            raise ChatbotError("--freeze-vectors: nothing to freeze. Name a file with --vectors.")


ANTI_LM, NO_REPEAT = 0.5, 4  # see docs/chat.md


@dataclass(frozen=True)
class ReplyConfig(Config):
    """How a reply is chosen; belongs to one conversation."""

    beam: int = setting(
        1, "width of the beam; 1 is greedy; not used when replies are drawn", minimum=1, maximum=100
    )
    length_penalty: float = setting(
        0.6, "how much a beam favours longer replies; 0 not at all", minimum=0, maximum=10
    )
    groups: int = setting(
        1,
        "parts of the beam, of one reply at least, that are kept from choosing the same words",
        minimum=1,
        maximum=100,
    )
    diversity: float = setting(
        0.5, "what a word costs a group that another has chosen, in nats", minimum=0, maximum=1e6
    )
    anti_lm: float | None = setting(
        None,
        "how much it counts against a word that it is likely whatever was asked  "
        f"[default: {ANTI_LM}; 0 for pairs learned by heart]",
        minimum=0,
        maximum=1,
    )
    anti_lm_tokens: int = setting(
        5, "for how many tokens of a reply --anti-lm counts", minimum=1, maximum=10_000
    )
    temperature: float = setting(
        0.0, "draw from the distribution at this temperature; 0 takes the likeliest", minimum=0
    )
    top_k: int = setting(
        0, "when replies are drawn, only among this many likeliest tokens; 0 for all", minimum=0
    )
    top_p: float = setting(
        1.0,
        "when replies are drawn, only among the likeliest tokens that reach this together",
        minimum=1e-6,
        maximum=1,
    )
    typical: float = setting(
        1.0, "the same of those nearest to the expected information", minimum=1e-6, maximum=1
    )
    no_repeat: int | None = setting(
        None,
        "no so many tokens in a row stand twice in a reply; 0 allows it  "
        f"[default: {NO_REPEAT}; 0 for pairs learned by heart]",
        minimum=0,
    )
    repetition_penalty: float = setting(1, "what a repeat costs; 1 is free", minimum=1, maximum=1e3)
    ban: str | None = setting(None, "words never to say, separated by commas  [default: none]")
    min_reply: int = setting(1, "fewest tokens in a reply", minimum=1, maximum=10_000)
    max_reply: int = setting(60, "most tokens in a reply", minimum=1, maximum=1_000)
    seed: int = setting(0, "seed of what is drawn", minimum=0, maximum=2**63 - 1)
