"""LlamaIndex in its documented retrieve-and-rerank form; the commands of ../plain.py.

llamaindex.py ingest PASSAGES.jsonl INDEX BI_ENCODER CROSS_ENCODER
llamaindex.py search QUESTION INDEX BI_ENCODER CROSS_ENCODER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import chromadb
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.postprocessor.sbert_rerank import SentenceTransformerRerank
from llama_index.vector_stores.chroma import ChromaVectorStore

TASK, WHAT, INDEX, BI_ENCODER, CROSS_ENCODER = sys.argv[1:6]


def vector_store() -> ChromaVectorStore:
    collection = chromadb.PersistentClient(path=INDEX).get_or_create_collection(
        "passages", configuration={"hnsw": {"space": "cosine"}}
    )
    return ChromaVectorStore(chroma_collection=collection)


def ingest(passages: Path) -> None:
    texts = [json.loads(line) for line in passages.read_text(encoding="utf-8").splitlines()]
    nodes = [TextNode(id_=str(number), text=text) for number, text in enumerate(texts)]
    storage = StorageContext.from_defaults(vector_store=vector_store())
    VectorStoreIndex(nodes, storage_context=storage, embed_model=HuggingFaceEmbedding(model_name=BI_ENCODER))


def search(question: str) -> None:
    embedding = HuggingFaceEmbedding(model_name=BI_ENCODER)
    index = VectorStoreIndex.from_vector_store(vector_store(), embed_model=embedding)
    found = index.as_retriever(similarity_top_k=50).retrieve(question)
    reranker = SentenceTransformerRerank(model=CROSS_ENCODER, top_n=5)
    for node in reranker.postprocess_nodes(found, query_str=question):
        print(f"{node.node_id} {node.score:.2f} {node.text[:60]!r}")


if __name__ == "__main__":
    ingest(Path(WHAT)) if TASK == "ingest" else search(WHAT)
