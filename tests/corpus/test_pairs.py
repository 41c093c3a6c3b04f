"""Corpus files in; pairs with their lines, and what was skipped, out."""

import gzip
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import CorpusConfig, ReadingConfig
from chatbot.corpus.dialogue import pair_up, turns_of
from chatbot.corpus.files.text import Text
from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.pairs import find_corpora
from chatbot.errors import ChatbotError


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def pairs_of(corpus):
    """The pairs of a corpus with their lines, normalised at the defaults."""
    found = []
    for turns in turns_of(corpus.conversations(), 100, 0, corpus.skipped):
        texts = Normaliser(CorpusConfig()).texts(turns.texts)
        filled = np.array([bool(text) for text in texts], np.bool_)
        pairing = pair_up(turns, filled, 0, corpus.skipped)
        for reply in pairing.reply.tolist():
            found.append((texts[reply - 1], texts[reply], int(turns.lines[reply])))
    corpus.pairs = len(found)
    corpus.check()
    return found


def only(path, **reading):
    (corpus,) = find_corpora([path], ReadingConfig(**reading))
    return corpus, pairs_of(corpus)


def read_all(path):
    return [pairs_of(corpus) for corpus in find_corpora([path])]


def refusal(path):
    with pytest.raises(ChatbotError) as caught:
        read_all(path)
    return str(caught.value)


def test_a_corpus_gives_its_pairs_their_lines_and_its_format(tmp_path):
    path = written(tmp_path / "talk.tsv", "\ufeff早 \t你早\r\n\n晚安\t做个\r好梦\n")
    corpus, pairs = only(path)
    assert pairs == [("早", "你早", 1), ("晚安", "做个 好梦", 3)]
    assert (corpus.name, corpus.format.name) == ("talk.tsv", "tab")
    assert corpus.reason == "2 of 2 lines have one TAB between texts"


def test_gz_reads_as_the_plain_file_does(tmp_path):
    content = "早\t你早\n晚安\t好梦\n".encode()
    plain = written(tmp_path / "a" / "x.tsv", content)
    packed = written(tmp_path / "b" / "x.tsv.gz", gzip.compress(content))
    assert only(packed)[1] == only(plain)[1]


def test_skipped_lines_are_counted_by_reason_anew_at_every_reading(tmp_path):
    content = b"a\tb\nonly\n \tb\nb\t \nx\ty\tz\nc\td\nd\te\ne\tf\nf\tg\n"
    corpus, pairs = only(written(tmp_path / "x.tsv", content))
    expected = {
        "wrong number of fields": 2,
        "empty question": 1,
        "empty reply": 1,
    }
    assert (len(pairs), dict(corpus.skipped)) == (5, expected)
    assert len(pairs_of(corpus)) == 5
    assert dict(corpus.skipped) == expected


def test_conversations_whose_turns_are_all_alone_are_refused(tmp_path):
    path = written(tmp_path / "x.conv", "E\nM 早\nE\nM 晚\n")
    assert refusal(path) == (
        f"{path}: read as E/M conversations, but not one line gives a pair (2 conversation of "
        "one turn). See docs/formats.md."
    )


def test_a_corpus_of_which_every_line_is_skipped_is_refused_with_the_reasons(tmp_path):
    path = written(tmp_path / "x.enc", " \n\t\n \nd\n")
    written(tmp_path / "x.dec", "a\nb\n \n\n")
    assert refusal(path) == (
        f"{path}: read as paired files, but not one line gives a pair (3 empty question, "
        "1 empty reply). See docs/formats.md."
    )


