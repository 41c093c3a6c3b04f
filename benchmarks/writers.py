"""Corpus files in every format of lines, written from conversations and counted on the way.

Nothing here comes from the package: the counts are what a reader is to be compared with. Every
writer takes conversations and a source of chance, and gives the files and the count.
"""

from __future__ import annotations

import csv
import datetime
import io
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from invented import Conversation, says_something

Files = dict[str, str | bytes]


class Count:
    """What a file holds: pairs to learn, and places that give none.

    Attributes:
        pairs: questions with a reply, neither of them empty.
        left: sides that are empty, conversations of one turn, lines of a wrong shape, negatives,
            missing answers and so on, one each.
        system: turns of the system.
        first: the first pair.
    """

    def __init__(self) -> None:
        """Counts from nothing."""
        self.pairs = self.left = self.system = 0
        self.first: tuple[str, str] | None = None

    def answer(self, question: str, reply: str) -> None:
        """A reply to a question."""
        if not says_something(question) or not says_something(reply):
            self.left += 1
            return
        self.pairs += 1
        if self.first is None:
            self.first = (" ".join(question.split()), " ".join(reply.split()))

    def talk(self, turns: Sequence[str]) -> None:
        """A conversation in which every turn answers the one before."""
        self.left += len(turns) < 2
        for question, reply in pairwise(turns):
            self.answer(question, reply)


Writer = Callable[[Sequence[Conversation], random.Random, Count], Files]


class Variant(NamedTuple):
    """A way to write a format.

    Attributes:
        format: what the package calls it.
        name: what is particular about it.
        write: makes the files.
        options: what the command line has to be told.
        piped: the same for standard input, which has no file name; None: it cannot be read there.
        script: the kind of text it is for.
    """

    format: str
    name: str
    write: Writer
    options: tuple[str, ...]
    piped: tuple[str, ...] | None
    script: str


VARIANTS: list[Variant] = []


def variant(
    format: str,
    name: str,
    *arguments: object,
    options: tuple[str, ...] = (),
    piped: tuple[str, ...] | None = (),
    script: str = "any",
) -> Callable[[Callable[..., Files]], Callable[..., Files]]:
    """Lists a writer, with more arguments of its own; may stand above one several times."""

    def listed(write: Callable[..., Files]) -> Callable[..., Files]:
        def made(talks: Sequence[Conversation], chance: random.Random, count: Count) -> Files:
            return write(talks, chance, count, *arguments)

        VARIANTS.append(
            Variant(format, name, made, options, None if piped is None else options + piped, script)
        )
        return write

    return listed


def without(turn: str, *parts: str) -> str:
    """A turn without what a format cannot hold."""
    for part in parts:
        turn = turn.replace(part, "")
    return turn


def as_lines(lines: Iterable[str]) -> str:
    """A text of lines."""
    return "".join(f"{line}\n" for line in lines)


def sides(talks: Sequence[Conversation]) -> Iterable[tuple[str, str]]:
    """Every turn with the next one."""
    return (pair for turns in talks for pair in pairwise(turns))


# Lines


@variant("conv", "conversations of several turns", False)
@variant("conv", "two M lines each", True)
def conv(talks: Sequence[Conversation], chance: random.Random, count: Count, two: bool) -> Files:
    """E and M lines; now and then a carriage return inside a turn, or a line of no kind."""
    lines = []
    for turns in [list(pair) for pair in sides(talks)] if two else talks:
        lines.append("E")
        for turn in turns:
            torn = chance.random() < 0.02 and len(turn) > 2
            lines.append("M " + (f"{turn[:1]}\r{turn[1:]}" if torn else turn))
        count.talk(turns)
        if chance.random() < 0.01:
            lines.append("--- subtitles by nobody ---")
            count.left += 1
    return {"films.conv": as_lines(lines)}


@variant("conv-slashes", "words, slash at the end", 2, "/")
@variant("conv-slashes", "characters, no slash at the end", 1, "")
def conv_slashes(
    talks: Sequence[Conversation], _: random.Random, count: Count, size: int, end: str
) -> Files:
    """E and M lines cut into pieces of `size` characters."""
    lines = []
    for turns in talks:
        turns = [without(turn, "/") for turn in turns]
        lines.append("E")
        for turn in turns:
            pieces = [turn[i : i + size] for i in range(0, len(turn), size)]
            lines.append("M " + "/".join(pieces) + end * bool(turn))
        count.talk(turns)
    return {"chat.conv": as_lines(lines)}


