"""Makes a model to ship of averaged weights: `python recipes/finish_model.py MEAN --out MODEL ...`

A run of `ragcli train` measures and calibrates what it wrote; a mean of such runs (recipes/mean_weights.py)
has the calibration of its first part. Here it is measured and calibrated on the recipe's held-out questions,
with the prior that bench/prior.py chose, and gets a card of its own.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.reranking import load_reranker
from ragcli.training.card import model_card
from ragcli.training.examples import find_file, measuring_tasks, mine_recipe
from ragcli.training.gain import measure_gain
from ragcli.training.model_folder import write_model
from ragcli.training.network import load_tokenizer, new_network
from ragcli.training.provenance import trained_on
from ragcli.training.recipe import load_recipe
from ragcli.training.run import calibrate
from ragcli.training.teaching import recipe_teacher

MEASURED_QUESTIONS = 10
"""Of each set: more than a run measures, as no training waits for it, and the calibration rests on them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="MEAN", help="averaged weights")
    parser.add_argument("--recipe", type=Path, required=True, help="of the last stage")
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="FOLDER")
    parser.add_argument("--work", type=Path, required=True, help="the .work folder of the run: mined sets")
    parser.add_argument(
        "--base", type=Path, default=Path("ragcli/reranker"), help="what the run started from"
    )
    parser.add_argument("--prior", type=float, required=True, help="the weight that bench/prior.py chose")
    parser.add_argument("--words", type=int, default=20, help="the words from which it grows")
    parser.add_argument("--headings", type=float, required=True, help="likewise, the share of the headings")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL")
    given = parser.parse_args()
    trained = load_recipe(given.recipe)
    recipe = trained.model_copy(
        update={
            "prior_weight": given.prior,
            "prior_words": given.words,
            "measured_questions": MEASURED_QUESTIONS,
        }
    )
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    # With the recipe's own prior, not the chosen one: the cache of mined sets is of the run's teacher.
    teacher = recipe_teacher(trained, find_file(given.data, recipe.teacher), given.base, "cpu")
    mined = mine_recipe(
        recipe,
        given.data,
        embedder.embed,
        fingerprint=embedder.fingerprint,
        cache=given.work / "mined",
        teacher=teacher,
    )
    tasks = {name: some for name, some in measuring_tasks(recipe, mined, embedder.embed).items() if some}
    reranker = load_reranker(RerankingConfig(model=str(given.folder)))
    rows = {
        name: reranker.logits_of_lists([(task.question, task.passages) for task in some])
        for name, some in tasks.items()
    }
    gain = measure_gain(tasks, rows, None, given.prior, given.words)
    gain = replace(gain, chosen=replace(gain.chosen, headings=given.headings))
    calibration, bins = calibrate(tasks, rows)
    files = trained_on(recipe, given.folder)
    network = new_network(given.folder, freeze_embeddings=True, device="cpu", dtype=torch.float32)
    sha256 = write_model(
        network,
        load_tokenizer(given.folder),
        given.out,
        prior=gain.chosen,
        calibration=calibration,
        max_tokens=512,
        trained_on=files,
        card=model_card(recipe, gain, bins, files),
    )
    print(f"{given.out}: {sha256}, calibrated on {sum(len(some) for some in tasks.values())} questions")


if __name__ == "__main__":
    main()
