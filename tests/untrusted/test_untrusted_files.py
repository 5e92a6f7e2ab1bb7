"""Files from elsewhere: models that would run code, and names in files that lead outside their folder."""

from __future__ import annotations

import ast
import builtins
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import records
from hostile import write_trap

from ragcli.config import EmbeddingConfig, IngestConfig, RerankingConfig
from ragcli.config.loading import known_fields, load_config
from ragcli.documents import discover, read
from ragcli.documents.unreadable import UnreadableFile
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.reranking import load_reranker
from ragcli.errors import ConfigError, ModelError, TrainingError, UsageError
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.questions import Question, parse_questions, read_questions
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.training.examples import find_file
from ragcli.training.recipe import Recipe
from ragcli.training.trainer import _load_checkpoint

PACKAGE = Path(__file__).parents[2] / "ragcli"
SECRET = "the canary sings at midnight"


class Trap:
    """What unpickling this does is visible."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.sprung),)


# --- models


@pytest.fixture
def hostile_model(tmp_path: Path, sprung: Path) -> Path:
    """Looks like a model; every file that a library might run makes the folder `sprung`."""
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    write_trap(folder, sprung)
    (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    return folder


CODE = {
    "config.json": {"model_type": "bert", "auto_map": {"AutoModel": "modeling_trap.Model"}},
    "tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["modeling_trap.Model", None]}},
    "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "modeling_trap.Model"}],
    "1_Pooling/modules.json": [{"idx": 0, "name": "0", "path": "", "type": "os.abort"}],
    "modules.json ": "not a list of modules",
}


@pytest.mark.parametrize("file", CODE)
@pytest.mark.parametrize("role", ["bi-encoder", "cross-encoder"])
def test_a_model_that_wants_to_run_code_is_refused(
    hostile_model: Path, sprung: Path, file: str, role: str
) -> None:
    (hostile_model / file.strip()).write_text(json.dumps(CODE[file]), encoding="utf-8")
    assert not refused(hostile_model, role).message.startswith("internal")
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "1_Pooling/weights.pkl"])
@pytest.mark.parametrize("role", ["bi-encoder", "cross-encoder"])
def test_pickled_weights_are_never_opened(hostile_model: Path, sprung: Path, name: str, role: str) -> None:
    (hostile_model / name).write_bytes(pickle.dumps(Trap(sprung)))
    (hostile_model / "model.safetensors").unlink()
    assert "pickle" in refused(hostile_model, role).message
    assert not sprung.exists()


@pytest.mark.long
@pytest.mark.parametrize("role", ["bi-encoder", "cross-encoder"])
def test_a_pickle_beside_safetensors_is_not_opened_either(
    hostile_model: Path, sprung: Path, role: str
) -> None:
    (hostile_model / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(sprung)))
    refused(hostile_model, role)
    assert not sprung.exists()


LOADERS: dict[str, Callable[[dict[str, str]], object]] = {
    "bi-encoder": lambda named: load_bi_encoder(EmbeddingConfig.model_validate(named)),
    "cross-encoder": lambda named: load_reranker(RerankingConfig.model_validate(named)),
}


def refused(folder: Path, role: str) -> ModelError:
    named = {"model": str(folder)}
    with pytest.raises(ModelError) as caught:
        _ = LOADERS[role](named)
    assert caught.value.hint
    return caught.value


def calls() -> list[tuple[str, ast.Call]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found.append((ast.unparse(node.func), node))
    return found


SAFE = {
    "from_pretrained": {"trust_remote_code": False, "local_files_only": True},
    "SentenceTransformer": {"trust_remote_code": False, "local_files_only": True},
    "CrossEncoder": {"trust_remote_code": False, "local_files_only": True},
    "torch.load": {"weights_only": True},
    "np.load": {"allow_pickle": False},
}


def test_whatever_loads_a_file_says_that_it_runs_no_code() -> None:
    seen = set()
    for name, call in calls():
        assert name not in ("pickle.load", "pickle.loads", "eval", "exec", "joblib.load", "torch.hub.load")
        if name.startswith("AutoModel") and name.endswith(".from_pretrained"):
            assert {"use_safetensors"} <= {keyword.arg for keyword in call.keywords}, ast.unparse(call)
        wanted = next((w for end, w in SAFE.items() if name == end or name.endswith(f".{end}")), None)
        if wanted is None:
            continue
        given = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
        assert wanted.items() <= given.items(), f"{ast.unparse(call)} lacks {wanted}"
        seen.add(name.rpartition(".")[2])
    assert {"from_pretrained", "SentenceTransformer", "load"} <= seen


def test_no_setting_trusts_code() -> None:
    assert not [key for key in known_fields() if "trust" in key or "remote_code" in key]
    with pytest.raises(ConfigError, match="Unknown setting"):
        load_config(overrides={"embedding.trust_remote_code": True}, environ={})


@pytest.mark.slow
def test_a_checkpoint_that_is_a_trap_is_an_error(tmp_path: Path, sprung: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(pickle.dumps({"step": 1, "recipe": Trap(sprung)}))
    with pytest.raises(TrainingError, match="not one that ragcli wrote"):
        _load_checkpoint(checkpoint, None, Recipe(name="x"))  # type: ignore[arg-type]
    assert not sprung.exists()


# --- names that lead elsewhere


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that nobody named."""
    file = tmp_path / "private" / "secret.jsonl"
    file.parent.mkdir()
    row = {"q": SECRET, "pos": SECRET, "_id": "1", "text": SECRET, "question": SECRET}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return file


