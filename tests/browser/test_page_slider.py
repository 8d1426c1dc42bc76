# SPDX-License-Identifier: GPL-3.0-or-later
"""Where values stand on the sliders, for every live setting that the server names."""

from __future__ import annotations

from tests.browser.visit import Visit

_SCALES = """
async () => {
  const { scaleOf } = await import(new URL("static/js/slider.js", document.baseURI));
  const { groups } = await (await fetch("api/settings")).json();
  const live = groups.flatMap((group) => group.fields).filter((spec) => spec.live);
  const numbers = live.filter((spec) => ["int", "float"].includes(spec.kind));
  return numbers.map((spec) => {
    const scale = scaleOf(spec);
    if (!scale) return { ...spec, has: false };
    const values = Array.from({ length: 241 }, (_, step) => scale.toValue(step / 240));
    const back = values.map((value) => scale.toPlace(value));
    return { ...spec, has: true, values, back, home: scale.toPlace(spec.default) };
  });
}
"""


def test_sliders_cover_their_values_evenly_enough(visit: Visit) -> None:
    visit.open()
    scales = visit.page.evaluate(_SCALES)
    assert {"near", "far", "tear", "detail", "field_of_view"} <= {one["name"] for one in scales if one["has"]}
    for one in (one for one in scales if one["has"]):
        values, back = one["values"], one["back"]
        assert values == sorted(values), one["name"]
        assert min(values) >= one["minimum"] and max(values) <= one["maximum"], one["name"]
        assert len(set(values)) > (5 if one["kind"] == "int" else 60), one["name"]
        # Whole numbers and three digits move the handle a little.
        assert all(abs(place - step / 240) < 0.13 for step, place in enumerate(back)), one["name"]
        assert one["default"] == one["minimum"] or 0.05 < one["home"] < 0.95, one["name"]
