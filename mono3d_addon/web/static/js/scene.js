// SPDX-License-Identifier: GPL-3.0-or-later
// The kind of scene in words beside its distances, and usual distances of another kind where the estimate is wrong.

import { make } from "./element.js";
import { t } from "./texts.js";
import { metres } from "./words.js";

const KINDS = {
  person: [t("Portrait"), t("a portrait")],
  object: [t("Object"), t("an object")],
  room: [t("Room"), t("a room")],
  street: [t("Street"), t("a street")],
  landscape: [t("Landscape"), t("a landscape")],
  flat: [t("Flat picture"), t("a flat picture")],
};
const ESTIMATED = "estimated";
const OWN = "own";

/** Returns how well the distances of a result are known, in brackets; empty where the user or the file tells them. */
export function certainty({ near, far }) {
  if (near.is_rough || far.is_rough) return t("(rough)");
  return near.factor === 1 && far.factor === 1 ? "" : t("(estimated)");
}

/**
 * Returns the distances and the kind of a result's scene: "0.5 to 1.1 m (rough), an object".
 *
 * Whoever set the usual distances of one of the `scenes` decided on its kind.
 */
export function sceneWords({ distances, kind }, scenes) {
  const { near, far } = distances;
  const span = [spanOf(near.metres, far.metres), certainty(distances)].filter(Boolean).join(" ");
  const known = usual(scenes, near.metres, far.metres)?.name ?? kind;
  return known in KINDS ? `${span}, ${KINDS[known][1]}` : span;
}

function spanOf(near, far) {
  return t("{near} to {far} m", { near: metres(near), far: metres(far) });
}

function usual(scenes, near, far) {
  return scenes.find((one) => one.near === near && one.far === far);
}

/** A choice of the kind of scene, which sets near and far; `scenes` are the server's, `onChoose` gets both in metres. */
export class SceneChoice {
  constructor(scenes, onChoose) {
    this._scenes = scenes;
    const options = [
      make("option", { value: ESTIMATED, text: t("as estimated") }),
      ...scenes.map(({ name, near, far }) => make("option", { value: name, text: `${KINDS[name][0]}: ${spanOf(near, far)}` })),
      make("option", { value: OWN, text: t("own distances"), disabled: true }),
    ];
    this._select = make("select", { id: "shape-scene", "aria-describedby": "shape-scene-words" }, ...options);
    this._select.addEventListener("change", ({ target: { value } }) => {
      const { near, far } = scenes.find(({ name }) => name === value) ?? { near: 0, far: 0 };
      onChoose(near, far);
    });
    this._words = make("p", { id: "shape-scene-words", class: "muted small" });
    const head = make("div", { class: "field-head" }, make("label", { for: "shape-scene", text: t("Kind of scene") }));
    this.element = make("div", { class: "field" }, head, this._select, this._words);
  }

  /** Shows the settings that the sliders have. */
  show(near, far) {
    this._select.value = usual(this._scenes, near, far)?.name ?? (near === 0 && far === 0 ? ESTIMATED : OWN);
  }

  /** Shows what a result tells of its scene. */
  tell(result) {
    this._words.textContent = sceneWords(result, this._scenes);
  }
}
