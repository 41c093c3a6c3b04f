"""Invented conversations for the benchmarks: seeded, in several scripts, with what real ones have.

Knows nothing of files or formats, and nothing of the package.
"""

from __future__ import annotations

import random

Conversation = list[str]

NOTHING = ("", " ", "\u3000", "{r+}")
"""Turns that say nothing: empty, blanks, or only a placeholder that is taken out."""


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


_SIMPLIFIED = _lines("""
你今天吃饭了吗
我觉得这件事情没有那么简单
明天我们一起去爬山吧
你喜欢什么颜色的衣服
昨天的电影怎么样
他说的话我一句也听不懂
天气预报说晚上要下雪
请问火车站应该怎么走
我们认识已经很多年了
妈妈做的红烧肉最好吃
手机又没电了，真麻烦
别担心，一切都会好起来的
孩子们都睡着了
谢谢你的帮助
医生说要多喝水、早点休息
这家店的东西太贵了
周末想去乡下看望爷爷
他们总是为小事争吵
老师让我们写一篇作文
飞机晚点了三个小时
门口站着一个陌生人
电脑坏了，文件也丢了
祝你生日快乐
""")
_TRADITIONAL = _lines("""
你今天吃飯了嗎
我覺得這件事情沒有那麼簡單
明天我們一起去爬山吧
你喜歡什麼顏色的衣服
昨天的電影怎麼樣
他說的話我一句也聽不懂
天氣預報說晚上要下雪
請問火車站應該怎麼走
我們認識已經很多年了
媽媽做的紅燒肉最好吃
手機又沒電了，真麻煩
別擔心，一切都會好起來的
孩子們都睡著了
謝謝你的幫助
醫生說要多喝水、早點休息
這家店的東西太貴了
週末想去鄉下看望爺爺
他們總是為小事爭吵
老師讓我們寫一篇作文
飛機晚點了三個小時
門口站著一個陌生人
電腦壞了，檔案也丟了
祝你生日快樂
""")
_ENGLISH = _lines("""
Have you eaten yet
I don't think it is that simple
Let's go hiking tomorrow
What did you think of the film
He said "maybe", as always
Where is the station, please
Thanks; that was kind of you
My phone is dead
Well, well, well - look who is here
I haven't decided, to be honest
See you at 7:30
""")
_TAILS = ("", "", "", "，真的", "，你說呢？", "！", "？", "……", "。", "～", "「好」", "，“行”")
_ENGLISH_TAILS = ("", "", ".", "!", "?", "...", " (really)", ": yes")
_FRENCH_TAILS = ("", "", " (voilà)", ", señor", " – at the café", " for £5")
_FACES = ("😀", "👍🏻", "❤️", "🎉🎉", "(^_^)", "╮(╯▽╰)╭", "&hearts;", "𠮷野家", "Ａ１")
_OLD_FACES = ("(^_^)", "T_T", "&amp;", ":-)")

GREETINGS = {
    "any": ("你好，请问你是谁", "我是小石头，很高兴认识你"),
    "big5": ("你好，請問你是誰", "我是小石頭，很高興認識你"),
    "latin": ("Good evening. Who are you?", "I am the waiter at the café."),
}
"""The first conversation, which no rule of normalisation changes."""


def conversations(count: int, seed: int, *, script: str = "any") -> list[Conversation]:
    """Conversations of one to seven turns, a few of which say nothing.

    Args:
        count: how many.
        seed: the same seed gives the same ones.
        script: "any" for all scripts; "big5" for traditional Chinese, English and what else Big5
            has; "latin" for English with some French words.
    """
    chance = random.Random(seed)
    talks = [list(GREETINGS[script])]
    while len(talks) < count:
        size = chance.choices((1, 2, 3, 4, 7), (1, 60, 15, 20, 4))[0]
        talks.append([_turn(chance, script) for _ in range(size)])
    return talks


def _turn(chance: random.Random, script: str) -> str:
    if chance.random() < 0.01:
        return chance.choice(NOTHING if script != "latin" else ("", " "))
    number = f" {chance.randrange(1000)}" if chance.random() < 0.3 else ""
    kind = chance.random()
    if script == "latin" or kind < 0.12:
        tails = _FRENCH_TAILS if script == "latin" else _ENGLISH_TAILS
        return chance.choice(_ENGLISH) + number + chance.choice(tails)
    texts = _TRADITIONAL if script == "big5" or kind < 0.3 else _SIMPLIFIED
    text = chance.choice(texts) + number.strip() + chance.choice(_TAILS)
    if chance.random() < 0.08:
        text += " " + chance.choice(_OLD_FACES if script == "big5" else _FACES)
    return text


def says_something(turn: str) -> bool:
    """Whether anything is left of a turn when blanks and placeholders are taken out."""
    return bool(turn.replace("{r+}", "").strip())
