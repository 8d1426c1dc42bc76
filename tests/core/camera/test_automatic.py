# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.automatic import FromFile, Resolved, Value, angle_words, resolve
from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import LEAST_FAR, LEAST_NEAR, Settings

KINDS = ("person", "object", "room", "street", "landscape", "flat")

metres = st.floats(1e-4, 1e7)
guesses = st.none() | st.builds(Guess, metres, st.floats(0.0, 20.0))
shares = st.fixed_dictionaries({name: st.floats(0.0, 1.0) for name in KINDS}).map(
    lambda found: {name: share / max(sum(found.values()), 1e-9) for name, share in found.items()}
)
scenes = st.none() | st.builds(SceneGuess, guesses, guesses, st.none(), st.just({}) | shares)
set_or_not = st.just(0.0) | st.floats(0.01, 1e5)


def kind(name: str, certainty: float = 1.0) -> dict[str, float]:
    rest = (1.0 - certainty) / (len(KINDS) - 1)
    return {one: certainty if one == name else rest for one in KINDS}


def spans(found: Resolved) -> tuple[float, float]:
    return found.near.value, found.far.value


@given(scenes, set_or_not, set_or_not, st.just(FromFile()) | st.builds(FromFile, metres, metres))
def test_every_combination_gives_distances_that_the_settings_allow(
    scene: SceneGuess | None, near: float, far: float, file: FromFile
) -> None:
    if near and far <= near:
        far = 0.0
    found = resolve(Settings(near=near, far=far), scene, file)
    assert LEAST_NEAR <= found.near.value < found.far.value and found.far.value >= LEAST_FAR
    for name, value in (("near", near), ("far", far)):
        one = getattr(found, name)
        assert (one.source == "set by you") == bool(value) and (not value or one == Value(value, "set by you"))
        assert (one.deviation == 0.0) == one.is_known
    pinned = found.pinned_to(Settings(near=near, far=far))
    assert spans(resolve(pinned, None)) == spans(found), "numbers alone reproduce it"
    assert Resolved.from_json(found.to_json()) == found


@given(scenes, st.floats(0.01, 1e4))
def test_the_distance_that_is_not_set_follows_by_the_ratio(scene: SceneGuess | None, metres: float) -> None:
    by_near, by_far = resolve(Settings(near=metres), scene), resolve(Settings(far=metres), scene)
    twice = resolve(Settings(near=2.0 * metres), scene)
    ratio = by_near.far.value / metres
    if ratio * metres < 9e5 and metres / ratio > 2.0 * LEAST_NEAR:
        assert twice.far.value == pytest.approx(min(2.0 * by_near.far.value, 1e6))
        assert metres / by_far.near.value == pytest.approx(ratio)


@given(st.floats(0.05, 500.0), st.floats(1.2, 50.0))
def test_a_certain_guess_decides_and_one_without_certainty_changes_nothing(near: float, ratio: float) -> None:
    def guessed(deviation: float) -> Resolved:
        scene = SceneGuess(Guess(near, deviation), Guess(near * ratio, deviation), Guess(1.4, deviation), kind("room"))
        return resolve(Settings(), scene)

    certain, vague, usual = guessed(1e-4), guessed(1e4), resolve(Settings(), SceneGuess(kinds=kind("room")))
    assert spans(certain) == pytest.approx((near, near * ratio), rel=1e-3)
    assert math.tan(0.5 * certain.field_of_view.value) == pytest.approx(0.5 / 1.4, rel=1e-3)
    assert {certain.near.source, certain.far.source, certain.field_of_view.source} == {"estimated"}
    assert spans(vague) == pytest.approx(spans(usual), rel=1e-3)
    assert vague.field_of_view.value == pytest.approx(usual.field_of_view.value, rel=1e-3)
    assert {vague.near.source, vague.far.source, vague.field_of_view.source} == {"typical"}
    # From the one to the other without a jump, and the less certain the guess, the less certain the result.
    reach = sum(abs(math.log(one / other)) for one, other in zip(spans(certain), spans(usual), strict=True)) + 0.5
    steps = [guessed(10.0 ** (-2.0 + number / 5.0)) for number in range(21)]
    for before, after in itertools.pairwise(steps):
        for name in ("near", "far", "field_of_view"):
            one, other = getattr(before, name), getattr(after, name)
            assert abs(math.log(other.value / one.value)) <= 0.3 * reach
            # It contains how far a deep ratio was moved, which a vaguer guess may make a little smaller.
            assert other.deviation >= (1.0 if ratio <= 3.0 else 0.9) * one.deviation - 1e-12


