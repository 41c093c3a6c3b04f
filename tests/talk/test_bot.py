"""Text in, reply out, from a folder that was really trained."""

import dataclasses

import pytest

from chatbot.config import CorpusConfig, ReplyConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.tokenizer import BLANK, JOIN
from chatbot.corpus.vocabulary import UNK
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.preparing import prepare
from chatbot.learn.saved import saved
from chatbot.talk.banning import Ban
from chatbot.talk.bot import Bot

STRANGE = [
    "",
    "   \t\n ",
    "从未见过的字词",
    "🙂🙃👩‍👩‍👧",
    "\x00\ufffd\u200b",
    "你好" * 5_000,
    "<eos> <pad> <go>",
    "##",
    " ",
    "hello\r\nthere",
    "12345678901234567890",
]
KINDS = [
    ReplyConfig(),
    ReplyConfig(beam=3, max_reply=20),
    ReplyConfig(temperature=1.3, max_reply=20),
    ReplyConfig(temperature=0.8, top_k=4, max_reply=20),
]


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_what_was_learnt_by_heart_is_answered_exactly(bot, by_heart, beam):
    _, pairs, _ = by_heart
    config = ReplyConfig(beam=beam)
    assert [bot.reply(question, config) for question, _ in pairs] == [reply for _, reply in pairs]


def test_several_questions_at_once_are_answered_as_one_by_one(bot, by_heart):
    _, pairs, _ = by_heart
    questions = [question for question, _ in pairs] + ["你", "今天晚安你好吗", "hello"]
    together = bot.replies(questions)
    assert together == [bot.reply(question) for question in questions]
    assert together[: len(pairs)] == [reply for _, reply in pairs]
    assert bot.replies(questions[::-1]) == together[::-1]


def test_blanks_around_and_within_a_question_are_collapsed(bot, by_heart):
    assert bot.reply("  ni \t\n hao ") == bot.reply("ni hao") == "hello there"


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_whatever_is_said_gets_a_reply_that_is_not_empty(bot, config):
    for text, reply in zip(STRANGE, bot.replies(STRANGE, config), strict=True):
        assert reply.strip(), text
        assert reply == reply.strip()
        assert len(reply) <= config.max_reply


def test_a_question_is_read_as_far_as_training_read_questions(bot):
    limit = bot.position.training.max_length
    assert bot.reply("你好" * limit) == bot.reply("你好" * 3 * limit)


def test_of_a_longer_question_the_end_is_read(bot):
    limit = bot.position.training.max_length
    one, two = ("你好" * limit)[:limit], ("晚安" * limit)[:limit]
    assert bot.reply(one) != bot.reply(two)
    assert bot.replies([one + two, two + one]) == [bot.reply(two), bot.reply(one)]
    assert bot.reply(one[1:] + two[:1]) != bot.reply(two)


def test_earlier_turns_mean_nothing_to_a_bot_that_was_trained_without(bot):
    assert bot.context == 0
    assert bot.reply("你好", earlier=["晚安", "你叫什么名字"]) == bot.reply("你好")


def test_a_reply_is_no_longer_than_asked(bot):
    assert bot.reply("你好", ReplyConfig(max_reply=3)) == "你好呀"
    assert bot.reply("你好", ReplyConfig(max_reply=3, beam=4)) == "你好呀"


def test_the_same_seed_draws_the_same_conversation_and_another_seed_another(by_heart):
    folder, _, _ = by_heart

    def conversation(seed):
        bot = Bot.load(folder.path)
        config = ReplyConfig(temperature=3.0, seed=seed, max_reply=9)
        return [bot.reply("你好", config) for _ in range(3)]

    one = conversation(1)
    assert conversation(1) == one
    assert conversation(2) != one
    assert len(set(one)) > 1  # every turn draws anew


def test_tokens_of_blanks_cannot_begin_a_reply(bot):
    # The characters of the corpus have a blank; what stands for none is a token of words only.
    assert BLANK in bot.vocabulary.ids
    assert JOIN not in bot.vocabulary.ids
    config = ReplyConfig(temperature=9.0, max_reply=1)
    assert "" not in bot.replies(["你好"] * 300, config)