def test_a_recipe_names_files_of_its_folder_only(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link.jsonl").symlink_to(outside)
    for name in ("../private/secret.jsonl", str(outside), "link.jsonl"):
        with pytest.raises(TrainingError, match="leads out of"):
            find_file([folder], name)
    (folder / "own.jsonl").write_text("{}", encoding="utf-8")
    (folder / "again.jsonl").symlink_to(folder / "own.jsonl")
    assert find_file([folder], "again.jsonl").exists()


def test_a_judged_collection_reads_files_of_its_folder_only(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "why?"}\n', encoding="utf-8")
    (folder / "corpus.jsonl").symlink_to(outside)
    with pytest.raises(UsageError, match=r"corpus\.jsonl leads outside"):
        read_beir(folder)
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "because"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="leads outside"):
        read_beir(folder, split="../../private/secret")


@pytest.mark.parametrize("suffix", ["", "#Secret", "#../secret", "#/etc/passwd"])
def test_a_question_s_gold_is_compared_and_never_opened(
    outside: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (
        f"{outside}{suffix}",
        f"../../private/secret.jsonl{suffix}",
        f"file://{outside}{suffix}",
        suffix or "/",
    )
    question = Question("1", "Who sings?", relevant=names, evidence=(SECRET,))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    for place, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "scandir")):
        monkeypatch.setattr(place, name, never)
    assert relevant_chunks(question, records.CHUNKS) == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        '{"question": ' + "[" * 100_000,
        '{"question": "\\ud800"}',
        '{"question": "x", "id": "\\udfff"}',
        "\x00",
        '{"question": 1e999}',
    ],
)
def test_a_question_file_that_is_a_trap_is_one_error(tmp_path: Path, line: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_questions(file)
    assert caught.value.hint
    assert len(caught.value.message) < 300


def test_a_question_of_undecodable_bytes_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli_helper import run

    monkeypatch.chdir(tmp_path)
    outcome = run("search", "what \udcff?")
    assert outcome.status == 2
    assert "bytes that are not text" in outcome.stderr
    with pytest.raises(UsageError):
        parse_questions('{"question": "\\ud83d"}')


def test_links_of_links_and_links_of_folders_stay_inside(tmp_path: Path, outside: Path) -> None:
    """Ways out: over a second link, over a folder, absolute, relative, and into /proc."""
    root = tmp_path / "docs"
    (root / "sub").mkdir(parents=True)
    (root / "own.md").write_text("mine", encoding="utf-8")
    (root / "sub" / "inside.md").symlink_to("../own.md")
    (root / "first.md").symlink_to("second.md")
    (root / "second.md").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent, target_is_directory=True)
    (root / "up").symlink_to("../private", target_is_directory=True)
    (root / "environment.txt").symlink_to("/proc/self/environ")
    (root / "here.md").symlink_to("/proc/self/cwd")
    found = discover([root], IngestConfig())
    assert {path.resolve() for path in found.files} == {(root / "own.md").resolve()}
    reasons = {report.reason for report in found.skipped}
    assert reasons == {"link leads outside the ingested folders"}
    assert len(found.skipped) == 6


def test_a_word_document_s_entities_read_no_file(tmp_path: Path, outside: Path) -> None:
    import docx

    made = tmp_path / "plain.docx"
    document = docx.Document()
    document.add_paragraph("before PLACE after")
    document.save(str(made))
    trap = tmp_path / "trap.docx"
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(trap, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{outside.as_uri()}">]>'.encode()
                head, _, rest = data.partition(b"?>")
                data = head + b"?>" + entity + rest.replace(b"PLACE", b"&e;")
            target.writestr(name, data)
    try:
        text = read(trap).text
    except UnreadableFile:
        return
    assert SECRET not in text
