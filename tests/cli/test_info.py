"""`chatbot info` as its user meets it."""

import json
import re

BUILT = [
    "model: {size} kB",
    "  corpus      talk.tsv: 23 pairs, tab",
    "  pairs       23, 5 held out; {tokens} tokens",
    "  vocabulary  55 entries (tokenizer char, max_size 20000, rare characters, holdout 5.0, seed "
    "0, context 0, reverse False, narrow True, unescape True, simplify False, strip_placeholders "
    "True, strip_controls True, strip_urls False, strip_speakers False, blanks one)",
]


def test_an_empty_folder_is_refused(tmp_path, main, refused):
    for model in ("model", "elsewhere/deep"):
        refused(
            main("info", "--model", model, cwd=tmp_path),
            f"{model}: nothing built here yet. Begin with: chatbot build-vocab --model {model}.",
        )
    assert list(tmp_path.iterdir()) == []


def told(done):
    """The lines told, settings in the order of their fields."""
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def expected(folder, main):
    facts = json.loads(main("info", "--json", cwd=folder).out)
    size = f"{size_of(folder / 'model') / 1000:.0f}"
    return [line.format(size=size, tokens=facts["tokens"]) for line in BUILT]


def sorted_settings(lines):
    """The lines, the settings in brackets in alphabetical order."""
    return [
        re.sub(r"\((.*)\)", lambda found: str(sorted(found[1].split(", "))), line) for line in lines
    ]


def test_after_building_it_tells_of_corpus_and_vocabulary(built, main):
    lines = sorted_settings(told(main("info", cwd=built)))
    assert lines == [
        *sorted_settings(expected(built, main)),
        "  training    none yet: chatbot train",
        "  checkpoints none",
    ]


def test_after_training_it_tells_of_the_run_too(trained, main):
    lines = sorted_settings(told(main("info", cwd=trained)))
    assert lines[:4] == sorted_settings(expected(trained, main))
    assert re.fullmatch(
        r"  training    step 2 after \d+ s, loss \d\.\d{3}, held-out \d\.\d{3}", lines[4]
    )
    assert lines[5:] == [
        "  network     units 8, embedding 8, layers 1, ngrams 4",
        "  checkpoints step-2",
        "  best        step-2",
    ]


def test_as_json_it_is_one_object(trained, main):
    done = main("info", "--json", cwd=trained)
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    facts = json.loads(done.out)
    assert facts["model"] == "model"
    assert facts["corpora"] == [
        {
            "name": "talk.tsv",
            "format": "tab",
            "encoding": "utf-8",
            "pairs": 23,
            "skipped": {},
            "dropped": {},
        }
    ]
    assert (facts["pairs"], facts["held_out"], facts["vocabulary"]) == (23, 5, 55)
    assert facts["vocabulary_matches_store"] is True
    assert facts["settings"]["tokenizer"] == "char"
    assert (facts["checkpoints"], facts["best"]) == (["step-2"], ["step-2"])
    assert facts["bytes"] == size_of(trained / "model")
    assert facts["last"]["step"] == 2
    assert facts["last"]["training"]["batch"] == 7
    assert "kind" not in facts["last"]


def test_a_history_whose_last_line_is_torn_is_read_up_to_there(trained, main):
    before = json.loads(main("info", "--json", cwd=trained).out)["last"]
    history = trained / "model" / "history.jsonl"
    whole, more = history.read_bytes(), '{"model": {"units": 9}, "note": "早'.encode()
    for length in range(len(more)):
        history.write_bytes(whole + more[:length])
        assert json.loads(main("info", "--json", cwd=trained).out)["last"] == before


def test_a_vocabulary_of_another_corpus_is_warned_of(built, main):
    (built / "other.tsv").write_text("甲\t乙\n", "utf-8")
    assert main("build-vocab", "other.tsv", "--model", "other", cwd=built).code == 0
    (built / "other" / "vocabulary.txt").replace(built / "model" / "vocabulary.txt")
    lines = told(main("info", cwd=built))
    warning = "  warning     the vocabulary is not the one the token store was built with"
    assert lines.count(warning) == 1
    facts = json.loads(main("info", "--json", cwd=built).out)
    assert facts["vocabulary_matches_store"] is False


def test_checkpoints_stand_in_the_order_of_their_steps(built, main):
    folder = built / "model" / "checkpoints"
    folder.mkdir()
    for step in (1000, 90, 200):
        (folder / f"step-{step}.index").write_bytes(b"")
    assert json.loads(main("info", "--json", cwd=built).out)["checkpoints"] == [
        "step-90",
        "step-200",
        "step-1000",
    ]


def test_what_is_damaged_is_refused(built, main, refused):
    again = "Build it anew: chatbot build-vocab --restart --model model."
    store = built / "model" / "pairs.store"
    store.write_bytes(store.read_bytes()[:-1])
    done = main("info", cwd=built)
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(f"belong: truncated. {again}\n")
    (built / "model" / "vocabulary.txt").write_bytes(b"words")
    refused(main("info", cwd=built), f"model/vocabulary.txt: not a vocabulary of chatbot. {again}")


def test_lines_of_the_history_that_are_no_records_are_passed_over(trained, main):
    before = main("info", "--json", cwd=trained).out
    history = trained / "model" / "history.jsonl"
    size = history.stat().st_size
    history.write_bytes(b'5\nnull\n[]\n{"note": "x"}\n' + history.read_bytes())
    after = json.loads(main("info", "--json", cwd=trained).out)
    more = history.stat().st_size - size
    assert after | {"bytes": after["bytes"] - more} == json.loads(before)
