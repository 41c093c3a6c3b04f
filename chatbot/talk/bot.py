"""Text in, reply out.

Comes in: a model folder. Goes out: a `Bot` that answers. Knows nothing of terminals.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from chatbot.config import ReplyConfig
from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.tokenizer import BLANK, JOIN, SEPARATOR, make_tokenizer
from chatbot.corpus.vocabulary import PAD, UNK, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.position import Position
from chatbot.learn.saved import check_vocabulary, find_checkpoint, read_position, vocabulary_of
from chatbot.talk.decoding import decode
from chatbot.talk.network import Network
from chatbot.talk.rules import Rules
from chatbot.talk.why import Why, why


class Bot:
    """A trained bot.

        >>> from chatbot import Bot
        >>> bot = Bot.load("model")
        >>> bot.reply("你好")
        '你好呀，今天想从哪儿聊起？'

    Attributes:
        vocabulary: its vocabulary.
        normaliser: what its text goes through first.
        tokenizer: what cuts its text.
        network: its network.
        position: where its training stood.
        checkpoint: the path of its weights.
        damaged: what is wrong with the checkpoints that would have been used before this one.
    """

    damaged: Sequence[str] = ()

    def __init__(
        self,
        vocabulary: Vocabulary,
        network: Network,
        position: Position,
        checkpoint: Path,
        user_dict: Path | None = None,
    ) -> None:
        """Puts the parts together; most callers want `load`."""
        self.vocabulary, self.network = vocabulary, network
        self.position, self.checkpoint = position, checkpoint
        self.normaliser = Normaliser(vocabulary.config)
        self.tokenizer = make_tokenizer(vocabulary.config.tokenizer, user_dict)
        glue = (vocabulary.ids.get(token) for token in (BLANK, JOIN))
        separator = vocabulary.ids.get(SEPARATOR, PAD)
        self._rules = Rules(
            never=(*Rules.never, separator),
            not_first=tuple(id for id in glue if id is not None),
        )
        self._turn = 0

    @classmethod
    def load(cls, model: str | Path = "model", checkpoint: str | None = None) -> Bot:
        """Loads the bot of a model folder.

        Args:
            model: the folder.
            checkpoint: `best`, `newest`, a step or a path; default: the best by held-out loss,
                else the newest, of those that are whole.

        Raises:
            ChatbotError: nothing is trained there, or a file is damaged or does not match.
        """
        folder = ModelFolder(Path(model))
        if not folder.trained:
            Vocabulary.load(folder.vocabulary)  # whether there is a corpus comes first
        path, damaged = find_checkpoint(folder, checkpoint)
        position = read_position(path)
        vocabulary = vocabulary_of(position, folder)
        check_vocabulary(path, position, vocabulary)
        network = Network.load(path)
        bot = cls(vocabulary, network, position, path, user_dict_of(folder, vocabulary))
        bot.damaged = damaged
        return bot

    @property
    def context(self) -> int:
        """How many earlier turns the bot was trained to look at."""
        return self.vocabulary.config.context

    def reply(
        self, text: str, config: ReplyConfig | None = None, earlier: Iterable[str] = ()
    ) -> str:
        """The reply to one utterance.

        Args:
            text: the utterance.
            config: how the reply is chosen; the default is greedy.
            earlier: the turns before it, of both sides, the oldest first; the last `context` of
                them are used.
        """
        return self.replies([text], config, [earlier])[0]

    def replies(
        self,
        texts: Sequence[str],
        config: ReplyConfig | None = None,
        earlier: Sequence[Iterable[str]] = (),
    ) -> list[str]:
        """The replies to several utterances, each on its own, in order.

        Args:
            texts: the utterances; words the vocabulary lacks are spelled or UNK.
            config: how replies are chosen; the default is greedy.
            earlier: for each utterance the turns before it, as in `reply`; none if left out.
        """
        if not texts:
            return []
        config = config or ReplyConfig()
        before = earlier or [()] * len(texts)
        questions = [self._encode(*one) for one in zip(texts, before, strict=True)]
        found = decode(self.network, questions, config, self._rules, self._turn)
        self._turn += len(texts)
        return [self.text(ids) for ids in found]

    def answers(self, questions: Sequence[Sequence[int]], config: ReplyConfig) -> list[list[int]]:
        """The replies to questions in ids, as ids without EOS."""
        return decode(self.network, questions, config, self._rules)

    def why(self, text: str, reply: str, earlier: Iterable[str] = ()) -> Why:
        """Which words of an utterance the network looks at for each word of a reply to it.

        Args:
            text: the utterance.
            reply: a reply, whether or not it is the bot's own.
            earlier: the turns before the utterance, as in `reply`.
        """
        return self.whys([text], [reply], [earlier])[0]

    def whys(
        self, texts: Sequence[str], replies: Sequence[str], earlier: Sequence[Iterable[str]] = ()
    ) -> list[Why]:
        """The same of several utterances at once, with a reply and the earlier turns of each."""
        if not texts:
            return []
        before = earlier or [()] * len(texts)
        questions = [self._encode(*one) for one in zip(texts, before, strict=True)]
        said = [
            self.vocabulary.encode(self.tokenizer.tokens(reply), self.tokenizer) or [UNK]
            for reply in replies
        ]
        return why(self.network, self.vocabulary, questions, said)

    def _encode(self, text: str, earlier: Iterable[str]) -> list[int]:
        turns = self.normaliser.texts([*earlier, text])
        before = turns[:-1][max(0, len(turns) - 1 - self.context) :]
        turns = [turn for turn in before if turn] + turns[-1:]
        tokens = self.tokenizer.tokens("\n".join(turns))
        ids = self.vocabulary.encode(tokens, self.tokenizer)
        return ids[-self.position.training.max_length :] or [UNK]

    def text(self, ids: Sequence[int]) -> str:
        """Ids as text."""
        return self.vocabulary.decode(ids, self.tokenizer).strip()


def user_dict_of(folder: ModelFolder, vocabulary: Vocabulary) -> Path | None:
    """The user's words for the segmenter that a vocabulary was built with, None for none.

    Raises:
        ChatbotError: they are not in the folder, or they are others.
    """
    recorded = vocabulary.config.user_dict
    if recorded is None:
        return None
    try:
        checksum = f"{zlib.crc32(folder.user_dict.read_bytes()):08x}"
    except OSError as error:
        raise ChatbotError(
            f"{folder.user_dict}: cannot be read ({error.strerror}). Put the file back that the "
            "vocabulary was built with."
        ) from error
    if not recorded.endswith(f" {checksum}"):
        raise ChatbotError(
            f"{folder.user_dict}: not the words that the vocabulary was built with ({recorded}). "
            "Put these back."
        )
    return folder.user_dict
