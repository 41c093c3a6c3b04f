"""Two files in; line i of one with line i of the other out."""

import gzip
import zipfile
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats.paired import Paired, question_names, reply_names
from chatbot.errors import ChatbotError


def written(folder, files):
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (text,) = find_texts([folder / next(iter(files))], ReadingConfig(encoding="utf-8"))
    return text


def read(text):
    found = Paired(ReadingConfig()).read(text, Counter())
    return [(*one.turns, *one.lines) for one in found]


NAMES = [
    ("train.enc", "train.dec"),
    ("train_encode", "train_decode"),
    ("my-encoder.txt", "my-decoder.txt"),
    ("question.txt", "answer.txt"),
    ("question_2.txt", "reply_2.txt"),
    ("Questions.txt", "Answers.txt"),
    ("ask.txt", "answer.txt"),
    ("x_post", "x_response"),
    ("x_post.txt", "x_response.txt"),
    ("posts.txt", "responses.txt"),
    ("a.src", "a.trg"),
    ("a.src", "a.tgt"),
    ("source.txt", "target.txt"),
    ("train.from", "train.to"),
    ("TRAIN.ENC", "TRAIN.DEC"),
    ("问.txt", "答.txt"),
    ("问题.txt", "答案.txt"),
]


@pytest.mark.parametrize(("questions", "replies"), NAMES)
def test_each_side_knows_the_name_of_the_other(tmp_path, questions, replies):
    assert replies in reply_names(questions)
    assert questions in question_names(replies)
    text = written(tmp_path, {questions: "早\n晚安\n", replies: "你早\n好梦\n"})
    paired = Paired(ReadingConfig())
    assert paired.evidence(text.sample()).sureness == 1
    assert replies in paired.companions(text.sample().name)
    assert read(text) == [("早", "你早", 1, 1), ("晚安", "好梦", 2, 2)]


@pytest.mark.parametrize(
    "name", ["encore.txt", "poster.txt", "resourceful.tsv", "talk.tsv", "question.json", "src.yml"]
)
def test_a_name_that_is_no_side_has_no_partner(tmp_path, name):
    assert reply_names(name) == question_names(name) == []
    text = written(tmp_path, {name: "a\n"})
    assert Paired(ReadingConfig()).evidence(text.sample()).sureness == 0


def test_one_of_the_two_may_be_compressed(tmp_path):
    text = written(tmp_path, {"a.enc": "早\n", "a.dec.gz": "你早\n"})
    assert read(text) == [("早", "你早", 1, 1)]


def test_the_questions_may_be_the_compressed_side(tmp_path):
    text = written(tmp_path, {"a.enc.gz": "早\n", "a.dec": "你早\n"})
    assert read(text) == [("早", "你早", 1, 1)]


@pytest.mark.parametrize("folder", ["", "deep/er/"])
def test_both_may_stand_in_a_zip(tmp_path, folder):
    with zipfile.ZipFile(tmp_path / "talks.zip", "w") as archive:
        archive.writestr(f"{folder}train.enc", "早\n")
        archive.writestr(f"{folder}train.dec", "你早\n")
    texts = find_texts([tmp_path / "talks.zip"], ReadingConfig(encoding="utf-8"))
    (questions,) = (text for text in texts if text.short_name == "train.enc")
    assert read(questions) == [("早", "你早", 1, 1)]


def test_blank_lines_keep_the_sides_in_step(tmp_path):
    text = written(tmp_path, {"a.enc": "a\n\nc\n", "a.dec": "\nb\nd"})
    assert read(text) == [("a", "", 1, 1), ("", "b", 2, 2), ("c", "d", 3, 3)]


@pytest.mark.parametrize(("questions", "replies"), [(1203, 7), (7, 1203)])
def test_unequal_files_are_refused_with_both_counts(tmp_path, questions, replies):
    text = written(tmp_path, {"a.enc": "x\n" * questions, "a.dec": "y\n" * replies})
    with pytest.raises(ChatbotError) as caught:
        read(text)
    assert str(caught.value) == (
        f"{tmp_path / 'a.enc'}: {questions:,} lines, but a.dec has {replies:,}. Line i of one must "
        "answer line i of the other; mend the files."
    )


@pytest.mark.parametrize(
    ("name", "looked"), [("a.enc", "a.dec"), ("talk.txt", "its name is no such")]
)
def test_a_file_without_its_partner_is_refused(tmp_path, name, looked):
    text = written(tmp_path, {name: "x\n"})
    with pytest.raises(ChatbotError) as caught:
        read(text)
    assert str(caught.value) == (
        f"{tmp_path / name}: paired files have names such as train.enc and train.dec; no file of "
        f"replies stands beside this one ({looked}). Rename the two."
    )


SIDES = st.text(st.characters(exclude_characters="\n\ufeff", codec="utf-8"), min_size=1, max_size=9)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=9), st.booleans())
def test_what_is_written_is_read_back(tmp_path_factory, pairs, ended):
    end = "\n" if ended else ""
    text = written(
        tmp_path_factory.getbasetemp(),
        {
            "x.src": "x\n" + "\n".join(question for question, _ in pairs) + end,
            "x.tgt": "y\n" + "\n".join(reply for _, reply in pairs) + end,
        },
    )
    assert [one[:2] for one in read(text)[1:]] == pairs
