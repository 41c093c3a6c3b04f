"""Text to ids and back in the graph against the bot's own way."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import CorpusConfig
from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.tokenizer import make_tokenizer
from chatbot.corpus.vocabulary import EOS, SPECIAL, Vocabulary
from chatbot.graph.text import GraphText
from chatbot.talk.question import Reader

SAMPLE = Path(__file__).parents[2] / "data"
TEXTS = [
    "你好",
    "今天天气真好,hello world a",
    "5G 网 5G网",
    "x.y a. b c , d",
    "cat dog3D打印机 T恤衫 卡拉OK厅",
    "I don't know. 3.14是圆周率 1,000.5",
    "㐀中abc中国",
    "éabc中 国人abc",
    "中 国 人",
    "他来到了网易杭研大厦",
    "欧阳建国是创新办主任也是欢聚时代公司云计算方面的专家",
    "李小福是创新办主任也是云计算方面的专家 工信处女干事每月经过下属科室",
    "１２３ＡＢＣ好ｚ９ 。！",
    "👨‍👩‍👧 好 می‌خواهم a\u200db",
    "看 https://a.b/c?d=1,好 www.x.org t.cn/abc wwww.y",
    "看www.a.b/c、www.d.e。wwww.y xhttp://www.z.w/u ftp://a",
    "م\u200f\u200cم م\u200c\u200dم می\u200cخواهم ❤\ufe0f\u200d🔥 a\x1eb\x1fc",
    "[数 字x] [数字 x]{ r}",
    "你好{r+}吗[数字x]#E-s12 [ORDERID_123]",
    "a\u00a0\u3000 b\u200b\ufeffc\u0007d",
    "\u202e右から左 العربية עברית ไทย ひらがな カタカナ 한국어",
    "ab12中3d x_y __ ~~ ｡ ﹏",
    "nǐ hǎo, naïve café—déjà vu…“引号”",
    "",
    "   ",
    "。",
    "中",
    "𠀀𠮷野家",
]


def sample_lines():
    """Every tenth text of the bundled sample."""
    lines = []
    for path in sorted(SAMPLE.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            lines += line.split("\t")
    return lines[::10]


def vocabulary_of(texts, config, tokenizer):
    """Words of half the texts, and all characters, joined and not, of most of them."""
    words = dict.fromkeys(["<sep>"] if config.tokenizer == "char" else [" ", "##", "<sep>"])
    for number, text in enumerate(texts):
        tokens = tokenizer.tokens(Normaliser(config).text(text))
        if number % 2:
            words |= dict.fromkeys(tokens)
        if number % 5:
            words |= dict.fromkeys(piece for token in tokens for piece in tokenizer.spell(token))
    return Vocabulary([*SPECIAL, *words], [1] * (len(SPECIAL) + len(words)), config)


def made(config, longest=50, user_dict=None, texts=()):
    """The graph's text, and what it is the twin of."""
    texts = texts or [*TEXTS, *sample_lines()]
    tokenizer = make_tokenizer(config.tokenizer, user_dict)
    vocabulary = vocabulary_of(texts, config, tokenizer)
    segmenter = None if config.tokenizer == "char" else tokenizer.segment
    graph = GraphText(vocabulary, segmenter, longest)
    reader = Reader(vocabulary, Normaliser(config), tokenizer, longest)
    one = tf.function(graph.ids, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    return graph, lambda text: one(tf.constant(text)).numpy().tolist(), reader, tokenizer


CONFIGS = {
    "default": {},
    "char": {"tokenizer": "char"},
    "unknown words are not spelled": {"rare": "unk"},
    "nothing is normalised": {
        **dict.fromkeys(["strip_controls", "narrow", "strip_placeholders", "strip_urls"], False)
    },
    "addresses taken out": {"strip_urls": True},
    "no blanks between Chinese characters": {"blanks": "none"},
    "commas between Chinese characters": {"blanks": "comma"},
}


@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS)
def test_questions_are_read_as_the_bot_reads_them(settings):
    _, ids, reader, _ = made(CorpusConfig(**settings))
    texts = TEXTS if settings else [*TEXTS, *sample_lines()]
    for text in texts:
        assert ids(text) == list(reader.questions([text])[0].ids), text


@pytest.mark.parametrize("context", [0, 2])
def test_earlier_turns_stand_before_a_tab(context):
    _, ids, reader, _ = made(CorpusConfig(context=context))
    turns = ["你好", "x.y", " ", "中国", "今天 天气"]
    for count in range(6):
        *earlier, last = [*turns, ""][-count - 1 :]
        asked = list(reader.questions([last], [earlier])[0].ids)
        assert ids("\t".join([*earlier, last])) == asked


def test_the_last_of_a_long_question_count():
    _, ids, reader, _ = made(CorpusConfig(), longest=7)
    text = "他来到了网易杭研大厦。" * 200
    assert ids(text) == list(reader.questions([text])[0].ids)
    assert len(ids(text)) == 7


def test_words_of_the_users_own_are_known_and_forbidden_ones_not_found(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("易杭 900000\n创新办主任 5\n云计算 0\n欢聚 0\n杭研 0\n", encoding="utf-8")
    _, ids, reader, tokenizer = made(CorpusConfig(), user_dict=words)
    for text in TEXTS:
        assert ids(text) == list(reader.questions([text])[0].ids), text
    assert "创新办主任" in tokenizer.tokens("创新办主任")


@pytest.mark.parametrize("kind", ["jieba", "char"])
def test_replies_are_written_as_the_bot_writes_them(kind):
    graph, _, reader, tokenizer = made(CorpusConfig(tokenizer=kind))
    vocabulary = reader._vocabulary
    generator = np.random.default_rng(3)
    rows = generator.integers(len(SPECIAL), len(vocabulary), (500, 9))
    texts = [vocabulary.decode(row, tokenizer).strip() for row in rows.tolist()]
    ended = np.concatenate([rows, np.full((500, 2), EOS)], 1).astype(np.int32)
    found = [text.decode() for text in graph.texts(ended).numpy()]
    assert found == [text.replace("\n", "") for text in texts]  # a turn is never said
