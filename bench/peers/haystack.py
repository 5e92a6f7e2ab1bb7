"""Haystack in its documented retrieve-and-rerank form; the commands of ../plain.py.

haystack.py ingest PASSAGES.jsonl INDEX BI_ENCODER CROSS_ENCODER
haystack.py search QUESTION INDEX BI_ENCODER CROSS_ENCODER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# This file is called as what it imports.
sys.path.pop(0)

from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.rankers.sentence_transformers import (
    SentenceTransformersSimilarityRanker,
)
from haystack_integrations.components.retrievers.chroma import ChromaEmbeddingRetriever
from haystack_integrations.document_stores.chroma import ChromaDocumentStore

TASK, WHAT, INDEX, BI_ENCODER, CROSS_ENCODER = sys.argv[1:6]


def document_store() -> ChromaDocumentStore:
    return ChromaDocumentStore("passages", persist_path=INDEX, distance_function="cosine")


def ingest(passages: Path) -> None:
    texts = [json.loads(line) for line in passages.read_text(encoding="utf-8").splitlines()]
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder", SentenceTransformersDocumentEmbedder(model=BI_ENCODER, progress_bar=False)
    )
    pipeline.add_component("writer", DocumentWriter(document_store()))
    pipeline.connect("embedder", "writer")
    documents = [Document(id=str(number), content=text) for number, text in enumerate(texts)]
    pipeline.run({"embedder": {"documents": documents}})


def search(question: str) -> None:
    pipeline = Pipeline()
    pipeline.add_component("embedder", SentenceTransformersTextEmbedder(model=BI_ENCODER, progress_bar=False))
    pipeline.add_component("retriever", ChromaEmbeddingRetriever(document_store(), top_k=50))
    ranker = SentenceTransformersSimilarityRanker(model=CROSS_ENCODER, top_k=5, scale_score=False)
    pipeline.add_component("ranker", ranker)
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    pipeline.connect("retriever.documents", "ranker.documents")
    found = pipeline.run({"embedder": {"text": question}, "ranker": {"query": question}})
    for document in found["ranker"]["documents"]:
        print(f"{document.id} {document.score:.2f} {document.content[:60]!r}")


if __name__ == "__main__":
    ingest(Path(WHAT)) if TASK == "ingest" else search(WHAT)
