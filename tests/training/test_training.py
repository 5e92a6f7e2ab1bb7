"""Training runs with the real encoder, a few steps each: what they reach, resume and write."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from ragcli.config import RerankingConfig
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.calibration import Calibration
from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.encoders.reranking import load_reranker
from ragcli.errors import TrainingError, UsageError
from ragcli.evaluation.questions import read_questions
from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files
from ragcli.reporting.screens.terminal import PlainConsole
from ragcli.reporting.screens.training import print_report
from ragcli.training import trainer
from ragcli.training.examples import Mined, measuring_tasks, mine_recipe
from ragcli.training.mining import Example
from ragcli.training.model_folder import write_model
from ragcli.training.network import new_network
from ragcli.training.objective import listwise_loss
from ragcli.training.recipe import Recipe
from ragcli.training.run import train_reranker
from ragcli.training.scoring import score_pairs
from ragcli.training.trainer import train

CORPORA = Path(__file__).parents[2] / "corpora"
BASE = Path(bi_encoder_files(EMBEDDED_BI_ENCODER).folder)
RECIPE = Recipe.model_validate(
    {
        "name": "tiny",
        "held_out_share": 0.3,
        "measured_passages": 40,
        "measured_depth": 6,
        "model": {"max_tokens": 48},
        "negatives": {"count": 2, "hard": 4, "margin": 0.5},
        "loss": {"soft_weight": 0.1},
        "schedule": {"steps": 8, "questions_per_step": 4, "learning_rate": 5e-4, "warmup": 1},
        "sets": [{"file": "homonyms.jsonl"}],
    }
)
QUESTION = "What does a python eat?"
PASSAGES = [
    "It squeezes mammals and birds.",
    "A language with an interpreter.",
    "Sketches for television. " * 30,
]


@pytest.fixture(scope="module")
def mined(embedder: BiEncoder, tmp_path_factory: pytest.TempPathFactory) -> Mined:
    """Questions about homonyms with the sentences that answer them, as a training file of 32 pairs."""
    folder = tmp_path_factory.mktemp("data")
    questions = [q for q in read_questions(CORPORA / "homonyms" / "questions.jsonl") if q.evidence][:32]
    rows = [{"q": q.text, "pos": q.evidence[0] + ".", "group": q.id} for q in questions]
    (folder / "homonyms.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return mine_recipe(
        RECIPE, [folder], embedder.embed, fingerprint=embedder.fingerprint, cache=folder / "cache"
    )


@dataclass(frozen=True)
class Run:
    network: Any
    tokenizer: Any
    checkpoint: Path


@pytest.fixture(scope="module")
def finished(mined: Mined, tmp_path_factory: pytest.TempPathFactory) -> Run:
    checkpoint = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    network, tokenizer = train(mined.train, RECIPE, base=BASE, checkpoint=checkpoint, resume=False)
    return Run(network, tokenizer, checkpoint)


def loss_of(network: Any, tokenizer: Any, examples: tuple[Example, ...]) -> float:
    questions = [e.question for e in examples for _ in e.passages]
    logits = score_pairs(network, tokenizer, questions, [p for e in examples for p in e.passages])
    return float(
        listwise_loss(
            torch.tensor(logits).view(len(examples), -1),
            torch.tensor([e.similarities for e in examples]),
            torch.tensor([e.taught for e in examples]),
            torch.tensor([e.soft_weight for e in examples]),
            torch.zeros(len(examples)),
            temperature=RECIPE.loss.temperature,
            prior_share=0.0,
        )
    )


class TestARun:
    def test_the_loss_falls(self, finished: Run, mined: Mined) -> None:
        before = new_network(BASE, freeze_embeddings=True, device="cpu", dtype=torch.bfloat16).eval()
        first = loss_of(before, finished.tokenizer, mined.train)
        assert loss_of(finished.network, finished.tokenizer, mined.train) < 0.8 * first

    def test_a_new_head_is_the_same_whatever_was_drawn_before(self) -> None:
        """Runs of several seeds can then be averaged."""
        heads = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            network = new_network(BASE, freeze_embeddings=True, device="cpu", dtype=torch.float32)
            heads.append(network.classifier.weight)
        assert torch.equal(*heads)

    def test_the_word_embeddings_stay_those_of_the_base(self, finished: Run) -> None:
        before = new_network(BASE, freeze_embeddings=True, device="cpu", dtype=torch.float32)
        name = "bert.embeddings.word_embeddings.weight"
        assert torch.equal(finished.network.state_dict()[name], before.state_dict()[name])

    def test_killed_and_resumed_it_reaches_the_same_weights(
        self, finished: Run, mined: Mined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last checkpoint is two steps old when the run dies."""
        checkpoint = tmp_path / "checkpoint.pt"
        monkeypatch.setattr(trainer, "_save_checkpoint", saves_until(4, trainer._save_checkpoint))
        monkeypatch.setattr(trainer, "_step", dies_at(6, trainer._step))
        often = RECIPE.model_copy(
            update={"schedule": RECIPE.schedule.model_copy(update={"checkpoint_minutes": 1e-9})}
        )
        with pytest.raises(KeyboardInterrupt):
            train(mined.train, often, base=BASE, checkpoint=checkpoint, resume=False)
        monkeypatch.undo()
        assert torch.load(checkpoint, weights_only=True)["step"] == 4

        network, _ = train(mined.train, RECIPE, base=BASE, checkpoint=checkpoint, resume=True)
        assert same(network.state_dict(), finished.network.state_dict())
        masters, expected = (
            torch.load(p, weights_only=True)["masters"] for p in (checkpoint, finished.checkpoint)
        )
        assert all(torch.equal(one, other) for one, other in zip(masters, expected, strict=True))

    def test_the_checkpoint_of_another_recipe_is_refused(
        self, finished: Run, mined: Mined, tmp_path: Path
    ) -> None:
        other = RECIPE.model_copy(update={"seed": 8})
        with pytest.raises(TrainingError, match="belongs to another recipe"):
            train(mined.train, other, base=BASE, checkpoint=finished.checkpoint, resume=True)

    def test_fewer_questions_than_a_step_takes_are_one_error(self, mined: Mined, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="3 usable questions are fewer than one step of 4"):
            train(mined.train[:3], RECIPE, base=BASE, checkpoint=tmp_path / "c.pt", resume=False)


