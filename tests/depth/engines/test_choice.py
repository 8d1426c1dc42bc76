# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine runs: the fastest that agrees, with OpenVINO and torch as they are."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")

from mono3d_addon.depth import engine_cache, loading, resize  # noqa: E402
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS  # noqa: E402
from mono3d_addon.depth.engines import choice, openvino_engine, trial  # noqa: E402
from mono3d_addon.depth.engines.choice import Candidate, Candidates, EngineChoice  # noqa: E402
from mono3d_addon.depth.engines.engine import Arrays, Engine, Pictures, Precision  # noqa: E402
from mono3d_addon.depth.engines.torch_engine import TorchEngine, on_device  # noqa: E402
from mono3d_addon.depth.engines.verdict import Verdict  # noqa: E402

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[3]
STARTER = MODELS["starter"]
TRACED = dataclasses.replace(STARTER, numpy_seconds=0.0)
"""The same network as one of which torch makes the graph, as it does of all others."""
PLAIN, FAST = "torch float32 on cpu", "OpenVINO float32 on cpu"


@pytest.fixture(scope="module")
def picture() -> NDArray[np.float32]:
    pixels = np.asarray(Image.open(ROOT / "tests" / "photos" / "coffee.png").convert("RGB"))
    return resize.picture(pixels, 192, 128, STARTER)[None]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copy(BUNDLED_FOLDER / STARTER.file, tmp_path / "starter.safetensors"))


@pytest.fixture
def make(weights: Path, tmp_path: Path) -> Callable[..., EngineChoice]:
    """Makes the engines as a new process would find them."""

    def made(*, is_plain: bool = False) -> EngineChoice:
        cache = engine_cache.cache_for("starter", weights, tmp_path / "data")
        return EngineChoice(TRACED, weights, "cpu", cache, is_plain=is_plain)

    return made


