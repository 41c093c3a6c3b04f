"""`chatbot chat` as its user meets it: in a pipe, and in a terminal."""

import codecs
import json
import os
import pty
import re
import select
import termios
import time
from pathlib import Path

import pytest

from chatbot.cli.repl import HELP

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

WAKING = "waking the bot …\n"  # said to those who type before it is awake

CHAR = ("build-vocab", "--tokenizer", "char")


@pytest.fixture(scope="module")
def reply(trained_once, main):
    """What the bot replies to 你好."""
    done = main("chat", cwd=trained_once, stdin="你好\n".encode())
    assert (done.code, done.err) == (0, "")
    assert done.out.strip()
    return done.out.rstrip("\n")


def test_nothing_built_and_nothing_trained_are_refused(tmp_path, built, main, refused):
    (tmp_path / "empty").mkdir()
    refused(
        main("chat", cwd=tmp_path / "empty"),
        "model/vocabulary.txt: no vocabulary yet. Build it first: chatbot build-vocab "
        "--model model.",
    )
    refused(
        main("chat", cwd=built),
        "model: no checkpoint yet. Train first: chatbot train --model model.",
    )


def test_where_no_checkpoint_is_whole_it_is_refused(trained, main):
    for name in ("checkpoints", "best"):
        path = trained / "model" / name / "step-2.index"
        path.write_bytes(path.read_bytes()[:-20])
    done = main("chat", cwd=trained, stdin=b"x\n")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("Error: model/best/step-2: damaged checkpoint (")
    assert done.err.endswith("None is whole. Train anew with --restart.\n")


@pytest.mark.parametrize("command", ["chat", "evaluate"])
def test_a_damaged_best_checkpoint_is_named_and_the_newest_is_used(trained, main, command):
    path = trained / "model" / "best" / "step-2.index"
    path.write_bytes(path.read_bytes()[:-20])
    done = main(command, cwd=trained, stdin=b"x\n")
    assert done.code == 0
    assert done.out.count("\n") == 1 or done.out.startswith("pairs  ")
    assert done.err.startswith("model/best/step-2: damaged checkpoint (")
    assert done.err.endswith("), not used; model/checkpoints/step-2 instead\n")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", 0),
        (b"x", 1),
        ("你好\n\n   \n/help\n你好\r\n".encode(), 5),
        (b"\xff\xfe\n\0\n\xe4\xbd\n", 3),
    ],
)
def test_every_line_of_a_pipe_gets_one_line_whatever_it_is(trained, main, reply, text, lines):
    done = main("chat", cwd=trained, stdin=text)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == lines
    if "你好".encode() in text:
        assert done.out.split("\n")[0] == done.out.split("\n")[4] == reply


def test_the_settings_of_a_call_decide_the_reply(trained, main, reply):
    def ask(*options):
        done = main("chat", *options, cwd=trained, stdin="你好\n".encode() * 3)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()

    assert ask("--checkpoint", "newest") == [reply] * 3
    assert all(len(line) <= 4 for line in ask("--max-reply", "4"))
    drawn = [ask("--temperature", "5", "--seed", seed) for seed in "112"]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 3


def test_a_reader_that_leaves_after_the_first_line_ends_it_in_any_locale(
    trained, start, left, reply
):
    process = start("chat", cwd=trained, env=ASCII | {"PYTHONWARNINGS": "error"})
    process.stdin.write("你好\n".encode() * 2)
    process.stdin.flush()
    assert process.stdout.readline().decode("utf-8") == f"{reply}\n"
    process.stdout.close()
    process.stdout = None
    assert left(process, "你好\n".encode() * 9) == (1, "", "")


# With earlier turns.

TALKS = (
    ("我饿了", "吃什么好", "随便", "那就吃面条"),
    ("我困了", "几点睡的", "随便", "那你去睡吧"),
    ("我无聊", "看个电影", "随便", "看喜剧片吧"),
    ("早", "你早", "再见", "回头见"),
)
LONG = (*TALKS[0], *TALKS[1])


