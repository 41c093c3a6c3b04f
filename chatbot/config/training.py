"""Settings of training: the shape of the network, and how it learns.

Comes in: values from the command line, from a checkpoint or from Python. Goes out: frozen
dataclasses whose values have been checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from chatbot.errors import ChatbotError
from chatbot.settings import Config, option_of, setting

RATES = {"recurrent": 0.015, "transformer": 0.002}
"""Learning rates, see docs/training.md."""


_ONLY = {
    "cell": "recurrent",
    "bidirectional": "recurrent",
    "attention": "recurrent",
    "layer_norm": "recurrent",
    "heads": "transformer",
}
"""Settings that mean something to one kind of network only."""


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of the network; stored inside every checkpoint."""

    model_type: str = setting(
        "recurrent",
        "what reads and writes: recurrent layers with attention, or a Transformer",
        choices=("recurrent", "transformer"),
        fixed=True,
    )
    units: int = setting(256, "width of the layers", minimum=1, maximum=16_384, fixed=True)
    embedding: int = setting(
        256, "width of the word embeddings", minimum=1, maximum=16_384, fixed=True
    )
    layers: int | None = setting(
        None,
        "layers of the encoder, and of the decoder  [default: 1, or 2 of a Transformer]",
        minimum=1,
        maximum=64,
        fixed=True,
    )
    cell: str = setting(
        "lstm", "the cells of recurrent layers", choices=("lstm", "gru"), fixed=True
    )
    bidirectional: bool = setting(
        False, "read the question in both directions, in recurrent layers", fixed=True
    )
    attention: str = setting(
        "general",
        "how recurrent layers score the words of the question: general or dot (Luong), or additive "
        "(Bahdanau)",
        choices=("general", "dot", "additive"),
        fixed=True,
    )
    heads: int = setting(
        4, "heads of a Transformer's attention", minimum=1, maximum=256, fixed=True
    )
    layer_norm: bool = setting(
        True, "normalise what enters recurrent layers; a Transformer always does", fixed=True
    )
    tied: bool = setting(
        False, "frequent words have one vector for reading and writing, not two", fixed=True
    )
    ngrams: int | None = setting(
        None,
        "longest run of words whose frequency in the replies helps to choose the next; 0 for none  "
        "[default: 4, or 0 when no pairs are held out]",
        minimum=0,
        maximum=4,
        fixed=True,
    )
    copying: bool = setting(
        True,
        "beside n-grams, the words of the question are likely ones; nothing without n-grams",
        fixed=True,
    )

    def __post_init__(self) -> None:
        """Checks every field, and that none is of another kind of network.

        Raises:
            ChatbotError: a value is outside what its field allows, or would mean nothing.
        """
        super().__post_init__()
        for field in fields(self):
            kind = _ONLY.get(field.name, self.model_type)
            if kind != self.model_type and getattr(self, field.name) != field.default:
                raise ChatbotError(
                    f"{option_of(field.name)}: is for --model-type {kind} only. Leave it out."
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> Self:
        """As of any settings; networks of before layer norm or copying was a default have none."""
        values = {"layer_norm": False, "copying": False, **values}
        if values.get("model_type") == "transformer":
            values["layer_norm"] = cls().layer_norm  # it means nothing there
        return super().from_dict(values, where)

    @property
    def usual_rate(self) -> float:
        """The learning rate of a run that is given none."""
        return RATES[self.model_type]

    @property
    def depth(self) -> int:
        """Layers of the encoder, and of the decoder."""
        return self.layers or (2 if self.model_type == "transformer" else 1)


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
    learning_rate: float | None = setting(
        None,
        f"learning rate of Adam  [default: {RATES['recurrent']}, or {RATES['transformer']} of a "
        "Transformer]",
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
    variational: bool = setting(
        False,
        "with --dropout, drop the same activations at every word of a sentence, those between the "
        "states of a recurrent layer too",
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
    average: int = setting(
        1,
        "where pairs are held out, try the mean of so many of the last checkpoints as the best one "
        "at the end; 1 for none",
        minimum=1,
    )
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
        "[default: none, see --first-vectors]",
        fixed=True,
    )
    first_vectors: str | None = setting(
        None,
        "what embeddings begin with: vectors of which words stand together in the corpus, which "
        "then change slowly, or random numbers  [default: corpus, or random with --vectors or when "
        "no pairs are held out]",
        choices=("corpus", "random"),
        fixed=True,
    )
    freeze_vectors: bool = setting(False, "never change the embeddings from --vectors", fixed=True)

    def __post_init__(self) -> None:
        """Checks every field, and that there is something to freeze, and to average.

        Raises:
            ChatbotError: a value is outside what its field allows.
        """
        super().__post_init__()
        if self.freeze_vectors and self.vectors is None:
            raise ChatbotError("--freeze-vectors: nothing to freeze. Name a file with --vectors.")
        if self.first_vectors == "corpus" and self.vectors is not None:
            raise ChatbotError(
                "--first-vectors corpus: embeddings begin with those from --vectors. Leave one out."
            )
        if self.average > self.keep:
            raise ChatbotError(
                f"--average {self.average}: only {self.keep} checkpoints are kept. Give --keep "
                f"{self.average}, too."
            )
