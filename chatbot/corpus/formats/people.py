r"""How people are called in front of what they say: `小明：`, `User:`, `2024-01-01 10:00 小明`.

Comes in: nothing. Goes out: patterns of names, of times, and of speakers at the start of a line.
Knows nothing of conversations.
"""

from __future__ import annotations

import re

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, as ranges of a regular expression's class."""

_FAMILY = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭罗林郑梁谢宋唐冯邓曹彭肖董袁潘蒋蔡杜魏吕沈姚卢姜崔谭汪廖贾邹"
    "熊秦邱侯尹薛闫陶贺郝龚邵覃戴"
)
_ROLES = (
    "[甲乙丙丁男女问答我你他她]|男声|女声|客服|用户|顾客|客户|买家|卖家|医生|患者|病人|护士|老师|学生"
    "|家长|记者|主持人|旁白|机器人|助手|咨询师|来访者|爸爸|妈妈|爷爷|奶奶|哥哥|姐姐|弟弟|妹妹"
)
_LABELS = (
    "张贴|陈述|胡说|谢谢|多谢|杜绝|周[一二三四五六日末期年边]|黄色|林业|唐诗|宋词"
    "|(?i:note|notes|warning|tip|tips|ps|re|fw|fwd|ok|okay|yes|no|hint|example|attention|caution"
    "|important|remember|reason|reasons|result|results|update|edit|source|url|https?|time|date"
    "|name|subject|title)[:：]"
)
SPEAKERS = re.compile(
    rf"(?m)^(?:[^\S\n]*(?!{_LABELS})(?:[A-Z][0-9]{{,2}}|{_ROLES}|[小老阿][{HAN}]|[{_FAMILY}][{HAN}]{{1,2}}"
    r"|[A-Z][A-Za-z]{1,15}(?: [A-Z0-9][A-Za-z]{,15})?)[^\S\n]?[:：](?![/\\]))+"
)
"""Speakers at the start of a line, up to the colon behind the last of them."""

_USERS = (
    "user|usr|human|client|customer|patient|bot|chatbot|assistant|agent|gpt|chatgpt|ai|doctor|robot"
    "|counselor|therapist|operator|system|sys|me|you|他们|我们|機器人|用戶|客戶|對方|对方|店家|店员|商家"
)
SURELY = re.compile(
    rf"(?!(?:{_LABELS}))(?:{_ROLES}|(?i:{_USERS})|[A-Z]|[小老阿][{HAN}]|[{_FAMILY}][{HAN}]{{1,2}})"
    r"\s?[0-9]{,3}"
)
"""Names that hardly stand in front of anything but what someone says."""

_DATE = r"(?:\d{4}[-/.年]\d\d?[-/.月]\d\d?日?|\d\d?[-/.]\d\d?[-/.]\d{2,4})"
_HOURS = "上午|下午|中午|凌晨|早上|晚上|清晨|傍晚"
_TIME = rf"(?:(?:{_HOURS})\s?)?\d\d?:\d\d(?::\d\d)?(?:\s?[AaPp]\.?[Mm]\.?(?![A-Za-z]))?"
STAMP = (
    rf"[\s\ufeff\u200e\u200f]*\[?{_DATE}(?:,|T|\s|(?:星期|周|週)[一二三四五六日天])+{_TIME}\]?"
    r"(?![\d:.,])"
)
"""A date and a time as chat programs write them, in brackets or not, as a regular expression."""

STAMPED = re.compile(STAMP)