@variant("tab", "TAB", "\t", "talk.tsv")
@variant("tab", "TAB, called .csv", "\t", "talk.csv")
@variant("tab", "TAB, no suffix", "\t", "talk")
@variant("pipe", '" | "', " | ", "talk.txt")
@variant("equals", "=", "=", "talk.txt")
@variant("at", "@@", "@@", "talk.txt")
def separated(
    talks: Sequence[Conversation], chance: random.Random, count: Count, mark: str, name: str
) -> Files:
    """A pair a line, and now and then a wrong number of fields, a blank line, no answer."""
    lines = []
    for question, reply in sides(talks):
        question, reply = without(question, mark.strip(" ")), without(reply, mark.strip(" "))
        lines.append(question + mark + reply)
        count.answer(question, reply)
        what = chance.random()
        if what < 0.01:
            lines.append(chance.choice(["一個欄位", mark.join(["甲", "乙", "丙"])]))
            count.left += 1
        elif what < 0.02:
            lines.append("有人在嗎" + mark + "沒有資料")
            count.left += 1
        elif what < 0.03:
            lines.append("")
    return {name: as_lines(lines)}


@variant("answers", "header, markers", "header")
@variant("answers", "numbers in front", "numbers")
@variant("answers", "no header, markers", "")
def answers(talks: Sequence[Conversation], chance: random.Random, count: Count, kind: str) -> Files:
    """A question and four answers, some of which are missing."""
    lines = ["問題\t(1)\t(2)\t(3)\t(4)"] if kind == "header" else []
    replies = [turns[-1] for turns in talks]
    for turns in talks:
        given = [turns[1] if len(turns) > 1 else "好", *chance.choices(replies, k=3)]
        given = [one if says_something(one) and chance.random() < 0.6 else "" for one in given]
        for one in given:
            if one:
                count.answer(turns[0], one)
        if kind == "numbers":
            given = [f"({place}){one}" for place, one in enumerate(filter(None, given), 1)]
            count.left += not given
        else:
            given = [one or "沒有資料" for one in given]
            count.left += given.count("沒有資料")
        lines.append("\t".join([turns[0], *(given or ["沒有資料"])]))
    return {"ptt.txt": as_lines(lines)}


@variant("csv", "question,answer", "question,answer", ",", "faq.csv")
@variant("csv", "prev,next", "prev,next", ",", "faq.csv")
@variant("csv", "ask,answer, called .txt", "ask,answer", ",", "faq.txt")
@variant("csv", "问题;回答", "问题;回答", ";", "faq.csv")
@variant("csv", "query<TAB>response, quoted", "query\tresponse", "\t", "faq.tsv")
@variant("csv", "id,title,reply,votes", "id,title,reply,votes", ",", "posts.csv")
@variant("csv", "label,question,answer", "label,question,answer", ",", "ranked.csv")
@variant("csv", "no header", "", ",", "faq.csv", piped=("--format", "csv"))
def table(
    talks: Sequence[Conversation],
    chance: random.Random,
    count: Count,
    header: str,
    delimiter: str,
    name: str,
) -> Files:
    """A pair a row, in quotes where needed; line feeds and quotes inside fields."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    names = header.split(delimiter) if header else ["q", "a"]
    if header:
        writer.writerow(names)
    for number, (question, reply) in enumerate(sides(talks)):
        if number and chance.random() < 0.02:
            reply = f'{reply}\n「再說」,"再見"'
        row = [question, reply]
        keep = True
        if "id" in names:
            row = [str(number), question, reply, "7"]
        elif "label" in names:
            keep = chance.random() < 0.6
            row = [str(int(keep)), question, reply]
        writer.writerow(row)
        if keep:
            count.answer(question, reply)
        else:
            count.left += 1
        if chance.random() < 0.01:
            writer.writerow([*row, "太多"])
            count.left += 1
    return {name: out.getvalue()}


@variant("csv-turns", "conversation, speaker, utterance", "Dialogue_ID,Scene,Speaker,Utterance")
@variant("csv-turns", "conversation, role, content", "session_id,role,content")
@variant("csv-turns", "conversation, text", "conversation_id,text")
def turn_table(
    talks: Sequence[Conversation], chance: random.Random, count: Count, header: str
) -> Files:
    """An utterance a row, line feeds inside some; turns of the system where there are roles."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = header.split(",")
    writer.writerow(names)
    for number, turns in enumerate(talks):
        if "role" in names and chance.random() < 0.3:
            writer.writerow([number, "system", "你是一個助手。"])
            count.system += 1
        for place, turn in enumerate(turns):
            if number and chance.random() < 0.01:
                turns[place] = turn = f'{turn}\n"好", 好'
            who = ("user", "assistant") if "role" in names else ("小明", "小紅")
            middle = {4: ["客廳", who[place % 2]], 3: [who[place % 2]], 2: []}[len(names)]
            writer.writerow([number, *middle, turn])
        count.talk(turns)
        if chance.random() < 0.01:
            writer.writerow([number, "一", "二", "三", "四"])
            count.left += 1
    return {"talks.csv": out.getvalue()}