@pytest.mark.parametrize(
    ("questions", "replies"),
    [
        ("train.enc", "train.dec"),
        ("encode.txt", "decode.txt"),
        ("my-encoder.txt", "my-decoder.txt"),
        ("question.txt", "answer.txt"),
        ("question_2.txt", "reply_2.txt"),
        ("Questions.txt", "Answers.txt"),
        ("questions", "replies"),
        ("x_post", "x_response"),
        ("posts.txt.gz", "responses.txt.gz"),
        ("a.src", "a.trg"),
        ("a.src", "a.tgt"),
        ("source.txt", "target.txt"),
        ("TRAIN.ENC", "TRAIN.DEC"),
    ],
)
def test_paired_files_are_found_by_their_names_whichever_is_named(tmp_path, questions, replies):
    for name, content in ((questions, "早\n晚安\n"), (replies, "你早\n好梦\n")):
        data = content.encode()
        written(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    for named in (tmp_path, tmp_path / questions, tmp_path / replies):
        corpus, pairs = only(named)
        assert pairs == [("早", "你早", 1), ("晚安", "好梦", 2)]
        assert (corpus.name, corpus.format.name) == (f"{questions}+{replies}", "paired")
    assert len(find_corpora([tmp_path / replies, tmp_path / questions])) == 1


def test_the_beginning_of_a_file_is_looked_at_once_to_recognise_it(tmp_path, monkeypatch):
    looked, sample = [], Text.sample
    monkeypatch.setattr(Text, "sample", lambda text: looked.append(text.name) or sample(text))
    path = written(tmp_path / "talk.tsv", "早\t你早\n晚安\t好梦\n")
    find_corpora([path])
    assert looked == [str(path)]


TABLES = {
    "ids and texts": ("q1,how are you\nq2,who is it\n", "a1,fine\na2,me\n"),
    "a header": ("id,question,date\n1,how,x\n2,who,y\n", "id,answer,date\n1,fine,z\n2,me,z\n"),
    "TABs": ("1\thow are you\n2\twho\n", "1\tfine\n2\tme\n"),
    "TABs on the reply side": ("how are you\nwho is it\n", "1\tfine\n2\tme\n"),
    "pairs of their own": ("question,answer\nhow,fine\n", "question,answer\nwho,me\n"),
}


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("names", [("question.csv", "answer.csv"), ("posts.csv", "replies.csv")])
def test_sides_that_are_tables_are_asked_about_and_not_learned_with_ids(tmp_path, names, content):
    for name, text in zip(names, content, strict=True):
        written(tmp_path / name, text)
    for named in (tmp_path, *(tmp_path / name for name in names)):
        said = refusal(named)
        assert said.startswith(f"{tmp_path / names[0]}: may be in 2 formats. Say which: ")
        assert ": --format paired" in said
    (corpus,) = find_corpora([tmp_path], ReadingConfig(format="paired"))
    assert corpus.format.name == "paired"


def test_plain_lines_with_commas_are_sides(tmp_path):
    written(tmp_path / "question.csv", "well, who, then\nhow are you\nhm, you\n")
    written(tmp_path / "answer.csv", "me, of course\nfine\nyes\n")
    assert [q for q, _, _ in pairs_of(find_corpora([tmp_path])[0])][0] == "well, who, then"


def test_a_name_that_is_not_utf_8_can_be_stored(tmp_path):
    path = tmp_path / os.fsdecode("对.tsv".encode("gb18030"))
    path.write_bytes(b"x\ty\n")
    corpus, _ = only(path)
    assert corpus.name == "\ufffd\ufffd.tsv"


def test_a_question_side_without_its_partner_is_a_file_of_its_own(tmp_path):
    corpus, pairs = only(written(tmp_path / "post.tsv", "早\t你早\n"))
    assert (corpus.texts, pairs) == ([corpus.text], [("早", "你早", 1)])


def test_corpora_come_in_the_order_of_their_question_sides(tmp_path):
    for name in ("a.dec", "a.enc"):
        written(tmp_path / name, "x\ny\n")
    for name in ("a.dzz", "z.tsv"):
        written(tmp_path / name, "x\ty\n")
    assert [one.name for one in find_corpora([tmp_path])] == ["a.dzz", "a.enc+a.dec", "z.tsv"]


@pytest.mark.parametrize(
    ("first", "second"), [("conversations.tsv", "lines.tsv"), ("conversation.txt", "line.txt")]
)
def test_a_file_that_only_has_the_name_of_a_companion_is_read_too(tmp_path, first, second):
    written(tmp_path / first, "早\t你早\n")
    written(tmp_path / second, "晚安\t好梦\n")
    assert read_all(tmp_path) == [[("早", "你早", 1)], [("晚安", "好梦", 1)]]
    assert [one.name for one in find_corpora([tmp_path])] == [first, second]
    assert read_all(tmp_path / second) == [[("晚安", "好梦", 1)]]


def test_unequal_paired_files_are_refused_with_both_counts(tmp_path):
    long, short = "x\n" * 1203, "x\n" * 7
    path = written(tmp_path / "a.enc", long)
    written(tmp_path / "a.dec", short)
    assert refusal(path) == (
        f"{path}: 1,203 lines, but a.dec has 7. Line i of one must answer line i of the other; "
        "mend the files."
    )
    path = written(tmp_path / "b.enc", short)
    written(tmp_path / "b.dec", long)
    assert refusal(path) == (
        f"{path}: 7 lines, but b.dec has 1,203. Line i of one must answer line i of the other; "
        "mend the files."
    )


def test_what_is_wrong_with_either_of_two_files_is_known(tmp_path):
    path = written(tmp_path / "a.enc", "问题\n".encode() * 20 + b"q\xff\nlast\n")
    written(tmp_path / "a.dec", "回答\n".encode() * 20 + b"r\nk\xffpt\n")
    corpus, pairs = only(path)
    assert pairs[-2:] == [("q", "r", 21), ("last", "kpt", 22)]
    assert [text.faults.sentences() for text in corpus.texts] == [
        ["1 place is not text (line 21 byte 2)"],
        ["1 place is not text (line 22 byte 2)"],
    ]


def test_a_format_that_is_named_is_taken_even_for_paired_names(tmp_path):
    for name in ("a.enc", "a.dec"):
        written(tmp_path / name, "x\ty\n")
    found = find_corpora([tmp_path / "a.dec"], ReadingConfig(format="tab"))
    assert [(one.name, one.format.name) for one in found] == [("a.dec", "tab")]


def test_members_of_archives_are_corpora_of_their_own(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("b/x.enc", "b/x.dec", "a.tsv"):
            archive.writestr(name, "q\tr\n" if name == "a.tsv" else "line\n")
    found = find_corpora([tmp_path])
    assert [one.name for one in found] == ["all.zip:a.tsv", "all.zip:b/x.enc+all.zip:b/x.dec"]
    assert [pairs_of(one) for one in found] == [[("q", "r", 1)], [("line", "line", 1)]]


def test_a_file_that_cannot_be_a_corpus_is_refused_in_one_line(tmp_path):
    path = written(tmp_path / "empty.tsv", b"")
    assert refusal(path) == f"{path}: empty file. Put conversations in it, or remove it."


PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9


def test_what_is_no_text_is_left_out_of_folders_and_archives_and_told(tmp_path):
    for name, raw in {"a.tsv": "q\tr\n", "b.tsv": b" \n", "c/photo.jpg": PICTURE}.items():
        written(tmp_path / "all" / name, raw)
    with zipfile.ZipFile(tmp_path / "all" / "d.zip", "w") as archive:
        archive.writestr("e.tsv", "x\ty\n")
        archive.writestr("f.png", PICTURE)
    left_out = []
    found = find_corpora([tmp_path / "all"], left_out=left_out)
    assert [one.name for one in found] == ["a.tsv", "d.zip:e.tsv"]
    assert [said.removeprefix(f"{tmp_path}/all/") for said in left_out] == [
        "b.tsv: empty file",
        "c/photo.jpg: binary data",
        "d.zip:f.png: binary data",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_no_text_but_was_named_is_an_error(tmp_path, order):
    written(tmp_path / "all" / "a.tsv", "q\tr\n")
    photo = written(tmp_path / "all" / "photo.jpg", PICTURE)
    names = [tmp_path / "all", photo][::order]
    with pytest.raises(ChatbotError) as caught:
        find_corpora(names, left_out=[])
    assert str(caught.value).startswith(f"{photo}: binary data. Name text files only")
    with pytest.raises(ChatbotError, match="photo.jpg: binary data"):
        find_corpora([tmp_path / "all"])


def test_a_folder_without_any_text_is_refused_with_all_that_is_in_it(tmp_path):
    empty = written(tmp_path / "all" / "a.tsv", b"")
    said = f"{empty}: empty file. Put conversations in it, or remove it."
    for names in ([tmp_path / "all"], [tmp_path / "all", tmp_path / "all"]):
        with pytest.raises(ChatbotError) as caught:
            find_corpora(names, left_out=[])
        assert str(caught.value) == said
    photo = written(tmp_path / "all" / "photo.jpg", PICTURE)
    with pytest.raises(ChatbotError) as caught:
        find_corpora([tmp_path / "all"], left_out=[])
    assert str(caught.value) == (
        f"{empty}: empty file; {photo}: binary data. Name text files, or take these away."
    )


def test_damaged_texts_of_a_folder_are_an_error_that_names_all(tmp_path):
    written(tmp_path / "all" / "a.tsv", "q\tr\n")
    written(tmp_path / "all" / "photo.jpg", PICTURE)
    first = written(tmp_path / "all" / "b.tsv.gz", gzip.compress(PICTURE))
    said = f"{first}: binary data. Name text files only, plain or compressed."
    for more in (False, True):
        if more:
            other = written(tmp_path / "all" / "c.CSV", PICTURE)
            said = f"{first}: binary data; {other}: binary data. Name text files, or take these "
            said += "away."
        with pytest.raises(ChatbotError) as caught:
            find_corpora([tmp_path / "all"], left_out=[])
        assert str(caught.value) == said


def test_a_companion_that_is_no_text_is_an_error(tmp_path):
    written(tmp_path / "all" / "a.enc", "q\n")
    written(tmp_path / "all" / "a.dec", b"")
    with pytest.raises(ChatbotError, match="a.dec: empty file"):
        find_corpora([tmp_path / "all"], left_out=[])


TEXTS = st.text(max_size=200) | st.text("EM \t\n\r@|=/ab好", max_size=200)


@settings(max_examples=200)
@given(TEXTS)
def test_any_text_is_read_into_pairs_with_two_sides_or_refused(tmp_path_factory, text):
    path = written(tmp_path_factory.getbasetemp() / "any.txt", text)
    try:
        _, pairs = only(path)
    except ChatbotError as error:
        assert str(error).startswith(str(path))  # noqa: PT017
        return
    assert pairs
    assert all(question and reply for question, reply, _ in pairs)
    assert all(" ".join(side.split()) == side for pair in pairs for side in pair[:2])
