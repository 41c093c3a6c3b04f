r"""Utterances as files hold them -> utterances as the bot shall know them.

Comes in: a chunk of utterances, line breaks and all. Goes out: as many, their whitespace collapsed,
changed by the rules that `CorpusConfig` asks for, in this order:

    unescape      &amp;hearts; &#39; &nbsp;    -> the characters meant, however often escaped; needs
                  the final ";", as HTML does, except in &nbsp
    controls      taken out: C0 and C1 controls, soft hyphens, zero-width blanks and joiners, byte
                  order marks, direction marks, U+FFFD. Joiners stay where they are spelling: inside
                  an emoji, and between letters of Arabic, Persian, Indic and Mongolian scripts
    narrow        Ａ ｚ ９                     -> A z 9; punctuation stays
    simplify      漢字                         -> 汉字, by OpenCC's t2s
    placeholders  {r} {r+} {br} {face:12} of chat services, #E-s[数字x] #E-s12 [数字x] [金额x]
                  [姓名x] ... [ORDERID_123] of shops -> a blank
    urls          http://... https://... ftp://... www.... t.cn/... -> a blank
    speakers      taken out at the start, with : or ： after them: one capital and digits (A: Q1:),
                  小明 老王 阿强 and the like, a family name with one or two characters (张三：),
                  roles (甲 问 客服 用户 ...), one or two capitalised words (Tom Smith:); but no
                  labels such as 注意：, Note: or 谢谢：
    blanks        a blank between two Chinese characters -> a comma ， or nothing

What one rule leaves may be work for another, so they go round until nothing changes (ten rounds at
most); normalising again changes nothing. Halves of surrogate pairs, which are no text at all and
fit into no file, are always taken out. Knows nothing of pairs or tokens.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from html.entities import html5

from chatbot.config import CorpusConfig
from chatbot.corpus.formats.people import HAN as HAN
from chatbot.corpus.formats.people import SPEAKERS
from chatbot.errors import ChatbotError

_ROUNDS = 10
SPACES = r"\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_HALVES = r"\ud800-\udfff"
CONTROLS = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\uffff"
)
JOINED = (  # scripts and signs in which joiners are spelling
    r"\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ua8e0-\ua8ff\ufb50-\ufdff\ufe70-\ufefc"
    r"\u2190-\u2bff\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f"
)
WIDE = r"\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_NARROW = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B)}

_NOISE = re.compile(
    rf"[{CONTROLS}{_HALVES}]|(?<![{JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{JOINED}])"
)
_AMPERSANDS = re.compile(r"&(?:(?:amp|#0{,9}38|#[xX]0{,9}26);)+")
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|&nbsp(?![A-Za-z0-9])"
)
PLACEHOLDER = re.compile(
    r"\{(?:r\+?|br|face:?[0-9]+)\}"
    r"|#E-[a-z0-9]{1,2}(?:\[数字x\]|[0-9]{1,4})"
    r"|\[(?:数字|金额|日期|时间|电话|姓名|地址|站点|链接|邮箱|组织机构)x\]"
    r"|\[(?:ORDERID|USERID)_[0-9]+\]"
)
SCHEME, HOST = r"(?i:https?|ftp)://", r"(?:(?i:www)\.|t\.cn/)"
ADDRESS = r"[!-~]*[A-Za-z0-9/_~=&%#+$@*-]"
"""What a URL begins with, anywhere or behind no letter, and what follows."""

_URL = re.compile(rf"(?:{SCHEME}|(?<![A-Za-z0-9]){HOST}){ADDRESS}")
GAPS = {"one": " ", "comma": "，", "none": ""}
"""What stands for a blank between two Chinese characters, by `CorpusConfig.blanks`."""

_GAP = re.compile(rf" (?=[{HAN}])(?<=[{HAN}] )")

Rule = Callable[[str], str]


def collapse(text: str) -> str:
    r"""Text with every run of whitespace made one blank, and none at its ends.

    >>> collapse("  好 \t 吗\r")
    '好 吗'
    """
    return " ".join(text.split())


class Normaliser:
    """The rules of a `CorpusConfig`, for chunks of utterances.

    Attributes:
        changed: how many utterances each rule changed so far, by its name above.
    """

    def __init__(self, config: CorpusConfig) -> None:
        """Prepares the rules.

        Raises:
            ChatbotError: `simplify` is asked for and OpenCC is not installed.
        """
        self.changed: Counter[str] = Counter()
        self._simplify = _simplifier() if config.simplify else None
        self._rules = _rules(config, self._simplify)
        self._gap = GAPS[config.blanks]
        self._doubt = _doubt(config)

    def text(self, one: str) -> str:
        """One utterance; the same as in a chunk."""
        return self.texts([one])[0]

    def texts(self, texts: Sequence[str]) -> list[str]:
        """The utterances of a chunk, one for one; an utterance may become empty.

        Those that have no character that any rule looks for, most of them, are told by one regular
        expression and left alone.
        """
        done = list(texts)
        doubtful = self._doubtful(done)
        lines = [collapse(done[place]) for place in doubtful]
        for place, line in zip(doubtful, self._settled(lines), strict=True):
            done[place] = line
        return done

    def _doubtful(self, texts: list[str]) -> list[int]:
        """The places of the utterances that a rule may change, or that are not collapsed."""
        doubts = list(map(self._doubt, texts))
        doubtful = [place for place, doubt in enumerate(doubts) if doubt]
        if self._simplify:
            sure = [place for place, doubt in enumerate(doubts) if not doubt]
            before = "\n".join([texts[place] for place in sure])
            after = self._simplify(before)
            if after != before:
                sides = zip(sure, before.split("\n"), after.split("\n"), strict=True)
                doubtful += [place for place, old, new in sides if old != new]
        return doubtful

    def _settled(self, lines: list[str]) -> list[str]:
        """Lines after as many rounds as it takes; a later round sees only what the last changed."""
        touched: dict[str, set[int]] = defaultdict(set)
        places = list(range(len(lines)))
        for _ in range(_ROUNDS if lines else 0):
            before = [lines[place] for place in places]
            after = self._round(before, places, touched)
            for place, line in zip(places, after, strict=True):
                lines[place] = line
            places = [place for place, a, b in zip(places, before, after, strict=True) if a != b]
            if not places:
                break
        self.changed.update({name: len(found) for name, found in touched.items()})
        return lines

    def _round(
        self, lines: list[str], places: Sequence[int], touched: dict[str, set[int]]
    ) -> list[str]:
        """Lines after every rule once; notes in `touched` which ones it changed."""

        def apply(name: str, rule: Rule, text: str) -> str:
            """The text after one rule."""
            new = rule(text)
            if new != text:
                sides = zip(places, text.split("\n"), new.split("\n"), strict=True)
                touched[name].update(place for place, before, after in sides if before != after)
            return new

        text = "\n".join(lines)
        for name, rule in self._rules:
            text = apply(name, rule, text)
        lines = [collapse(line) for line in text.split("\n")]
        if self._gap == " ":
            return lines
        return apply("blanks", lambda t: _GAP.sub(self._gap, t), "\n".join(lines)).split("\n")


def _rules(config: CorpusConfig, simplify: Rule | None) -> list[tuple[str, Rule]]:
    """The rules asked for: each takes lines as one text and gives as many lines."""
    noise = _NOISE if config.strip_controls else re.compile(f"[{_HALVES}]")
    wide = re.compile(f"[{WIDE}]+")
    rules: list[tuple[bool, str, Rule]] = [
        (config.unescape, "unescape", _unescape),
        (True, "controls", lambda text: noise.sub("", text)),
        (config.narrow, "narrow", lambda t: wide.sub(lambda run: run[0].translate(_NARROW), t)),
        (config.simplify, "simplify", simplify or str),
        (config.strip_placeholders, "placeholders", lambda text: PLACEHOLDER.sub(" ", text)),
        (config.strip_urls, "urls", lambda text: _URL.sub(" ", text)),
        (config.strip_speakers, "speakers", lambda text: SPEAKERS.sub("", text)),
    ]
    return [(name, rule) for wanted, name, rule in rules if wanted]


def _doubt(config: CorpusConfig) -> Callable[[str], object]:
    """What finds the first character that a rule, `simplify` aside, or `collapse` may change."""
    marks = SPACES + _HALVES
    marks += CONTROLS + r"\u200c\u200d" if config.strip_controls else ""
    marks += WIDE if config.narrow else ""
    marks += "&" if config.unescape else ""
    marks += r"{\[#" if config.strip_placeholders else ""
    marks += "./" if config.strip_urls else ""
    marks += ":：" if config.strip_speakers else ""
    blank = r"(?:(?<! )|(?<=  )|(?<=\A )|\Z)" if config.blanks == "one" else ""
    return re.compile(f"[ {marks}]{blank}").search


def _unescape(text: str) -> str:
    return _ENTITY.sub(_character, _AMPERSANDS.sub("&", text)) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    """What an HTML entity stands for; an unknown one for itself."""
    name = entity[0].removeprefix("&")
    meant = html.unescape(entity[0]) if name.startswith("#") else html5.get(name, entity[0])
    return " " if meant == "\n" else meant


def _simplifier() -> Rule:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise ChatbotError(
            "--simplify: OpenCC is not installed. Install it: pip install 'chatbot[opencc]'."
        ) from error
    convert: Rule = OpenCC("t2s").convert
    return convert
