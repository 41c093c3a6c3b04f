"""Which characters a language is mostly written in.

Comes in: text, decoded in an encoding that is a guess. Goes out: how much it looks like Chinese,
Japanese or Korean. Knows nothing of bytes.

Bytes that are read in the wrong one of the East Asian encodings mostly give characters too, but
rare ones: some seven hundred of twenty thousand make up five sixths of any Chinese text, and a few
hundredths of one that was misread. That is enough to tell a sentence.
"""

from __future__ import annotations

from collections import Counter

_PUNCTUATION = "\u3000、。〈〉《》「」『』【】〔〕“”‘’…—·～" + "".join(
    map(chr, range(0xFF01, 0xFF5F))
)

_SIMPLIFIED = (
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对"
    "小多然于心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方"
    "期它头经长儿回位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公"
    "特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便夫再书部水像眼等体却加电主界门利海受"
    "听表德少克代员许先口由死安写性马光白或住难望教命花结乐色更拉东神记处让母父应直字场平报友关放至张认接"
    "告入笑内英军候民岁往何度山觉路带万男边风解叫任金快原吃妈变通师立象数四失满战远格士音轻目条呢病始达深完"
    "今提求清王化空业思切怎非找片罗钱吗语元喜曾离飞科言干流欢约各即指合反题必该论交终林请医晚制球决传画保读"
    "运及则房早院量苦火布品近坐产答星精视五连司巴奇管类未朋且婚台夜青北队久乎越观落尽形影红爸百令周吧识步希"
    "亚术留市半热送兴造谈容极随演收首根讲整式取照办强石古华拿计您装似足双妻尼转诉米称丽客南领节衣站黑刻统断"
    "福城故历惊脸选包紧争另建维绝树系伤示愿持千史谁准联妇纪基买志静阿诗独复痛消社算义竟确酒需单治卡幸兰念举"
    "仅钟怕共毛句息功官待究跟穿室易游程号居考突皮哪费倒价图具刚脑永歌响商礼细专黄块脚味灵改据般破引食仍存众"
    "注笔甚某沉血备习校默务土微娘须试怀料调广苏显赛查密议底列富梦错座参八除跑亮假印设线温虽掉京初养香停际致"
    "啊哦嗯哈呵嘛呀啦喔唉咱哎嘿啥喂嘻咋哇嗨噢俺您谢帮忙睡觉吃饭饿累玩猜聊棒傻笨讨厌哭哥姐弟妹爷奶宝贝狗猫雨雪"
    "昨晨午春夏秋冬左右借换坏干净简单懂猪鸡鱼菜茶饭咖啡店钱贵便宜票班课机场陪希望祝晴冷暖够件弄搞否肯烦靠背区二助概案忘急慢抱呆兄杀"
)
_TRADITIONAL = (
    "這個們來時為說國著後會過對學麼還樣種開總從無現頭經長兒愛給間兩親進話與見問點幾將實聲車機氣並別真書體電"
    "門聽員許寫馬難結樂東記處讓應場報關張認軍歲覺帶萬邊風媽變師數滿戰遠輕條達業羅錢嗎語離飛幹歡約題該論請醫"
    "製決傳畫讀運則產視連類臺隊觀盡紅識亞術熱興談極隨講強華計裝雙轉訴稱麗領節統斷歷驚臉選緊爭維絕樹係傷願誰"
    "準聯婦紀買詩獨復義確單蘭舉僅鐘號費價圖剛腦響禮細專塊腳靈據眾筆備習務須試懷調廣蘇顯賽議夢錯參線溫雖養際"
    "謝幫飯餓討厭貝貓壞淨簡豬雞魚課沒於裡妳跟啦喔耶囉發當辦動換內員夠區殺煩"
)
_KANJI = (
    "日本人私今何思言行見来気会大学生事自分時間前手目上下中出入年月国方家話食明後当全然同彼女"
    "男子心仕度"
)
_KANA = "".join(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC, 0x3005, 0x30FB]))
_HANGUL = (
    "이다는을의가에고하지은어기사나리도로아를자한서인그대들라시스있정해만일게여수으보장니전과구주상면부제거것"
    "오동원비없마연유조소모국생우신할말야내드요안무당관식적문물진성경위되각려저네세행방화회러르했차계때음통와"
    "습까미남너트치히심산집결금던명같좋않알왔겠두분람반간공단배바현중실재불품크학선속많감래레"
    "녕뭐왜응났었였냐줄데건걸함께봐줘먹잘못더싶께님우린너희친합본록간날길눈달발밤별봄살새손술열"
)

CHINESE = frozenset(_PUNCTUATION + _SIMPLIFIED + _TRADITIONAL)
"""What Chinese is mostly written in, simplified or traditional."""

JAPANESE = frozenset(_PUNCTUATION + _KANA + _KANJI)
"""What Japanese is mostly written in."""

KOREAN = frozenset(_PUNCTUATION + _HANGUL)
"""What Korean is mostly written in."""


def expected(text: str, characters: frozenset[str] = CHINESE) -> tuple[int, int]:
    """How many of the characters beyond ASCII are among these, and how many there are."""
    counts = Counter(text)
    beyond = {character: count for character, count in counts.items() if character > "\x7f"}
    hits = sum(count for character, count in beyond.items() if character in characters)
    return hits, sum(beyond.values())


def share_expected(text: str, characters: frozenset[str] = CHINESE) -> float:
    """The share of the characters beyond ASCII that are among these; 0 if there are none."""
    hits, all_of_them = expected(text, characters)
    return hits / max(all_of_them, 1)
