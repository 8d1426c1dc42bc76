// SPDX-License-Identifier: GPL-3.0-or-later
// Measures between two points of the model, which are clicked, tapped, or put under the cross in the middle by a key.

import { announce, find } from "./element.js";
import { certainty } from "./scene.js";
import { t } from "./texts.js";
import { metres } from "./words.js";

/** Pixels that a click may wander; beyond it turns the view. */
const WANDER = 6;
const MIDDLE = [0.5, 0.5];
const HINT = t("Click two points on the model; keys: Enter takes the point under the cross, Escape clears.");
const SECOND = t("Now the second point.");
const NOTHING = t("There is nothing at this place; choose a point on the model.");
const CUT = t("The measured points are not on the new mesh; measure again.");

/** The measurement in the view of one viewer. */
export class Measuring {
  constructor(viewer) {
    this._viewer = viewer;
    this._isOn = false;
    this._picked = [];
    this._certainty = "";
    this._isDraft = false;
    const canvas = find("canvas");
    find("measure").addEventListener("click", () => this._turn(!this._isOn));
    canvas.addEventListener("keydown", (event) => this._press(event));
    this._listenToClicks(canvas);
    viewer.onDraw = () => this._draw();
  }

  /** Ends the measurement. */
  close() {
    this._turn(false);
  }

  /** Measures the same places of the photo on another mesh of it, that of a job's `status`. */
  renew({ result: { distances } }, isDraft) {
    this._certainty = certainty(distances);
    this._isDraft = isDraft;
    if (!this._picked.length) return;
    const points = this._picked.map((one) => this._viewer.again(one));
    if (points.includes(null)) {
      this._picked = [];
      this._say(CUT);
    } else {
      this._picked.forEach((one, index) => (one.point = points[index]));
      this._tell();
    }
    this._draw();
  }

  /** Draws the measurement onto a picture of the view, `pen` being its context; `unit`: its pixels per pixel of the page. */
  drawOn(pen, width, height, unit) {
    const ends = this._ends();
    if (!ends) return;
    const places = ends.map(({ x, y }) => [x * width, y * height]);
    for (const [colour, thick] of [["#000", 5], ["#fff", 2.5]]) {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = thick * unit;
      pen.beginPath();
      places.forEach(([x, y]) => pen.lineTo(x, y));
      pen.stroke();
      for (const [x, y] of places) {
        pen.beginPath();
        pen.arc(x, y, (2 + thick) * unit, 0, 2 * Math.PI);
        pen.fill();
      }
    }
    if (places.length < 2) return;
    const [x, y] = [0, 1].map((axis) => (places[0][axis] + places[1][axis]) / 2);
    pen.font = `${14 * unit}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.lineWidth = 4 * unit;
    pen.strokeStyle = "#000";
    pen.strokeText(this._words, x, y - 12 * unit);
    pen.fillText(this._words, x, y - 12 * unit);
  }

  _turn(isOn) {
    if (this._isOn === isOn) return;
    this._isOn = isOn;
    this._picked = [];
    find("measure").setAttribute("aria-pressed", String(isOn));
    find("viewer").classList.toggle("measuring", isOn);
    // Nobody hits a point of what sways.
    if (isOn && this._viewer.isSwaying) this._viewer.setSway(false);
    this._say(isOn ? HINT : "");
    this._draw();
  }

  _press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = { m: () => this._turn(!this._isOn) };
    if (this._isOn) {
      acts.enter = () => this._take(...MIDDLE);
      acts.escape = () => this._clear();
    }
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  _listenToClicks(canvas) {
    let began = null;
    canvas.addEventListener("pointerdown", (event) => {
      // A second finger zooms.
      began = event.isPrimary && event.button === 0 ? event : null;
    });
    canvas.addEventListener("pointerup", (event) => {
      const wandered = began ? Math.hypot(event.clientX - began.clientX, event.clientY - began.clientY) : Infinity;
      began = null;
      if (!this._isOn || wandered > WANDER) return;
      const box = canvas.getBoundingClientRect();
      this._take((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
  }

  /** Removes the points; without points, ends. */
  _clear() {
    if (!this._picked.length) {
      this._turn(false);
      return;
    }
    this._picked = [];
    this._say(HINT);
    this._draw();
  }

  _take(x, y) {
    const found = this._viewer.pick(x, y);
    if (!found) {
      this._say(NOTHING);
      return;
    }
    if (this._picked.length === 2) this._picked = [];
    this._picked.push(found);
    if (this._picked.length === 2) this._tell();
    else this._say(SECOND);
    this._draw();
  }

  _tell() {
    if (this._picked.length === 2) this._say(t("Distance: {words}", { words: this._words }));
  }

  /** The distance, and how certain it is. */
  get _words() {
    const [one, other] = this._picked;
    return [`${metres(one.point.distanceTo(other.point))} m`, this._certainty, this._isDraft ? t("(draft)") : ""].filter(Boolean).join(" ");
  }

  _say(sentence) {
    find("measure-note").textContent = sentence;
    find("measure-note").hidden = !sentence;
    if (sentence) announce(sentence);
  }

  /** Returns where the points are seen; null where they are not, or there are none. */
  _ends() {
    const ends = this._picked.map(({ point }) => this._viewer.seenAt(point));
    return ends.length && ends.every(({ isAhead }) => isAhead) ? ends : null;
  }

  _draw() {
    const ends = this._ends();
    find("measure-lines").toggleAttribute("hidden", !ends);
    find("measure-label").hidden = !ends || ends.length < 2;
    if (!ends) return;
    const percent = (share) => `${100 * share}%`;
    const [first, last] = [ends[0], ends.at(-1)];
    for (const line of find("measure-lines").querySelectorAll("line")) {
      for (const [name, value] of Object.entries({ x1: first.x, y1: first.y, x2: last.x, y2: last.y })) line.setAttribute(name, percent(value));
    }
    find("measure-lines").querySelectorAll("circle").forEach((circle, index) => {
      const { x, y } = ends[Math.min(index, ends.length - 1)];
      circle.setAttribute("cx", percent(x));
      circle.setAttribute("cy", percent(y));
    });
    if (ends.length < 2) return;
    const label = find("measure-label");
    label.textContent = this._words;
    label.style.left = percent((first.x + last.x) / 2);
    label.style.top = percent((first.y + last.y) / 2);
  }
}
