"""The three commands as a user runs them, on a part of the bundled sample."""

import json
import lzma
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAIRS = 160
TAKEN_FOR = "data/talk.tsv: TAB-separated lines (180 of 180 lines have one TAB between texts)"


def chatbot(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatbot", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A folder in which someone put conversations into data/ and typed the first two commands."""
    folder = tmp_path_factory.mktemp("story")
    lines = (ROOT / "data" / "chinese.tsv").read_text("utf-8").splitlines()[:PAIRS]
    lines += (ROOT / "data" / "english.tsv").read_text("utf-8").splitlines()[:20]
    (folder / "data").mkdir()
    (folder / "data" / "talk.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "data" / "README.md").write_text("not\ta corpus\n", "utf-8")
    built = chatbot(folder, "build-vocab")
    trained = chatbot(folder, "train", "--batch", "1000")
    return folder, [line.split("\t") for line in lines], built, trained


def test_build_vocab_says_what_it_read_and_nothing_on_stdout(story):
    _, pairs, built, _ = story
    assert built.returncode == 0
    assert built.stdout == ""
    said = built.stderr.splitlines()
    assert said[:2] == [TAKEN_FOR, f"reading: {len(pairs)} pairs"]
    assert f"  data/talk.tsv: {len(pairs)} pairs, tab, UTF-8" in said
    assert any(re.match(rf"{len(pairs)} pairs, none held out; [\d,]+ words", line) for line in said)
    assert "0.000% of" in built.stderr
    assert said[-1].startswith("wrote model/vocabulary.txt and model/pairs.store in ")


def test_train_ends_by_itself_and_says_so(story):
    _, _, _, trained = story
    assert trained.returncode == 0
    assert trained.stdout == ""
    assert "memorising" in trained.stderr
    assert "the pairs are known by heart" in trained.stderr
    assert trained.stderr.splitlines()[-1] == "now talk to it: chatbot chat --model model"


def test_nothing_but_the_program_speaks(story):
    _, _, built, trained = story
    for said in (built.stderr, trained.stderr):
        for noise in ("oneDNN", "cuda", "absl", "Building prefix dict", "Loading model", "Warning"):
            assert noise not in said


def test_questions_that_occur_once_get_their_exact_reply(story):
    folder, pairs, _, _ = story
    questions = [question for question, _ in pairs]
    asked = chatbot(folder, "chat", stdin="".join(f"{question}\n" for question in questions))
    assert (asked.returncode, asked.stderr) == (0, "")
    replies = asked.stdout.splitlines()
    assert len(replies) == len(questions)
    once = [i for i, question in enumerate(questions) if questions.count(question) == 1]
    exact = sum(replies[i] == pairs[i][1] for i in once)
    assert exact >= 0.95 * len(once)


def test_every_line_of_input_gets_one_reply_whatever_it_is(story):
    folder, _, _, _ = story
    strange = ["", "   ", "龘靐齉", "🙂🙂", "x" * 5000, "a\tb", "/quit", "\u0000", "你好" * 300]
    asked = chatbot(folder, "chat", stdin="".join(f"{line}\n" for line in strange))
    assert (asked.returncode, asked.stderr) == (0, "")
    replies = asked.stdout.splitlines()
    assert len(replies) == len(strange)
    assert all(reply.strip() for reply in replies)


def test_sampled_replies_repeat_with_their_seed(story):
    folder, _, _, _ = story
    options = ("chat", "--temperature", "2", "--top-k", "50", "--seed")
    first, again, other = (
        chatbot(folder, *options, seed, stdin="你好\n你是谁\n讲个笑话\n").stdout
        for seed in ("3", "3", "4")
    )
    assert first == again != other


def test_evaluate_on_a_named_file_gives_every_figure(story):
    folder, pairs, _, _ = story
    done = chatbot(folder, "evaluate", "--json", "data/talk.tsv")
    assert (done.returncode, done.stderr) == (0, f"{TAKEN_FOR}\n")
    figures = json.loads(done.stdout)
    assert figures["pairs"] == len(pairs)
    assert figures["characters"] == sum(len(reply) + 1 for _, reply in pairs)
    assert figures["unknown_rate"] == 0
    assert figures["token_accuracy"] > 0.95
    assert figures["bits_per_character"] < 0.2


def test_evaluate_without_held_out_pairs_says_what_to_do(story):
    folder, pairs, _, _ = story
    done = chatbot(folder, "evaluate")
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: model/pairs.store: none of its {len(pairs)} pairs are held out. Name a file of "
        "pairs to evaluate on, or build anew with --holdout.\n"
    )


def test_info_tells_what_stands_there(story):
    folder, pairs, _, _ = story
    facts = json.loads(chatbot(folder, "info", "--json").stdout)
    assert facts["pairs"] == len(pairs)
    assert facts["vocabulary_matches_store"] is True
    assert len(facts["checkpoints"]) == 1
    text = chatbot(folder, "info").stdout
    assert f"talk.tsv: {len(pairs)} pairs, tab\n" in text


def test_building_again_with_the_same_bytes_keeps_the_model(story):
    folder, _, _, _ = story

    def snapshot():
        files = [path for path in (folder / "model").rglob("*") if path.is_file()]
        content = {path: path.read_bytes() for path in files}
        untouched = [path for path in files if path.parent.name != "segmented"]
        return content, {path: path.stat().st_mtime_ns for path in untouched}

    before = snapshot()
    again = chatbot(folder, "build-vocab", "--workers", "2")
    assert again.returncode == 0
    assert snapshot() == before


def test_building_other_bytes_over_a_trained_model_is_refused(story):
    folder, _, _, _ = story
    done = chatbot(folder, "build-vocab", "--min-freq", "3")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: model: a model was trained here on another corpus or with other settings. Choose "
        "another folder with --model, keep it with --extend to train it further on this corpus, or "
        "give it up with --restart."
    )
    assert chatbot(folder, "info").returncode == 0