def test_a_guess_of_one_distance_moves_the_other_by_their_usual_ratio() -> None:
    only_near = resolve(Settings(), SceneGuess(near=Guess(20.0, 0.05)))
    only_far = resolve(Settings(), SceneGuess(far=Guess(60.0, 0.05)))
    assert spans(only_near) == pytest.approx((20.0, 60.0), rel=0.05)
    assert only_far.far.value == pytest.approx(60.0, rel=0.02) and 6.0 < only_far.near.value < 20.0
    assert (only_near.near.source, only_near.far.source) == ("estimated", "estimated")


def test_guesses_that_contradict_each_other_still_leave_far_behind_near() -> None:
    found = resolve(Settings(), SceneGuess(Guess(5.0, 0.2), Guess(2.0, 0.2)))
    assert found.near.value * 1.05 <= found.far.value
    assert resolve(Settings(), SceneGuess(Guess(math.nan, 0.1), Guess(-1.0, 0.1))) == resolve(Settings())
    assert resolve(Settings(), SceneGuess(Guess(3.0, math.nan), Guess(9.0, math.inf))) == resolve(Settings())


@pytest.mark.parametrize(
    ("name", "near", "ratio"),
    [("person", (0.8, 2.0), 3.0), ("object", (0.2, 0.6), 3.0), ("room", (0.8, 2.0), 4.5), ("street", (2.0, 5.0), 11.0)],
)
def test_the_kind_of_scene_tells_what_is_usual(name: str, near: tuple[float, float], ratio: float) -> None:
    found = resolve(Settings(), SceneGuess(kinds=kind(name)))
    assert near[0] <= found.near.value <= near[1]
    # Deep scenes are shown shallower than is usual, but still deeper than others.
    assert 3.0 * (ratio / 3.0) ** 0.25 <= found.far.value / found.near.value * 1.000001 <= ratio * 1.00001
    assert found.near.source == found.far.source == "typical"


def test_nothing_known_and_a_kind_that_is_unsure_give_three_times_near() -> None:
    assert spans(resolve(Settings())) == pytest.approx((1.0, 3.0))
    assert spans(resolve(Settings(), SceneGuess(kinds=kind("street", 1.0 / len(KINDS))))) == pytest.approx((1.0, 3.0))
    ratios = [
        found.far.value / found.near.value
        for found in (resolve(Settings(), SceneGuess(kinds=kind("street", share))) for share in (0.4, 0.7, 0.95))
    ]
    assert 3.0 < ratios[0] < ratios[1] < ratios[2] < 11.0
    landscape = resolve(Settings(), SceneGuess(kinds=kind("landscape")))
    assert landscape.far.value / landscape.near.value > 4.0


@given(st.floats(1.2, 60.0), st.floats(0.01, 1.5), st.floats(0.01, 1.5))
def test_a_deep_scene_is_as_deep_as_its_guess_is_certain(ratio: float, deviation: float, more: float) -> None:
    def depth(deviation: float) -> float:
        scene = SceneGuess(Guess(2.0, deviation), Guess(2.0 * ratio, deviation), kinds=kind("street"))
        found = resolve(Settings(), scene)
        return found.far.value / found.near.value

    surer, vaguer = depth(deviation), depth(deviation + more)
    assert depth(1e-4) == pytest.approx(ratio, rel=1e-3)
    # Far is usually 11 times near in a street; of what is beyond 6, a guess without certainty keeps a fifth.
    assert surer <= max(ratio, 11.0) and vaguer <= max(surer, 6.0 * (11.0 / 6.0) ** 0.25)
    if ratio >= 11.0:
        assert 3.0 < vaguer <= surer + 1e-9


def test_the_less_certain_distance_of_a_deep_scene_moves_more() -> None:
    scene = SceneGuess(Guess(2.0, 0.02), Guess(40.0, 0.9), kinds=kind("street"))
    found = resolve(Settings(), scene)
    assert found.near.value == pytest.approx(2.0, rel=0.02) and 6.0 < found.far.value < 30.0
    scene = SceneGuess(Guess(2.0, 0.9), Guess(40.0, 0.02), kinds=kind("street"))
    found = resolve(Settings(), scene)
    assert found.far.value == pytest.approx(40.0, rel=0.02) and 2.5 < found.near.value < 14.0


