"""How good replies are, and how much they differ: numbers that are usual for dialogue.

Comes in: replies, as ids and as text, and the replies that people gave. Goes out: numbers. Knows
nothing of networks.

BLEU is near zero in open dialogue: to most utterances there are many good replies that share no
words with the one that was given (Liu et al. 2016, "How NOT to evaluate your dialogue system").
It tells bots apart, not good replies from bad ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Ids = Sequence[int]


@dataclass(frozen=True)
class ReplyMeasures:
    """What many replies are like.

    Attributes:
        replies: how many.
        distinct_1: the share of different tokens among all; Li et al. 2016, section 5.3.
        distinct_2: the same of two tokens in a row.
        entropy: of four tokens in a row, in bits (Zhang et al. 2018, "Generating informative and
            diverse conversational responses", Ent-4).
        commonest_share: the share of the commonest reply.
        commonest: that reply.
        characters: the mean length.
        length_ratio: all characters over those of the replies that people gave.
        repetition: the share of tokens that end three in a row which stood in the reply before.
        bleu: of sacrebleu, 0 to 100; by characters where the text is Chinese.
        chrf: of sacrebleu, chrF2, 0 to 100.
        signature: of the BLEU, which says how it was computed.
    """

    replies: int
    distinct_1: float
    distinct_2: float
    entropy: float
    commonest_share: float
    commonest: str
    characters: float
    length_ratio: float
    repetition: float
    bleu: float | None
    chrf: float | None
    signature: str | None


def measure(ids: Sequence[Ids], texts: Sequence[str], given: Sequence[str]) -> ReplyMeasures:
    """Measures replies.

    Args:
        ids: the replies as ids, at least one.
        texts: the same as text.
        given: the replies that people gave to the same questions.

    Returns:
        The numbers; BLEU and chrF are None where sacrebleu is not installed.
    """
    commonest, count = Counter(texts).most_common(1)[0]
    length = sum(map(len, texts))
    bleu, chrf, signature = overlap(texts, given)
    return ReplyMeasures(
        replies=len(texts),
        distinct_1=distinct(ids, 1),
        distinct_2=distinct(ids, 2),
        entropy=entropy(ids, 4),
        commonest_share=count / len(texts),
        commonest=commonest,
        characters=length / len(texts),
        length_ratio=length / max(1, sum(map(len, given))),
        repetition=repetition(ids, 3),
        bleu=bleu,
        chrf=chrf,
        signature=signature,
    )


def runs(replies: Iterable[Ids], n: int) -> list[tuple[int, ...]]:
    """All runs of n tokens in replies."""
    return [tuple(reply[i : i + n]) for reply in replies for i in range(len(reply) - n + 1)]


def distinct(replies: Iterable[Ids], n: int) -> float:
    """The share of different runs of n tokens among all of replies, 0 to 1; 0 for none at all.

    distinct-1 and distinct-2 of Li et al. 2016, "A diversity-promoting objective function for
    neural conversation models", section 5.3.
    """
    found = runs(replies, n)
    return len(set(found)) / len(found) if found else 0.0


def entropy(replies: Iterable[Ids], n: int) -> float:
    """The entropy of runs of n tokens, in bits; 0 for none at all."""
    counts = Counter(runs(replies, n))
    total = counts.total()
    return sum(-c / total * math.log2(c / total) for c in counts.values()) + 0.0


def repetition(replies: Sequence[Ids], n: int) -> float:
    """The share of tokens that end a run of n which stood in the same reply before, 0 to 1."""
    again = sum(len(found) - len(set(found)) for found in (runs([reply], n) for reply in replies))
    return again / max(1, sum(map(len, replies)))


def overlap(
    texts: Sequence[str], given: Sequence[str]
) -> tuple[float | None, float | None, str | None]:
    """BLEU and chrF of replies against those given, and BLEU's signature; None without sacrebleu.

    Papineni et al. 2002; Popović 2015; Post 2018, "A call for clarity in reporting BLEU scores".
    """
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError:
        return None, None, None
    chinese = sum("\u4e00" <= c <= "\u9fff" for text in given for c in text)
    mostly = 2 * chinese > sum(map(len, given))
    bleu = BLEU(tokenize="zh" if mostly else "13a")
    score = bleu.corpus_score(list(texts), [list(given)]).score
    chrf = CHRF().corpus_score(list(texts), [list(given)]).score
    return score, chrf, str(bleu.get_signature())
