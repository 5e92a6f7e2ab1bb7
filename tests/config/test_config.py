"""Settings: defaults < file < profile < environment < flags; every mistake is reported with its fix."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from ragcli.config import Config
from ragcli.config.loading import (
    Setting,
    explain_config,
    known_fields,
    load_config,
    repeatable,
    variable_name,
)
from ragcli.config.profiles import BUILT_IN_PROFILES
from ragcli.config.template import default_config_text
from ragcli.errors import ConfigError
from ragcli.models.embedded_llms import LARGE

REPOSITORY = Path(__file__).parents[2]
NOTHING: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def write(text: str, path: str = "config.toml") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def origins(**arguments: object) -> dict[str, Setting]:
    environ = arguments.pop("environ", NOTHING)
    return {setting.key: setting for setting in explain_config(environ=environ, **arguments)}  # type: ignore[arg-type]


# --- the file of the repository


def test_the_repository_s_file_equals_the_defaults() -> None:
    assert load_config(REPOSITORY / "config.toml", environ=NOTHING) == Config()


def test_the_repository_s_file_is_the_one_that_config_init_writes() -> None:
    assert (REPOSITORY / "config.toml").read_text(encoding="utf-8") == default_config_text()


def test_every_key_has_a_description_and_it_stands_in_the_file() -> None:
    unwrapped = " ".join(line.removeprefix("# ") for line in default_config_text().splitlines())
    for key, field in known_fields().items():
        assert field.description, key
        assert field.description in unwrapped


def test_the_file_s_profiles_are_the_built_in_ones() -> None:
    profiles = tomllib.loads(default_config_text())["profiles"]
    flat = {
        name: {f"{section}.{key}": value for section, keys in tables.items() for key, value in keys.items()}
        for name, tables in profiles.items()
    }
    assert flat == {name: dict(keys) for name, keys in BUILT_IN_PROFILES.items() if keys}


def test_the_commented_ollama_example_works() -> None:
    text = default_config_text()
    example = [
        line.removeprefix("# ")
        for line in text[text.index("# [profiles.ollama") :].splitlines()
        if line != "#"
    ]
    config = load_config(write("\n".join(example)), profile="ollama", environ=NOTHING)
    assert config.llm.base_url == "http://localhost:11434/v1"


# --- which layer wins


def test_without_anything_the_defaults_hold() -> None:
    assert load_config(environ=NOTHING) == Config()
    assert {setting.origin for setting in explain_config(environ=NOTHING)} == {"default"}


def test_each_layer_beats_the_one_before() -> None:
    write("[retrieval]\ntop_k = 2\n[profiles.mine.retrieval]\ntop_k = 3\n")
    environ = {"RAGCLI_RETRIEVAL_TOP_K": "4"}
    flag = {"retrieval.top_k": 6}
    assert load_config(environ=NOTHING).retrieval.top_k == 2
    assert load_config(profile="mine", environ=NOTHING).retrieval.top_k == 3
    assert load_config(profile="mine", environ=environ).retrieval.top_k == 4
    assert load_config(None, "mine", flag, environ).retrieval.top_k == 6


def test_each_key_names_its_origin() -> None:
    write("[retrieval]\ntop_k = 2\n[profiles.mine.llm]\nmodel = 'm'\n")
    settings = origins(
        profile="mine", overrides={"collection": "work"}, environ={"RAGCLI_CHUNKING_SIZE": "128"}
    )
    assert settings["retrieval.top_k"] == Setting("retrieval.top_k", 2, "config.toml")
    assert settings["llm.model"] == Setting("llm.model", "m", "config.toml [profiles.mine]")
    assert settings["chunking.size"] == Setting("chunking.size", 128, "RAGCLI_CHUNKING_SIZE")
    assert settings["collection"] == Setting("collection", "work", "flag")
    assert settings["profile"] == Setting("profile", "mine", "flag")
    assert settings["retrieval.candidates"] == Setting("retrieval.candidates", 50, "default")


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_config(overrides={"retrieval.top_k": None}, environ=NOTHING) == Config()


def test_the_working_folder_s_file_is_read_before_the_user_s(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "etc")}
    write("collection = 'of-the-user'", "etc/ragcli/config.toml")
    assert load_config(environ=environ).collection == "of-the-user"
    write("collection = 'here'")
    assert load_config(environ=environ).collection == "here"
    write("collection = 'named'", "other.toml")
    assert load_config(environ={**environ, "RAGCLI_CONFIG": "other.toml"}).collection == "named"
    assert load_config(Path("config.toml"), environ={"RAGCLI_CONFIG": "other.toml"}).collection == "here"


def test_the_environment_chooses_profile_and_collection() -> None:
    config = load_config(environ={"RAGCLI_PROFILE": "openai", "RAGCLI_COLLECTION": "work"})
    assert (config.profile, config.collection) == ("openai", "work")
    assert config.llm.api_key_env == "OPENAI_API_KEY"


def test_lists_in_the_environment_are_written_with_commas() -> None:
    config = load_config(environ={"RAGCLI_INGEST_GLOB": "**/*.md, **/*.txt"})
    assert config.ingest.glob == ("**/*.md", "**/*.txt")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load_config(environ={"RAGCLI_RETRIEVAL_TOP_K": ""}) == Config()


def test_a_known_profile_needs_no_file_and_may_be_changed_by_one() -> None:
    assert load_config(profile="openai", environ=NOTHING).llm.api_key_env == "OPENAI_API_KEY"
    write("[profiles.openai.llm]\nmodel = 'another'\n")
    config = load_config(profile="openai", environ=NOTHING)
    assert (config.llm.model, config.llm.base_url) == ("another", "https://api.openai.com/v1")


@pytest.mark.parametrize(
    ("flags", "style", "citations"),
    [
        ({}, "sentences", "attributed"),
        ({"profile": "local-large"}, LARGE.style, LARGE.citations),
        ({"llm.model": LARGE.name}, LARGE.style, LARGE.citations),
        ({"profile": "openai"}, "passages", "model"),
        # An endpoint may use any name for any model.
        ({"llm.base_url": "http://localhost:1/v1"}, "passages", "model"),
        ({"llm.base_url": "http://localhost:1/v1", "profile": "local-large"}, "passages", "model"),
        ({"prompting.style": "passages"}, "passages", "attributed"),
        (
            {"llm.base_url": "http://localhost:1/v1", "prompting.citations": "attributed"},
            "passages",
            "attributed",
        ),
    ],
)
def test_the_prompt_suits_the_llm_unless_it_is_named(
    flags: dict[str, object], style: str, citations: str
) -> None:
    profile = flags.pop("profile", None)
    assert profile is None or isinstance(profile, str)
    prompt = load_config(profile=profile, overrides=flags, environ=NOTHING).prompt
    assert (prompt.style, prompt.citations) == (style, citations)
    shown = {s.key: s.value for s in explain_config(profile=profile, overrides=flags, environ=NOTHING)}
    named = "prompting.style" in flags
    assert shown["prompting.style"] == (style if named else f"auto ({style})")


def test_what_auto_meant_is_kept_with_a_run() -> None:
    settings = repeatable(load_config(profile="openai", environ=NOTHING))["config"]
    assert (settings["prompting"]["style"], settings["prompting"]["citations"]) == ("passages", "model")


@pytest.mark.parametrize("key", known_fields())
def test_every_key_has_a_variable(key: str) -> None:
    assert variable_name(key) == "RAGCLI_" + key.upper().replace(".", "_")


# --- mistakes


def failure(**arguments: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(**{"environ": NOTHING, **arguments})  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("[retrieval]\ntopk = 5", "retrieval.topk", "retrieval.top_k"),
        ("[retreival]\ntop_k = 5", "retreival", "[retrieval]"),
        ("top_k = 5", "top_k", "retrieval.top_k"),
        ("[profiles.x.llm]\nmodle = 'a'", "llm.modle", "llm.model"),
        ("[llm.model]\nname = 'a'", "llm.model", ""),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(text: str, wrong: str, right: str) -> None:
    write(text)
    error = failure()
    assert wrong in error.message
    assert "config.toml" in error.message
    assert right in error.hint


def test_an_unknown_variable_of_a_section_is_an_error() -> None:
    error = failure(environ={"RAGCLI_LLM_MODLE": "x"})
    assert "RAGCLI_LLM_MODLE" in error.message
    assert "RAGCLI_LLM_MODEL" in error.hint


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert load_config(environ={"RAGCLI_DEBUG": "1", "RAGCLI_CACHE_DIR": "/x", "OTHER": "1"}) == Config()


def test_an_unknown_flag_is_an_error() -> None:
    assert "retrieval.top_k" in failure(overrides={"retrieval.topk": 3}).hint


def test_a_bad_value_is_named_with_its_origin_and_meaning() -> None:
    error = failure(environ={"RAGCLI_RETRIEVAL_TOP_K": "none"})
    assert "retrieval.top_k = 'none' (from RAGCLI_RETRIEVAL_TOP_K)" in error.message
    assert "Passages that go into the prompt" in error.hint
    write("[prompting]\nstyle = 'pages'")
    assert "'auto', 'passages', 'excerpts' or 'sentences'" in failure().message


def test_an_unknown_profile_lists_the_known_ones() -> None:
    write("[profiles.mine.llm]\nmodel = 'm'\n")
    error = failure(profile="her")
    assert "'her'" in error.message
    assert "local, local-large, mine, openai" in error.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[llm\n", "not valid TOML"), (b"\xff\xfe", "not UTF-8"), (b"profiles = 3", "not a set of tables")],
)
def test_an_unreadable_file_is_named(content: bytes, message: str) -> None:
    Path("config.toml").write_bytes(content)
    error = failure()
    assert "config.toml" in error.message
    assert message in error.message
    assert error.hint


def test_a_named_file_must_exist() -> None:
    assert "missing.toml" in failure(path=Path("missing.toml")).message


# --- secrets


def test_the_key_s_variable_is_named_and_its_value_never_shown() -> None:
    environ = {"OPENAI_API_KEY": "sk-very-secret"}
    assert origins(profile="openai", environ=environ)["llm.api_key_env"].value == "OPENAI_API_KEY (set)"
    assert origins(profile="openai")["llm.api_key_env"].value == "OPENAI_API_KEY (not set)"


@pytest.mark.parametrize("section", ["store", "embedding", "reranking", "llm"])
def test_a_key_in_the_place_of_its_variable_is_refused_without_showing_it(section: str) -> None:
    write(f"[{section}]\napi_key_env = 'sk-very-secret'")
    error = failure()
    assert f"{section}.api_key_env" in error.message
    assert "sk-very-secret" not in error.message + error.hint


def test_a_key_written_into_the_file_is_refused_without_showing_it() -> None:
    write("[llm]\napi_key = 'sk-very-secret'")
    error = failure()
    assert "sk-very-secret" not in error.message + error.hint
    assert "llm.api_key_env" in error.hint


@pytest.mark.parametrize("key", ["store.url", "embedding.url", "reranking.url", "llm.base_url"])
def test_a_password_in_a_url_is_not_shown(key: str) -> None:
    environ = {variable_name(key): "http://me:secret@host:1/v1"}
    assert origins(environ=environ)[key].value == "http://***@host:1/v1"
    assert "secret" not in json.dumps(repeatable(load_config(environ=environ)))
