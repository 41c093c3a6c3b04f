"""Text in, reply out.

Comes in: a model folder. Goes out: a `Bot` that answers. Knows nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chatbot.config import ReplyConfig
from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.tokenizer import BLANK, JOIN, SEPARATOR, make_tokenizer
from chatbot.corpus.vocabulary import PAD, UNK, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.position import Position
from chatbot.learn.saved import check_vocabulary, find_checkpoint, user_dict_of, vocabulary_of
from chatbot.talk import networks, stored
from chatbot.talk.backward import BackwardModel
from chatbot.talk.banning import Ban
from chatbot.talk.decoding import candidates, decode, stream
from chatbot.talk.network import Network
from chatbot.talk.question import Question, Reader
from chatbot.talk.rules import Rules
from chatbot.talk.why import Why, why

CANDIDATES, _TRIES = 5, 100
"""Fewest of an n-best list; replies with banned words after which nothing is said."""

_Turns = Sequence[int]


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
        backward: its backward model, if there is one; see `mmi` of the settings.
        folder: the model folder, or that of a file with nothing in it; of a loaded bot only.
    """

    damaged: Sequence[str] = ()
    backward: BackwardModel | None = None
    folder: ModelFolder

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
        longest = position.training.max_length
        self._reader = Reader(vocabulary, self.normaliser, self.tokenizer, longest)
        glue = (vocabulary.ids.get(token) for token in (BLANK, JOIN))
        separator = vocabulary.ids.get(SEPARATOR, PAD)
        self.rules = Rules(
            never=(*Rules.never, separator),
            not_first=tuple(id for id in glue if id is not None),
        )
        self._turn, self._bans = 0, dict[str, Ban]()

    @classmethod
    def load(
        cls,
        model: str | Path = "model",
        checkpoint: str | None = None,
        backward: str | Path | None = None,
    ) -> Bot:
        """Loads the bot of a model folder.

        Args:
            model: the folder, or a file that `chatbot export` wrote.
            checkpoint: `best`, `newest`, a step or a path; default: the best by held-out loss,
                else the newest, of those that are whole. None for a file.
            backward: likewise a folder or a file, of a backward model.

        Raises:
            ChatbotError: nothing is trained there, or a file is damaged or does not match.
        """
        bot = cls._loaded(model, checkpoint)
        if backward is not None:
            bot.backward = BackwardModel(cls._loaded(backward, None), Path(backward))
        return bot

    @classmethod
    def _loaded(cls, model: str | Path, checkpoint: str | None) -> Bot:
        folder = ModelFolder(Path(model))
        if folder.path.is_file():
            if checkpoint is not None:
                raise ChatbotError(f"--checkpoint {checkpoint}: {model} holds one bot only.")
            with stored.unpacked(folder.path) as unpacked:
                return cls._opened(folder, unpacked, folder.path)
        if not folder.trained:
            Vocabulary.load(folder.vocabulary)  # whether there is a corpus comes first
        path, damaged = find_checkpoint(folder, checkpoint)
        bot = cls._opened(folder, folder, path)
        bot.damaged = damaged
        return bot

    @classmethod
    def _opened(cls, model: ModelFolder, words: ModelFolder, checkpoint: Path) -> Bot:
        """The bot of a checkpoint, or of a file, with the vocabulary of a folder."""
        found = stored.read(checkpoint)
        position = found.position
        vocabulary = vocabulary_of(position, words)
        check_vocabulary(checkpoint, position, vocabulary)
        network = networks.network(found.weights, position.model, found.ngrams)
        bot = cls(vocabulary, network, position, checkpoint, user_dict_of(words, vocabulary))
        bot.folder = model
        return bot

    def warm_up(self) -> None:
        """Makes what the first reply else waits for: a dictionary, an index; about 1.5 s."""
        self.tokenizer.tokens("你好")
        self.network.warm_up()
        if self.backward is not None:
            self.backward.bot.warm_up()

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
            config: how the reply is chosen; see `settled` for what is not given.
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
            config: how replies are chosen; see `settled` for what is not given.
            earlier: for each utterance the turns before it, as in `reply`; none if left out.
        """
        if not texts:
            return []
        config, questions = self.settled(config), self._reader.questions(texts, earlier)
        found: list[list[int]] = [[]] * len(texts)
        for copies in (False, True):
            numbers = [n for n, one in enumerate(questions) if (UNK in one.ids) == copies]
            some = [questions[n] for n in numbers]
            turns = [self._turn + n for n in numbers]
            for n, reply in zip(numbers, self._decode(some, config, copies, turns), strict=True):
                found[n] = reply
        self._turn += len(texts)
        ban = self._banned(config)
        return [self._said(*one, ban) for one in zip(found, questions, strict=True)]

    def candidates(
        self, text: str, config: ReplyConfig | None = None, earlier: Iterable[str] = ()
    ) -> list[str]:
        """The best replies to one utterance, the best first; arguments as for `reply`.

        By a beam of `CANDIDATES` at least, also where replies are drawn.
        """
        config = self.settled(config)
        config = replace(config, beam=max(config.beam, CANDIDATES), temperature=0.0)
        (question,) = self._reader.questions([text], [earlier])
        rules, ban = self._rules_for(UNK in question.ids), self._banned(config)
        for _ in range(_TRIES):
            (found,) = self._n_best([question], config, replace(rules, banned=ban.rows))
            sound = [reply for reply in found if not ban.finds(reply)]
            if len(sound) == len(found):
                break
        return list(dict.fromkeys(self._said(reply, question, ban) for reply in sound))

    def stream(
        self, text: str, config: ReplyConfig | None = None, earlier: Iterable[str] = ()
    ) -> Iterator[str]:
        """The reply to one utterance in parts, while it is decided; arguments as for `reply`.

        It is all in one part where it is known only at the end: with a beam, with banned words, and
        where it may have words of the utterance that the vocabulary lacks.
        """
        config = self.settled(config)
        (question,) = self._reader.questions([text], [earlier])
        searched = config.temperature == 0 and config.beam > 1
        if searched or config.ban or UNK in question.ids:
            yield self.reply(text, config, earlier)
            return
        turns, said, ids = [self._turn], "", []
        self._turn += 1
        for _, token in stream(self.network, [question.ids], config, self.rules, turns):
            ids.append(token)
            more = self.text(ids)
            yield more[len(said) :]
            said = more

    def _decode(
        self, questions: Sequence[Question], config: ReplyConfig, copies: bool, turns: _Turns
    ) -> list[list[int]]:
        """The replies to questions, as ids; UNK may stand in them where words may be copied."""
        rules, ban = self._rules_for(copies), self._banned(config)
        found: list[list[int]] = [[]] * len(questions)
        open_ = list(range(len(questions)))
        for _ in range(_TRIES):
            if not open_:
                break
            some, drawn = [questions[n] for n in open_], [turns[n] for n in open_]
            replies = self._chosen(some, config, replace(rules, banned=ban.rows), drawn)
            for n, reply in zip(open_, replies, strict=True):
                found[n] = reply
            open_ = [n for n in open_ if ban.finds(found[n])]
        for n in open_:
            found[n] = []
        return found

    def _chosen(
        self, questions: Sequence[Question], config: ReplyConfig, rules: Rules, turns: _Turns = ()
    ) -> list[list[int]]:
        """The replies to questions, as ids."""
        if config.mmi:
            return [best[0] for best in self._n_best(questions, config, rules)]
        return decode(self.network, [one.ids for one in questions], config, rules, turns)

    def _n_best(
        self, questions: Sequence[Question], config: ReplyConfig, rules: Rules
    ) -> list[list[list[int]]]:
        """The best replies to questions by a beam, as ids, the best first."""
        found = candidates(self.network, [one.ids for one in questions], config, rules)
        if config.mmi and self.backward is not None:
            ban = self._banned(config)
            for number, (question, some) in enumerate(zip(questions, found, strict=True)):
                texts = [self._said(one.tokens, question, ban) for one in some]
                found[number] = self.backward.reranked(question.text, some, texts, config.mmi)
        return [[one.tokens for one in some] for some in found]

    def settled(self, config: ReplyConfig | None) -> ReplyConfig:
        """The settings, with what is not given as this bot has it; see `ReplyConfig.settled`."""
        by_heart, backward = self.position.heldout_loss is None, self.backward is not None
        return (config or ReplyConfig()).settled(by_heart=by_heart, backward=backward)

    def answers(self, questions: Sequence[Sequence[int]], config: ReplyConfig) -> list[list[int]]:
        """The replies to questions in ids, as ids without EOS, by just these settings."""
        texts = [self.text(ids).rpartition("\n")[2] if config.mmi else "" for ids in questions]
        asked = [Question(text, (), ids) for text, ids in zip(texts, questions, strict=True)]
        return self._chosen(asked, config, self.rules)

    def _rules_for(self, copies: bool) -> Rules:
        """The rules of every reply; whether it may have words of the question that are UNK."""
        if not copies:
            return self.rules
        return replace(self.rules, never=tuple(id for id in self.rules.never if id != UNK))

    def _banned(self, config: ReplyConfig) -> Ban:
        """What is banned, with what has been found to say it."""
        words = config.ban or ""
        if words not in self._bans:
            self._bans[words] = Ban(words, self.text, self.normaliser.text)
        return self._bans[words]

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
        questions = [question.ids for question in self._reader.questions(texts, earlier)]
        said = [self.ids(reply) or [UNK] for reply in replies]
        return why(self.network, self.vocabulary, questions, said)

    def _said(self, reply: Sequence[int], question: Question, ban: Ban) -> str:
        """A reply as text; for UNK stands the unknown word of the question most looked at."""
        if UNK not in reply:
            return self.text(reply)
        unknown = np.array(question.ids) == UNK
        weights = np.where(unknown, self.network.attention(question.ids, reply), -1)
        words = [
            question.words[row.argmax()] if id == UNK else self.vocabulary.words[id]
            for id, row in zip(reply, weights, strict=True)
        ]
        text = self.tokenizer.text(words).strip()
        return self.text(reply) if ban.says(text) else text

    def ids(self, text: str) -> list[int]:
        """Text as ids, as a corpus is encoded."""
        tokens = self.tokenizer.tokens(self.normaliser.texts([text])[0])
        return self.vocabulary.encode(tokens, self.tokenizer)

    def text(self, ids: Sequence[int]) -> str:
        """Ids as text."""
        return self.vocabulary.decode(ids, self.tokenizer).strip()
