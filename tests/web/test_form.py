# SPDX-License-Identifier: GPL-3.0-or-later
"""What visitors send is taken or refused, whatever it is."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.photo.endings import PHOTO_ENDINGS
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import GRADES, PRESETS, Settings, WebOptions, fields_of
from mono3d_addon.web import sniff
from mono3d_addon.web.form import Form, read_object
from mono3d_addon.web.refusal import Refusal

FORM = Form.of(WebOptions(), Path("/nowhere"))
NAMES = [item.name for item in fields_of(Settings)]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=20), ANYTHING, max_size=4))
def test_any_object_gives_settings_within_the_bounds_or_a_sentence(values: dict[str, Any]) -> None:
    try:
        settings = FORM.settings(values)
    except Refusal as refusal:
        assert refusal.status == 422 and str(refusal).endswith(".")
        json.dumps({"error": str(refusal)})
    else:
        assert not settings.mask and not settings.weights and not settings.depth_file
        assert settings.max_pixels == 100.0 and settings.detail <= 2048 and settings.pack_texture
        for name, value in values.items():
            assert getattr(settings, name) == value


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_an_object_or_refused(text: str | bytes) -> None:
    try:
        assert isinstance(read_object(text, "It"), dict)
    except Refusal as refusal:
        assert refusal.status == 400


@given(st.fixed_dictionaries({name: st.floats(-10, 10) for name in ("near", "far", "tear")}))
def test_what_is_not_given_for_a_shape_goes_to_its_default(values: dict[str, float]) -> None:
    before = FORM.settings({"detail": 64, "material": "vertex_colours", "crop_left": 20.0}, mask="/kept/mask.png")
    try:
        after = FORM.reshaped(before, values)
    except Refusal:
        return
    assert (after.material, after.mask) == ("vertex_colours", "/kept/mask.png"), "what cannot change stays"
    assert (after.detail, after.crop_left) == (1024, 0.0), "what can and is not given is the default"
    assert (after.near, after.far, after.tear) == (values["near"], values["far"], values["tear"])


def test_presets_keep_to_the_owners_limits() -> None:
    form = Form.of(WebOptions(max_detail=700), Path("/nowhere"))
    for name, preset in PRESETS.items():
        assert form.settings({}, name).detail == min(preset.get("detail", 1024), 700)
    with pytest.raises(Refusal, match="outside 16 to 700 px"):
        form.settings({"detail": 701})


def test_models_without_weights_are_not_offered(tmp_path: Path) -> None:
    model = next(item for item in FORM.fields.values() if item.name == "model")
    assert model.choice.options == ("starter",)
    assert math.isclose(FORM.settings({"near": 1}).near, 1.0) and isinstance(FORM.settings({"near": 1}).near, float)


def test_damaged_weights_are_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    whole, cut = MODELS["dpt_levit_224"], MODELS["dpt_hybrid_384"]
    for model, size in ((whole, whole.file_bytes), (cut, 1000)):
        path = tmp_path / "weights" / model.file
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as stream:
            stream.truncate(size)
    form = Form.of(WebOptions(), tmp_path)
    assert form.fields["model"].choice.options == ("starter", whole.name)
    shown = form.described()["models"]
    assert [one["name"] for one in shown if one["is_here"]] == ["starter", whole.name] and len(shown) == len(MODELS)
    assert [one["name"] for one in shown][:2] == ["starter", whole.name], "those that are here come first"
    by_name = {one["name"]: one for one in shown}
    assert by_name["starter"]["question"] == "" and by_name[GRADES["better"]]["grade"] == "better"
    assert "excludes commercial work" in by_name["depth_anything_v2_vitb"]["question"]


@pytest.mark.serial
def test_a_header_without_end_is_left(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 5_000_000)
    began = time.monotonic()
    assert sniff.size(path) is None and time.monotonic() - began < 1.0


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF89a", b"BM", b"RIFF", b""]),
    st.data(),
)
def test_any_bytes_have_a_size_or_none(start: bytes, data: st.DataObject) -> None:
    import tempfile

    content = start + data.draw(st.binary(max_size=300))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        path.write_bytes(content)
        found = sniff.size(path)
        assert found is None or min(found) > 0
        assert sniff.photo_ending(path) in (*PHOTO_ENDINGS, None)
        sniff.depth_ending(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "MPO"])
def test_every_kind_of_photo_is_recognised_by_its_content(tmp_path: Path, kind: str) -> None:
    from PIL import Image

    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo", kind)
    assert sniff.photo_ending(tmp_path / "photo") in PHOTO_ENDINGS
    (tmp_path / "text").write_text("This is no photo at all, but a text.")
    assert sniff.photo_ending(tmp_path / "text") is None
