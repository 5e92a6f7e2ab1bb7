"""What a competent user writes in half an hour with the same libraries and models: `make bench`'s yardstick.

    plain.py ingest PASSAGES.jsonl INDEX      embed every passage and add it to Chroma
    plain.py search QUESTION INDEX            50 candidates, reranked, the best five printed

Defaults throughout. ragcli's own code is not used, but for the folders of the two models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import chromadb
from sentence_transformers import CrossEncoder, SentenceTransformer

BI_ENCODER, CROSS_ENCODER = sys.argv[4:6]
BATCH = 5000


def ingest(passages: Path, index: str) -> None:
    texts = [json.loads(line) for line in passages.read_text(encoding="utf-8").splitlines()]
    vectors = SentenceTransformer(BI_ENCODER).encode(texts)
    collection = chromadb.PersistentClient(path=index).create_collection(
        "passages", configuration={"hnsw": {"space": "cosine"}}
    )
    for first in range(0, len(texts), BATCH):
        last = min(first + BATCH, len(texts))
        ids = [str(number) for number in range(first, last)]
        collection.add(ids=ids, embeddings=vectors[first:last], documents=texts[first:last])


def search(question: str, index: str) -> None:
    vector = SentenceTransformer(BI_ENCODER).encode(question)
    collection = chromadb.PersistentClient(path=index).get_collection("passages")
    found = collection.query(query_embeddings=[vector], n_results=50)
    ids, texts = found["ids"][0], found["documents"][0]
    scores = CrossEncoder(CROSS_ENCODER).predict([(question, text) for text in texts])
    for place in scores.argsort()[::-1][:5]:
        print(f"{ids[place]} {scores[place]:.2f} {texts[place][:60]!r}")


if __name__ == "__main__":
    task, what, index = sys.argv[1:4]
    ingest(Path(what), index) if task == "ingest" else search(what, index)