@pytest.fixture(scope="module")
def remembering(tmp_path_factory, main):
    """A folder whose bot knows `TALKS` by heart, each turn with the one before it."""
    folder = tmp_path_factory.mktemp("remembering")
    talks = (*TALKS, LONG)
    text = "".join("E\n" + "".join(f"M {turn}\n" for turn in talk) for talk in talks)
    (folder / "talk.conv").write_text(text, "utf-8")
    assert main(*CHAR, "talk.conv", "--context", "1", cwd=folder).code == 0
    size = ("--units", "32", "--embedding", "24", "--precision", "float32", "--batch", "19")
    speed = ("--validate-every", "10", "--warmup", "5")
    done = main("train", *size, *speed, cwd=folder)
    assert done.code == 0
    assert "the pairs are known by heart" in done.err
    return folder


def test_the_same_question_gets_the_reply_that_fits_the_turn_before_it(remembering, main):
    asked = [(talk[i - 2], talk[i - 1], talk[i]) for talk in TALKS for i in (2, 3)]
    assert len({reply for _, question, reply in asked if question == "随便"}) == 3
    lines = "".join(f"{before}\t{question}\n" for before, question, _ in asked)
    done = main("chat", cwd=remembering, stdin=lines.encode())
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [reply for *_, reply in asked]
    alone = main("chat", cwd=remembering, stdin="".join(f"{t[0]}\n" for t in TALKS).encode())
    assert alone.out.splitlines() == [talk[1] for talk in TALKS]


def test_of_more_earlier_turns_than_were_learnt_the_last_are_used(remembering, main):
    lines = [
        "吃什么好\t随便",
        "早\t你早\t我困了\t吃什么好\t随便",
        "随便\t  吃什么好 \t随便 ",
        "吃什么好\t\t随便",
        "\t随便",
        "随便",
    ]
    done = main("chat", cwd=remembering, stdin="".join(f"{x}\n" for x in lines).encode())
    assert (done.code, done.err) == (0, "")
    replies = done.out.splitlines()
    assert replies[:3] == ["那就吃面条"] * 3
    assert replies[3] == replies[4] == replies[5]  # an empty turn says nothing


def test_from_python_earlier_turns_are_an_argument(remembering):
    from chatbot.talk.bot import Bot

    bot = Bot.load(remembering / "model")
    assert bot.context == 1
    assert [bot.reply("随便", earlier=[talk[0], talk[1]]) for talk in TALKS[:3]] == [
        talk[3] for talk in TALKS[:3]
    ]
    together = bot.replies(["随便", "早"], earlier=[["看个电影"], []])
    assert together == ["看喜剧片吧", "你早"]


def test_without_context_a_tab_is_a_blank_like_any_other(trained, main):
    done = main("chat", cwd=trained, stdin="问\t题\n问 题\n".encode())
    assert (done.code, done.err) == (0, "")
    one, two = done.out.splitlines()
    assert one == two


# In a terminal.