def test_training_again_resumes_and_finds_nothing_left_to_do(story):
    folder, _, _, trained = story
    done = chatbot(folder, "train")
    assert done.returncode == 0
    step = re.search(r"stopped at step ([\d,]+)", trained.stderr)
    assert step is not None
    assert f"resuming after step {step[1]}" in done.stderr
    assert f"stopped at step {step[1]} " in done.stderr


def test_a_setting_that_cannot_change_is_named(story):
    folder, _, _, _ = story
    done = chatbot(folder, "train", "--units", "64")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: --units 64: begun with 256, which cannot change. Leave the option out to "
        "go on, or begin anew with --restart."
    )


def test_python_gives_the_same_bot(story):
    folder, pairs, _, _ = story
    code = f"from chatbot import Bot; print(Bot.load('model').reply('{pairs[0][0]}'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stdout == pairs[0][1] + "\n"
    assert done.stderr == ""


# Another story: conversations as they are downloaded, and a bot that remembers the turn before.

TALKS = (
    ("我饿了", "吃什么好", "随便", "那就吃面条"),
    ("我困了", "几点睡的", "随便", "那你去睡吧"),
    ("我无聊", "看个电影", "随便", "看喜剧片吧"),
)


def downloaded(folder: Path) -> Path:
    """A file of chat messages as JSON lines, in GB18030, packed by xz."""
    lines = []
    for talk in TALKS:
        messages = [{"role": "system", "content": "你是一个机器人"}]
        for place, turn in enumerate(talk):
            messages.append({"role": ("user", "assistant")[place % 2], "content": turn})
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False))
    path = folder / "chats.jsonl.xz"
    path.write_bytes(lzma.compress("".join(f"{line}\n" for line in lines).encode("gb18030")))
    return path


def test_a_download_is_looked_at_and_learnt_with_its_earlier_turns(tmp_path):
    downloaded(tmp_path)
    looked = chatbot(tmp_path, "inspect", "chats.jsonl.xz", "--context", "1", "--tokenizer", "char")
    assert looked.returncode == 0
    assert "  chats.jsonl.xz: 9 pairs, json-messages, GB18030" in looked.stdout.splitlines()
    assert "    我饿了 / 吃什么好 → 随便" in looked.stdout.splitlines()
    assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl.xz"]

    said = [line.strip(" \\") for line in looked.stdout.splitlines()]
    advised = next(i for i, line in enumerate(said) if line.startswith("chatbot build-vocab "))
    build = " ".join(said[advised : advised + 3]).split(" && ")[0].split()[1:]
    assert build[:2] == ["build-vocab", "chats.jsonl.xz"]
    assert "--context" in build
    built = chatbot(tmp_path, *build)
    assert (built.returncode, built.stdout) == (0, "")
    assert "9 pairs, none held out; " in built.stderr

    size = ("--units", "32", "--embedding", "24", "--precision", "float32")
    speed = ("--batch", "9", "--validate-every", "10", "--warmup", "5")
    trained = chatbot(tmp_path, "train", *size, *speed)
    assert trained.returncode == 0
    assert "the pairs are known by heart" in trained.stderr

    asked = [(talk[i - 2], talk[i - 1], talk[i]) for talk in TALKS for i in (2, 3)]
    lines = "".join(f"{before}\t{question}\n" for before, question, _ in asked)
    replies = chatbot(tmp_path, "chat", stdin=lines)
    assert (replies.returncode, replies.stderr) == (0, "")
    assert replies.stdout.splitlines() == [reply for *_, reply in asked]
