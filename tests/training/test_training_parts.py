"""What a training run is made of, without a network: recipe, pairs, negatives, loss, batches."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ragcli.errors import ConfigError, TrainingError
from ragcli.evaluation.questions import Question
from ragcli.training.mining import Example, mine
from ragcli.training.objective import learning_rate, listwise_loss
from ragcli.training.own_questions import mine_own, own_pairs
from ragcli.training.pairs import Pair, draw_pairs, hold_out, read_pairs
from ragcli.training.recipe import NegativesRecipe, Recipe, TrainingSet, load_recipe, settled_steps
from ragcli.training.trainer import batches, pair_texts
from tests.plane import Plane
from tests.records import CHUNKS

ROOT = Path(__file__).parents[2]
STAGES = ("first", "second", "third", "fourth")


class TestARecipe:
    @pytest.mark.parametrize(
        "path", [*(f"recipes/{stage}_stage.toml" for stage in STAGES), "ragcli/training/own.toml"]
    )
    def test_those_in_the_repository_are_valid(self, path: str) -> None:
        assert load_recipe(ROOT / path).name

    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ('name = "x"\nspeed = 3', "speed"),
            ('name = "x"\n[schedule]\nrate = 1', "schedule.rate"),
            ('name = "x"\n[[sets]]\nfile = "a"\nweight = 2', "sets.0.weight"),
            ('name = "x"\n[schedule]\nlearning_rate = -1', "schedule.learning_rate"),
            ("seed = 7", "name"),
            ("name = ", "not TOML"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, text: str, key: str) -> None:
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=key) as caught:
            load_recipe(path)
        assert str(path) in caught.value.message

    def test_a_missing_file_is_one_error(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read"):
            load_recipe(tmp_path / "none.toml")

    def test_unset_steps_are_three_passes_and_twenty_at_least(self) -> None:
        recipe = Recipe(name="x")
        assert settled_steps(recipe, 1600).schedule.steps == 300
        assert settled_steps(recipe, 10).schedule.steps == 20


class TestTrainingFiles:
    rows = (
        {"q": "A?", "pos": "a", "title": "t", "group": "wiki:1"},
        {"q": "B?", "pos": "b", "title": None, "group": "wiki:test2"},
        {"q": "C?", "pos": "c"},
    )

    def file(self, folder: Path, rows: Sequence[object], name: str = "s.jsonl.gz") -> Path:
        path = folder / name
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    @pytest.mark.parametrize("name", ["s.jsonl.gz", "s.jsonl"])
    def test_a_pair_without_a_group_is_a_group_of_its_own(self, tmp_path: Path, name: str) -> None:
        path = self.file(tmp_path, self.rows, name)
        assert read_pairs(path, TrainingSet(file=name)) == (
            Pair("A?", "a", "t", "wiki:1"),
            Pair("B?", "b", "", "wiki:test2"),
            Pair("C?", "c", "", "2"),
        )

    def test_groups_are_kept_and_left_out_by_their_beginning(self, tmp_path: Path) -> None:
        path = self.file(tmp_path, self.rows)
        wanted = TrainingSet(file=path.name, only_groups="wiki:", leave_out_groups="wiki:test")
        assert [pair.question for pair in read_pairs(path, wanted)] == ["A?"]

    def test_a_limit_draws_by_the_seed_and_keeps_the_order(self) -> None:
        pairs = [Pair(f"{number:02}", "p", "", "g") for number in range(50)]
        drawn = draw_pairs(pairs, 10, seed=7)
        assert len(drawn) == 10
        assert list(drawn) == sorted(drawn, key=lambda pair: pair.question)
        assert drawn == draw_pairs(pairs, 10, seed=7)
        assert drawn != draw_pairs(pairs, 10, seed=8)

    def test_without_a_limit_or_below_it_all_are_taken(self) -> None:
        pairs = (Pair("A?", "a", "", "1"), Pair("B?", "b", "", "2"))
        assert draw_pairs(pairs, 0, seed=7) == draw_pairs(pairs, 2, seed=7) == pairs

    @pytest.mark.parametrize("row", ["text", {"q": "A?"}, {"q": None, "pos": "a"}])
    def test_a_record_without_its_texts_is_named(self, tmp_path: Path, row: object) -> None:
        path = self.file(tmp_path, [self.rows[0], row])
        with pytest.raises(TrainingError, match="record 2: no texts 'q' and 'pos'"):
            read_pairs(path, TrainingSet(file=path.name))

    def test_what_cannot_be_read_is_one_error(self, tmp_path: Path) -> None:
        cut = tmp_path / "cut.jsonl.gz"
        cut.write_bytes(self.file(tmp_path, self.rows).read_bytes()[:-12])
        for path in (cut, tmp_path / "none.jsonl.gz", tmp_path):
            with pytest.raises(TrainingError, match="cannot be read"):
                read_pairs(path, TrainingSet(file=path.name))


class TestHoldingOut:
    pairs = tuple(Pair(f"q{n}", f"p{n}", "", f"g{n // 3}") for n in range(60))

    def test_groups_go_as_a_whole(self) -> None:
        train, held = hold_out(self.pairs, 10, 0.5, seed=7)
        assert {pair.group for pair in train}.isdisjoint({pair.group for pair in held})
        assert sorted((*train, *held), key=lambda p: p.question) == sorted(
            self.pairs, key=lambda p: p.question
        )
        assert 10 <= len(held) < 13

    def test_the_share_bounds_it(self) -> None:
        assert 6 <= len(hold_out(self.pairs, 1000, 0.1, seed=7)[1]) < 9

    def test_the_seed_decides(self) -> None:
        assert hold_out(self.pairs, 10, 0.5, 7) == hold_out(self.pairs, 10, 0.5, 7)
        assert hold_out(self.pairs, 10, 0.5, 7) != hold_out(self.pairs, 10, 0.5, 8)

    def test_something_is_left_to_train_on(self) -> None:
        one_group = tuple(Pair(f"q{n}", "p", "", "g") for n in range(9))
        assert hold_out(one_group, 3, 0.5, 7) == (one_group, ())


class TestMining:
    def setup_method(self) -> None:
        self.plane = Plane(q=0, gold=30, near=10, beside=29, far=60, away=90, other=35)
        self.gold = Pair("q", "gold text", "", "1")
        self.pool = (
            self.gold,
            *(Pair("", f"{name} text", "", "") for name in ("near", "beside", "far", "away")),
        )

    def mined(
        self, pool: Sequence[Pair] | None = None, own_group: bool = True, **settings: Any
    ) -> tuple[Example, ...]:
        recipe = NegativesRecipe(**{"count": 2, "depth": 50, "hard": 2, "margin": 0.05, **settings})
        return mine([self.gold], pool or self.pool, self.plane, recipe, 0.2, seed=7, own_group=own_group)

    def test_the_gold_passage_comes_first_and_similarities_follow_the_passages(self) -> None:
        (example,) = self.mined()
        assert example.passages[0] == "gold text"
        assert example.soft_weight == 0.2
        expected = [
            math.cos(math.radians(self.plane.angles[text.split(" ")[0]])) for text in example.passages
        ]
        assert example.similarities == pytest.approx(expected, abs=1e-6)

    def test_a_passage_much_nearer_than_the_gold_one_may_answer_too(self) -> None:
        assert set(self.mined(count=3)[0].passages[1:]) == {"beside text", "far text", "away text"}
        assert set(self.mined(count=4, margin=0.2)[0].passages[1:]) == {
            f"{name} text" for name in ("near", "beside", "far", "away")
        }

    def test_no_other_gold_passage_of_the_question_is_a_negative(self) -> None:
        pool = (*self.pool, Pair("q", "other text", "", "2"))
        assert "other text" not in self.mined(pool, count=3)[0].passages

    def test_passages_of_the_gold_ones_own_group_are_negatives_only_where_they_may_be(self) -> None:
        pool = (*self.pool, Pair("another question", "other text", "", "1"))
        assert "other text" in self.mined(pool, count=4)[0].passages
        assert "other text" not in self.mined(pool, count=3, own_group=False)[0].passages

    def test_no_window_of_the_gold_passage_is_a_negative(self) -> None:
        pool = (*self.pool, Pair("", "other one: gold text and more", "", ""))
        assert self.mined(pool, count=4) == ()

    def test_passages_that_were_judged_irrelevant_are_negatives_first_however_near_they_are(self) -> None:
        self.gold = replace(self.gold, irrelevant=("near text",))
        (example,) = self.mined(count=1)
        assert example.passages[1:] == ("near text",)
        (example,) = self.mined(count=4)
        assert set(example.passages[1:]) == {f"{name} text" for name in ("near", "beside", "far", "away")}

    def test_a_passage_is_no_negative_where_its_text_is_relevant_elsewhere(self) -> None:
        self.gold = replace(self.gold, irrelevant=("gold text", "other text"))
        pool = (*self.pool, Pair("q", "other text", "", "2"))
        assert set(self.mined(pool, count=3)[0].passages[1:]).isdisjoint({"gold text", "other text"})

    def test_half_are_from_the_nearest(self) -> None:
        names = [f"n{n}" for n in range(40)]
        self.plane = Plane(q=0, gold=10, **{name: 20 + n for n, name in enumerate(names)})
        pool = (self.gold, *(Pair("", f"{name} text", "", "") for name in names))
        (example,) = self.mined(pool, count=6, hard=5, depth=30)
        numbers = [int(text.split(" ")[0][1:]) for text in example.passages[1:]]
        assert sum(number < 5 for number in numbers) == 3
        assert max(numbers) < 30
        assert len(set(numbers)) == 6

    def test_too_few_negatives_leave_the_question_out(self) -> None:
        assert self.mined(count=5) == ()

    def test_the_seed_decides(self) -> None:
        pairs = [Pair("q", "gold text", "", "1")] * 20
        recipe = NegativesRecipe(count=1, hard=3, margin=1.0)
        drawn = [mine(pairs, self.pool, self.plane, recipe, 0.2, seed) for seed in (7, 7, 8)]
        assert drawn[0] == drawn[1]
        assert drawn[0] != drawn[2]


class TestOnesOwnQuestions:
    def test_relevant_chunks_are_the_gold_passages(self) -> None:
        source = CHUNKS[0].source
        pairs = own_pairs([Question("a", "Which?", relevant=(source,)), Question("b", "None?")], CHUNKS)
        assert {(pair.question, pair.group) for pair in pairs} == {("Which?", "a")}
        assert {pair.passage for pair in pairs} == {c.text for c in CHUNKS if c.source == source}

    def test_a_judges_word_counts_in_part_and_against_what_the_question_names(self) -> None:
        first, second, third, *_ = CHUNKS
        judged = ((first.id, 0.0), (second.id, 0.5), (third.id, 1.0))
        asked = Question("a", "Which?", evidence=(first.text,), judged=judged, judged_by="a person")
        pairs = own_pairs([asked], CHUNKS)
        assert [pair.passage for pair in pairs] == [second.text, third.text]
        assert {pair.irrelevant for pair in pairs} == {(first.text,)}

    def test_questions_that_name_nothing_are_one_error(self) -> None:
        with pytest.raises(TrainingError, match="names a passage") as caught:
            own_pairs([Question("b", "None?", relevant=("nowhere.md",))], CHUNKS)
        assert "evidence" in caught.value.hint

    def test_a_question_is_trained_on_or_held_out_with_all_its_passages(self) -> None:
        pairs = tuple(Pair(f"q{n // 2}", f"p{n}", "", f"{n // 2}") for n in range(24))
        plane = Plane(**{f"q{n}": n for n in range(12)}, **{f"p{n}": n for n in range(24)})
        recipe = Recipe(name="x", held_out_share=0.3, negatives=NegativesRecipe(count=2, margin=2.0))
        mined = mine_own(recipe, pairs, [], plane)
        held, pool = mined.held_out["your questions"]
        trained = {example.question for example in mined.train}
        assert trained
        assert trained.isdisjoint({pair.question for pair in held})
        assert trained | {pair.question for pair in held} == {pair.question for pair in pairs}
        assert set(pool) == set(pairs)


class TestTheLoss:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]])
    similarities = torch.tensor([[0.6, 0.5, 0.4], [0.3, 0.4, 0.2]])

    def by_hand(self, share: float, temperature: float) -> float:
        total = 0.0
        for row, near in zip(self.logits.tolist(), self.similarities.tolist(), strict=True):
            soft = [math.exp(s / temperature) for s in near]
            logs = [x - math.log(sum(map(math.exp, row))) for x in row]
            target = [share * s / sum(soft) + (1 - share) * (n == 0) for n, s in enumerate(soft)]
            total -= sum(t * log for t, log in zip(target, logs, strict=True))
        return total / 2

    def loss(
        self, soft_weights: list[float], *, lists: slice = slice(None), prior: float = 0.0, share: float = 0.0
    ) -> float:
        similarities = self.similarities[lists]
        weights = torch.full((len(similarities),), prior)
        soft = torch.tensor(soft_weights)
        logits = self.logits[lists]
        found = listwise_loss(
            logits, similarities, similarities, soft, weights, temperature=0.05, prior_share=share
        )
        return float(found)

    @pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
    def test_it_is_cross_entropy_against_gold_and_soft_labels(self, share: float) -> None:
        assert self.loss([share, share]) == pytest.approx(self.by_hand(share, 0.05), abs=1e-5)

    def test_each_list_has_its_own_share(self) -> None:
        one = self.loss([0.0], lists=slice(0, 1))
        other = self.loss([1.0], lists=slice(1, 2))
        assert self.loss([0.0, 1.0]) == pytest.approx((one + other) / 2, abs=1e-6)

    def test_a_share_of_it_is_taken_on_the_sum_that_ranks(self) -> None:
        gold = [0.0, 0.0]
        alone, ranked = self.loss(gold), self.loss(gold, prior=16.0, share=1.0)
        assert ranked != pytest.approx(alone, abs=0.01)
        assert self.loss(gold, prior=16.0, share=0.25) == pytest.approx(
            0.75 * alone + 0.25 * ranked, abs=1e-5
        )

    def test_each_list_has_its_own_prior(self) -> None:
        gold, weights = torch.zeros(2), torch.tensor([16.0, 0.0])
        near = self.similarities
        found = listwise_loss(self.logits, near, near, gold, weights, temperature=0.05, prior_share=1.0)
        one = self.loss([0.0], lists=slice(0, 1), prior=16.0, share=1.0)
        other = self.loss([0.0], lists=slice(1, 2))
        assert float(found) == pytest.approx((one + other) / 2, abs=1e-6)

    def test_what_the_prior_knows_already_teaches_nothing_more(self) -> None:
        """A list that the prior orders as the target does: no gradient is left for the logits."""
        logits = torch.zeros((2, 3), requires_grad=True)
        soft_alone, weights = torch.ones(2), torch.full((2,), 16.0)
        near = self.similarities
        listwise_loss(
            logits, near, near, soft_alone, weights, temperature=1 / 16.0, prior_share=1.0
        ).backward()
        assert logits.grad is not None
        assert float(logits.grad.abs().max()) < 1e-6

    def test_a_teacher_leaves_what_it_knows_beyond_the_prior(self) -> None:
        """With a teacher the best logits are the difference of its label and the prior: there the gradient
        is zero.
        """
        taught = torch.tensor([[0.1, 0.6, 0.4], [0.5, 0.2, 0.3]])
        logits = (16.0 * (taught - self.similarities)).requires_grad_()
        listwise_loss(
            logits,
            self.similarities,
            taught,
            torch.ones(2),
            torch.full((2,), 16.0),
            temperature=1 / 16.0,
            prior_share=1.0,
        ).backward()
        assert logits.grad is not None
        assert float(logits.grad.abs().max()) < 1e-6


class TestTheLearningRate:
    def test_it_rises_stays_and_falls_to_almost_nothing(self) -> None:
        rates = [learning_rate(step, 100, 1.0, 10, 0.4) for step in range(100)]
        assert rates[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
        assert rates[10:60] == [1.0] * 50
        assert rates[60:] == pytest.approx([(40 - n) / 40 for n in range(40)])

    def test_before_the_fall_it_does_not_depend_on_the_number_of_steps(self) -> None:
        short = [learning_rate(step, 100, 3e-5, 10, 0.4) for step in range(60)]
        assert short == [learning_rate(step, 1000, 3e-5, 10, 0.4) for step in range(60)]

    def test_without_warm_up_and_fall_it_is_constant(self) -> None:
        assert {learning_rate(step, 50, 1.0, 0, 0.0) for step in range(50)} == {1.0}


class TestBatches:
    recipe = Recipe.model_validate({"name": "x", "schedule": {"questions_per_step": 4}})
    examples = tuple(
        Example(f"Q{n}?", ("p" * (n * 7 % 50 + 1), "n"), ("T", ""), (0.5, 0.4), (0.5, 0.4), 0.2)
        for n in range(45)
    )

    def test_an_epoch_shows_each_question_once_but_for_an_incomplete_batch(self) -> None:
        epoch = batches(self.examples, self.recipe, 0)
        assert {len(batch) for batch in epoch} == {4}
        shown = [example.question for batch in epoch for example in batch]
        assert len(shown) == len(set(shown)) == 44

    def test_it_depends_on_seed_and_epoch_alone(self) -> None:
        assert batches(self.examples, self.recipe, 1) == batches(self.examples, self.recipe, 1)
        assert batches(self.examples, self.recipe, 0) != batches(self.examples, self.recipe, 1)

    def test_titles_are_shown_for_a_whole_list_or_not_at_all(self) -> None:
        recipe = self.recipe.model_copy(
            update={
                "model": self.recipe.model.model_copy(update={"title_share": 0.5, "lowercase_share": 0.5})
            }
        )
        example = Example("Who?", ("a", "b", "c"), ("A", "B", ""), (0.1,) * 3, (0.1,) * 3, 0.2)
        seen = set()
        for seed in range(30):
            questions, passages = pair_texts([example], recipe, random.Random(seed))
            assert len(set(questions)) == 1
            seen.add((questions[0], tuple(passages)))
        assert seen == {(q, p) for q in ("Who?", "who") for p in (("a", "b", "c"), ("A: a", "B: b", "c"))}
