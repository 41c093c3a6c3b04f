"""Every setting of the program once: its name, type, default, help and check.

Comes in: values from the command line, from a file header or from Python. Goes out: frozen
dataclasses whose values have been checked. The command line derives its options from the fields, so
a default is written here and nowhere else. Knows nothing of click, of files or of TensorFlow.

Settings are grouped by who must agree on them later: `CorpusConfig` is stored with the vocabulary
and the token store, `CleaningConfig` with the token store, `ModelConfig` and `TrainingConfig`
inside every checkpoint; `ReadingConfig` and `ReplyConfig` belong to a call.
"""

from chatbot.config.corpus import (
    DEFAULT_MIN_FREQ,
    LARGEST_CONTEXT,
    MOST_SHARDS,
    SMALL_CORPUS,
    CleaningConfig,
    CorpusConfig,
    ReadingConfig,
)
from chatbot.config.reply import ANTI_LM, MMI, MMI_BEAM, NO_REPEAT, ReplyConfig
from chatbot.config.training import RATES, ModelConfig, TrainingConfig

__all__ = [
    "ANTI_LM",
    "DEFAULT_MIN_FREQ",
    "LARGEST_CONTEXT",
    "MOST_SHARDS",
    "MMI",
    "MMI_BEAM",
    "NO_REPEAT",
    "RATES",
    "SMALL_CORPUS",
    "CleaningConfig",
    "CorpusConfig",
    "ModelConfig",
    "ReadingConfig",
    "ReplyConfig",
    "TrainingConfig",
]
