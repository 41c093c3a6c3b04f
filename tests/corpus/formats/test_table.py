"""Tables in; pairs and counts out."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.formats import recognise
from chatbot.corpus.formats.headings import MISSING, roles
from chatbot.errors import ChatbotError

CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    max_size=10,
) | st.text('你",\n; x', max_size=10)
ROWS = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6)


@settings(max_examples=60)
@given(ROWS, st.sampled_from([",", ";", "\t"]), st.sampled_from([csv.QUOTE_ALL]))
def test_what_is_written_is_read(read, pairs, delimiter, quoting):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(["question", "answer"])
    writer.writerows(pairs)
    expected = [
        (" ".join(q.split()), " ".join(r.split())) for q, r in pairs if r.strip() not in MISSING
    ]
    assert read("csv", out.getvalue(), "x.csv")[0] == expected


@pytest.mark.parametrize(
    ("header", "question", "answer"),
    [
        ("question,answer", 0, 1),
        ("Answer,Question", 1, 0),
        ("prev,next", 0, 1),
        ("ask,answer", 0, 1),
        ("id,title,reply", 1, 2),
        ("title,question,reply,is_best", 1, 2),
        ("context,question,answer", 1, 2),
        ("Context,Utterance,Label", 0, 1),
        ("问题,回答", 0, 1),
        ("編號,問題,答案", 1, 2),
        ("user,bot", 0, 1),
        ("用户,机器人", 0, 1),
        ("post_text,post,response", 1, 2),
        ("input_text,content,response", 1, 2),
    ],
)
def test_headers_name_the_columns(header, question, answer):
    found = roles(header.split(","))
    assert (found.question, found.answers) == (question, (answer,))


@pytest.mark.parametrize(
    "header",
    [
        "a b,c d",
        "title,date",
        "id,name",
        "Dialogue_ID,Speaker,Utterance",
        "user,message",
        "title,text",
    ],
)
def test_other_headers_name_no_question_with_its_answer(header):
    assert roles(header.split(",")).answers == ()


def test_rows_of_another_width_negatives_and_gaps_are_counted(read):
    text = "question,answer,label\na,b,1\nc,d,0\ne,f\ng,沒有資料,1\n\nh,,1\n"
    assert read("csv", text) == (
        [("a", "b"), ("h", "")],
        {"label 0 (a negative)": 1, "wrong number of fields": 1, "missing answer": 1},
    )


@pytest.mark.parametrize("columns", ["1,2", "question,answer"])
def test_a_row_that_ends_before_its_label_is_counted(read, columns):
    text = "question,answer,label\na,b,1\nc,d,0\ne,f\n"
    assert read("csv", text, "x.csv", columns=columns) == (
        [("a", "b")],
        {"label 0 (a negative)": 1, "wrong number of fields": 1},
    )


def test_labels_that_are_not_0_and_1_are_topics_and_drop_nothing(read):
    assert read("csv", "q,a,label\nx,y,0\nz,w,7\n")[0] == [("x", "y"), ("z", "w")]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("3,2", "1,b,a\n2,d,c\n"),
        ("3,2", "id;answer;question\n1;b;a\n2;d;c\n"),
        ("body,title", 'x,title,body\n"1,",b,a\n2,d,c\n'),
        ("body,title", "title\tbody\nb\ta\nd\tc\n"),
    ],
)
def test_columns_are_chosen(read, columns, text):
    assert read("csv", text, "x.csv", columns=columns) == ([("a", "b"), ("c", "d")], {})


@pytest.mark.parametrize(
    ("columns", "text", "line"),
    [
        (
            None,
            "date,place,what\n1,2,3\n",
            "{}: a table, but which of its 3 columns are question and reply is not known; "
            "the first row reads date, place, what. Say it with two numbers or names, e.g. "
            "--columns 1,2.",
        ),
        (
            None,
            "no table\n",
            "{}: no comma, semicolon or TAB in its first lines, so it is no table. "
            "Leave --format out to have the format recognised.",
        ),
        (
            "2,3",
            "a,b\nc,d\n",
            "{}: --columns 2,3: no line has that many columns; the most are 2; the "
            "first row reads a, b. Give two numbers from 1 to 2.",
        ),
        (
            "a,z",
            "a,b\nc,d\n",
            "{}:1: --columns a,z: no column is named 'z'; the first row reads a, b. "
            "Give two of these names, or two numbers from 1.",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(read, columns, text, line):
    with pytest.raises(ChatbotError) as caught:
        read("csv", text, columns=columns)
    said = str(caught.value)
    assert said == line.format(said.partition("talk.txt")[0] + "talk.txt")


def test_quotes_between_tabs_are_a_writers_only_if_they_enclose_whole_lines(read):
    assert read("csv", 'question\tanswer\n"Go!"\tok\n')[0] == [('"Go!"', "ok")]
    assert read("csv", 'question\tanswer\n"Go!"\t"ok"\n')[0] == [("Go!", "ok")]
    assert read("csv", 'question\tanswer\n"a ""b"""\tok\n')[0] == [('a "b"', "ok")]


HEADED = "编号,客户问题,客服回复,时间\n" + "".join(
    f"{n},问{n}吗,答{n}了,2024-01-{n + 10}\n" for n in range(5)
)
BODY = [(f"问{n}吗", f"答{n}了") for n in range(5)]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("csv", ","), ("csv", ";"), ("csv", "\t"), ("tab", "\t")]
)
def test_a_row_of_names_over_numbers_is_no_pair_whatever_the_names(read, name, delimiter):
    text = HEADED.replace(",", delimiter)
    assert read(name, text, "x.csv", columns="2,3") == (BODY, {"row of column names": 1})


@pytest.mark.parametrize("first", ["7,早,你早", "一,今天好吗？,好", "a,早,", "五,早,你早"])
def test_a_first_row_that_may_be_talk_is_a_pair(read, first):
    rows = "b,x,y\nc,z,w\nd,p,q\n" if first[0] in "a五" else "1,x,y\n2,z,w\n3,p,q\n"
    question, reply = first.split(",")[1:]
    found, skipped = read("csv", f"{first}\n{rows}", "x.csv", columns="2,3")
    assert (found[0], len(found), skipped) == ((question, reply), 4, {})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["sep={}\n", '"sep={}"\r\n', "\ufeffSEP={}\n"])
@pytest.mark.parametrize("columns", [None, "1,2"])
def test_a_line_of_excels_names_the_delimiter_and_is_no_row(
    text_of, read, delimiter, mark, columns
):
    text = mark.format(delimiter) + f"a, b;x{delimiter}c\nd{delimiter}e\nf{delimiter}g\n"
    if delimiter in ",;":
        text = text.replace("a, b;x", "ab")
    given = {} if columns is None else {"columns": columns}
    reader, _ = recognise(text_of(text, "x.csv", **given), ReadingConfig(**given))
    found, skipped = read(reader.name, text, "x.csv", **given)
    assert (len(found), found[1:]) == (3, [("d", "e"), ("f", "g")])
    assert skipped == {}
