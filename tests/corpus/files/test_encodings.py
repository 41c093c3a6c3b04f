"""Bytes in, the name of their encoding out."""

import gzip

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.containers import find_sources
from chatbot.corpus.files.detection import Bytes, detect, settle_encoding
from chatbot.corpus.files.encodings import byte_order_mark, check_encoding
from chatbot.corpus.files.text import find_texts
from chatbot.errors import ChatbotError

SIMPLIFIED = """你好，最近怎么样？
还不错，就是工作有点忙。
周末一起去爬山吧
我想先睡个懒觉再说
这道菜太辣了，我吃不了
妈妈让你早点回家吃饭
昨天晚上的电影你看了没有
他说的话一句也不能信！
外面下雨了，记得带伞
你能不能帮我看一下这个问题
好的，没问题
谢谢你一直陪着我
今天真是倒霉透了……
别生气，我跟你开玩笑的
我们认识多少年了？
快点，车要开了
不知道为什么心里很难过
那本书我还没有看完
请问洗手间在哪里
等我长大了要当老师
""".splitlines()

TRADITIONAL = """你好，最近怎麼樣？
還不錯，就是工作有點忙。
週末一起去爬山吧
我想先睡個懶覺再說
這道菜太辣了，我吃不了
媽媽讓你早點回家吃飯
昨天晚上的電影你看了沒有
他說的話一句也不能信！
外面下雨了，記得帶傘
你能不能幫我看一下這個問題
好的，沒問題
謝謝你一直陪著我
今天真是倒楣透了……
別生氣，我跟你開玩笑的
我們認識多少年了？
快點，車要開了
不知道為什麼心裡很難過
那本書我還沒有看完
請問洗手間在哪裡
等我長大了要當老師
""".splitlines()

OTHERS = {
    "japanese": "今日はとても天気がいいですね\nすみません、駅はどこですか\n"
    "私は学生です。あなたは？\nコーヒーを一杯ください\nごめんなさい、遅れました\n",
    "korean": "안녕하세요, 만나서 반갑습니다\n오늘 날씨가 정말 좋네요\n저는 학생입니다\n"
    "밥 먹었어요?\n고마워, 정말 도움이 됐어\n",
    "russian": "Привет, как дела?\nСегодня очень хорошая погода\nЯ не знаю, что тебе сказать\n"
    "Пойдём завтра в кино?\nСпасибо большое за помощь\n",
    "greek": "Καλημέρα, τι κάνεις;\nΠού είναι ο σταθμός;\nΔεν ξέρω τι να πω\nΕυχαριστώ πολύ\n",
    "french": "Ça va très bien, merci\nJ'ai déjà mangé à midi\nOù est la gare ?\nÀ bientôt\n",
    "german": "Schönes Wetter heute, nicht wahr?\nGrüß Gott\nWie heißt du?\nTschüss\n",
    "quotes": "I don\u2019t know \u2013 maybe\n\u201cWell,\u201d he said\nIt\u2019s fine\u2026\n",
}


def told(raw, *more):
    return detect(Bytes([raw, *more], whole=not more), "x.txt")


def refusal(action, *arguments):
    with pytest.raises(ChatbotError) as caught:
        action(*arguments)
    return str(caught.value)


CHINESE = [
    (SIMPLIFIED, "utf-8", "utf-8"),
    (SIMPLIFIED, "gb2312", "gb18030"),
    (SIMPLIFIED, "gb18030", "gb18030"),
    (SIMPLIFIED, "utf-16-le", "utf-16-le"),
    (SIMPLIFIED, "utf-16-be", "utf-16-be"),
    (TRADITIONAL, "utf-8", "utf-8"),
    (TRADITIONAL, "gbk", "gb18030"),
    (TRADITIONAL, "big5", "big5hkscs"),
    (TRADITIONAL, "cp950", "big5hkscs"),
    (TRADITIONAL, "utf-16-le", "utf-16-le"),
]


@pytest.mark.parametrize(("sentences", "written", "encoding"), CHINESE)
def test_one_sentence_of_chinese_tells_its_encoding(sentences, written, encoding):
    said = {sentence: told(f"{sentence}\n".encode(written)) for sentence in sentences}
    assert said == dict.fromkeys(sentences, encoding)


