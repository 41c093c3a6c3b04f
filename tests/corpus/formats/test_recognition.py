"""Files of every format in; the right reader, or the question which one is meant, out."""

import random

import pytest

from chatbot.config import ReadingConfig
from chatbot.corpus.formats import FORMATS, format_named, recognise
from chatbot.corpus.formats.shape import weighed
from chatbot.errors import ChatbotError

EXAMPLES = [
    pytest.param(one, example, id=f"{one.name}-{place}")
    for one in FORMATS
    for place, example in enumerate(one.examples, 1)
]
NAMES = ", ".join(one.name for one in FORMATS)
SAID = [
    "你吃饭了吗",
    "还没有呢",
    "一起去吧",
    "好啊，几点？",
    "六点怎么样",
    "那就这么定了",
    "a=b 对吗",
    "1+1=?",
]


def recognised(text, **options):
    return recognise(text, ReadingConfig(**options))[0].name


def refusal(text, **options):
    with pytest.raises(ChatbotError) as caught:
        recognised(text, **options)
    return str(caught.value).replace(text.name, "FILE")


@pytest.mark.parametrize(("one", "example"), EXAMPLES)
def test_every_example_is_recognised_and_gives_its_pairs(text_of, read, one, example):
    text = text_of(example.files)
    if one.name == "alternating":
        assert "--format alternating; blocks" in refusal(text)
    else:
        assert recognised(text) == one.name
    assert read(one.name, example.files)[0] == list(example.pairs)


@pytest.mark.parametrize(("one", "example"), EXAMPLES)
def test_of_every_example_the_right_reader_is_surest_by_far(text_of, one, example):
    sample = text_of(example.files).sample()
    sure = {each.name: each(ReadingConfig()).evidence(sample) for each in FORMATS}
    for name, evidence in sure.items():
        assert 0 <= evidence.sureness <= 1
        assert (evidence.sureness > 0) == bool(evidence.reason)
        if name != one.name and {name, one.name} != {"alternating", "blocks"}:
            assert evidence.sureness <= sure[one.name].sureness - 0.05


def test_names_are_words_and_no_two_are_the_same():
    names = [one.name for one in FORMATS]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.replace("-", "").isalpha() for name in names)
    assert [format_named(name) for name in names] == list(FORMATS)


def talk(number):
    return SAID[number % len(SAID)] + str(number)


WRITERS = {
    "conv": lambda n: f"E\nM {talk(n)}\nM {talk(n + 1)}",
    "conv-slashes": lambda n: f"E\nM {'/'.join(talk(n))}/\nM {'/'.join(talk(n + 1))}/",
    "tab": lambda n: f"{talk(n)}\t{talk(n + 1)}",
    "pipe": lambda n: f"{talk(n)} | {talk(n + 1)}",
    "equals": lambda n: f"{SAID[n % 6]}{n}={SAID[(n + 1) % 6]}",
    "at": lambda n: f"{talk(n)}@@{talk(n + 1)}",
    "answers": lambda n: f"{talk(n)}\t{talk(n + 1)}\t沒有資料",
    "csv": lambda n: f'{talk(n)},"{talk(n + 1)}"' if n else "ask,answer",
    "csv-turns": lambda n: f"{n // 9},{'AB'[n % 2]},{talk(n)}" if n else "session_id,role,text",
    "blocks": lambda n: f"{talk(n)}\n{talk(n + 1)}\n",
    "qa": lambda n: f"问：{talk(n)}\n答：{talk(n + 1)}",
    "chat": lambda n: f"{'小老'[n % 2]}明：{talk(n)}",
    "eou": lambda n: f"{talk(n)} __eou__ {talk(n + 1)} __eou__",
    "labels": lambda n: f"{n % 2}\t{talk(n)}\t{talk(n + 1)}",
    "contexts": lambda n: f"{talk(n)}<s>{talk(n + 1)}\t{talk(n + 2)}",
    "fbdialog": lambda n: f"{n % 5 + 1} {talk(n)}\t{talk(n + 1)}",
}


@pytest.mark.parametrize("name", sorted(WRITERS))
@pytest.mark.parametrize("records", [2, 40, 1_200])
def test_a_file_is_recognised_whatever_its_size(text_of, name, records):
    content = "\n".join(WRITERS[name](n) for n in range(records))
    assert recognised(text_of(content)) == name


