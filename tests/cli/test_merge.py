"""`chatbot build-vocab --part` and `chatbot merge` as their user meets them."""

import pytest

from tests.cli.test_adding import bytes_of, talk

PART = ("build-vocab", "--workers", "1", "--tokenizer", "char", "--part")


@pytest.fixture
def parts(tmp_path, main):
    """A folder with three files, each cut as a part of its own."""
    for name, first in (("a", 0), ("b", 19), ("c", 52)):
        (tmp_path / f"{name}.tsv").write_text(talk(first, 21), "utf-8")
        done = main(*PART, f"{name}.tsv", "--model", f"part-{name}", cwd=tmp_path)
        assert (done.code, done.out) == (0, "")
        assert done.err.splitlines()[-2:] == [
            f"{name}.tsv: 24 pairs, 0 lines or pairs left out",
            f"wrote part-{name}/segmented; put it together with the other parts: chatbot merge "
            "PART...",
        ]
    return tmp_path


def test_parts_are_merged_to_the_bytes_of_one_build(parts, main):
    done = main("merge", "part-a", "part-b", "part-c", cwd=parts)
    assert (done.code, done.out) == (0, "")
    assert "72 pairs in 3 files" in done.err.splitlines()
    assert "wrote model/vocabulary.txt and model/pairs.store in" in done.err
    files = ("a.tsv", "b.tsv", "c.tsv")
    assert main("build-vocab", *files, "--tokenizer", "char", "--model", "one", cwd=parts).code == 0
    assert bytes_of(parts) == bytes_of(parts, "one")


def test_what_may_change_is_chosen_with_the_merge(parts, main):
    new = ("--min-freq", "3", "--holdout", "7", "--drop-duplicates", "--max-repeats", "2")
    assert main("merge", "part-a", "part-b", *new, cwd=parts).code == 0
    one = ("build-vocab", "a.tsv", "b.tsv", "--tokenizer", "char", *new, "--model", "one")
    assert main(*one, cwd=parts).code == 0
    assert bytes_of(parts) == bytes_of(parts, "one")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Missing argument 'PART...'"),
        (("nowhere",), 1, "Error: nowhere: no segmented corpus to merge."),
        (("part-a", "part-a"), 1, "Error: part-a: its pairs of a.tsv are there already"),
        (("part-a", "--restart", "--extend"), 2, "Choose one."),
        (("part-a", "--vocab", "a.tsv", "--min-freq", "2"), 2, "--min-freq: --vocab takes"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(parts, main, arguments, code, said):
    done = main("merge", *arguments, cwd=parts)
    assert done.code == code
    assert said in done.err.splitlines()[-1]
    assert not (parts / "model").exists()


@pytest.mark.parametrize("other", ["--add", "--restart", "--extend", "--no-keep-segmented"])
def test_a_part_goes_with_no_other_option_of_what_is_written(parts, main, other):
    done = main(*PART, "a.tsv", other, "--model", "new", cwd=parts)
    assert done.code == 2
    assert "--part: goes with no other option of what is written." in done.err
    assert not (parts / "new").exists()


def test_a_part_is_not_cut_into_the_folder_of_a_build(parts, main):
    assert main("merge", "part-a", cwd=parts).code == 0
    before = bytes_of(parts)
    done = main(*PART, "b.tsv", cwd=parts)
    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        "Error: model/vocabulary.txt: a whole build stands here, which a part would not belong to. "
        "Choose another folder with --model."
    )
    assert bytes_of(parts) == before