@given(st.data())
@pytest.mark.parametrize(("sentences", "written", "encoding"), CHINESE)
def test_any_sentences_of_chinese_tell_their_encoding(sentences, written, encoding, data):
    some = data.draw(st.lists(st.sampled_from(sentences), min_size=2, max_size=40))
    separator = data.draw(st.sampled_from(["\t", "\n", "\r\n", " | ", "', '"]))
    raw = (separator.join(some) + "\n").encode(written)
    assert told(raw) == encoding


@pytest.mark.parametrize(
    ("language", "written", "encoding"),
    [
        ("japanese", "shift_jis", "cp932"),
        ("japanese", "euc_jp", "euc_jp"),
        ("japanese", "iso2022_jp", "iso2022_jp"),
        ("korean", "euc_kr", "cp949"),
        ("russian", "cp1251", "cp1251"),
        ("russian", "koi8_r", "koi8-r"),
        ("russian", "utf-16-be", "utf-16-be"),
        ("greek", "cp1253", "cp1253"),
        ("french", "cp1252", "cp1252"),
        ("french", "latin-1", "cp1252"),
        ("german", "cp1252", "cp1252"),
        ("quotes", "cp1252", "cp1252"),
        *((language, "utf-8", "utf-8") for language in OTHERS),
    ],
)
def test_other_languages_are_told_too(language, written, encoding):
    assert told(OTHERS[language].encode(written)) == encoding


@pytest.mark.parametrize(
    ("language", "written"),
    [("japanese", "cp932"), ("japanese", "euc_jp"), ("korean", "cp949")],
)
def test_one_sentence_of_japanese_or_korean_tells_its_encoding(language, written):
    sentences = OTHERS[language].splitlines()
    assert {told(sentence.encode(written)) for sentence in sentences} == {written}


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\0\0", "utf-32-le"),
        (b"\0\0\xfe\xff", "utf-32-be"),
        (b"\x84\x31\x95\x33", "gb18030"),
    ],
)
def test_a_byte_order_mark_decides(mark, encoding):
    assert told(mark + "好".encode(encoding)) == encoding
    assert byte_order_mark(encoding) == mark


def test_an_encoding_that_has_no_byte_order_mark_has_an_empty_one():
    assert byte_order_mark("cp1252") == b""


def test_ascii_is_read_as_utf8():
    assert told(b"hello\tworld\n") == "utf-8"


def test_a_name_with_an_accent_is_utf8_though_its_bytes_are_a_chinese_word():
    assert "sûr".encode().decode("gb18030") == "s没r"
    assert told("sûr\tsûre\n".encode()) == "utf-8"


def test_two_chinese_words_are_gb18030_though_their_bytes_are_valid_utf8():
    raw = "没路\n".encode("gb18030")
    assert raw.decode() == "û·\n"
    assert told(raw) == "gb18030"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_encoding_of_most_lines_wins(kept):
    utf8 = [f"{sentence}\n".encode() for sentence in SIMPLIFIED]
    others = [f"{sentence}\n".encode("gb18030") for sentence in SIMPLIFIED]
    assert told(b"".join(utf8 + others[: kept * 4])) == "utf-8"
    assert told(b"".join(utf8[: kept * 4] + others)) == "gb18030"


def test_broken_characters_do_not_make_utf8_another_encoding():
    raw = b"".join(f"{sentence}\n".encode()[1:] for sentence in SIMPLIFIED)
    assert told(raw) == "utf-8"


def test_a_few_nuls_do_not_make_text_binary_or_utf16():
    sentences = "\n".join(SIMPLIFIED)
    for encoding in ("utf-8", "gb18030"):
        raw = sentences.encode(encoding)
        assert told(raw[:40] + b"\0\0\0" + raw[40:]) == encoding


@pytest.mark.parametrize(
    "raw",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        bytes(range(256)) * 3,
        b"\x7fELF\2\1\1" + b"\0" * 9 + b"\3\0>\0\1\0\0\0" + b"\xb0\x10" * 20,
    ],
)
def test_binary_data_is_refused(raw):
    assert refusal(told, raw) == ("x.txt: binary data. Name text files only, plain or compressed.")


def test_what_could_be_two_encodings_is_refused_with_both_named():
    raw = "請講\n".encode("big5")
    assert refusal(told, raw) == (
        "x.txt: could be gb18030 or big5hkscs. Say which with --encoding, e.g. --encoding gb18030."
    )


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("cp936", "gb18030"),
        ("big5", "big5hkscs"),
        ("Big5-HKSCS", "big5hkscs"),
        ("shift_jis", "cp932"),
        ("latin-1", "iso8859-1"),
        ("utf-16", "utf-16"),
    ],
)
def test_an_encoding_has_several_names(name, codec):
    assert check_encoding(name) == codec