@pytest.mark.parametrize("name", sorted(WRITERS))
@pytest.mark.parametrize("noise", ["——————", "第{}章 大雨", "1{}\t2\t3\t4\t5", "see http://a.b/{}"])
def test_a_fifth_of_noise_does_not_hide_a_format(text_of, name, noise):
    lines = "\n".join(WRITERS[name](n) for n in range(100)).split("\n")
    generator = random.Random(5)
    for number in range(len(lines) // 4):
        lines.insert(generator.randrange(1, len(lines)), noise.format(number))
    assert recognised(text_of("\n".join(lines))) == name


@pytest.mark.parametrize(
    ("name", "content", "file"),
    [
        ("conv", "M 你好\nM 再见", "x.txt"),
        ("conv", "E\nM\ttea?\nM\nM yes/no is fine\nE", "x.txt"),
        ("conv", "E\nM and/or\nM either/or it is", "x.txt"),
        ("tab", "你好\t再见", "x.csv"),
        ("tab", "你好\t你,好\n再,见\t好", "x.csv"),
        ("tab", "a = b\tc | d\nx | y\tx = y", "x.txt"),
        ("tab", "a\tb\nno separator", "x.txt"),
        ("tab", '"Go!" he said\tok\nwhy\t"what"', "x.tsv"),
        ("csv", '"你好"\t"再见"\n"a\tb"\t"c"', "x.tsv"),
        ("csv", "你好,再见", "x.csv"),
        ("csv", "question,answer\n你\t好,再\t见", "x.txt"),
        ("csv", "prev,next\na,b", "x.txt"),
        ("csv", "上句;下句\n你好;再见", "x.txt"),
        ("csv", "title\treply\tdate\na\tb\tc", "x.txt"),
        ("csv", "conversation_id,question,answer\n1,你,好", "x.csv"),
        ("csv-turns", "Dialogue_ID,Speaker,Utterance\n1,a,b", "x.csv"),
        ("csv-turns", "conversation_id,content\n1,a\n1,b", "x.csv"),
        ("csv-turns", "说话人,内容\n甲,你好", "x.csv"),
        ("qa", "問：你好嗎\n答：很好", "x.txt"),
        ("qa", "Question: a\nAnswer: b", "x.txt"),
        ("labels", "1\t在嗎\t在", "x.txt"),
        ("fbdialog", "1 hi\thello", "x.txt"),
        ("eou", "a __eou__ b", "x.txt"),
        ("blocks", "你好\n再見\n\n早\n早安", "x.txt"),
        ("blocks", "How are you?\nFine.\n\nTea?\nYes!", "x.txt"),
        ("equals", "你好=再见\nx=y", "x.txt"),
    ],
)
def test_hard_cases(text_of, name, content, file):
    assert recognised(text_of(content, file)) == name


def test_columns_make_a_table_of_what_would_be_something_else(text_of):
    three = "7\t你好\t再见\n8\t早\t你早"
    assert "--columns" in refusal(text_of(three))
    assert recognised(text_of(three), columns="2,3") == "tab"
    assert recognised(text_of("1\ta\tb\n0\tc\td"), columns="2,3") == "tab"
    assert recognised(text_of("id,title,body\n1,a,b", "x.csv"), columns="title,body") == "csv"
    assert recognised(text_of("1,a,b\n2,c,d", "x.csv"), columns="2,3") == "csv"
    assert recognised(text_of("E\nM a\nM b"), columns="2,3") == "conv"


def test_lines_that_nothing_parts_are_never_guessed(text_of):
    assert refusal(text_of("你好吗\n我很好\n晚安\n好梦\n")) == (
        "FILE: may be in 2 formats. Say which: alternating lines (4 lines and no blank one among "
        "them, read as question, reply, question, reply): --format alternating; blocks of lines (4 "
        "lines and no blank one among them, each read as the reply to the one before): --format "
        "blocks."
    )


CODE = """import os

def main(argv):
    total = 0
    for name in argv:
        total += os.path.getsize(name)
    return total

if __name__ == "__main__":
    main([])
"""
PROSE = """It was the kind of morning on which nobody in the village
wanted to get up, and those who did went back to bed at once
because the fog had come in from the sea. The lamps were
still burning when the first cart came over the bridge.

Nobody knew the driver. He asked for water, and while the
horse drank he looked up at the windows one by one, as if he
were counting them, and then wrote something in a book.
"""
LOG = "".join(
    f"2024-03-0{d} 12:0{m}:11 INFO\tstarted job {m} = {d} | ok\n"
    for d in range(1, 9)
    for m in range(9)
)
SETTINGS = "[main]\nname=bot\nport=8080\n# path=none\nuser.name=root\n"
COMPOSE = "".join(f"{['web', 'db'][n % 2]} | handled request {n}\n" for n in range(40))


NUMBERED = "id\ttext\n" + "".join(f"{n}\t说{n}\n" for n in range(9))
NUMBERS = "".join(f"{n},{n * n}\n" for n in range(30))
MARKUP = "<html>\n<body>\n<p>x\n</body>\n"
THREE = "a\tb\tc\n" * 5


@pytest.mark.parametrize(
    "content", [CODE, PROSE, LOG, SETTINGS, COMPOSE, NUMBERED, NUMBERS, MARKUP, THREE, "alone"]
)
def test_what_is_no_talk_is_never_taken(text_of, content):
    for name in ("x.txt", "x.csv"):
        said = ("FILE: format not", "FILE: may be in", "FILE: a table, but which of its")
        assert refusal(text_of(content, name)).startswith(said)


def test_what_no_format_explains_is_refused_with_its_first_line(text_of):
    assert refusal(text_of("\n  " + "长" * 50 + "\n")) == (
        f"FILE: format not recognised; the first line reads '{'长' * 40}'. Nearest is alternating "
        f"lines: one line alone answers nothing. Name it with --format, one of {NAMES}, or see "
        "docs/formats.md."
    )


def test_a_format_that_is_named_is_not_weighed(text_of):
    text = text_of("你好吗\n我很好\n")
    reader, evidence = recognise(text, ReadingConfig(format="blocks"))
    assert (reader.name, evidence) == ("blocks", (1.0, "--format blocks says so"))


def test_a_format_that_does_not_exist_is_an_error_with_those_that_do(text_of):
    assert refusal(text_of("a\tb\n"), format="xml") == (
        f"--format xml: no such format. Known: {NAMES}."
    )


def test_a_companion_that_is_not_there_makes_no_pair_of_files(text_of):
    files = {"a.enc": "你好\t再见\n", "b.dec": "x\n"}
    assert recognised(text_of(files)) == "tab"
    assert recognised(text_of({"a.enc": "你好\n", "a.dec": "再见\n"})) == "paired"


def test_sureness_falls_with_the_share_and_stays_below_half_under_half():
    assert weighed(0.9, 3, 4, "fit") == (0.825, "3 of 4 lines fit")
    assert weighed(0.9, 1_000, 2_000, "fit") == (0.75, "1,000 of 2,000 lines fit")
    assert weighed(0.9, 499, 1_000, "fit").sureness < 0.5
    assert weighed(0.9, 0, 7, "fit") == (0.0, "")


ROWS = "".join(f"{n},问{n}吗,答{n}了\n" for n in range(9))


def test_a_table_of_unknown_names_is_told_as_one_with_its_names(text_of):
    said = (
        "FILE: a table, but which of its 3 columns are question and reply is not known; the first "
        "row reads {}. Say it with two numbers or names, e.g. --columns 2,3{}."
    )
    named = text_of(f"id,foo,bar\n{ROWS}", "x.csv")
    assert refusal(named) == said.format("id, foo, bar", " or --columns foo,bar")
    assert refusal(text_of(ROWS, "x.csv")) == said.format("0, 问0吗, 答0了", "")
    tabs = text_of(f"id,foo,bar\n{ROWS}".replace(",", "\t"))
    several = ", or if all but the first are replies --format answers"
    assert refusal(tabs) == said.format("id, foo, bar", f" or --columns foo,bar{several}")
    assert refusal(text_of(f"id,foo,bar\n{ROWS}")) == refusal(named)
    assert "may be in 2 formats" in refusal(text_of(ROWS))


@pytest.mark.parametrize("header", ["id,foo,bar", "id,question,answer"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_columns_that_are_not_there_are_told_with_those_that_are(text_of, header, delimiter):
    text = f"{header}\n{ROWS}".replace(",", delimiter)
    for name in ("x.csv", "x.tsv"):
        names = header.replace(",", ", ")
        assert refusal(text_of(text, name), columns="foo,baz") == (
            f"FILE:1: --columns foo,baz: no column is named {'foo' if 'q' in names else 'baz'!r}; "
            f"the first row reads {names}. Give two of these names, or two numbers from 1."
        )
        assert refusal(text_of(text, name), columns="2,7") == (
            "FILE: --columns 2,7: no line has that many columns; the most are 3; the first row "
            f"reads {names}. Give two numbers from 1 to 3."
        )


def test_one_line_alone_is_no_table(text_of):
    said = refusal(text_of("a\tb\rc\td\re\tf\r", "x.tsv"))
    assert said.startswith("FILE: format not recognised")
