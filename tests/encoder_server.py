"""The real bi-encoder and cross-encoder over HTTP, with the protocols of the servers that people run.

`/v1/embeddings` uses OpenAI's protocol. `/rerank` uses text-embeddings-inference's if the request has
`texts`, and Jina's if it has `documents`, like llama.cpp; both send probabilities unless they are asked for
raw scores, best first. It accepts as many texts at once as text-embeddings-inference does by default.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import CrossEncoderReranker

MOST_TEXTS = 32


@contextmanager
def encoder_server(embedder: BiEncoder, reranker: CrossEncoderReranker) -> Iterator[str]:
    """The server's URL."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    http.embedder, http.reranker, http.turn = embedder, reranker, threading.Lock()  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests check stderr."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = body.get("input") or body.get("texts") or body.get("documents")
        if len(texts) > MOST_TEXTS:
            return self._answer(422, {"error": f"batch size {len(texts)} > maximum allowed batch size 32"})
        with self.server.turn:
            if self.path.endswith("/embeddings"):
                return self._answer(200, self._embeddings(texts))
            return self._answer(200, self._ranking(body, texts))

    def _embeddings(self, texts: list[str]) -> dict[str, Any]:
        rows = self.server.embedder.embed(texts)
        # Not of unit length and out of order, which the protocol allows.
        data = [{"index": i, "embedding": (3 * row).tolist()} for i, row in enumerate(rows)]
        return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    def _ranking(self, body: dict[str, Any], texts: list[str]) -> Any:
        scores = self.server.reranker.logits(body["query"], texts)
        if not body.get("raw_scores"):
            scores = [1 / (1 + math.exp(-score)) for score in scores]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        if "texts" in body:
            return [{"index": i, "score": scores[i]} for i in order]
        results = [{"index": i, "relevance_score": scores[i], "document": {"text": texts[i]}} for i in order]
        return {"model": body["model"], "results": results}

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
