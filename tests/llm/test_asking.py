"""Work that needs more of an LLM than quoting."""

from __future__ import annotations

import pytest

from ragcli.config import LLMConfig
from ragcli.errors import UsageError
from ragcli.llm.asking import check
from ragcli.models.embedded_llms import SMALL


def test_the_small_embedded_llm_is_refused() -> None:
    with pytest.raises(UsageError, match="too small to judge") as caught:
        check(LLMConfig(model=SMALL.name), "judge")
    assert "ragcli models prepare --profile local-large" in caught.value.hint


def test_whatever_an_endpoint_serves_is_not() -> None:
    check(LLMConfig(base_url="http://localhost:1/v1", model=SMALL.name, api_key_env=""), "judge")