def test_a_bot_says_which_checkpoint_it_was_loaded_from(bot, by_heart):
    folder, _, _ = by_heart
    newest = saved(folder.checkpoints)[-1]
    assert bot.checkpoint == newest
    assert f"step-{bot.position.step}" == newest.name
    assert Bot.load(str(folder.path), "newest").checkpoint == newest
    assert Bot.load(folder.path, str(bot.position.step)).checkpoint.name == newest.name


def test_loading_from_nothing_says_what_to_do_first(tmp_path, new_folder):
    with pytest.raises(ChatbotError, match="no vocabulary yet. Build it first: chatbot build"):
        Bot.load(tmp_path / "nothing")
    folder = new_folder()
    with pytest.raises(ChatbotError) as caught:
        Bot.load(folder.path)
    assert str(caught.value) == (
        f"{folder.path}: no checkpoint yet. Train first: chatbot train --model {folder.path}."
    )


def test_loading_a_checkpoint_that_is_not_there_names_those_that_are(bot, by_heart):
    folder, _, _ = by_heart
    with pytest.raises(ChatbotError) as caught:
        Bot.load(folder.path, "7")
    names = ", ".join(sorted(path.name[5:] for path in saved(folder.checkpoints)))
    assert str(caught.value) == f"--checkpoint: no '7' in {folder.path}. There: {names}."


def test_loading_beside_another_vocabulary_is_refused(by_heart, new_folder):
    folder, other = new_folder(), new_folder([("你", "我"), ("他", "她们")])
    folder.vocabulary.write_bytes(other.vocabulary.read_bytes())
    folder.checkpoints.symlink_to(by_heart[0].checkpoints)
    with pytest.raises(ChatbotError, match="trained with another vocabulary"):
        Bot.load(folder.path)


def test_words_are_cut_and_spelled_as_the_vocabulary_says(new_folder, trained):
    """With jieba: rare words are spelled, unknown characters are UNK, and any reply is text."""
    pairs = [
        ("今天天气很好", "天气预报说明天下雨"),
        ("hello world", "good bye"),
        ("今天", "明天"),
    ] * 2
    folder = new_folder(pairs, tokenizer="jieba", min_freq=2)
    trained(folder, steps=2, batch=4)
    bot = Bot.load(folder.path)
    ids = bot.vocabulary.encode(bot.tokenizer.tokens("今天龘"), bot.tokenizer)
    assert ids[-1] == UNK
    for config in KINDS:
        for reply in bot.replies([*STRANGE, "今天天气"], dataclasses.replace(config, max_reply=5)):
            assert reply.strip()


@pytest.mark.parametrize("kind", [{}, {"beam": 3}, {"temperature": 1.0, "top_p": 0.9}], ids=str)
def test_what_is_banned_is_never_said_however_it_is_spelled(bot, by_heart, kind):
    questions = [question for question, _ in by_heart[1]] * 5
    free = " ".join(bot.replies(questions, ReplyConfig(**kind)))
    assert "晚安" in free
    assert "hello" in free
    replies = bot.replies(questions, ReplyConfig(ban="晚安，HELLO, ，真高兴", **kind))
    assert all(reply.strip() for reply in replies)
    for reply in replies:
        assert not any(word in reply.lower() for word in ("晚安", "hello", "真高兴"))


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ("bad", "a bad thing", True),
        ("bad", "Bad!", True),
        ("bad", "说bad话", True),
        ("bad", "badge and forbad", False),
        ("坏", "好坏话", True),
        ("1", "101", False),
        ("1", "第1个", True),
        ("a.b", "axb", False),
        ("плохо", "это Плохо", True),
        ("плохо", "неплохо", False),
        ("，, ;", "anything", False),
        ("", "", False),
    ],
)
def test_a_word_of_an_alphabet_is_banned_as_a_whole_word(words, text, said):
    assert Ban(words, str).says(text) is said


def test_banned_words_are_normalised_as_replies_are(bot):
    config = ReplyConfig(ban="ＨＥＬＬＯ")  # noqa: RUF001 - full-width letters
    assert bot.reply("ni hao") == "hello there"
    assert "hello" not in bot.reply("ni hao", config).lower()