@variant("paired", ".enc .dec", "train.enc", "train.dec", piped=None)
@variant("paired", "question answer", "question", "answer", piped=None)
@variant("paired", "_post _response", "weibo_post", "weibo_response", piped=None)
@variant("paired", ".src .trg", "talk.src", "talk.trg", piped=None)
@variant("paired", "_encode _decode", "train_encode", "train_decode", piped=None)
def paired(
    talks: Sequence[Conversation], _: random.Random, count: Count, first: str, second: str
) -> Files:
    """Line i of one file answers line i of the other."""
    pairs = [*sides(talks), ("再見", "慢走")]
    for question, reply in pairs:
        count.answer(question, reply)
    return {first: as_lines(q for q, _ in pairs), second: as_lines(r for _, r in pairs)}


@variant("alternating", "no blank lines", 0, options=("--format", "alternating"))
@variant("alternating", "blank lines", 1, options=("--format", "alternating"))
def alternating(
    talks: Sequence[Conversation], _: random.Random, count: Count, blanks: int
) -> Files:
    """A question on one line and its reply on the next; a last one without a reply."""
    lines = []
    for pair in sides(talks):
        question, reply = (turn if turn.strip() else "{r+}" for turn in pair)
        lines += [question, reply, *[""] * blanks]
        count.answer(question, reply)
    count.left += 1
    return {"talk.txt": as_lines([*lines, "還在嗎"])}


@variant("blocks", "one blank line", 0, 1)
@variant("blocks", "three blank lines", 0, 3)
@variant("blocks", "one between turns, three between conversations", 1, 3)
def blocks(
    talks: Sequence[Conversation], _: random.Random, count: Count, inner: int, outer: int
) -> Files:
    """Conversations with blank lines between them."""
    text = []
    for turns in talks:
        turns = [turn if turn.strip() else "{r+}" for turn in turns]
        text.append(("\n" * (1 + inner)).join(turns))
        count.talk(turns)
    return {"talk.txt": ("\n" * (1 + outer)).join(text) + "\n"}


@variant("qa", "Q: A: and ===", "Q: ", "A: ", "===")
@variant("qa", "问： 答： and a blank line", "问：", "答：", "")
@variant("qa", "Q1: A1:, nothing between", "Q1: ", "A1: ", None)
def question_lines(
    talks: Sequence[Conversation],
    _: random.Random,
    count: Count,
    asks: str,
    answers: str,
    between: str | None,
) -> Files:
    """Lines with marks; where nothing parts conversations, a question and an answer each."""
    lines = []
    for turns in talks if between is not None else [list(pair) for pair in sides(talks)]:
        lines += [(answers if i % 2 else asks) + turn for i, turn in enumerate(turns)]
        count.talk(turns)
        if between is not None:
            lines.append(between)
    return {"talk.txt": as_lines(lines)}


@variant("eou", "turns", "")
@variant("eou", "labels after a TAB", "\t3 4\t0")
def end_of_utterance(
    talks: Sequence[Conversation], chance: random.Random, count: Count, labels: str
) -> Files:
    """A conversation a line; now and then a line without the mark."""
    lines = []
    for turns in talks:
        lines.append("".join(f"{turn} __eou__ " for turn in turns).rstrip(" ") + labels)
        count.talk(turns)
        if chance.random() < 0.01:
            lines.append("--- 第二章 ---")
            count.left += 1
    return {"dialogues.txt": as_lines(lines)}


