"""The words by which tables name their columns, and mark the answers they do not have.

Comes in: the cells of a first row. Goes out: which column has which role. Knows nothing of files.

Each list is in order of preference: of `question` and `context`, the question is the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


def _words(text: str) -> list[str]:
    return text.split()


MISSING = frozenset(
    _words(
        "沒有資料 没有资料 查無資料 查无资料 無資料 无资料 暫無資料 暂无资料 "
        "沒有回答 没有回答 無回答 无回答 暫無回答 暂无回答 沒有答案 没有答案 暫無答案 暂无答案"
    )
)
"""What stands in place of an answer that is missing."""

LONGEST_MISSING = 12
"""Characters beyond which a cell is not looked up in `MISSING`: a marker with blanks around it."""

_QUESTION = _words(
    "question questions q query ask asked prompt prev previous post posts request instruction "
    "input source src encoder enc sentence1 text1 utterance1 first context "
    "问题 問題 问 問 提问 提問 问句 問句 问话 上句 上一句 上文 前句 输入"
)
_ANSWER = _words(
    "answer answers a ans reply replies response responses next following output completion "
    "target trg tgt decoder dec sentence2 text2 utterance2 second "
    "回答 答案 答 回复 回復 回覆 答复 答覆 答句 下句 下一句 下文 后句 後句 应答 應答 输出"
)
_ASKER = _words("user human client customer patient 用户 用戶 客户 客戶 人")
_ANSWERER = _words("bot chatbot assistant agent gpt ai doctor robot system 机器人 機器人 客服 助手")
_LOOSE_QUESTION = _words(
    "title subject text content message utterance 标题 標題 主题 主題 内容 內容 文本"
)
_LOOSE_ANSWER = _words("comment body content text message utterance 评论 評論 正文 内容 內容 文本")
_CONVERSATION = _words(
    "dialogueid dialogid conversationid convid sessionid threadid chatid sceneid episodeid "
    "groupid dialogue dialog conversation conv session thread scene "
    "对话id 會話id 会话id 對話id 对话编号 会话编号 對話編號 會話編號 对话 對話 会话 會話 场景"
)
_SPEAKER = _words(
    "speaker speakerid role author sender from character person who username userid user name "
    "说话人 說話人 发言人 發言人 说话者 說話者 角色 人物 发送者 姓名"
)
_UTTERANCE = _words(
    "utterance utterances text message msg content sentence line body turn value dialogue "
    "话语 話語 语句 語句 句子 台词 台詞 发言 發言 内容 內容 文本 消息"
)
_LABEL = _words("label labels flag 标签 標籤")

HEADER = "row of column names"
"""What a first row is counted as that names columns by names of its own."""

_LONGEST_NAME = 24
"""Characters that the name of a column may have; longer cells are texts."""

_LEAST_ROWS = 3
"""Rows of numbers that it takes under a name."""

_NUMBER = re.compile(
    r"[-+]?[\d.,]+%?|\d\d?:\d\d(:\d\d)?"
    r"|\d{1,4}[-/.年]\d\d?[-/.月]\d{1,4}日?([T ]+\d\d?:\d\d(:\d\d)?.{,12})?"
)
_NAME = re.compile(r"(?=.*[^\W\d_])[\w \-()（）/#.]+")
_ENDS_QUESTION = ("问题", "問題", "提问", "提問", "问句", "問句", "question", "query", "prompt")
_ENDS_ANSWER = (
    *("回答", "答案", "答复", "回复", "回復", "回覆", "应答", "應答"),
    *("answer", "reply", "response"),
)
_WORD = re.compile(r"[a-z][a-z0-9_\-]*")
_LATIN = re.compile(r"[A-Za-z]")
_GREETINGS = frozenset(_words("hi hello hey yo ok okay yes no bye goodbye thanks haha lol"))
_NUMBERED = re.compile(
    r"(?:answer|ans|a|reply|response|回答|答案|答|回复|回覆|回復)?\s*_?\s*[(（]?\s*(\d\d?)\s*[)）]?",
    re.IGNORECASE,
)


class Roles(NamedTuple):
    """The columns, from 0, that a first row names; None where it names none."""

    question: int | None = None
    answers: tuple[int, ...] = ()
    label: int | None = None
    conversation: int | None = None
    speaker: int | None = None
    utterance: int | None = None

    @property
    def has_turns(self) -> bool:
        """Whether a row is an utterance that is known to belong to someone or to something."""
        return self.utterance is not None and (self.conversation, self.speaker) != (None, None)


def roles(header: Sequence[str]) -> Roles:
    """The roles of the columns, as far as their names tell.

    >>> roles(["id", "Title", "Reply"]).question, roles(["id", "Title", "Reply"]).answers
    (1, (2,))
    """
    names = [_plain(cell) for cell in header]
    numbered = _numbered(header)
    label = _first(names, _LABEL)
    if len(numbered) > 1:
        return Roles(_first(names, _QUESTION) or 0, numbered, label)
    utterance = _first(names, _UTTERANCE)
    conversation = _first(names, _CONVERSATION)
    found = Roles(
        label=label,
        conversation=None if conversation == utterance else conversation,
        speaker=_first(names, _SPEAKER),
        utterance=utterance,
    )
    question, answer = _pair(names)
    if question is None or answer is None:
        return found
    sure = names[question] in _QUESTION and names[answer] in _ANSWER
    if found.conversation is not None and found.speaker is not None and not sure:
        return found
    return Roles(question, (answer,), label)


def names_columns(
    first: Sequence[str], others: Sequence[Sequence[str]], chosen: Sequence[int]
) -> bool:
    """Whether a first row holds names, although none that is known: it is no row like the others.

    Sure of it only if all its cells look like names, and one of them, neither question nor reply,
    stands over nothing but numbers or dates.

    >>> names_columns(["no", "foo", "bar"], [["1", "a", "b"]] * 3, (1, 2))
    True
    >>> names_columns(["no", "foo", "bar"], [["x", "a", "b"]] * 3, (1, 2))
    False
    """
    cells = [cell.strip().strip('"').strip() for cell in first]
    if not all(len(cell) <= _LONGEST_NAME and _NAME.fullmatch(cell) for cell in cells if cell):
        return False
    for place, cell in enumerate(cells):
        if cell and place not in chosen:
            below = [row[place].strip().strip('"') for row in others if place < len(row)]
            given = [one for one in below if one]
            if len(given) >= _LEAST_ROWS and all(map(_NUMBER.fullmatch, given)):
                return True
    return False


def like_names(pairs: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some pairs is perhaps no talk but the names of two columns.

    Names end as known ones do, or are single Latin words over pairs without any.

    >>> like_names([["客户问题", "客服回复"]]), like_names([["有问题吗", "没有"]])
    (True, False)
    """
    names, *others = ([side.replace(" ", "").casefold() for side in pair] for pair in pairs)
    if not all(len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) for name in names):
        return False
    if names[0].endswith(_ENDS_QUESTION) and names[1].endswith(_ENDS_ANSWER):
        return True
    words = all(name not in _GREETINGS and _WORD.fullmatch(name) for name in names)
    strange = not any(_LATIN.search(side) for pair in others for side in pair)
    return words and strange and bool(others)


