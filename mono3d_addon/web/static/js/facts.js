// SPDX-License-Identifier: GPL-3.0-or-later
// The facts about a result.

import { find, make, tell } from "./element.js";
import { sceneWords } from "./scene.js";
import { heard, t } from "./texts.js";
import { count, date, inSentence, tenths } from "./words.js";

/** Shows counts, times, camera, model and notes; `status` must have a result, `scenes` are the server's usual ones. */
export function showFacts(status, scenes) {
  const { result } = status;
  const rows = {
    [t("Photo")]: t("{width} × {height} pixels", { width: count(result.width), height: count(result.height) }),
    [t("Mesh")]: meshWords(result),
    [t("Cloud")]: result.counts.points ? t("{count} points", { count: count(result.counts.points) }) : "",
    [t("Distances")]: sceneWords(result, scenes),
    [t("Camera")]: cameraWords(result.camera),
    [t("Model")]: result.model,
    [t("Engine")]: result.engine,
    [t("Time")]: timeWords(result.seconds),
    [t("Kept")]: status.expires ? t("until {when}", { when: date(status.expires) }) : "",
  };
  const shown = Object.entries(rows).filter(([, words]) => words);
  find("facts").replaceChildren(...shown.flatMap(([name, words]) => [make("dt", { text: name }), make("dd", { text: words })]));
  find("notes").replaceChildren(...result.notes.map(noteOf));
}

/** Returns the size of a result's mesh in words. */
export function meshWords({ counts: { vertices, triangles } }) {
  return t("{vertices} vertices, {triangles} triangles", { vertices: count(vertices), triangles: count(triangles) });
}

function noteOf(note) {
  const element = make("li");
  tell(element, heard(note));
  return element;
}

/** Returns the angle of view along the longer side of the photo, in degrees. */
export function fieldOfView({ width, height, fx, fy }) {
  const half = width >= height ? width / (2 * fx) : height / (2 * fy);
  return (2 * Math.atan(half) * 180) / Math.PI;
}

function cameraWords(camera) {
  // Such as "estimated 48 degrees (rough)".
  if (camera.projection === "equirectangular" || camera.source.includes("degrees")) return heard(camera.source);
  return t("{angle} degrees ({source})", { angle: tenths(fieldOfView(camera)), source: heard(camera.source) });
}

function timeWords(seconds) {
  const parts = Object.entries(seconds).filter(([, time]) => time >= 0.05);
  const total = Object.values(seconds).reduce((sum, time) => sum + time, 0);
  const words = parts.map(([stage, time]) => `${inSentence(heard(stage))} ${tenths(time)}`);
  return `${tenths(total)} s${words.length > 1 ? ` (${words.join(", ")})` : ""}`;
}