def saves_until(step: int, save: Callable[..., None]) -> Callable[..., None]:
    def limited(path: Path, masters: Any, recipe: Recipe, now: int) -> None:
        if now <= step:
            save(path, masters, recipe, now)

    return limited


def dies_at(step: int, take: Callable[..., float]) -> Callable[..., float]:
    def mortal(*arguments: Any) -> float:
        if arguments[5] == step:
            raise KeyboardInterrupt
        return take(*arguments)

    return mortal


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class TestWhatIsMined:
    def test_no_question_is_both_trained_on_and_held_out(self, mined: Mined) -> None:
        held, pool = mined.held_out["homonyms"]
        trained = {example.question for example in mined.train}
        assert trained.isdisjoint({pair.question for pair in held})
        assert len(held) == 9
        assert len(pool) == 32

    def test_the_cache_brings_back_the_same(self, mined: Mined, embedder: BiEncoder, tmp_path: Path) -> None:
        rows = [{"q": p.question, "pos": p.passage, "group": p.group} for p in mined.held_out["homonyms"][1]]
        (tmp_path / "homonyms.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

        def once_more(embed: Any) -> Mined:
            return mine_recipe(RECIPE, [tmp_path], embed, fingerprint="f", cache=tmp_path / "cache")

        first = once_more(embedder.embed)
        assert first.train == mined.train
        assert once_more(None) == first  # nothing is embedded any more

    def test_a_file_that_is_nowhere_is_one_error(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"homonyms\.jsonl is not in") as caught:
            mine_recipe(RECIPE, [tmp_path], lambda texts: None, fingerprint="f", cache=tmp_path)
        assert "--data" in caught.value.hint

    def test_held_out_questions_become_ranking_tasks(self, mined: Mined, embedder: BiEncoder) -> None:
        tasks = measuring_tasks(RECIPE, mined, embedder.embed)["homonyms"]
        assert {task.question for task in tasks} == {p.question for p in mined.held_out["homonyms"][0]}
        assert all(len(task.passages) == 6 and task.ideal == (1.0,) for task in tasks)


class TestTheScores:
    def test_they_come_in_the_order_asked_and_finer_than_bfloat16(self, finished: Run) -> None:
        network = copy.deepcopy(finished.network).to(torch.bfloat16)

        def scores(passages: list[str]) -> list[float]:
            questions = [QUESTION] * len(passages)
            return score_pairs(network, finished.tokenizer, questions, passages, batch_size=1)

        logits = scores(PASSAGES)
        assert scores(PASSAGES[::-1]) == logits[::-1]
        assert torch.tensor(logits).bfloat16().float().tolist() != logits
        assert network.classifier.weight.dtype == torch.bfloat16


@pytest.fixture(scope="module")
def folder(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, written."""
    folder = tmp_path_factory.mktemp("written") / "model"
    write_model(
        copy.deepcopy(finished.network),
        finished.tokenizer,
        folder,
        prior=Prior(4.0, 30, 0.3),
        calibration=Calibration(0.5, -1.0),
        max_tokens=512,
        trained_on=(),
        card="# A card\n",
    )
    return folder


class TestTheFolder:
    def test_it_holds_safetensors_in_float16_and_no_pickle(self, folder: Path) -> None:
        from safetensors.torch import load_file

        assert {
            t.dtype for t in load_file(folder / "model.safetensors").values() if t.is_floating_point()
        } == {torch.float16}
        assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".txt", ".md"}
        assert (folder / "model.safetensors").stat().st_size < 50_000_000
        assert "_name_or_path" not in (folder / "config.json").read_text()

    def test_ragcli_finds_its_own_facts(self, folder: Path) -> None:
        facts = json.loads((folder / "ragcli.json").read_text())
        assert facts["sha256"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        reranker = load_reranker(RerankingConfig(model=str(folder)))
        assert reranker.fingerprint == facts["sha256"]
        assert reranker.prior == Prior(4.0, 30, 0.3)
        assert reranker.probability(2.0) == pytest.approx(0.5)

    def test_sentence_transformers_reads_it_as_it_stands_with_the_same_logits(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ragcli.encoders.bert.precision", lambda: "float32")
        from sentence_transformers import CrossEncoder

        model: Any = CrossEncoder(str(folder))
        assert {parameter.dtype for parameter in model.model.parameters()} == {torch.float32}
        assert model.tokenizer.model_max_length == 512
        theirs = [float(logit) for logit in model.predict([(QUESTION, passage) for passage in PASSAGES])]
        ours = load_reranker(RerankingConfig(model=str(folder), max_tokens=512)).logits(QUESTION, PASSAGES)
        assert ours == pytest.approx(theirs, abs=1e-4)

    def test_they_are_the_logits_that_were_measured(self, folder: Path, finished: Run) -> None:
        measured = score_pairs(finished.network, finished.tokenizer, [QUESTION] * 3, PASSAGES)
        read = load_reranker(RerankingConfig(model=str(folder))).logits(QUESTION, PASSAGES)
        assert read == pytest.approx(measured, abs=0.05)

    def test_a_model_of_the_same_name_is_replaced_and_anything_else_refused(
        self, folder: Path, finished: Run, tmp_path: Path
    ) -> None:
        def write(target: Path) -> None:
            write_model(
                copy.deepcopy(finished.network),
                finished.tokenizer,
                target,
                prior=NO_PRIOR,
                calibration=Calibration(1.0, 0.0),
                max_tokens=512,
                trained_on=(),
                card="# Another card\n",
            )

        again = tmp_path / "model"
        shutil.copytree(folder, again)
        (again / "left.md").write_text("from before")
        write(again)
        assert (again / "README.md").read_text() == "# Another card\n"
        assert not (again / "left.md").exists()
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

        thesis = tmp_path / "thesis" / "chapter1.tex"
        thesis.parent.mkdir()
        thesis.write_text("Five years of work.")
        with pytest.raises(UsageError, match="something other"):
            write(thesis.parent)
        assert thesis.read_text() == "Five years of work."


class TestTheGain:
    """One step at next to no rate: the head still scores at random."""

    useless = RECIPE.model_copy(
        update={"schedule": RECIPE.schedule.model_copy(update={"steps": 1, "learning_rate": 1e-12})}
    )

    def test_no_gain_writes_no_model_and_force_writes_it_all_the_same(
        self, mined: Mined, embedder: BiEncoder, tmp_path: Path
    ) -> None:
        tasks = measuring_tasks(self.useless, mined, embedder.embed)
        out, work = tmp_path / "model", tmp_path / "work"

        def attempt(*, force: bool) -> Any:
            return train_reranker(
                self.useless, mined.train, tasks, base=BASE, out=out, work=work, resume=force, force=force
            )

        with pytest.raises(TrainingError, match="no gain: nDCG@10 changes by") as caught:
            attempt(force=False)
        assert "--force" in caught.value.hint
        assert not out.exists()

        report = attempt(force=True)
        assert report.folder == out
        assert not report.gain.is_shown
        assert load_reranker(RerankingConfig(model=str(out))).fingerprint == report.sha256
        card = (out / "README.md").read_text()
        assert "| homonyms | 4 |" in card
        assert "`homonyms.jsonl`" in card
        assert "may have seen" not in card

        screen = io.StringIO()
        print_report(PlainConsole(screen, {}), report)
        assert "homonyms" in screen.getvalue()
        assert f"Written to {out}" in screen.getvalue().replace("\n", "")

    def test_a_model_that_is_trained_on_is_compared_with_itself(
        self, folder: Path, mined: Mined, embedder: BiEncoder, tmp_path: Path
    ) -> None:
        tasks = measuring_tasks(self.useless, mined, embedder.embed)
        report = train_reranker(
            self.useless, mined.train, tasks, base=folder, out=tmp_path / "m", work=tmp_path, force=True
        )
        assert report.gain.over_start is not None
        assert abs(report.gain.over_start.mean) < 0.2  # a step that changes nothing; the prior is chosen anew
        assert "which it goes on from, may have seen some." in (tmp_path / "m" / "README.md").read_text()

    @pytest.mark.parametrize("left", [0, 1])
    def test_it_takes_two_held_out_questions(
        self, mined: Mined, embedder: BiEncoder, tmp_path: Path, left: int
    ) -> None:
        tasks = {"s": measuring_tasks(RECIPE, mined, embedder.embed)["homonyms"][:left]}
        with pytest.raises(TrainingError, match="too few questions"):
            train_reranker(
                RECIPE, mined.train, tasks, base=BASE, out=tmp_path / "model", work=tmp_path / "work"
            )