@variant("labels", "1 and 0")
def labelled(talks: Sequence[Conversation], chance: random.Random, count: Count) -> Files:
    """A label, turns, a response; as many negatives; of a line only the response is a reply."""
    lines = []
    for turns in talks:
        lines.append("\t".join(["1", *turns]))
        if len(turns) < 2:
            count.left += 1
            continue
        count.answer(*turns[-2:])
        lines.append("\t".join(["0", *turns[:-1], chance.choice(talks)[0]]))
        count.left += 1
    return {"train.txt": as_lines(lines)}


@variant("chat", "time and name above", "{time} {name}\n{text}\n")
@variant("chat", "time and name in front", "{time} - {name}: {text}")
def chat(talks: Sequence[Conversation], chance: random.Random, count: Count, message: str) -> Files:
    """An export of a chat program: one conversation, now and then a notice by no one."""
    lines = []
    turns = [turn for talk in talks for turn in talk]
    for number, text in enumerate(turns):
        time = datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=7 * number)
        name = ("小明", "小雨")[number % 2]
        lines.append(message.format(time=time, name=name, text=text))
        if " - " in message and chance.random() < 0.01:
            lines.append(f"{time} - 有人加入了群聊")
            count.left += 1
    count.talk(turns)
    return {"chat.txt": as_lines(lines)}


@variant("chat", "names alone")
def named(talks: Sequence[Conversation], chance: random.Random, count: Count) -> Files:
    """Each line begins with a name; a blank line parts conversations."""
    lines = []
    for turns in talks:
        names = chance.sample(("小明", "小雨", "小方"), 2)
        lines += [f"{names[n % 2]}：{turn}" for n, turn in enumerate(turns)]
        lines.append("")
        count.talk(turns)
    return {"talk.txt": as_lines(lines)}


@variant("contexts", "turn<s>turn<TAB>response")
def contexts(talks: Sequence[Conversation], chance: random.Random, count: Count) -> Files:
    """Earlier turns parted by <s>, and the response; an open <s> at the end would be ambiguous."""
    lines = []
    for turns in talks:
        if len(turns) > 2 and not turns[-2].strip():
            turns = [*turns[:-2], "{r+}", turns[-1]]
        lines.append("<s>".join(turns[:-1]) + "\t" * (len(turns) > 1) + turns[-1])
        if len(turns) > 1:
            count.answer(*turns[-2:])
        else:
            count.left += bool(turns[0].strip())
        if chance.random() < 0.01:
            lines.append("太\t多\t了")
            count.left += 1
    return {"train.txt": as_lines(lines)}


@variant("cornell", "quoted ids", "L{}", "'L{}'", piped=None)
@variant("cornell", "bare ids", "{}", "{}", piped=None)
@variant("cornell", "English in Latin-1", "L{}", "'L{}'", piped=None, script="latin")
def cornell(
    talks: Sequence[Conversation], _: random.Random, count: Count, line_id: str, listed: str
) -> Files:
    """Lines with ids, and conversations that list them."""
    mark, lines, lists, number = " +++$+++ ", [], [], 100
    for turns in talks:
        ids = range(number, number + len(turns))
        number += len(turns)
        lines += [
            mark.join([line_id.format(i), f"u{i % 2}", "m0", "BIANCA", turn])
            for i, turn in zip(ids, turns, strict=True)
        ]
        lists.append(mark.join(["u0", "u1", "m0", f"[{', '.join(listed.format(i) for i in ids)}]"]))
        count.talk(turns)
    lines.reverse()  # as in the original, the lines are in another order than the conversations
    return {"movie_lines.txt": as_lines(lines), "movie_conversations.txt": as_lines(lists)}


@variant("fbdialog", "plain", False)
@variant("fbdialog", "personas, rewards and candidates", True)
def fbdialog(
    talks: Sequence[Conversation], _: random.Random, count: Count, personas: bool
) -> Files:
    """Numbered lines of a text and a reply; what stands alone is no reply."""
    lines = []
    for turns in talks:
        told = ["your persona: 我養了一隻貓", "partner's persona: i like tea"] if personas else []
        count.left += len(told)
        for place in range(0, len(turns) - 1, 2):
            count.answer(turns[place], turns[place + 1])
            told.append(f"{turns[place]}\t{turns[place + 1]}" + "\t\t好|不好" * personas)
        if len(turns) % 2:
            told.append(turns[-1])
        count.left += len(turns) == 1
        lines += [f"{number} {line}" for number, line in enumerate(told, 1)]
    return {"train.txt": as_lines(lines)}
