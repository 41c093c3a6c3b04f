"""Rules that keep the tree readable: import order, what may be imported early, who may print."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chatbot"

ORDER = [
    "errors",
    "settings",
    "config.corpus",
    "config.training",
    "config.reply",
    "config",
    "folder",
    "locking",
    "memory",
    "history",
    "machine",
    "cluster",
    "corpus.files.packings",
    "corpus.files.unpacking",
    "corpus.files.sources",
    "corpus.files.containers",
    "corpus.files.characters",
    "corpus.files.encodings",
    "corpus.files.detection",
    "corpus.files.mending",
    "corpus.files.text",
    "corpus.formats.base",
    "corpus.formats.shape",
    "corpus.formats.turns",
    "corpus.formats.people",
    "corpus.formats.headings",
    "corpus.formats.rows",
    "corpus.formats.conv",
    "corpus.formats.separated",
    "corpus.formats.table",
    "corpus.formats.speakers",
    "corpus.formats.answers",
    "corpus.formats.plain",
    "corpus.formats.chat",
    "corpus.formats.marked",
    "corpus.formats.contexts",
    "corpus.formats.fbdialog",
    "corpus.formats.json_cursor",
    "corpus.formats.json_stream",
    "corpus.formats.json_shapes",
    "corpus.formats.json_lists",
    "corpus.formats.json_messages",
    "corpus.formats.instruction",
    "corpus.formats.question_answers",
    "corpus.formats.chatterbot",
    "corpus.formats.sqlite",
    "corpus.formats.names",
    "corpus.formats.cornell",
    "corpus.formats.paired",
    "corpus.formats",
    "corpus.pairs",
    "corpus.normalise",
    "corpus.markov",
    "corpus.segmenter",
    "corpus.tokenizer",
    "corpus.vocabulary",
    "corpus.vectors",
    "corpus.encoded",
    "corpus.shard",
    "corpus.store",
    "corpus.sampler",
    "corpus.batches",
    "corpus.dialogue",
    "corpus.cleaning",
    "corpus.doctor.scripts",
    "corpus.doctor.census",
    "corpus.doctor.survey",
    "corpus.spill",
    "corpus.holdout",
    "corpus.words",
    "corpus.cutting",
    "corpus.repeats",
    "corpus.segmented",
    "corpus.recorded",
    "corpus.merging",
    "corpus.recoding",
    "corpus.choosing",
    "corpus.storing",
    "corpus.installing",
    "corpus.building",
    "corpus.doctor.concerns",
    "corpus.doctor.shape",
    "corpus.doctor.forecast",
    "corpus.doctor.budget",
    "corpus.doctor.rules",
    "corpus.doctor.advice",
    "learn.packing",
    "learn.lookup",
    "learn.smoothing",
    "learn.followers",
    "learn.ngrams",
    "learn.cooccurrence",
    "learn.comparison",
    "learn.schedule",
    "learn.recovery",
    "learn.ending",
    "learn.position",
    "learn.bundle",
    "learn.saved",
    "learn.tf",
    "learn.remote",
    "learn.cells",
    "learn.recurrent",
    "learn.norm",
    "learn.losses",
    "learn.output",
    "learn.experts",
    "learn.mixture",
    "learn.dropout",
    "learn.gathers",
    "learn.groups",
    "learn.attention",
    "learn.model",
    "learn.recurrent_model",
    "learn.transformer",
    "learn.networks",
    "learn.optimizer",
    "learn.parts",
    "learn.team",
    "learn.engine",
    "learn.beginning",
    "learn.saving",
    "learn.pace",
    "learn.checkpoint",
    "learn.extending",
    "learn.sharing",
    "learn.mending",
    "learn.journal",
    "learn.clock",
    "learn.judging",
    "learn.averaging",
    "learn.watcher",
    "learn.training",
    "learn.strategies",
    "learn.joining",
    "learn.agreeing",
    "learn.preparing",
    "talk.network",
    "talk.recurrent_network",
    "talk.transformer_network",
    "talk.networks",
    "talk.stored",
    "talk.why",
    "talk.decoder",
    "talk.rules",
    "talk.drawing",
    "talk.beam",
    "talk.decoding",
    "talk.question",
    "talk.backward",
    "talk.banning",
    "talk.bot",
    "talk.reply_index",
    "talk.copies",
    "talk.conversation",
    "talk.measures",
    "talk.alarms",
    "talk.watching",
    "talk.events",
    "talk.tensorboard",
    "talk.evaluation",
    "talk.baselines",
    "talk.assessment",
    "graph.segmenting",
    "graph.text",
    "graph.counts",
    "graph.network",
    "graph.recurrent",
    "graph.transformer",
    "graph.networks",
    "graph.replying",
    "graph.served",
    "graph.lite",
    "cli.options",
    "cli.show",
    "cli.wording",
    "cli.sparks",
    "cli.standing",
    "cli.panel",
    "cli.live",
    "cli.display",
    "cli.survey_text",
    "cli.corpora",
    "cli.plots",
    "cli.document",
    "cli.run_events",
    "cli.run_facts",
    "cli.curves",
    "cli.curve_svg",
    "cli.curve_png",
    "cli.run_page",
    "cli.survey_page",
    "cli.inspect",
    "cli.build_vocab",
    "cli.merge",
    "cli.train",
    "cli.heat",
    "cli.heat_png",
    "cli.repl",
    "cli.chat",
    "cli.evaluation_text",
    "cli.evaluate",
    "cli.export",
    "cli.info",
    "cli.report",
    "cli",
]
"""From the bottom up: a module imports only what stands before it."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__main__.py" and path != PACKAGE / "__init__.py"
}


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatbot."):
            module = node.module.removeprefix("chatbot.")
            inner = [f"{module}.{name.name}" for name in node.names]
            found += [name if name in MODULES else module for name in inner]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
            found += [n.removeprefix("chatbot.") for n in names if n.startswith("chatbot.")]
    return found


