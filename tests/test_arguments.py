# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from mono3d_addon.arguments import build_parser, build_web_parser, parse, parse_batch, parse_web
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import GRADES, AnySettings, RunOptions, Settings, WebOptions, fields_of, preset
from tests.test_settings import ANY_VALUES


def test_nothing_given_is_the_defaults() -> None:
    command = parse(["a.jpg"], "mono3d")
    assert command.photos == ("a.jpg",)
    assert command.settings == Settings() and command.options == RunOptions()


@given(ANY_VALUES)
def test_every_setting_has_an_option(values: dict[str, Any]) -> None:
    words = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag}={value!r}" if isinstance(value, float) else f"--{flag}={value}")
    assert parse(["a.jpg", *words], "mono3d").settings == Settings(**values)


def test_presets_are_where_settings_start() -> None:
    command = parse(["a.jpg", "--preset", "best", "--detail", "700"], "mono3d")
    assert command.settings.detail == 700
    assert command.settings.network_size == preset("best").network_size


def test_the_seeds_command_line() -> None:
    command = parse(["--rgb", "in.jpg", "--out", "out.ply"], "mono3d")
    assert command.photos == ("in.jpg",) and command.options.output == "out.ply"


def test_photos_and_options_in_any_order() -> None:
    command = parse(["a.jpg", "-o", "out", "b.jpg", "--format", "glb, PLY", "c.jpg"], "mono3d")
    assert command.photos == ("a.jpg", "b.jpg", "c.jpg")
    assert command.options.format == ("glb", "ply") and command.options.output == "out"


def test_what_a_batch_writes_is_an_option_of_its_plan(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-o", "out", "--format", "glb,ply", "--preview", "off", "--compress", "draco"]
    for action in ([], ["plan"]):
        options = parse_batch([*action, "photos", *words], "mono3d batch").options
        assert (options.format, options.preview, options.compress) == (("glb", "ply"), "off", "draco")
    assert parse_batch(["photos", "-o", "out"], "mono3d batch").options.compress == "quantize", "a million are large"
    assert parse(["a.jpg"], "mono3d").options.compress == "none", "one is exact"
    for option in ("--format", "--preview", "--compress"):
        with pytest.raises(SystemExit):
            parse_batch(["run", "-o", "out", option, "x"], "mono3d batch")
        assert f"unrecognized arguments: {option}" in capsys.readouterr().err


def test_what_follows_two_dashes_is_a_photo() -> None:
    command = parse(["a.jpg", "--format", "glb", "--", "-dash.jpg", "--detail", "--"], "mono3d")
    assert command.photos == ("a.jpg", "-dash.jpg", "--detail", "--") and command.options.format == ("glb",)
    assert parse(["--", "-dash.jpg"], "mono3d").photos == ("-dash.jpg",)


def test_install_needs_no_photo() -> None:
    assert parse(["--install"], "mono3d").photos == ()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no photo"),
        (["a.jpg", "--near", "much"], "--near"),
        (["a.jpg", "--near", "9", "--far", "3"], "larger than near"),
        (["a.jpg", "--detail", "1"], "Detail: 1 px is outside 16 to 8,192 px"),
        (["a.jpg", "--format", "glb,doc"], "'doc' is not one of"),
        (["a.jpg", "--preset", "slow"], "--preset"),
        (["a.jpg", "--jobs", "65"], "Jobs"),
        (["a.jpg", "--unknown"], "--unknown"),
        (["a.jpg", "--near", "nan"], "Near"),
    ],
)
def test_wrong_usage_is_code_two_and_a_sentence(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words, "mono3d")
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def test_help_names_units_bounds_and_defaults() -> None:
    text = " ".join(build_parser("mono3d", show_all=True).format_help().split())
    for item in (*fields_of(Settings), *fields_of(RunOptions)):
        assert f"--{item.name.replace('_', '-')}" in text or any(word in text for word in item.choice.words)
    assert "0 to 100,000 m (default: 0)" in text
    assert "0 to 20 % (default: 1)" in text


@pytest.mark.parametrize(
    ("build", "classes"), [(build_parser, (RunOptions, Settings)), (build_web_parser, (WebOptions,))]
)
def test_help_shows_the_basic_options_and_help_all_every_one(
    build: Callable[..., ArgumentParser], classes: tuple[AnySettings, ...]
) -> None:
    short, full = build("mono3d").format_help(), build("mono3d", show_all=True).format_help()
    assert "--help-all" in short and "advanced:" not in short
    basic_part, _, advanced_part = full.partition("advanced:")
    for item in (one for cls in classes for one in fields_of(cls)):
        flag = re.compile(rf"^  .*--{item.name.replace('_', '-')}(?![\w-])", re.MULTILINE)
        is_basic = item.choice.level == "basic"
        assert bool(flag.search(short)) == bool(flag.search(basic_part)) == is_basic, item.name
        assert bool(flag.search(advanced_part)) != is_basic, item.name
    assert len(short.splitlines()) < 0.6 * len(full.splitlines())


@pytest.mark.parametrize("read", [parse, parse_web])
def test_help_all_needs_no_photo(read: Callable[[list[str], str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read(["--help-all"], "mono3d")
    assert caught.value.code == 0
    assert "advanced:" in capsys.readouterr().out


def test_errors_name_the_program_without_the_end_of_blenders_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([], "blender -b --python batch.py --")
    shown = capsys.readouterr().err
    assert "batch.py -- [OPTION" in shown and "batch.py: error: no photo" in shown


@pytest.mark.parametrize(
    ("words", "tiles"),
    [
        ([], "auto"),
        (["--tiles"], "on"),
        (["--no-tiles"], "off"),
        (["--tiles", "off"], "off"),
        (["--tiles=auto"], "auto"),
        (["--preset", "best"], "on"),
    ],
)
def test_fine_detail_may_be_written_as_the_switch_that_it_was(words: list[str], tiles: str) -> None:
    found = parse([*words, "cup.jpg"], "mono3d")
    assert found.photos == ("cup.jpg",) and found.settings.tiles == tiles


@pytest.mark.parametrize(("word", "name"), GRADES.items())
def test_a_word_stands_for_a_model(word: str, name: str) -> None:
    assert parse(["a.jpg", "--model", word], "mono3d").settings.model == name == Settings(model=word).model


def test_the_help_tells_the_three_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"], "mono3d")
    text = " ".join(capsys.readouterr().out.split())
    better, best = (MODELS[GRADES[word]] for word in ("better", "best"))
    assert f"'better' ({better.name}: {better.file_bytes / 1e6:,.0f} MB, free for all use)" in text
    assert f"'best' ({best.name}: {best.file_bytes / 1e6:,.0f} MB, free for all use" in text
