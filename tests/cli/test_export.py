"""`chatbot export`: one file that chat and evaluate open."""

import json
import shutil

from chatbot.talk.bot import Bot


def test_the_file_talks_as_the_folder_does_wherever_it_lies(trained, main, tmp_path):
    done = main("export", cwd=trained)
    assert (done.code, done.out) == (0, "")
    assert "wrote bot.chatbot, " in done.err
    assert done.err.endswith("chatbot chat --model bot.chatbot\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(trained / "bot.chatbot", elsewhere / "my bot")
    asked = "问题一\n问题七\n".encode()
    replies = [
        main("chat", *options, cwd=where, stdin=asked)
        for where, options in ((trained, ()), (elsewhere, ("--model", "my bot")))
    ]
    assert replies[0] == replies[1]
    assert replies[0].code == 0
    assert len(replies[0].out.splitlines()) == 2


def test_a_byte_for_each_weight_is_said_and_evaluated(trained, main, tmp_path):
    talk = tmp_path / "talk.tsv"
    talk.write_text("问题一\t回答一\n问题七\t回答七啊\n", encoding="utf-8")
    for name, options in (("one", ()), ("small", ("--int8",))):
        assert main("export", "--out", str(tmp_path / name), *options, cwd=trained).code == 0
    losses = []
    for model in (trained / "model", tmp_path / "one", tmp_path / "small"):
        options = ("--model", str(model), "--json", "--replies", "0")
        found = main("evaluate", str(talk), *options, cwd=tmp_path)
        assert found.code == 0
        losses.append(json.loads(found.out)["bits_per_character"])
    assert losses[0] == losses[1]
    assert abs(losses[2] - losses[0]) < 0.1


def test_a_named_checkpoint_goes_into_the_file(trained, main):
    assert main("train", "--steps", "4", "--save-every", "1", cwd=trained).code == 0
    assert main("export", "--checkpoint", "3", cwd=trained).code == 0
    assert Bot.load(trained / "bot.chatbot").position.step == 3


def test_what_cannot_be_is_told_in_one_line(trained, main, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    main("export", "--out", str(elsewhere / "bot"), cwd=trained)
    cases = [
        (("export",), "no vocabulary yet"),
        *(
            ((command, "--model", "bot"), "--model bot: is a file, a bot to talk to at best")
            for command in ("export", "info", "report", "train", "build-vocab")
        ),
        (("evaluate", "--model", "bot"), "a bot in one file has no pairs. Name files"),
        (("chat", "--model", "bot", "--checkpoint", "5"), "holds one bot only"),
        (("chat", "--model", "none"), "no vocabulary yet"),
    ]
    for arguments, said in cases:
        done = main(*arguments, cwd=elsewhere)
        assert (done.code, done.out) == (1, "")
        assert done.err.count("\n") == 1
        assert said in done.err


def test_a_file_that_cannot_be_written_is_told_in_one_line(trained, main):
    done = main("export", "--out", "nowhere/bot", cwd=trained)
    assert done.code == 1
    assert done.err.startswith("Error: --out nowhere/bot: ")
    assert done.err.count("\n") == 1


def test_a_saved_model_is_written_and_replaced_but_nothing_else_is(trained, main):
    for _ in range(2):
        done = main("export", "--as", "savedmodel", cwd=trained)
        assert (done.code, done.out) == (0, "")
        assert done.err.startswith("wrote bot-savedmodel, ")
        assert done.err.endswith(": tf.saved_model.load('bot-savedmodel')\n")
        assert (trained / "bot-savedmodel" / "saved_model.pb").exists()
    for name in ("model", "corpus.tsv"):
        (trained / "corpus.tsv").touch()
        done = main("export", "--as", "savedmodel", "--out", name, cwd=trained)
        assert done.code == 1
        assert (
            done.err == f"Error: --out {name}: is there, and no SavedModel. Name another folder.\n"
        )
    done = main("export", "--as", "savedmodel", "--out", "nowhere/bot", cwd=trained)
    assert done.code == 1
    assert done.err.startswith("Error: --out nowhere/bot: cannot be written (")
    done = main("export", "--as", "savedmodel", "--int8", cwd=trained)
    assert done.code == 2
    assert done.err.endswith("a SavedModel has no such form. Leave it out, or take --as litert.\n")


def test_a_file_for_litert_is_written(trained, main):
    for options in ((), ("--int8",)):
        done = main("export", "--as", "litert", *options, cwd=trained)
        assert (done.code, done.out) == (0, "")
        assert done.err.startswith("wrote bot.tflite, ")
        assert (trained / "bot.tflite").read_bytes()[4:8] == b"TFL3"
