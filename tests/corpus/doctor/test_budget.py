"""Parts of a step chosen by what they are expected to take."""

import numpy as np
import pytest

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.doctor.budget import MARGIN, SMALLEST_PART, budget
from chatbot.corpus.doctor.forecast import Work
from chatbot.errors import ChatbotError

LENGTHS = np.bincount([3, 4, 5, 9, 12, 30])


def work(**training):
    settings = TrainingConfig(**({"threads": 2} | training))
    return Work(LENGTHS, LENGTHS, 100_000, 20_000, ModelConfig(), settings)


def expected(parts, **training):
    one = work(**training)
    return Work(LENGTHS, LENGTHS, 100_000, 20_000, ModelConfig(), one.training, parts).bytes


def test_without_a_cap_every_processor_has_one_part():
    assert budget(work()).parts == 2
    assert budget(work()).bytes == round(expected(2))
    assert budget(work(batch=20)).parts == 1
    assert budget(work(threads=5)).parts == 5


def test_under_a_cap_there_are_no_more_parts_than_it_takes():
    most, least = expected(2), expected(14)
    for share in (1.01, 0.9, 0.6, 0.3, 0.1, 0.001):
        cap = MARGIN * (least + share * (most - least))
        chosen = budget(work(memory=f"{cap / 1e6}MB"))
        assert chosen.bytes == round(expected(chosen.parts)) <= cap / MARGIN
        assert chosen.parts % 2 == 0
        if chosen.parts > 2:
            assert expected(chosen.parts - 2) > cap / MARGIN


def test_a_cap_that_cannot_be_kept_is_refused_with_the_smallest_that_can():
    with pytest.raises(ChatbotError) as caught:
        budget(work(memory="0.3GB"))
    told = str(caught.value)
    assert told.startswith("--memory 0.3GB: this training takes ")
    least = int(told.split(" MB at the least")[0].split()[-1])
    assert f"Give --memory {least}MB or more" in told
    smallest = budget(work(memory=f"{least}MB"))
    assert smallest.parts <= 1_000 // SMALLEST_PART
    assert MARGIN * smallest.bytes <= least * 10**6
    with pytest.raises(ChatbotError):
        budget(work(memory=f"{least - 1}MB"))


def test_a_batch_too_small_to_cut_takes_what_it_takes():
    assert budget(work(batch=10)).parts == 1
    with pytest.raises(ChatbotError, match="at the least"):
        budget(work(batch=10, memory="100MB"))
