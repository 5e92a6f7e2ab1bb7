"""The built-in profiles, which need no file. A [profiles.NAME] table overrides them."""

from __future__ import annotations

from collections.abc import Mapping

from ragcli.models.embedded_llms import LARGE

BUILT_IN_PROFILES: Mapping[str, Mapping[str, object]] = {
    "local": {},
    "local-large": {
        "llm.model": LARGE.name,
        "llm.context_tokens": 8192,
        "llm.answer_tokens": 256,
        "llm.timeout_seconds": 300.0,
    },
    "openai": {
        "llm.base_url": "https://api.openai.com/v1",
        "llm.model": "gpt-4.1-mini",
        "llm.api_key_env": "OPENAI_API_KEY",
        "llm.context_tokens": 16384,
        "llm.answer_tokens": 512,
        "chat.rewrite": "llm",
    },
}
