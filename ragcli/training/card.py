"""The model card: what a trained model was made of, what it reached, what it is not good for."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.encoders.prior import Prior
from ragcli.training.calibration import Bin, expected_calibration_error
from ragcli.training.gain import Gain
from ragcli.training.provenance import TrainingFile
from ragcli.training.recipe import Recipe


def model_card(recipe: Recipe, gain: Gain, bins: Sequence[Bin], trained_on: Sequence[TrainingFile]) -> str:
    """Markdown with the front matter that model hubs read."""
    schedule = recipe.schedule
    return f"""---
license: apache-2.0
library_name: sentence-transformers
pipeline_tag: text-ranking
language: en
---
# {recipe.name}

A cross-encoder that reads a question and a passage together and returns one logit: higher is more relevant.
Made with `ragcli train` from {recipe.model.base}. `CrossEncoder(folder)` of sentence-transformers
loads it as it stands. Pairs up to {recipe.model.max_tokens} tokens were seen in training.

Limits: it is made for questions whose answer is in a passage. Where the query is a paragraph or a list
of keywords and relevance is a matter of topic, the bi-encoder knows more: order by the sum below, not by the
logit alone. Not tested on code, law, or anything but English.

## Training

{schedule.steps} steps of {schedule.questions_per_step} questions, one gold passage and
{recipe.negatives.count} mined negatives each; peak learning rate {schedule.learning_rate:g}, seed
{recipe.seed}. Target: gold label with a share of {recipe.loss.soft_weight:g} of a bi-encoder's
similarities (sets may set their own){_teacher(recipe)}.

Each file is one collection of questions, titles or headings with passages that answer them. None of that text
is part of this model.

| file | pairs, at most | origin | licence |
|---|---|---|---|
{_data_rows(trained_on)}

## On questions that it has not seen

{_unseen(recipe, gain)}nDCG@10 over the bi-encoder's candidates: bi-encoder, cross-encoder alone,
cross-encoder with {gain.chosen.weight:g} x the bi-encoder's similarity (the order that ragcli
uses{_growth(gain.chosen)}).
The weight was not chosen on these questions.

| set | questions | bi-encoder | cross-encoder | with prior |
|---|---|---|---|---|
{_gain_rows(gain)}

Difference with prior: {gain.prior.mean:+.4f} (95 % interval {gain.prior.low:+.4f} to {gain.prior.high:+.4f},
p = {gain.prior.p_value:.4f}; {gain.prior.won} won, {gain.prior.lost} lost, {gain.prior.tied} tied). Alone:
{gain.pure.mean:+.4f} ({gain.pure.low:+.4f} to {gain.pure.high:+.4f}).

## How far to trust its probability

Platt scaling of the logit; expected calibration error {expected_calibration_error(bins):.3f} on held-out
candidates.

| probability | candidates | mean | relevant |
|---|---|---|---|
{_reliability_rows(bins)}
"""


def _unseen(recipe: Recipe, gain: Gain) -> str:
    """A hold-out is one stage's own: the stage before drew another."""
    if gain.over_start is None:
        return ""
    base = recipe.model.base
    return f"They were kept out of this stage; {base}, which it goes on from, may have seen some.\n\n"


def _growth(prior: Prior) -> str:
    grows = f"; more in proportion for questions of over {prior.words} words" if prior.words else ""
    return grows + ("; headings that are nearer than their passage raise it" if prior.headings else "")


def _teacher(recipe: Recipe) -> str:
    taught = sum(wanted.taught for wanted in recipe.sets)
    return f"; in {taught} of {len(recipe.sets)} files those of {recipe.teacher}" if taught else ""


def _data_rows(trained_on: Sequence[TrainingFile]) -> str:
    return "\n".join(
        f"| `{one.file}` | {one.pairs or 'all'} | {one.origin} | {one.licence} |" for one in trained_on
    )


def _gain_rows(gain: Gain) -> str:
    return "\n".join(
        f"| {row.name} | {row.questions} | {row.base:.3f} | {row.cross_encoder:.3f} | {row.with_prior:.3f} |"
        for row in gain.sets
    )


def _reliability_rows(bins: Sequence[Bin]) -> str:
    return "\n".join(
        f"| {one.low:.1f} - {one.high:.1f} | {one.count} | {one.mean_probability:.2f} |"
        f" {one.relevant_share:.2f} |"
        for one in bins
    )