class Terminal:
    """A terminal in which a process runs."""

    def __init__(self, start, *arguments, **more):
        self.end, end = pty.openpty()
        termios.tcsetwinsize(end, (24, 100))
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), end)
        self.process = start(*arguments, start_new_session=True, **streams, **more)
        os.close(end)
        self.text, self._cut = "", ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def type(self, keys):
        os.write(self.end, keys.encode())

    def wait_for(self, pattern, seconds=15):
        """The text up to the end of the first match, without escape sequences; forgets it."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert self._more(until - time.monotonic()), f"{pattern!r} is not in {self.text!r}"
        before, self.text = self.text[: found.end()], self.text[found.end() :]
        return before

    def rest(self, seconds=15):
        until = time.monotonic() + seconds
        while self._more(until - time.monotonic()):
            pass
        os.close(self.end)
        return self.text

    def _more(self, seconds):
        ready, _, _ = select.select([self.end], [], [], max(0.0, seconds))
        try:
            data = os.read(self.end, 1 << 16) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        text = self._cut + self._decoder.decode(data)
        text = text.replace(">\b\x1b[2C", "> ")  # the prompt, as prompt_toolkit draws it
        text, self._cut = re.fullmatch(r"(.*?)(\x1b[^a-zA-Z=>]*)?", text, re.S).groups("")
        self.text += re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>])|[\r\x07\x08]", "", text)
        return bool(data)


@pytest.fixture
def terminal(trained, tmp_path, start):
    def open_one(folder=trained, *more, env=None):
        own = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "XDG_STATE_HOME": str(tmp_path)}
        return Terminal(start, "chat", *more, cwd=folder, env=own | (env or {}))

    return open_one


def test_in_a_conversation_the_bot_remembers_what_it_said_itself(terminal, remembering):
    one = terminal(remembering)
    one.wait_for("> $")
    for question, reply in zip(LONG[::2], LONG[1::2], strict=True):
        one.type(f"{question}\r")
        one.wait_for(f"{question}\n")
        assert one.wait_for("> $").removeprefix(WAKING).startswith(f"{reply}\n> ")
    one.type("/quit\r")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 0


def test_a_conversation_in_a_terminal(terminal, reply, tmp_path):
    one = terminal()
    assert one.wait_for("/quit to leave\n").endswith("/help for help, /quit to leave\n")
    one.wait_for("> $")
    one.type("你好\r")
    one.wait_for("你好\n")
    assert one.wait_for("> $").removeprefix(WAKING).startswith(f"{reply}\n> ")
    one.type("/help\r")
    one.wait_for(re.escape(HELP) + "\n")
    one.type("/nonsense 1 2\r")
    one.wait_for("\n/nonsense: no such command; /help lists them\n")
    for nothing in ("\r", "  \r"):
        one.wait_for("> $")
        one.type(nothing)
        one.wait_for(r"^[> ]*\n")
    one.wait_for("> $")
    one.type("/half")
    one.wait_for("/half$")
    one.type("\x03")
    one.wait_for("> $")
    one.type("/other\r")
    assert "/half/" not in one.wait_for("\n/other: no such command; /help lists them\n")
    one.wait_for("> $")
    one.type("\x1b[A")
    one.wait_for("/other$")
    one.type("\x03")
    one.wait_for("> $")
    one.type("\x04")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 0
    kept = (tmp_path / "chatbot" / "history").read_text("utf-8").splitlines()
    assert [line for line in kept if line.startswith("+")][-1] == "+/other"
    assert "+你好" in kept


def test_the_prompt_is_there_before_the_bot_and_whoever_types_at_once_is_told(terminal, reply):
    one = terminal()
    one.wait_for("> $")
    one.type("你好\r")
    assert one.wait_for(re.escape(reply)).endswith(f"{WAKING}{reply}")
    one.wait_for("> $")
    one.type("\x04")
    assert one.process.wait(timeout=30) == 0
    one.rest()


def test_a_bot_that_cannot_be_woken_takes_the_prompt_away(terminal, trained):
    for name in ("checkpoints", "best"):
        path = trained / "model" / name / "step-2.index"
        path.write_bytes(path.read_bytes()[:-20])
    one = terminal()
    one.wait_for("Error: model/best/step-2: damaged checkpoint")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 1


def test_a_dumb_terminal_is_one_too(terminal, trained, reply):
    one = terminal(trained, env={"TERM": "dumb"})
    one.wait_for("> $")
    one.type("你好\r")
    one.wait_for(re.escape(reply))
    one.wait_for("> $")
    one.type("/quit\r")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 0


def test_ctrl_c_while_the_bot_wakes_costs_only_the_reply(terminal, reply):
    one = terminal()
    one.wait_for("> $")
    one.type("你好\r")
    one.wait_for(WAKING)
    one.type("\x03")
    one.wait_for("> $")
    one.type("你好\r")
    one.wait_for(re.escape(reply))
    one.wait_for("> $")
    one.type("/save a\x11\x00b\r")
    one.wait_for("> $")
    one.type("/quit\r")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 0


def test_a_transcript_that_cannot_be_written_is_told_at_once(terminal, trained):
    one = terminal(trained, "--transcript", "no/talk.jsonl")
    one.wait_for("Error: --transcript no/talk.jsonl: cannot be written")
    assert one.process.wait(timeout=30) == 1
    one.rest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_an_output_that_is_full_is_told_in_one_line(trained, start, left):
    with Path("/dev/full").open("w") as full:
        process = start("chat", cwd=trained, stdout=full)
        process.stdout = None
        code, _, err = left(process, "你好\n".encode())
    assert code == 1
    assert err.splitlines() == [
        "Error: standard output: No space left on device. Make room or mend it."
    ]


def test_every_command_of_the_help_does_what_it_says(terminal, remembering):
    one = terminal(remembering, "--transcript", "talk.jsonl")
    one.wait_for("> $")

    def ask(line, expected):
        one.type(f"{line}\r")
        one.wait_for(re.escape(line) + "\n")
        found = one.wait_for("> $").removeprefix(WAKING).removesuffix("> ")
        assert re.fullmatch(expected, found, re.DOTALL), (line, found)

    ask("/retry", "nothing has been said yet\n")
    ask("我饿了", "吃什么好\n")
    ask("随便", "那就吃面条\n")
    ask("/good", "noted\n")
    ask("/why", r" +吃 什 .*\n那 .*[░▒▓█].*the reply of \d training pairs?, first talk.conv:\d+\n")
    ask("/why look.svg", "wrote look.svg\n")
    ask("/candidates", "  1  那就吃面条\n(  .*\n)+")
    ask("/retry", "(?!那就吃面条\n).+\n")
    ask("/bad", "noted\n")
    ask("/undo", "taken back: 随便\n")
    ask("随便", "那就吃面条\n")
    ask("/reset", "forgotten\n")
    ask("/undo", "nothing has been said yet\n")
    ask("早", "你早\n")
    ask("/temperature 0.5", "/temperature is 0.5 from now on\n")
    ask("/temperature", "/temperature is 0.5\n")
    ask("/temperature warm", "/temperature: 'warm' is no number\n")
    ask("/beam 0", "--beam: 0 is not at least 1.\n")
    ask("/ban 你早", "/ban is 你早 from now on\n")
    ask("早", "(?!你早).*\n")
    ask("/settings", "  /beam .*/ban +你早\n.*model/.*, 1 earlier turns\n")
    ask("/save", "/save FILE: name a file\n")
    ask("/save other.jsonl", "wrote 4 exchanges to other.jsonl\n")
    ask("/save no/other.jsonl", "/save no/other.jsonl: cannot be written .*\n")
    one.type("/quit\r")
    one.rest()
    assert one.process.wait(timeout=30) == 0
    kept = [json.loads(line) for line in (remembering / "talk.jsonl").read_text().splitlines()]
    assert [(one["question"], one["history"]) for one in kept] == [
        ("我饿了", []),
        ("随便", ["吃什么好"]),
        ("早", []),
        ("早", ["你早"]),
    ]
    assert (remembering / "look.svg").read_text("utf-8").startswith("<svg ")


def test_a_transcript_is_read_back_as_pairs_but_for_what_is_rated_down(tmp_path, main):
    lines = [
        {"question": "早", "reply": "你早", "history": [], "rating": "up"},
        {"question": "随便", "reply": "不知道", "history": ["你早"], "rating": "down"},
        {"question": "随便", "reply": "那就吃面条", "history": ["你早"], "rating": None},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "talk.jsonl").write_text(text, "utf-8")
    done = main(*CHAR, "talk.jsonl", "--context", "1", cwd=tmp_path)
    assert done.code == 0
    assert "reading: 2 pairs" in done.err
    assert "answers rated down" in done.err


def test_each_answer_can_be_an_object(trained, main, reply):
    done = main("chat", "--json", cwd=trained, stdin="你好\n\n".encode())
    assert (done.code, done.err) == (0, "")
    first, second = map(json.loads, done.out.splitlines())
    assert first == {"question": "你好", "reply": reply}
    assert second["question"] == ""
    assert set(second) == {"question", "reply"}


def test_a_file_is_answered_many_lines_at_a_time_and_in_order(trained, main):
    lines = [f"{n}{'你好' * (n % 7)}" for n in range(300)]
    whole = main("chat", cwd=trained, stdin="".join(f"{line}\n" for line in lines).encode())
    assert whole.out.count("\n") == 300
    alone = main("chat", cwd=trained, stdin="\n".join(lines[::60]).encode())  # no end of line
    assert alone.out.splitlines() == whole.out.splitlines()[::60]


def test_a_transcript_of_a_pipe_is_wrong_usage(trained, main):
    done = main("chat", "--transcript", "talk.jsonl", cwd=trained, stdin=b"x\n")
    assert (done.code, done.out) == (2, "")
    assert "--transcript is for a conversation in a terminal." in done.err


@pytest.fixture
def backward(trained, main):
    """A model folder beside model/ with a backward model."""
    build = ("build-vocab", "--tokenizer", "char", "--holdout", "5", "--reverse")
    assert main(*build, "--model", "backward", cwd=trained).code == 0
    size = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")
    assert main("train", "--steps", "2", "--model", "backward", *size, cwd=trained).code == 0
    return trained / "backward"


def test_a_backward_model_reranks_replies(trained, backward, main):
    from chatbot.config import ReplyConfig
    from chatbot.talk.bot import Bot

    texts = ["你好", "问题一", "", "再说一遍"]
    lines = "".join(f"{one}\n" for one in texts).encode()
    bot = Bot.load(trained / "model", backward=backward)
    for options, config in (
        ((), ReplyConfig()),
        (("--mmi", "1", "--beam", "40"), ReplyConfig(mmi=1.0, beam=40)),
    ):
        done = main("chat", "--backward", "backward", *options, cwd=trained, stdin=lines)
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines() == bot.replies(texts, config)
    alone = Bot.load(trained / "model").replies(texts, ReplyConfig(beam=40))
    assert done.out.splitlines() != alone


def test_without_a_backward_model_its_weight_is_wrong_usage(trained, main, refused):
    done = main("chat", "--mmi", "0.5", cwd=trained, stdin=b"x\n")
    assert (done.code, done.out) == (2, "")
    assert "--mmi: name a backward model with --backward." in done.err
    refused(
        main("chat", "--backward", "model", cwd=trained, stdin=b"x\n"),
        "--backward model: predicts replies, not questions. Name a bot whose pairs were turned "
        "round: build-vocab --reverse.",
    )
    refused(
        main("chat", "--backward", "nowhere", cwd=trained, stdin=b"x\n"),
        "nowhere/vocabulary.txt: no vocabulary yet. Build it first: chatbot build-vocab "
        "--model nowhere.",
    )


def test_in_a_terminal_the_backward_model_counts_for_what_is_typed(terminal, trained, backward):
    one = terminal(trained, "--backward", "backward")
    one.wait_for("> $")
    one.type("/mmi\r")
    one.wait_for("\n/mmi is 0.5\n")
    one.type("/beam\r")
    one.wait_for("\n/beam is 10\n")
    one.type("/mmi 0\r")
    one.wait_for("\n/mmi is 0.0 from now on\n")
    one.type("/beam\r")
    one.wait_for("\n/beam is 1\n")
    one.type("你好\r")
    one.wait_for("> $")
    one.type("/quit\r")
    assert one.process.wait(timeout=30) == 0


def test_pairs_turned_round_have_no_earlier_turns(tmp_path, main):
    done = main(*CHAR, "--reverse", "--context", "2", cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "--reverse: the question alone is predicted. Leave --context out." in done.err
