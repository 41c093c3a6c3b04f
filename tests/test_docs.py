"""The documents say what is true: commands run, languages agree, numbers stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.cli.show import size
from chatbot.config import ANTI_LM, NO_REPEAT

ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    "README.md",
    "README.zh-CN.md",
    "docs/formats.md",
    "docs/corpora.md",
    "docs/training.md",
    "docs/operations.md",
    "docs/chat.md",
    "docs/scaling.md",
)
DEFAULT = "anti-LM 0.5, no 4 twice"
ONE_WORKER = '{"cluster": {"worker": ["127.0.0.1:29473"]}, "task": {"type": "worker", "index": 0}}'
MINUTES = re.compile(r"--minutes \d+")


def indented(name: str) -> list[str]:
    """The indented lines of a document, without comments behind them."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith("    ") and line.strip()]


def commands(name: str) -> list[str]:
    """The shell commands of a document that speak of an installed chatbot."""
    found = [re.sub(r"\s+# .*", "", line) for line in indented(name)]
    return [line for line in found if re.match(r"(chatbot |echo .*chatbot )", line)]


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the corpora that the documents name, all small."""
    folder = tmp_path_factory.mktemp("docs")
    sample = (ROOT / "data" / "chinese.tsv").read_text("utf-8").splitlines()
    lines, others, more = sample[:40], sample[40:80], sample[80:95]
    text = "".join(f"{line}\n" for line in lines)
    said = [{"question": "早", "reply": "你早", "history": [], "rating": "up"}] * 3
    (folder / "transcripts").mkdir()
    rows = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in said)
    (folder / "transcripts/talk.jsonl").write_text(rows, "utf-8")
    (folder / "data").mkdir()
    (folder / "films").mkdir()
    for path in ("data/talk.tsv", "talk.tsv"):
        (folder / path).write_text(text, "utf-8")
    (folder / "films/film.tsv").write_text("".join(f"{line}\n" for line in others), "utf-8")
    (folder / "smalltalk.tsv").write_text("".join(f"{line}\n" for line in more), "utf-8")
    turns = [side for line in lines for side in line.split("\t")]
    conv = "E\n" + "".join(f"M {turn}\n" for turn in turns)
    (folder / "letters.conv").write_text(conv, "utf-8")
    subprocess.run(["gzip", "letters.conv"], cwd=folder, check=True)
    return folder


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_every_command_of_the_documents_runs(place):
    """In order, in one folder; minutes are shortened, and evaluate is given a file to read."""
    (place / "bin").mkdir()
    script = place / "bin" / "chatbot"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m chatbot "$@"\n')
    script.chmod(0o755)
    shutil.copytree(place / "data", place / "films", dirs_exist_ok=True)
    ran = []
    for name in DOCUMENTS:
        for command in dict.fromkeys(commands(name)):
            if command in ran:
                continue
            shown = MINUTES.sub("--minutes 0.05", command)
            building = shown.startswith("chatbot build-vocab")
            if building and not {"--extend", "--part"} & {*shown.split()}:
                shown += " --restart"
            elif shown == "chatbot evaluate":
                shown += " talk.tsv"
            elif "--distribute multi-worker" in shown:
                shown = f"TF_CONFIG='{ONE_WORKER}' {shown} --restart --steps 2"
            done = shell(shown, place)
            assert done.returncode == 0, f"{name}: {command}\n{done.stderr}"
            ran.append(command)
    assert len(ran) >= 12


def test_python_in_the_documents_runs(place):
    for name in ("README.md", "docs/training.md", "docs/chat.md"):
        for block in blocks(name, "python"):
            done = subprocess.run(
                [sys.executable, "-c", block],
                cwd=place,
                capture_output=True,
                text=True,
                encoding="utf-8",
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout


def test_the_chinese_readme_keeps_step_with_the_english():
    english, chinese = (
        [re.sub(r"\s+# .*", "", line) for line in indented(name)]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese
    assert blocks("README.md", "python") == blocks("README.zh-CN.md", "python")
    numbers = [
        sorted(re.findall(r"\d+[,.][\d,.]*\d", (ROOT / name).read_text("utf-8")))
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert numbers[0] == numbers[1]


def test_links_lead_somewhere():
    for name in (*DOCUMENTS, "docs/memory.md", "docs/performance.md", "data/README.md"):
        text = (ROOT / name).read_text("utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_options_named_in_the_documents_exist():
    from chatbot.cli import cli

    known = {
        option
        for c in cli.commands.values()
        for p in c.params
        for option in (*p.opts, *p.secondary_opts)
    }
    for name in (*DOCUMENTS, "docs/memory.md", "docs/performance.md"):
        text = re.sub(
            r"^(    (python3|iconv|git)|#SBATCH).*$",
            "",
            (ROOT / name).read_text("utf-8"),
            flags=re.M,
        )
        text = re.sub(r"(python benchmarks/\S+\.py|tensorboard --logdir)[^`\n]*", "", text)
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text))
        assert named - known - {"--help"} == set()


def test_the_formats_that_the_documents_name_are_those_that_exist():
    from chatbot.corpus.formats import FORMATS

    text = (ROOT / "docs/formats.md").read_text("utf-8")
    for one in FORMATS:
        if hasattr(one, "separator"):
            assert f"你好吗{one.separator}我很好".replace("\t", "<TAB>") in text


BENCHMARKS = sorted(
    path.stem
    for path in (ROOT / "benchmarks").glob("*.py")
    if re.search(r"^ +save\($|^ +save\(\"", path.read_text("utf-8"), re.M)
)


def result(name):
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8"))["result"]


def test_the_benchmarks_are_found():
    assert {"intake", "memory", "peers", "quality", "recall", "scale", "startup"} <= set(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_a_recorded_result(name):
    record = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))
    assert record["command"].startswith(f"python benchmarks/{name}.py")
    assert record["machine"]["versions"]["tensorflow"]
    assert record["result"]


def test_the_figures_in_the_readme_are_the_recorded_ones():
    text = (ROOT / "README.md").read_text("utf-8")
    recall, trained = result("recall"), result("memory")["train"]
    sample, thousand = recall["sample"], recall["thousand"]
    runs = result("quality")["runs"]
    seeds = {one["seed"] for one in runs}
    assert seeds == {0, 1, 2}
    short, long = runs[: len(seeds)], runs[len(seeds) :]
    largest = result("scale")["made"][-1]
    built = largest["jieba"]
    for figure in (
        *(
            f"{one['share_exact']:.1%} after {one['training_seconds']:.0f} s".replace("%", " %")
            for one in (sample, thousand)
        ),
        f"bundled sample ({sample['pairs']:,} pairs",
        *(
            f"{found[1]:.3f} bits per character ({found[0]:.3f} to {found[2]:.3f}"
            for found in (
                sorted(one["dev"]["bits_per_character"] for one in seeded)
                for seeded in (short, long)
            )
        ),
        f"{max(one['peak_bytes'] for one in runs) / 1e9:.2f} GB",
        f"{trained['many']['pairs'] // 1_000_000} million pairs",
        f"{trained['many']['peak_bytes'] / 1e6:.0f} MB",
        f"{trained['few_of_many']:.1%} of that".replace("%", " %"),
        f"{largest['pairs'] // 1_000_000} million made pairs",
        f"({largest['text_bytes'] / 1e9:.2f} GB)",
        f"{built['seconds']:.0f} s, {built['times_jieba_alone_on_all_workers']:.2f} times",
        f"{built['peak_pss_bytes'] / 1e6:.0f} MB in all processes",
        f"disk {built['peak_disk_times_text']:.2f} times the text",
        re.search(r"pairs; ([\d,]+ of [\d,]+) equal", result("intake")["summary"])[1],
        re.match(r"\d+ of \d+", result("damaged")["summary"])[0],
        f"{result('startup')['median_seconds']:.3f} s",
    ):
        assert figure in text


def test_the_figures_of_operations_are_the_recorded_ones():
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    kills, divergence, alarms = result("kills"), result("divergence"), result("alarms")
    plateau = result("plateau")["runs"]
    assert kills["runs_bit_by_bit_the_same"] == kills["runs_ended"]
    assert kills["kills"] >= 200
    for figure in (
        f"{kills['kills']} kills (`kill -9`) over real runs, {kills['while_saving']} of them",
        f"{kills['runs_bit_by_bit_the_same']} of {kills['runs_ended']} runs",
        f"{kills['starts_that_found_damage']} starts found",
        f"{divergence['within_5_percent']} of {len(divergence['ratios'])} runs",
        f"({min(divergence['ratios']):.3f} to {max(divergence['ratios']):.3f} times it)",
        *(f"| {name} | {one['found']} of {one['runs']} |" for name, one in alarms["table"].items()),
        f"{sum(one['decays'] for one in plateau['descent'])} decays |",
        " and ".join(f"{one['stopped_at']:,}" for one in plateau["ancestors"]),
        f"{', '.join(str(one['validations_to_the_first_decay']) for one in plateau['plateau'])} "
        "validations",
    ):
        assert figure in text


def test_the_figures_of_chat_are_the_recorded_ones():
    text = (ROOT / "docs/chat.md").read_text("utf-8")
    corpora, chat = result("replies")["corpora"], result("chat")
    rows = [{one["method"]: one for one in rows} for rows in corpora.values()]
    for method in rows[0]:
        cells = [
            f"{one['distinct_2']:.3f} | {one['commonest_share']:.1%} | {one['repetition']:.1%} | "
            f"{one['bleu']:.2f} | {one['bits']:.2f} | {one['milliseconds']:.1f}"
            for one in (found[method] for found in rows)
        ]
        assert f"| {method} | {' | '.join(cells)} |" in text
    ours, greedy = ([one[name] for one in rows] for name in (DEFAULT, "greedy"))
    assert {(one["anti_lm"], one["no_repeat"]) for one in ours} == {(ANTI_LM, NO_REPEAT)}
    ratios = {
        name: [a[name] / b[name] for a, b in zip(ours, greedy, strict=True)]
        for name in ("distinct_2", "bleu", "milliseconds", "commonest_share")
    }
    mmi = [one["MMI 0.5, anti-LM 0.5, beam 10"] for one in rows]
    slower = [a["milliseconds"] / b["milliseconds"] for a, b in zip(mmi, greedy, strict=True)]
    assert 13 < min(slower) < max(slower) < 17  # "some fifteen times"
    assert min(ratios["distinct_2"]) >= 1.5
    assert min(ratios["bleu"]) > 0.85
    assert max(ratios["milliseconds"]) < 2
    for figure in (
        "{:.1f} and {:.1f} times as many different pairs".format(*ratios["distinct_2"]),
        "BLEU is {:.2f} and {:.2f} times".format(*ratios["bleu"]),
        "{:.2f} and {:.2f} times as long".format(*ratios["milliseconds"]),
        "{:.2f} and {:.2f} times as often".format(*ratios["commonest_share"]),
        "{:.2f} and {:.2f} times the replies given".format(*(one["length_ratio"] for one in mmi)),
    ):
        assert figure in " ".join(text.split())
    assert chat["against_tensorflow"]["differ"] == 0
    times = chat["milliseconds_of_ten_tokens"]
    for figure in (
        f"{chat['seconds_to_prompt']['median']:.2f} s",
        f"{chat['seconds_to_first_reply']['median']:.2f} s",
        f"{chat['resident_bytes']['median'] / 1e6:.0f} MB",
        *(f"{times[name]['median']:.1f} ms" for name in ("greedy", "beam 5", "anti-LM 0.5")),
        f"{chat['against_tensorflow']['the_same']:,} of {chat['against_tensorflow']['replies']:,}",
    ):
        assert figure in text
    row = (
        f"{chat['seconds_to_prompt']['median']:.2f} s; {times['greedy']['median']:.1f} ms and "
        f"{times['beam 5']['median']:.1f} ms; {chat['resident_bytes']['median'] / 1e6:.0f} MB"
    )
    assert row in (ROOT / "README.md").read_text("utf-8")


def test_the_figures_of_exported_bots_are_the_recorded_ones():
    text = " ".join((ROOT / "docs/chat.md").read_text("utf-8").split())
    models = result("exported")["models"].values()
    small, whole = ([one[name]["bytes"] / 1e6 for one in models] for name in ("int8", "file"))
    same = [f"{one['int8']['same_replies']:.1%}".replace("%", " %") for one in models]
    for figure in (
        "{:.1f} and {:.1f} MB where {:.1f} and {:.1f} MB were".format(*small, *whole),
        "{} and {} of 300 greedy replies".format(*same),
    ):
        assert figure in text
    for one in models:
        assert one["int8"]["bits_per_character"] - one["file"]["bits_per_character"] < 0.001
        assert one["savedmodel"]["same_replies"] == 1
        assert one["litert"]["milliseconds_a_token"] < 1
        assert one["litert int8"]["bits_lost_per_character"] < 0.001
    served, floats, bytes_ = (
        [one[name] for one in models] for name in ("savedmodel", "litert", "litert int8")
    )
    for figure in (
        "{:.0f} and {:.0f} ms at the median".format(*(one["milliseconds"] for one in served)),
        "{:.0f} and {:.0f} MB, TensorFlow".format(*(one["bytes"] / 1e6 for one in served)),
        f"up to {max(one['peak_memory_bytes'] for one in served) / 1e9:.1f} GB",
        "files have {:.0f} and {:.0f} MB, with bytes {:.0f} and {:.0f} MB".format(
            *(one["bytes"] / 1e6 for one in (*floats, *bytes_))
        ),
        "{:.1f} % and {:.1f} % of the greedy replies as they were, with bytes {:.1f} % and "
        "{:.1f} %".format(*(100 * one["same_replies"] for one in (*floats, *bytes_))),
    ):
        assert figure in text


def test_the_figures_of_the_index_of_replies_are_the_recorded_ones():
    text, found = (ROOT / "docs/chat.md").read_text("utf-8"), result("copies")
    assert found["pairs"] == 4_000_000
    for figure in (
        f"in {found['seconds_by_reading']:.2f} s by reading",
        f"takes {found['seconds_to_index']:.1f} s to make",
        f"{found['milliseconds_by_index']:.0f} ms",
    ):
        assert figure in text


def test_the_table_of_networks_is_the_recorded_one():
    text, runs = (ROOT / "docs/training.md").read_text("utf-8"), result("variants")["runs"]
    corpora = ("train.tsv.gz", "smilechat_3k.jsonl")
    of_first = [key for key in runs if key.startswith("train.tsv.gz, 2 min: ")]
    names = {key.split(": ")[1].removesuffix(", seed 0") for key in of_first}
    assert {"default", "GRU", "no layer norm", "Transformer, 2 layers"} <= names
    for name in names:
        cells = []
        for one in (runs[f"{corpus}, 2 min: {name}, seed 0"] for corpus in corpora):
            cells += [f"{one['bits_per_character']:.3f}", f"{one['question_gain']:.3f}"]
            cells += [f"{one['steps']:,}", f"{one['peak_bytes'] / 1e9:.2f} GB"]
        sample = runs[f"sample, 1 min: {name}, seed 0"]
        cells += [f"{sample['bits_per_character']:.3f}", f"{sample['steps']:,}"]
        assert f"| {name} | {' | '.join(cells)} |" in text
    dgk, smile = (
        [runs[f"{corpus}, 2 min: {name}, seed 0"] for name in ("default", "no layer norm")]
        for corpus in corpora
    )
    assert abs(dgk[0]["bits_per_character"] - dgk[1]["bits_per_character"]) < 0.01
    more = smile[1]["bits_per_character"] - smile[0]["bits_per_character"]
    assert f"without it smilechat takes {more:.2f} bits more" in text
    assert smile[1]["question_gain"] < smile[0]["question_gain"] / 2


def said_of_variants(text, *named):
    """Asserts that a text tells the bits of variants by three seeds; gives the median gains."""
    runs, gains = result("variants")["runs"], []
    for name, words, end in named:
        found = [runs[f"train.tsv.gz on dev.tsv, 2 min: {name}, seed {n}"] for n in range(3)]
        low, middle, high = sorted(one["bits_per_character"] for one in found)
        assert f"{middle:.3f} {words} ({low:.3f} to {high:.3f}{end}" in text
        gains.append(sorted(one["question_gain"] for one in found)[1])
    return gains


@pytest.mark.parametrize(
    "named",
    [
        (
            ("no copying", "with them", ")"),
            ("no copying, random first vectors", "without", ")"),
        ),
        (
            ("default", "with them", ")"),
            ("no copying", "without", ", recorded when they were not yet copied)"),
        ),
    ],
    ids=["first vectors", "copying"],
)
def test_what_a_default_of_training_is_worth_is_what_was_recorded(named):
    text = " ".join((ROOT / "docs/training.md").read_text("utf-8").split())
    gains = said_of_variants(text, *named)
    assert f"the question is worth {gains[0]:.3f} nats a token and {gains[1]:.3f}" in text


def test_what_openings_and_the_holdout_are_worth_is_what_was_recorded():
    text = " ".join((ROOT / "docs/corpora.md").read_text("utf-8").split())
    said_of_variants(
        text,
        ("no copying", "with openings", ")"),
        ("no copying, no openings", "without", ")"),
    )
    dgk, smile = result("holdout").values()
    for way, figures in (
        (
            "one_by_one",
            "{:.0f} of 100 held-out replies of film subtitles would be questions of "
            "training pairs, and {:.0f} of 100 of counselling sessions",
        ),
        ("stretches", "in stretches {:.0f}, most as people say the same again, and {:.0f})"),
    ):
        shares = [100 * corpus[way]["replies_asked"] for corpus in (dgk, smile)]
        assert figures.format(*shares) in text


def test_the_figures_of_memory_are_the_recorded_ones():
    text = (ROOT / "docs" / "memory.md").read_text("utf-8")
    memory = result("memory")
    small, *larger = (memory["build"][name] for name in ("small", "repeated", "whole"))
    for one in (small, *larger):
        cells = [f"{one['pairs']:,}", f"{one['distinct_words']:,}"]
        cells += [f"{one['tokens'] / one['pairs']:.1f}", f"{one['peak_bytes'] / 1e6:.1f} MB"]
        assert f"| {' | '.join(cells)} |" in text
    for one in larger:
        assert f"{(one['peak_bytes'] - small['peak_bytes']) / 1e6:.1f} MB more" in text
    for name in ("few", "whole", "many"):
        one = memory["train"][name]
        cells = [f"{one['pairs']:,}", size(one["store_bytes"]), size(one["peak_bytes"])]
        assert f"| {' | '.join(cells)} |" in text
    assert f"{memory['train']['few_of_many']:.1%}".replace("%", " %") in text


def test_what_is_said_of_forecasts_and_caps_is_what_was_recorded():
    memory = " ".join((ROOT / "docs" / "memory.md").read_text("utf-8").split())
    runs = result("forecast")["runs"]
    assert len(runs) == 19
    assert "fitted to nineteen runs" in memory
    worst = max(abs(run["forecast_bytes"] / run["peak_bytes"] - 1) for run in runs)
    assert f"which they meet within {worst:.0%}".replace("%", " %") in memory
    capped = [(run["training"]["memory"], run) for run in runs if run["training"]["memory"]]
    units = {"MB": 1e6, "GB": 1e9}
    of_cap = [run["peak_bytes"] / float(cap[:-2]) / units[cap[-2:]] for cap, run in capped]
    over = sorted(one for one in of_cap if one > 1)
    assert (len(of_cap), len(over)) == (5, 2)
    first, second = (f"{100 * (one - 1):.0f}" for one in over)
    said = f"five capped runs in the record three stayed below their cap, two ended {first} and"
    assert f"{said} {second} % above it" in memory
    training = (ROOT / "docs" / "training.md").read_text("utf-8")
    one = dict(capped)["900MB"]
    about, parts = f"about {one['forecast_bytes'] / 1e6:.0f} MB", one["parts"]
    assert f"{about} of memory; a step in {parts} parts, to stay under 900MB" in training


def test_the_scaling_table_is_the_recorded_one():
    text = (ROOT / "docs" / "memory.md").read_text("utf-8")
    made = result("scale")["made"]
    assert [one["pairs"] for one in made] == [100_000, 1_000_000, 10_000_000, 30_000_000]
    for one in made:
        cells = [f"{one['pairs']:,}"]
        for run in (one["jieba"], one["rjieba"]):
            cells.append(f"{run['microseconds_per_pair']:.1f} µs")
            cells.append(f"{run['times_jieba_alone_on_all_workers']:.2f}")
            cells.append(f"{run['peak_pss_bytes'] / 1e6:.0f} MB")
        cells.append(f"{one['jieba']['peak_disk_times_text']:.2f}")
        assert f"| {' | '.join(cells)} |" in text
    for name, stage in made[-1]["jieba"]["stages"].items():
        cells = [name, f"{stage['seconds']:.0f} s", f"{stage['peak_pss_bytes'] / 1e6:.0f} MB"]
        cells.append(f"{stage['peak_disk_bytes'] / 1e9:.2f} GB")
        assert f"| {' | '.join(cells)} |" in text
