"""The embedded llama.cpp server: one GGUF model on a loopback port, inside this process.

It lives in threads of this process, so nothing is left behind when the process ends, however it ends. The
system chooses the port, and every request needs a key made for this run: another user or a web page on the
same machine cannot use the model.
"""

from __future__ import annotations

import json
import os
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragcli.errors import LLMError, ModelError

MOST_THREADS = 4
"""Threads if `llm.threads` is not set, on a machine with at least as many cores; otherwise one per core.

A constant, and not what is free at the moment: the load average of the last minute also counts processes
that have ended, an earlier ragcli for instance. On two quiet cores two threads answer 1.5 to 1.7 times as
fast as one (`python bench/speed.py large`). On a machine that stays busy with something else, one thread
is faster (`llm.threads = 1`): llama.cpp's threads wait for each other in a loop at every layer (on 2
cores under full load, 2 threads wrote 1 token a second, 1 wrote 10).
"""

SILENT = -1
"""llama.cpp's log level below errors: failures reach the user as exceptions, not as log lines."""

TOKENIZE_SECONDS = 10.0


@dataclass(frozen=True)
class LocalServer:
    """Where the server listens (`http://127.0.0.1:PORT`) and the key that it needs."""

    address: str
    key: str

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    def count_tokens(self, text: str) -> int:
        """Exact, by the model's own tokenizer; the start token of a prompt is not counted."""
        request = urllib.request.Request(
            f"{self.address}/tokenize",
            data=json.dumps({"content": text}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        # A proxy from the environment must not see loopback requests.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TOKENIZE_SECONDS) as response:
                return len(json.load(response)["tokens"])
        except (OSError, ValueError, KeyError) as error:
            raise LLMError(
                f"The local LLM server did not count tokens: {error}.", hint="Run the command again."
            ) from error


@contextmanager
def local_server(model: Path, *, context_tokens: int, threads: int = 0) -> Iterator[LocalServer]:
    """Serves `model` for the length of the block. `threads` 0: see MOST_THREADS.

    Raises ModelError if llama.cpp cannot load the file.
    """
    import xllamacpp

    key = secrets.token_hex(16)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.cors_origins = ""
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.offline = True
    parameters.verbosity = SILENT
    parameters.n_ctx = context_tokens
    parameters.n_parallel = 1
    # llama.cpp rearranges most weights for this processor. A mapped file would stay in memory as well:
    # 2.1 GB instead of 1.5 for a file of 1.1 GB, at the same speed.
    parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.cache_ram_mib = 0
    parameters.warmup = False
    # With a cache of earlier prompts, the rest of a prompt is read in batches of another size, which are
    # rounded differently: one of 14 prompts got different words the second time.
    parameters.cache_prompt = False
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = threads or usual_threads()
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ModelError(
            f"llama.cpp cannot load {model.name}.", hint="Fetch the file again: ragcli models prepare"
        ) from error
    try:
        yield LocalServer(server.listening_address, key)
    finally:
        del server


def usual_threads() -> int:
    """The cores that this process may use, at most MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, cores)