def test_of_what_is_banned_as_little_as_says_it_is_forbidden(bot):
    ids = bot.vocabulary.encode(list("我今天晚安了"), bot.tokenizer)
    ban = Ban("晚安", bot.text)
    assert ban.finds(ids)
    assert [bot.text(row) for row in ban.rows] == ["晚安"]
    assert not ban.finds(ids[:3])
    assert len(ban.rows) == 1


def test_a_word_within_a_word_is_not_what_is_banned():
    words = {0: "he", 1: "llo", 2: " ", 3: "said"}
    ban = Ban("he", lambda ids: "".join(words[id] for id in ids))
    assert not ban.finds([0, 1])
    assert ban.finds([0, 1, 2, 3, 2, 0])
    assert ban.finds([0, 1, 2, 3, 2, 0])
    assert ban.rows == ((0,),)


def test_candidates_are_different_and_the_first_is_the_reply_of_the_beam(bot, by_heart):
    for question, _ in by_heart[1]:
        found = bot.candidates(question, ReplyConfig(beam=5))
        assert found[0] == bot.reply(question, ReplyConfig(beam=5))
        assert len(set(found)) == len(found) > 1
        assert bot.candidates(question) == found
        banned = bot.candidates(question, ReplyConfig(beam=5, ban=found[0]))
        assert not any(found[0] in one for one in banned)


@pytest.mark.parametrize("config", [*KINDS, ReplyConfig(ban="你")], ids=str)
def test_the_parts_of_a_stream_are_the_reply(bot, by_heart, config):
    for question in [*(question for question, _ in by_heart[1]), "从未见过", ""]:
        parts = list(bot.stream(question, config))
        if not config.temperature:
            assert "".join(parts) == bot.reply(question, config)
        assert "".join(parts).strip()
    assert len(list(bot.stream("你好"))) > 3


@pytest.fixture(scope="module")
def copying(tmp_path_factory):
    """A bot that has learnt to answer with a word it does not know."""
    folder = ModelFolder(tmp_path_factory.mktemp("copying"))
    names = "".join(chr(0x5000 + n) for n in range(60))  # each twice: too rare for an entry
    pairs = [(f"我叫{name}", f"你好{name}呀") for name in names]
    pairs += [("你好", "好呀"), ("我叫你", "叫我呀")] * 30
    source = folder.path / "talk.tsv"
    source.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), "utf-8")
    config = CorpusConfig(tokenizer="char", min_freq=10, rare="unk", holdout=0)
    build(Sources(find_corpora([source]), config), folder)
    settings = {"steps": 150, "batch": 60, "learning_rate": 0.02, "precision": "float32"}
    run = prepare(folder, {"units": 24, "embedding": 16}, settings)
    assert [record.kind for record in run.records()][-1] == "stop"
    return Bot.load(folder.path)


def test_a_word_that_is_not_known_is_copied_from_the_question(copying):
    assert UNK in copying.ids("我叫龘")
    found = copying.replies(["我叫龘", "你好", "我叫饕"])
    assert found == ["你好龘呀", "好呀", "你好饕呀"]
    assert copying.candidates("我叫龘")[0] == "你好龘呀"
    assert "".join(copying.stream("我叫龘")) == "你好龘呀"
    assert copying.reply("我叫龘", ReplyConfig(ban="龘")) == "你好呀"
    assert all(copying.replies(["", "  ", "\u200b"], ReplyConfig(temperature=9.0, max_reply=9)))


def test_settings_that_are_not_given_are_those_for_what_was_learnt(
    bot, copying, new_folder, trained
):
    assert copying.position.heldout_loss is None
    by_heart = copying.settled(None)
    assert (by_heart.anti_lm, by_heart.no_repeat) == (0, 0)
    pairs = [(f"{a}{b}", f"{b}{a}") for a in "天地人你我他" for b in "上下左右"]
    folder = new_folder(pairs, tokenizer="char", holdout=4)
    trained(folder, steps=2, batch=10)
    held_out = Bot.load(folder.path).settled(ReplyConfig(no_repeat=2))
    assert (held_out.anti_lm, held_out.no_repeat) == (0.5, 2)
    assert Bot.load(folder.path).settled(None).no_repeat == 4
