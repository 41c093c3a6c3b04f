"""Words of Chinese: those that jieba finds, and those a user asks for."""

import gzip
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.corpus.markov import Markov
from chatbot.corpus.segmenter import JiebaSegmenter, quiet_jieba, read_user_words
from chatbot.errors import ChatbotError

JIEBA = quiet_jieba()
SEGMENTER = JiebaSegmenter()

COMMON = (
    "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
)
NAMES = "张伟王芳李娜小明京沪穗囧瓩龘龥鿕鿖㐀𠀀豈"
CHINESE = st.text(COMMON + NAMES + "aZ5T恤AA制", max_size=25)
LINES = st.lists(CHINESE | st.text("你好吗，。 ?!a5", max_size=12), max_size=5).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(LINES)
@example("我们明天去北京大学\n\n你好，小明囧囧囧")
@example("他来到了网易杭研大厦\n5G网AA制abT恤3D打印")
@example("龘龘龘\n㐀你好\U00020000们")
def test_lines_have_the_words_that_jieba_finds(lines):
    assert SEGMENTER(lines) == list(JIEBA.cut(lines))


def test_all_words_of_jiebas_dictionary_run_together_are_cut_as_jieba_cuts_them():
    words = [word for word, count in list(JIEBA.dt.FREQ.items())[::97] if count and word.isalnum()]
    assert len(words) > 3000
    for start in range(0, len(words), 5):
        block = "".join(words[start : start + 5])
        assert SEGMENTER(block) == list(JIEBA.cut(block))


@settings(max_examples=300, deadline=None)
@given(
    st.text(COMMON + NAMES[:16], min_size=1, max_size=12)
    | st.text("\u4e00\u9fa5\u9fd5", min_size=1)
)
def test_the_hidden_markov_model_takes_the_path_that_jieba_takes(characters):
    assert list(Markov(JIEBA.finalseg).cut(characters)) == list(JIEBA.finalseg.cut(characters))


@settings(max_examples=300, deadline=None)
@given(st.text("甲乙丙", min_size=1, max_size=8), st.data())
def test_of_equally_likely_paths_the_one_that_jieba_takes_is_taken(characters, data):
    few = st.integers(0, 1)  # so that many paths are equally likely
    tables = SimpleNamespace(
        cut=None,
        start_P={state: data.draw(few) for state in "BMES"},
        trans_P={
            state: {
                next: data.draw(few) for next in "BMES" if state in JIEBA.finalseg.PrevStatus[next]
            }
            for state in "BMES"
        },
        emit_P={state: {c: data.draw(few) for c in "甲乙"} for state in "BMES"},
    )
    _, path = JIEBA.finalseg.viterbi(
        characters, "BMES", tables.start_P, tables.trans_P, tables.emit_P
    )
    ends = [place for place, state in enumerate(path, 1) if state in "ES"]
    expected = [characters[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert list(Markov(tables).cut(characters)) == expected


def test_of_equally_likely_words_the_longer_one_is_taken_as_by_jieba():
    segmenter, jieba = JiebaSegmenter(), JIEBA.Tokenizer()
    segmenter("好")
    jieba.FREQ = dict.fromkeys(("甲", "乙", "丙", "甲乙", "乙丙", "甲乙丙"), 1)
    jieba.total, jieba.initialized = 1, True
    segmenter._counts, segmenter._logs = jieba.FREQ, {1: 0.0}
    for block in ("甲乙", "甲乙丙", "乙丙甲乙甲丙丁丁甲"):
        assert segmenter(block) == list(jieba.cut(block))
    assert segmenter("甲乙丙") == ["甲乙丙"]


def test_a_segmenter_that_forgets_cuts_the_same(monkeypatch):
    monkeypatch.setattr("chatbot.corpus.segmenter._MEMO", 3)
    lines = [f"我们第{n}次去{place}囧囧呢" for n, place in enumerate("京沪穗港澳台蓉渝")]
    segmenter = JiebaSegmenter()
    for _ in range(2):
        for line in lines:
            assert segmenter(line) == list(JIEBA.cut(line))
        assert len(segmenter._memo) <= 4
        assert len(segmenter._loose_memo) <= 4


WORDS_OF_MY_OWN = (
    "云计算平台 5\n石墨烯电池 3 nz\n小明囧 n\n他来\n\n  我们去 20 v \nC++ 9\nEdu Trust认证 2000\n"
)
SENTENCES = [
    "云计算平台和石墨烯电池",
    "小明囧他来了",
    "我们去学",
    "认证",
    "网易杭研，他在大学吗",
    "T恤",
]


def test_words_of_ones_own_are_kept_whole_or_forbidden_in_one_segmenter_alone(tmp_path):
    path = tmp_path / "words.txt"
    words = WORDS_OF_MY_OWN + "大学 0\n杭研 0\n"
    path.write_bytes(b"\xef\xbb\xbf" + words.replace("\n", "\r\n").encode())
    before = [list(JIEBA.cut(sentence)) for sentence in SENTENCES]
    own = JiebaSegmenter(path)
    mine = [own(sentence) for sentence in SENTENCES]
    assert mine[0] == ["云计算平台", "和", "石墨烯电池"]
    assert mine[1] == ["小明囧", "他来", "了"]
    assert not {"大学", "杭研"} & set(mine[4])
    assert [list(JIEBA.cut(sentence)) for sentence in SENTENCES] == before
    assert [JiebaSegmenter()(sentence) for sentence in SENTENCES] == before
    assert "大学" in before[4]
    assert "杭研" in before[4]

    jieba = JIEBA.Tokenizer()
    jieba.tmp_dir = JIEBA.dt.tmp_dir
    try:  # jieba forbids words in the whole process
        with path.open("rb") as file:
            jieba.load_userdict(file)
        assert mine == [list(jieba.cut(sentence)) for sentence in SENTENCES]
    finally:
        JIEBA.finalseg.Force_Split_Words.clear()


def test_a_word_list_is_read_as_words_and_counts(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(WORDS_OF_MY_OWN + "3\n4 5\n", encoding="utf-8")
    assert read_user_words(path) == [
        ("云计算平台", 5),
        ("石墨烯电池", 3),
        ("小明囧", None),
        ("他来", None),
        ("我们去", 20),
        ("C++", 9),
        ("Edu Trust认证", 2000),
        ("3", None),
        ("4", 5),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "好\n云计算\t5\n".encode(),
            ":2: '云计算\\t5' is not understood. Write word [count [tag]]",
        ),
        ("云计算 -5\n".encode(), ":1: '云计算 -5' is not understood."),
        ("云计算 3.5 n\n".encode(), ":1: '云计算 3.5 n' is not understood."),
        ("好\n\n云计算\u30005\n".encode(), ":3: '云计算\\u30005' is not understood."),
        ("好\n云计算\n".encode("gb18030"), ":1: not UTF-8. Save the file as UTF-8."),
        (gzip.compress(b"\n", mtime=0), ":1: not UTF-8."),
    ],
)
def test_a_word_list_at_fault_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ChatbotError) as caught:
        JiebaSegmenter(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_folder_is_no_word_list(tmp_path):
    with pytest.raises(ChatbotError, match="cannot be read"):
        read_user_words(tmp_path)
