"""`chatbot chat` as its user meets it: in a pipe, and in a terminal."""

import codecs
import importlib
import os
import pty
import re
import select
import termios
import time
from types import SimpleNamespace

import pytest

from chatbot.config import ReplyConfig

CHAT = importlib.import_module("chatbot.cli.chat")  # the name in the package is the command

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

CHAR = ("build-vocab", "--tokenizer", "char")

HELP = """\
Type something and press Enter; the bot answers.
  /help   this text
  /quit   leave; so does Ctrl-D
  Ctrl-C clears the line; the arrow keys bring earlier lines back."""


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
    assert done.out.count("\n") == (1 if command == "chat" else 9)
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
    def open_one(folder=trained):
        own = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "XDG_STATE_HOME": str(tmp_path)}
        return Terminal(start, "chat", cwd=folder, env=own)

    return open_one


def test_in_a_conversation_the_bot_remembers_what_it_said_itself(terminal, remembering):
    one = terminal(remembering)
    one.wait_for("> $")
    for question, reply in zip(LONG[::2], LONG[1::2], strict=True):
        one.type(f"{question}\r")
        one.wait_for(f"{question}\n")
        assert one.wait_for("> $").startswith(f"{reply}\n> ")
    one.type("/quit\r")
    assert "Traceback" not in one.rest()
    assert one.process.wait(timeout=30) == 0


def test_a_conversation_in_a_terminal(terminal, reply, tmp_path):
    one = terminal()
    one.wait_for("waking the bot …\n")
    assert one.wait_for("/quit to leave\n").endswith("step 2; /help for help, /quit to leave\n")
    one.wait_for("> $")
    one.type("你好\r")
    one.wait_for("你好\n")
    assert one.wait_for("> $").startswith(f"{reply}\n> ")
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


class Stub:
    """A bot, and a terminal in which someone types these lines."""

    def __init__(self, *lines, context=0):
        self.lines, self.asked, self.context = list(lines), [], context
        self.position = SimpleNamespace(step=12345)

    def reply(self, text, config, earlier=()):
        self.asked.append((text, config, list(earlier)))
        return f"{text}!"

    def prompt(self, message):
        line = self.lines.pop(0)
        if isinstance(line, type):
            raise line
        return line


def conversation(monkeypatch, *lines, context=0):
    stub = Stub(*lines, context=context)
    monkeypatch.setattr(CHAT, "_session", lambda: stub)
    CHAT._converse(stub, ReplyConfig(beam=3))
    return stub


@pytest.mark.parametrize("leave", ["/quit", "  /quit ", EOFError])
def test_quit_or_the_end_of_input_leaves_and_ctrl_c_does_not(monkeypatch, capsys, leave):
    stub = conversation(monkeypatch, "早", KeyboardInterrupt, " 晚安 ", "", leave, "more")
    assert stub.lines == ["more"]
    captured = capsys.readouterr()
    assert captured.out == "早!\n晚安!\n"
    assert captured.err == "step 12,345; /help for help, /quit to leave\n"
    assert stub.asked == [(text, ReplyConfig(beam=3), []) for text in ("", "早", "晚安")]


def test_a_conversation_remembers_as_many_turns_as_the_bot_looks_at(monkeypatch, capsys):
    lines = ("a", "/help", "b", KeyboardInterrupt, "", "c", "d", EOFError)
    for context, earlier in (
        (1, [[], [], ["a!"], ["b!"], ["c!"]]),
        (3, [[], [], ["a", "a!"], ["a!", "b", "b!"], ["b!", "c", "c!"]]),
    ):
        stub = conversation(monkeypatch, *lines, context=context)
        assert [text for text, _, _ in stub.asked] == ["", "a", "b", "c", "d"]
        assert [turns for _, _, turns in stub.asked] == earlier


def test_the_commands_of_a_conversation_answer_on_stderr(monkeypatch, capsys):
    conversation(monkeypatch, "/help", "/nonsense at all", "/quit now", "/", EOFError)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.split("\n", 1)[1] == (
        f"{HELP}\n"
        "/nonsense: no such command; /help lists them\n"
        "/quit: no such command; /help lists them\n"
        "/: no such command; /help lists them\n"
    )