def _pair(names: Sequence[str]) -> tuple[int | None, int | None]:
    """The columns of question and answer; one of the two names may be loose, not both."""
    question, answer = _first(names, _QUESTION), _first(names, _ANSWER)
    if question is not None and answer is None:
        answer = _first(names, _ANSWERER)
        answer = _first(names, _LOOSE_ANSWER) if answer is None else answer
    elif answer is not None and question is None:
        question = _first(names, _ASKER)
        question = _first(names, _LOOSE_QUESTION) if question is None else question
    elif question is None:
        question, answer = _first(names, _ASKER), _first(names, _ANSWERER)
    return question, answer


def _numbered(header: Sequence[str]) -> tuple[int, ...]:
    """The columns that are called by the numbers 1, 2 and so on, with or without a word."""
    found = [
        (place, int(mark[1]))
        for place, cell in enumerate(header)
        if place and (mark := _NUMBERED.fullmatch(cell.strip()))
    ]
    counted = [number for _, number in found] == list(range(1, len(found) + 1))
    return tuple(place for place, _ in found) if counted else ()


def _first(names: Sequence[str], words: Sequence[str]) -> int | None:
    return next((names.index(word) for word in words if word in names), None)


def _plain(cell: str) -> str:
    return re.sub(r"[\s_\-.\"']+", "", cell).casefold()