@pytest.mark.parametrize(
    "name", ["klingon", "base64", "rot13", "idna", "", "a\0b", "unicode_escape"]
)
def test_what_is_no_encoding_is_refused(name):
    assert refusal(check_encoding, name) == (
        f"--encoding {name}: no such encoding. Name one such as utf-8, gb18030, big5 or utf-16, or "
        "leave the option out."
    )


def settled(path, given=None):
    (source,) = find_sources([path])
    return settle_encoding(source, given)


def test_what_the_user_says_is_not_questioned(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("請講\n".encode("big5"))
    assert settled(path, "big5") == "big5hkscs"
    assert settled(path, "gbk") == "gb18030"


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf16_that_the_user_names_has_the_order_that_the_file_has(tmp_path, order, mark):
    path = tmp_path / "x.txt"
    path.write_bytes(f"{mark}a好\n".encode(order))
    assert settled(path, "utf-16") == order


def test_an_encoding_that_the_file_is_not_in_is_refused(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("\n".join(SIMPLIFIED).encode("gb18030"))
    assert refusal(settled, path, "utf-8") == (
        f"{path}: not utf-8 for the most part. Leave --encoding out, or name another."
    )


def test_bytes_beyond_ascii_are_looked_for_far_into_a_file(tmp_path):
    path = tmp_path / "x.txt"
    ascii_lines = b"L1 +++$+++ they do not!\n" * 30_000
    path.write_bytes(ascii_lines + b"na\xefve, she said\n" + ascii_lines)
    assert settled(path) == "cp1252"


def test_a_last_line_beyond_ascii_is_found_though_it_does_not_end(tmp_path):
    path = tmp_path / "x.txt"
    packed = gzip.compress(b"they do not!\n" * 30_000 + b"na\xefve, she said")
    path.write_bytes(packed)
    assert settled(path) == "cp1252"


@pytest.mark.parametrize("start", range(70_000, 70_004))
def test_characters_that_a_sample_cuts_do_not_hide_the_encoding(tmp_path, start):
    path = tmp_path / "x.json"
    listed = '", "'.join(SIMPLIFIED * 500)
    path.write_bytes(f'["{"a" * start}", "{listed}"]'.encode("gb18030"))
    assert settled(path) == "gb18030"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_long_line_without_any_blank_is_told(tmp_path, encoding):
    path = tmp_path / "x.txt"
    path.write_bytes(("".join(SIMPLIFIED) * 2_000).encode(encoding))
    assert settled(path) == encoding


def test_the_middle_and_the_end_of_a_file_are_looked_at(tmp_path):
    path = tmp_path / "x.txt"
    one = "".join(f"{s}\n" for s in SIMPLIFIED)
    path.write_bytes(one.encode() * 300 + one.encode("gb18030") * 3_000)
    assert settled(path) == "gb18030"


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-8"])
def test_a_long_file_of_a_single_line_is_told(tmp_path, encoding):
    path = tmp_path / "x.json"
    sentences = TRADITIONAL if encoding == "big5" else SIMPLIFIED
    path.write_bytes(('["' + '", "'.join(sentences * 800) + '"]').encode(encoding))
    assert settled(path) == {"big5": "big5hkscs"}.get(encoding, encoding)


@example("\ufeff", "utf-8-sig")
@example("\ufeff", "utf-8")
@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_any_text_with_a_mark_or_in_utf8_is_read_back(tmp_path_factory, text, encoding):
    # The mark of UTF-16 and a NUL are the mark of UTF-32.
    assume(encoding != "utf-16" or not text.startswith("\0"))
    path = tmp_path_factory.getbasetemp() / "any.txt"
    text = f"{text}早上好，你吃饭了吗"
    path.write_bytes(text.encode(encoding, "replace"))
    try:
        (found,) = find_texts([path], ReadingConfig())
    except ChatbotError as error:
        assert "binary data" in str(error)  # noqa: PT017
        return
    meant = text.encode(encoding, "replace").decode(encoding)
    if encoding == "utf-8":  # the others' own mark is gone by now
        meant = meant.removeprefix("\ufeff")
    assert "\n".join(line for _, line in found.lines()) == meant
