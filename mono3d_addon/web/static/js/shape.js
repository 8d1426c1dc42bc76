// SPDX-License-Identifier: GPL-3.0-or-later
// The sliders of a result. A draft follows while they move, the complete mesh when they stop; the last value wins.

import * as api from "./api.js";
import { find, tell } from "./element.js";
import { fieldOfView, meshWords } from "./facts.js";
import { Field } from "./field.js";
import { follow, isOver } from "./follow.js";
import { changes, isBasic, makeGroup, showThoseWithEffect } from "./groups.js";
import { patiently } from "./presence.js";
import { waitingWords } from "./progress.js";
import { SceneChoice } from "./scene.js";
import { heard, t } from "./texts.js";

const DRAFT_AFTER = 60;
const WHOLE_AFTER = 450;
/** Drafts of other surfaces may take nearly as long as the complete mesh; those are not waited for longer than this. */
const QUICK = "grid";
const PATIENCE = 2000;

/** The sliders; `onStatus` is called with each status while another mesh is built. */
export class Shape {
  constructor(description, onStatus) {
    this._onStatus = onStatus;
    this._id = null;
    this._stop = () => {};
    this._busyWith = "";
    this._kept = "";
    this._draftTimer = 0;
    this._wholeTimer = 0;
    this._makeFields(description);
    find("shape-reset").addEventListener("click", () => this._resetAll());
  }

  /** Shows the sliders of another result. */
  open(status) {
    this.close();
    this._id = status.id;
    this._kept = "";
    this._say("", "");
    this.renew(status);
  }

  /** Stops all timers and requests. */
  close() {
    this._stop();
    clearTimeout(this._draftTimer);
    clearTimeout(this._wholeTimer);
    this._id = null;
    this._busyWith = "";
  }

  /** Updates the sliders to a status, but not while the user changes them. */
  renew(status) {
    if (!this._isWaiting && isOver(status) && !status.error) {
      for (const [name, field] of this._fields) this._show(field, status.result.settings[name], status.result);
      this._scene.tell(status.result);
      this._renewGroups();
    }
    this._say(this._stateWords(status), isOver(status) ? heard(status.error ?? "") : "");
  }

  /** Whether another mesh is on its way, or about to be. */
  get isBusy() {
    return Boolean(this._busyWith) || this._isWaiting;
  }

  /** Whether changes have not been sent yet. */
  get _isWaiting() {
    return Boolean(this._draftTimer || this._wholeTimer);
  }

  _makeFields(description) {
    this._fields = new Map();
    this._groups = [];
    const live = description.groups.map(({ name, fields }) => [name, fields.filter((spec) => spec.live)]);
    for (const [, specs] of live) {
      for (const spec of specs) {
        this._fields.set(spec.name, new Field(spec, "shape", (field) => this._change(field), { slider: true }));
      }
    }
    this._scene = new SceneChoice(description.scenes, (near, far) => this._setDistances(near, far));
    const basic = [...this._fields.values()].filter(isBasic);
    find("shape").append(this._scene.element, ...basic.map((field) => field.element));
    for (const [name, specs] of live) {
      const fields = specs.map((spec) => this._fields.get(spec.name)).filter((field) => !isBasic(field));
      if (!fields.length) continue;
      const group = makeGroup(name, fields);
      this._groups.push(group);
      find("shape").append(group.element);
    }
  }

  _show(field, value, result) {
    const { name } = field.spec;
    field.show(value, value === 0 ? (automatic(name, result) ?? value) : value, name === this._kept);
  }

  _change(field) {
    this._keepOther(field);
    this._changed();
  }

  /** Has the mesh of the present values made. */
  _changed() {
    this._renewGroups();
    this._say(t("Changed …"), "");
    clearTimeout(this._wholeTimer);
    const began = performance.now();
    this._wholeTimer = setTimeout(() => this._sendWhole(began), WHOLE_AFTER);
    if (!this._draftTimer) this._draftTimer = setTimeout(() => this._sendDraft(), DRAFT_AFTER);
  }

  /**
   * Keeps the other distance at the number shown; an automatic one would follow, and only the scene's size change.
   * It is automatic again with the one for which it is kept.
   */
  _keepOther({ spec: { name }, value }) {
    const otherName = { near: "far", far: "near" }[name];
    if (!otherName) return;
    const other = this._fields.get(otherName);
    if (value !== 0 && other.value === 0 && other.shown !== 0) {
      this._kept = otherName;
      other.show(other.shown, other.shown, true);
    } else if (value === 0 && this._kept === otherName) {
      this._kept = "";
      other.show(0);
    } else if (this._kept === name) {
      this._kept = "";
    }
  }

  /** Sends a draft when the previous one has arrived: superseding each would show none. A complete mesh is superseded. */
  _sendDraft() {
    this._draftTimer = 0;
    if (this._busyWith === "draft") this._draftTimer = setTimeout(() => this._sendDraft(), DRAFT_AFTER);
    else this._send(true);
  }

  /** Requests the complete mesh, once the draft that would be lost by that has arrived; `began` is when the hand rested. */
  _sendWhole(began) {
    const isWorthIt = this._fields.get("surface").value === QUICK || performance.now() - began < PATIENCE;
    if ((this._busyWith === "draft" || this._draftTimer) && isWorthIt) {
      this._wholeTimer = setTimeout(() => this._sendWhole(began), DRAFT_AFTER);
      return;
    }
    clearTimeout(this._draftTimer);
    this._draftTimer = this._wholeTimer = 0;
    this._send(false);
  }

  async _send(isDraft) {
    const id = this._id;
    this._busyWith = isDraft ? "draft" : "whole";
    try {
      const status = await patiently(() => api.shape(id, changes([...this._fields.values()]), isDraft));
      if (id === this._id) this.follow(status);
    } catch (failure) {
      this._busyWith = "";
      if (id === this._id) this._say("", failure.message);
    }
  }

  /** Shows a status, and those that come after it until the job ends. */
  follow(status) {
    this._stop();
    const tell = (told) => {
      if (isOver(told)) this._busyWith = "";
      this._onStatus(told);
    };
    this._stop = isOver(status)
      ? () => {}
      : follow(this._id, tell, (failure) => {
          this._busyWith = "";
          this._say("", failure.message);
        });
    tell(status);
  }

  _resetAll() {
    this._kept = "";
    for (const field of this._fields.values()) field.show(field.spec.default);
    this._changed();
  }

  /** Sets both distances, 0 for automatic. */
  _setDistances(near, far) {
    this._kept = "";
    this._fields.get("near").show(near);
    this._fields.get("far").show(far);
    this._changed();
  }

  _renewGroups() {
    this._scene.show(this._fields.get("near").value, this._fields.get("far").value);
    showThoseWithEffect(this._fields);
    for (const group of this._groups) group.renew();
  }

  _stateWords(status) {
    if (status.state === "queued") return waitingWords(status.position);
    if (status.state === "running") return `${heard(status.stage || "Building the mesh")} …`;
    if (status.is_draft) return t("Draft; the complete mesh follows.");
    return meshWords(status.result);
  }

  _say(state, failure) {
    find("shape-state").textContent = state;
    if (find("shape-failure").textContent !== failure) tell(find("shape-failure"), failure);
  }
}

/** Returns what 0 came to in a result, for settings whose 0 means "automatic"; undefined for others. */
function automatic(name, { camera, distances }) {
  if (name === "field_of_view") return Number(fieldOfView(camera).toFixed(1));
  return name === "near" || name === "far" ? Number(distances[name].metres.toPrecision(3)) : undefined;
}