def test_the_order_names_every_module_once():
    bare = {
        "corpus",
        "corpus.files",
        "corpus.doctor",
        "learn",
        "talk",
        "graph",
    }  # a package docstring and nothing else
    assert sorted(ORDER) == sorted(set(MODULES) - bare)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_stands_before_it(module):
    if module not in ORDER:
        return
    place = ORDER.index(module)
    late = [name for name in imports_of(MODULES[module]) if ORDER.index(name) >= place]
    assert late == []


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_line_starts_without_tensorflow_jieba_and_numpy():
    loaded = loaded_after("import chatbot.cli")
    assert loaded & {"tensorflow", "keras", "jieba", "numpy", "rich", "prompt_toolkit"} == set()


def test_reading_a_corpus_needs_no_tensorflow():
    loaded = loaded_after("import chatbot.corpus.building, chatbot.corpus.batches")
    assert loaded & {"tensorflow", "keras", "jieba"} == set()


def test_a_bot_answers_without_tensorflow():
    assert loaded_after("import chatbot.talk.bot") & {"tensorflow", "keras", "jieba"} == set()


def test_importing_chatbot_costs_nothing():
    assert loaded_after("import chatbot") & {"tensorflow", "jieba", "numpy", "click"} == set()


def calls(path: Path, name: str) -> list[int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    ]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_prints_and_nothing_asserts(module):
    path = MODULES[module]
    assert calls(path, "print") == []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Assert)] == []
    bare = [
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.ExceptHandler)
        and (n.type is None or getattr(n.type, "id", "") in ("Exception", "BaseException"))
    ]
    assert bare == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_says_what_it_is(module):
    assert ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_is_short_enough_to_read(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 330


def test_the_sample_is_what_it_promises():
    chinese, english = (
        [line.split("\t") for line in (ROOT / "data" / name).read_text("utf-8").splitlines()]
        for name in ("chinese.tsv", "english.tsv")
    )
    assert all(
        len(line) == 2 and all(side == side.strip() != "" for side in line)
        for line in chinese + english
    )
    assert len(chinese) >= 1_000
    assert len({reply for _, reply in chinese}) >= 900
    assert len(english) >= 200
    said = (ROOT / "data" / "README.md").read_text("utf-8")
    assert f"{len(chinese):,} question-reply pairs" in said
    assert f"`english.tsv`: {len(english)} " in said
