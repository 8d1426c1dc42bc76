// SPDX-License-Identifier: GPL-3.0-or-later
// The facts about a result.

import { find, make } from "./element.js";
import { sceneWords } from "./scene.js";
import { count } from "./words.js";

/** Shows counts, times, camera, model and notes; `status` must have a result, `scenes` are the server's usual ones. */
export function showFacts(status, scenes) {
  const { result } = status;
  const rows = {
    Photo: `${count(result.width)} × ${count(result.height)} pixels`,
    Mesh: `${count(result.counts.vertices)} vertices, ${count(result.counts.triangles)} triangles`,
    Cloud: result.counts.points ? `${count(result.counts.points)} points` : "",
    Distances: sceneWords(result, scenes),
    Camera: cameraWords(result.camera),
    Model: result.model,
    Engine: result.engine,
    Time: timeWords(result.seconds),
    Kept: status.expires ? `until ${new Date(status.expires).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}` : "",
  };
  const shown = Object.entries(rows).filter(([, words]) => words);
  find("facts").replaceChildren(...shown.flatMap(([name, words]) => [make("dt", { text: name }), make("dd", { text: words })]));
  find("notes").replaceChildren(...result.notes.map((note) => make("li", { text: note })));
}

/** Returns the angle of view along the longer side of the photo, in degrees. */
export function fieldOfView({ width, height, fx, fy }) {
  const half = width >= height ? width / (2 * fx) : height / (2 * fy);
  return (2 * Math.atan(half) * 180) / Math.PI;
}

function cameraWords(camera) {
  // Such as "estimated 48 degrees (rough)".
  if (camera.projection === "equirectangular" || camera.source.includes("degrees")) return camera.source;
  return `${fieldOfView(camera).toFixed(1)} degrees (${camera.source})`;
}

function timeWords(seconds) {
  const parts = Object.entries(seconds).filter(([, time]) => time >= 0.05);
  const total = Object.values(seconds).reduce((sum, time) => sum + time, 0);
  const words = parts.map(([stage, time]) => `${stage.toLowerCase()} ${time.toFixed(1)}`);
  return `${total.toFixed(1)} s${words.length > 1 ? ` (${words.join(", ")})` : ""}`;
}