@pytest.fixture
def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this processor can do: a quick model does without."""
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ("bfloat16", "float32"))


@pytest.fixture(scope="module")
def used_twice(picture: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights and, in `data`, what two uses of them have left."""
    folder = tmp_path_factory.mktemp("used")
    weights = Path(shutil.copy(BUNDLED_FOLDER / STARTER.file, folder / "starter.safetensors"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino_engine, "precisions", lambda: ("bfloat16", "float32"))
        for _ in range(2):
            cache = engine_cache.cache_for("starter", weights, folder / "data")
            EngineChoice(TRACED, weights, "cpu", cache).run(picture)
    return folder


@pytest.fixture
def graph(used_twice: Path, weights: Path, tmp_path: Path, with_bfloat16: None) -> Path:
    """Returns the folder of a graph made before, for `weights`."""
    shutil.copystat(used_twice / weights.name, weights)
    (made,) = (used_twice / "data" / engine_cache.ENGINES).iterdir()
    place = engine_cache.cache_for("starter", weights, tmp_path / "data").folder
    shutil.copytree(made, place)
    return place


def said(words: list[str]) -> Callable[[str], None]:
    return words.append


@pytest.mark.usefixtures("with_bfloat16")
def test_the_graph_comes_with_the_second_use_and_stays(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    words: list[str] = []
    engines = make()
    first = engines.run(picture, said(words))
    assert first.engine == PLAIN and words == ["First run at this size"] and not first.notes
    second = engines.run(picture, said(words))
    assert second.engine == FAST and words[1] == "Preparing starter for this processor, once"
    assert engines.run(picture).engine == make().run(picture, said(words)).engine == FAST
    assert len(words) == 3
    np.testing.assert_allclose(second.disparity, first.disparity, atol=1e-4 * first.disparity.std())


@pytest.mark.thorough
@pytest.mark.usefixtures("with_bfloat16")
def test_the_next_process_gets_the_graph_too(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    assert [make().run(picture).engine for _ in range(3)] == [PLAIN, FAST, FAST]


@pytest.mark.usefixtures("graph")
def test_each_size_is_compared_once(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    engines = make()
    assert engines.run(picture).engine == FAST
    words: list[str] = []
    upright = np.ascontiguousarray(picture.transpose(0, 1, 3, 2))
    assert engines.run(upright, said(words)).engine == FAST and words == ["First run at this size"]
    assert make().run(upright, said(words)).engine == FAST and len(words) == 1


@pytest.mark.usefixtures("graph")
def test_several_pictures_at_a_time(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    both = np.concatenate((picture, picture[..., ::-1]))
    plain, fast = make(is_plain=True).run(both), make().run(both)
    assert (plain.engine, fast.engine) == (PLAIN, FAST)
    np.testing.assert_allclose(fast.disparity, plain.disparity, atol=1e-4 * plain.disparity.std())


@pytest.mark.thorough
@pytest.mark.usefixtures("with_bfloat16")
def test_several_pictures_are_the_first_ones(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    both = np.concatenate((picture, picture[..., ::-1]))
    plain, fast = [make().run(both) for _ in range(2)]
    assert (plain.engine, fast.engine) == (PLAIN, FAST)
    np.testing.assert_allclose(fast.disparity, plain.disparity, atol=1e-4 * plain.disparity.std())


def test_plain_is_plain(make: Callable[..., EngineChoice], picture: Pictures) -> None:
    for _ in range(2):
        assert make(is_plain=True).run(picture).engine == PLAIN


@pytest.mark.parametrize("damage", ["graph.bin", pytest.param("graph.xml", marks=pytest.mark.thorough)])
def test_a_spoilt_graph_is_made_again(
    make: Callable[..., EngineChoice], picture: Pictures, graph: Path, damage: str
) -> None:
    expected = make(is_plain=True).run(picture).disparity
    (file,) = graph.rglob(damage)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x40
    file.write_bytes(content)
    words: list[str] = []
    again = make().run(picture, said(words))
    assert again.engine == FAST and words == ["Preparing starter for this processor, once"]
    np.testing.assert_allclose(again.disparity, expected, atol=1e-4 * expected.std())


@pytest.mark.usefixtures("graph")
def test_other_weights_do_not_run_on_the_old_graph(
    make: Callable[..., EngineChoice], picture: Pictures, weights: Path
) -> None:
    from safetensors.torch import load_file, save_file

    before = make().run(picture)
    assert before.engine == FAST
    tensors = load_file(weights)
    save_file(
        {name: tensor * 0.9 if name == "decoder.head.conv2.weight" else tensor for name, tensor in tensors.items()},
        weights,
    )
    plain, fast = [make().run(picture) for _ in range(2)]
    assert (plain.engine, fast.engine) == (PLAIN, FAST)
    assert abs(plain.disparity - before.disparity).max() > 0.01 * before.disparity.std()
    np.testing.assert_allclose(fast.disparity, plain.disparity, atol=1e-4 * plain.disparity.std())


def test_without_a_place_to_keep_things_torch_runs(weights: Path, picture: Pictures, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    cache = engine_cache.cache_for("starter", weights, tmp_path / "data")
    for place in (None, cache):
        engines = EngineChoice(TRACED, weights, "cpu", place)
        assert [engines.run(picture).engine for _ in range(3)] == [PLAIN] * 3


def test_without_openvino_torch_runs(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_engine, "is_usable", lambda: False)
    engines = make()
    assert [engines.run(picture).engine for _ in range(3)] == [PLAIN] * 3


@pytest.mark.usefixtures("graph")
def test_where_openvino_would_look_for_processors_for_ever(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(openvino_engine, "_PROCESSORS", (tmp_path / "cpuinfo", tmp_path / "cpu"))
    assert [make().run(picture).engine for _ in range(2)] == [PLAIN] * 2
    (tmp_path / "cpu").mkdir()
    assert [make().run(picture).engine for _ in range(2)] == [FAST] * 2


def test_no_room_for_a_graph(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_cache.EngineCache, "room_for", lambda self, size: False)
    assert [make().run(picture).engine for _ in range(2)] == [PLAIN] * 2


def test_a_network_that_cannot_be_converted_still_runs(
    make: Callable[..., EngineChoice],
    picture: Pictures,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def failing(*_: object) -> bool:
        return trial.succeeds("os", "stat", "/nowhere/at all")

    monkeypatch.setattr(trial, "succeeds", failing)
    assert make().run(picture).engine == PLAIN
    engines = make()
    for size in ((64, 96), (96, 64), (64, 64)):
        result = engines.run(picture[..., : size[0], : size[1]].copy())
        assert result.engine == PLAIN
        assert result.notes == (
            "OpenVINO is not used for 'starter' here: making its graph failed (the log tells more).",
        )
    # Trying takes long, and would end the same way for every size.
    assert capsys.readouterr().err.count("The graph of starter was not made") == 1
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("step", ["succeeds", pytest.param("survives", marks=pytest.mark.thorough)])
def test_a_process_that_the_system_ends_for_its_memory_costs_speed_only(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    original = trial.survives
    assert make().run(picture).engine == PLAIN

    def killed(*_: object) -> bool:
        return original("signal", "raise_signal", int(signal.SIGKILL))

    with monkeypatch.context() as full:
        full.setattr(trial, step, killed)
        result = make().run(picture)
    assert result.engine == PLAIN and "OpenVINO" in result.notes[0] and result.disparity.shape == (1, 128, 192)
    assert make().run(picture).engine.startswith("OpenVINO")


def test_the_plain_network_goes_before_another_engine_is_opened(odd: Callable[..., Odd], picture: Pictures) -> None:
    """There may be no room for the weights twice."""
    held: list[Engine | None] = []
    made: list[Odd] = []

    def holds() -> bool:
        held.append(made[0]._plain)
        return True

    made.append(odd(lambda result: result, opened=lambda: held.append(made[0]._plain), survives=holds))
    assert made[0].run(picture).engine == "odd engine" and held == [None, None]


@pytest.mark.parametrize("until", ["the end", pytest.param("the next use", marks=pytest.mark.thorough)])
def test_while_another_process_makes_the_graph_torch_runs(
    make: Callable[..., EngineChoice], picture: Pictures, tmp_path: Path, until: str
) -> None:
    assert make().run(picture).engine == PLAIN
    (folder,) = (tmp_path / "data" / engine_cache.ENGINES).iterdir()
    code = (
        "import sys; from pathlib import Path; from mono3d_addon.depth import engine_cache\n"
        "with engine_cache.EngineCache(Path(sys.argv[1])).alone() as alone:\n"
        "    print(alone, flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(folder)]
    engines = make()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        assert engines.run(picture).engine == PLAIN
        other.communicate("")
    if until == "the next use":
        assert engines.run(picture).engine.startswith("OpenVINO")


@pytest.mark.usefixtures("graph")
def test_sizes_used_last_stay_compiled(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[int, int]] = []
    load = openvino_engine.load

    def noted(folder: Path, size: tuple[int, int], way: openvino_engine.Way) -> openvino_engine.OpenVinoEngine:
        opened.append(size)
        return load(folder, size, way)

    monkeypatch.setattr(openvino_engine, "load", noted)
    engines = make()

    def run(*sides: int) -> list[int]:
        opened.clear()
        for side in sides:
            assert engines.run(picture[..., :side, :96].copy()).engine == FAST
        return [height for height, _ in opened]

    assert run(64, 96, 128, 64, 96, 128) == [64, 96, 128], "photos have several proportions"
    monkeypatch.setattr(choice, "_COMPILED_BYTES", 0)
    assert run(64, 32, 64, 96, 64) == [32, 96]
    assert list(engines._by_size) == [(96, 96), (64, 96)]
    engines.release()
    assert engines.run(picture).engine == FAST


def test_a_graph_that_does_not_load_is_made_anew(
    make: Callable[..., EngineChoice], picture: Pictures, graph: Path
) -> None:
    # As after a power cut: the size and the time of change are right, the content never came to the disk.
    (file,) = graph.rglob("graph.xml")
    seen = file.stat()
    file.write_bytes(bytes(seen.st_size))
    os.utime(file, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
    result = make().run(picture)
    assert result.engine == PLAIN and "is not used for 'starter' here: it failed" in result.notes[0]
    assert make().run(picture).engine == FAST


@pytest.mark.parametrize(
    "function", ["version", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("processor", "precisions"))]
)
def test_an_openvino_that_does_not_import(
    make: Callable[..., EngineChoice],
    picture: Pictures,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    function: str,
) -> None:
    def fail() -> None:
        raise ImportError("DLL load failed while importing _pyopenvino")

    monkeypatch.setattr(openvino_engine, function, fail)
    assert [make().run(picture).engine for _ in range(2)] == [PLAIN] * 2
    assert "DLL load failed" in capsys.readouterr().err


class Odd(EngineChoice):
    """Engines of which the faster ones do as told."""

    def __init__(self, weights: Path, cache: engine_cache.EngineCache, *odd: Candidate) -> None:
        super().__init__(TRACED, weights, "cpu", cache)
        self.odd = odd

    def _candidates(self, size: tuple[int, int], tell: Callable[[str], None]) -> Candidates:
        return Candidates(self.odd)


class Made:
    """An engine that gives what a function makes of plain float32's result."""

    def __init__(self, plain: TorchEngine, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self.plain, self.change = plain, change
        self.name, self.device = "odd engine", "cpu"

    def run(self, pictures: Pictures) -> Arrays:
        return {name: self.change(array) for name, array in self.plain.run(pictures).items()}


@pytest.fixture
def odd(weights: Path, tmp_path: Path) -> Callable[..., Odd]:
    cache = engine_cache.cache_for("starter", weights, tmp_path / "data")
    plain = on_device(loading.network(STARTER, weights, None), "cpu")

    def made(
        change: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        precision: Precision = "float16",
        opened: Callable[[], None] = lambda: None,
        survives: Callable[[], bool] = lambda: True,
    ) -> Odd:
        def engine() -> Engine:
            opened()
            return Made(plain, change)

        return Odd(weights, cache, Candidate("odd engine", "odd engine;1", precision, False, engine, survives))

    return made


def wrong(result: NDArray[np.float32]) -> NDArray[np.float32]:
    return result[:, ::-1]


def test_an_engine_that_does_not_agree_is_not_used_and_said_so(odd: Callable[..., Odd], picture: Pictures) -> None:
    result = odd(wrong).run(picture)
    assert result.engine == PLAIN and result.disparity.shape == (1, 128, 192)
    assert len(result.notes) == 1 and "odd engine is not used for 'starter' here: its correlation" in result.notes[0]
    # The next process need not run it again to know, ...
    opened: list[bool] = []
    again = odd(wrong, opened=lambda: opened.append(True)).run(picture)
    assert again.engine == PLAIN and again.notes == result.notes and not opened


def test_an_engine_that_crashes_is_tried_once_and_never_opened(odd: Callable[..., Odd], picture: Pictures) -> None:
    tried: list[bool] = []
    opened: list[bool] = []

    def survives() -> bool:
        tried.append(True)
        return False

    for _ in range(2):
        result = odd(lambda x: x, opened=lambda: opened.append(True), survives=survives).run(picture)
        assert result.engine == PLAIN
        assert result.notes == ("odd engine is not used for 'starter' here: it crashes.",)
    assert len(tried) == 1 and not opened


def test_an_engine_that_does_not_fit_the_memory_is_not_held_to_crash(
    odd: Callable[..., Odd], picture: Pictures
) -> None:
    def survives() -> bool:
        raise MemoryError

    result = odd(lambda x: x, survives=survives).run(picture)
    assert result.engine == PLAIN
    assert result.notes == ("odd engine is not used for 'starter' here: the memory did not suffice for it.",)
    assert odd(lambda x: x).run(picture).engine == "odd engine"


@pytest.mark.usefixtures("with_bfloat16")
def test_a_crash_of_the_fused_graph_leads_to_the_other(
    make: Callable[..., EngineChoice], picture: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child that tries the fused graph really crashes."""

    def survives(folder: Path, size: tuple[int, int], way: openvino_engine.Way) -> bool:
        return trial.survives("os", "abort") if way.is_fused else trial.survives("time", "sleep", 0)

    monkeypatch.setattr(openvino_engine, "survives", survives)
    plain, fast = [make().run(picture) for _ in range(2)]
    assert fast.engine == f"{FAST}, step by step" and fast.notes == (
        f"{FAST} is not used for 'starter' here: it crashes.",
    )
    np.testing.assert_allclose(fast.disparity, plain.disparity, atol=1e-4 * plain.disparity.std())


def test_an_engine_that_agrees_is_used_and_not_compared_again(odd: Callable[..., Odd], picture: Pictures) -> None:
    engines = odd(lambda result: result * np.float32(1.0001))
    assert engines.run(picture).engine == "odd engine"
    assert engines._plain is None, "its weights would be in the memory twice"
    words: list[str] = []
    assert odd(wrong).run(picture, words.append).engine == "odd engine" and not words


def test_one_picture_of_a_batch_is_held_against_plain_float32(odd: Callable[..., Odd], picture: Pictures) -> None:
    engines = odd(lambda result: result)
    seen: list[int] = []
    plain = engines.plain()
    assert isinstance(plain, TorchEngine)
    original = plain.network.forward
    plain.network.forward = lambda x: seen.append(len(x)) or original(x)  # type: ignore[func-returns-value]
    assert engines.run(np.concatenate([picture] * 4)).engine == "odd engine" and seen == [1]


def test_plain_float32_sees_all_pictures_where_nothing_else_does(odd: Callable[..., Odd], picture: Pictures) -> None:
    both = np.concatenate((picture, picture[..., ::-1]))
    result = odd(wrong).run(both)
    expected = odd(lambda x: x).plain().run(both)["disparity"]
    assert result.engine == PLAIN
    np.testing.assert_allclose(result.disparity, expected, atol=1e-4)


def test_a_verdict_is_remembered_without_a_place_to_keep_it(odd: Callable[..., Odd], picture: Pictures) -> None:
    opened: list[bool] = []
    engines = odd(wrong, opened=lambda: opened.append(True))
    engines._cache = None
    for side in (64, 96, 128):
        assert engines.run(picture[..., :side].copy()).engine == PLAIN
    assert len(opened) == 1


def test_float32_has_to_be_nearer_than_half_precision(odd: Callable[..., Odd], picture: Pictures) -> None:
    noise = np.random.default_rng(0).normal(size=(1, 128, 192)).astype(np.float32)
    assert odd(lambda result: result + 0.01 * result.std() * noise, "float32").run(picture).engine == PLAIN


@pytest.mark.parametrize("moment", ["opening", "running"])
def test_an_engine_that_fails_is_tried_again_by_the_next_process(
    odd: Callable[..., Odd], picture: Pictures, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("driver too old")

    engines = odd(lambda result: result, opened=fail) if moment == "opening" else odd(fail)
    result = engines.run(picture)
    assert result.engine == PLAIN and "it failed (RuntimeError, the log tells more)" in result.notes[0]
    assert "driver too old" in capsys.readouterr().err
    assert odd(lambda result: result).run(picture).engine == "odd engine"


def test_a_full_card_is_for_the_caller_to_deal_with(odd: Callable[..., Odd], picture: Pictures) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    engines = odd(full)
    engines.device = "cuda"
    with pytest.raises(torch.OutOfMemoryError):
        engines.run(picture)


def test_one_photo_of_a_batch_that_leaves_the_range_of_half_precision(
    odd: Callable[..., Odd], picture: Pictures
) -> None:
    infinite = [False]

    def second_infinite(result: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate((result[:1], result[1:] * np.float32(np.inf))) if infinite[0] else result

    engines = odd(second_infinite)
    both = np.concatenate((picture, picture[..., ::-1]))
    expected = engines.run(both).disparity
    infinite[0] = True
    seen: list[int] = []
    plain = engines.plain()
    assert isinstance(plain, TorchEngine)
    original = plain.network.forward
    plain.network.forward = lambda x: seen.append(len(x)) or original(x)  # type: ignore[func-returns-value]
    result = engines.run(both)
    assert result.engine == f"odd engine and {PLAIN}" and seen == [1]
    np.testing.assert_allclose(result.disparity, expected, atol=1e-4)


def test_a_photo_that_leaves_the_range_of_half_precision(odd: Callable[..., Odd], picture: Pictures) -> None:
    infinite = [False]
    engines = odd(lambda result: result * np.float32(np.inf if infinite[0] else 1))
    assert engines.run(picture).engine == "odd engine"
    infinite[0] = True
    result = engines.run(picture)
    assert result.engine == PLAIN and np.isfinite(result.disparity).all()
    assert result.notes == ("odd engine left its range of numbers; torch float32 on cpu was used.",)
    infinite[0] = False
    assert engines.run(picture).engine == "odd engine"
    # The first photo of the next process, whose verdict is known.
    infinite[0] = True
    assert odd(lambda result: result * np.float32(np.inf)).run(picture).engine == PLAIN


def test_a_verdict_is_about_one_machine_and_version(odd: Callable[..., Odd], picture: Pictures) -> None:
    engines = odd(lambda result: result)
    cache = engines._cache
    assert cache is not None
    cache.record("odd engine;2", Verdict(False, 0.0, 9.0, "another version"))
    assert engines.run(picture).engine == "odd engine"


@pytest.mark.usefixtures("graph")
def test_a_known_graph_needs_no_torch(picture: Pictures, tmp_path: Path) -> None:
    np.save(tmp_path / "picture.npy", picture)
    code = (
        "import sys; sys.modules['torch'] = sys.modules['timm'] = None\n"
        "from dataclasses import replace; from pathlib import Path; import numpy as np\n"
        "from mono3d_addon.depth import catalogue, estimator\n"
        "folder = Path(sys.argv[1])\n"
        "traced, weights = replace(catalogue.MODELS['starter'], numpy_seconds=0.0), folder / 'starter.safetensors'\n"
        "engines = estimator.load(traced, weights, 'cpu', folder / 'data')\n"
        "print(engines.engines.run(np.load(folder / 'picture.npy')).engine)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == FAST, done.stderr