def test_the_file_comes_before_guesses_and_the_user_before_the_file() -> None:
    scene = SceneGuess(Guess(5.0, 0.1), Guess(9.0, 0.1), Guess(2.0, 0.05))
    file = FromFile(0.5, 2.0, 0.9)
    found = resolve(Settings(), scene, file)
    assert spans(found) == (0.5, 2.0) and found.field_of_view == Value(0.9, "from the file")
    assert {found.near.source, found.far.source} == {"from the file"} and found.notes == ()
    mine = resolve(Settings(near=1.0, field_of_view=40.0), scene, file)
    assert spans(mine) == pytest.approx((1.0, 4.0)) and mine.near.source == "set by you"
    assert mine.field_of_view == Value(math.radians(40.0), "set by you")


def test_the_words_tell_where_distances_come_from() -> None:
    guessed = resolve(Settings(), SceneGuess(Guess(0.4, 0.25), Guess(0.9, 0.25), Guess(1.1, 0.3)))
    assert guessed.distance_words.startswith("estimated 0.4") and guessed.distance_words.endswith(" m (rough)")
    assert guessed.notes == (f"Distances: {guessed.distance_words}.",)
    sure = resolve(Settings(), SceneGuess(Guess(0.4, 0.01), Guess(0.9, 0.01), Guess(1.1, 0.01)))
    assert sure.distance_words == "estimated 0.4 to 0.9 m" and angle_words(sure.field_of_view) == "estimated 49 degrees"
    (note,) = resolve(Settings()).notes
    assert note == "Distances: typical 1 to 3 m (rough); set 'Near' and 'Far' if you know them."
    assert angle_words(resolve(Settings()).field_of_view) == "assumed 55 degrees"
    half = resolve(Settings(near=0.5))
    assert half.distance_words == "near 0.5 m, set by you, far typical 1.5 m (rough)" and half.notes
    both = resolve(Settings(near=0.5, far=2.25))
    assert both.distance_words == "0.5 to 2.25 m, set by you" and both.notes == ()
    slid = resolve(Settings(near=0.5, far=8.745648))
    assert slid.distance_words == "0.5 to 8.746 m, set by you", "a slider's digits"
    large = resolve(Settings(near=1.0, far=123456.7))
    assert large.distance_words == "1 to 123,457 m, set by you"
    wide = resolve(Settings(), SceneGuess(Guess(30.0, 0.01), Guess(123456.0, 0.01)))
    assert wide.distance_words == "estimated 30 to 120,000 m"


def test_what_the_user_did_not_set_can_become_automatic_again() -> None:
    scene = SceneGuess(Guess(0.4, 0.01), Guess(0.9, 0.01), Guess(1.1, 0.01))
    found = resolve(Settings(), scene)
    pinned = found.pinned_to(Settings())
    assert pinned.field_of_view == pytest.approx(48.9, abs=0.1) and pinned.near == pytest.approx(0.4, rel=1e-2)
    changed = dataclasses.replace(pinned, near=0.3)
    mine = found.decided_by_user(changed, {"near"})
    assert (mine.near.source, mine.far.source) == ("set by you", "estimated")
    assert mine.wishes(changed) == Settings(near=0.3)
    assert "guess" not in dataclasses.asdict(mine) and "near 0.3 m, set by you" in mine.to_json()
    for text in ("", "[]", "{}", '{"near": 1, "far": 2, "field_of_view": 3}'):
        with pytest.raises(Mono3DError, match="cannot be read"):
            Resolved.from_json(text)


def test_two_guesses_count_by_their_certainty() -> None:
    sure, rough = Guess(2.0, 0.1), Guess(8.0, 0.3)
    both = sure.with_other(rough)
    assert both == rough.with_other(sure)
    assert both.value == pytest.approx(2.0 * 4.0**0.1) and both.deviation == pytest.approx(0.1 * 0.9**0.5)
    alike = sure.with_other(sure)
    assert alike.value == pytest.approx(2.0) and alike.deviation == pytest.approx(0.1 / 2.0**0.5)
