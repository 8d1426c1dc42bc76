// SPDX-License-Identifier: GPL-3.0-or-later
// Saves the view as a picture or a video.

import * as api from "./api.js";
import { save, stemOf } from "./downloads.js";
import { announce, find, tell } from "./element.js";
import { t } from "./texts.js";

/** The dialog that saves the view of one viewer; `measuring` draws its line into pictures too. */
export class Saving {
  constructor(viewer, measuring) {
    this._viewer = viewer;
    this._measuring = measuring;
    this._status = null;
    this._making = null;
    this._plan = null;
    const dialog = find("saving");
    find("save-view").addEventListener("click", () => this._open());
    find("saving-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this._making?.abort());
    find("save-once").addEventListener("click", () => this._savePicture(1));
    find("save-twice").addEventListener("click", () => this._savePicture(2));
    find("save-video").addEventListener("click", () => this._saveVideo());
    find("video-cancel").addEventListener("click", () => this._making?.abort());
  }

  /** Saves what belongs to the result in a job's `status`; null: nothing. */
  renew(status) {
    this._status = status;
    if (!status && find("saving").open) find("saving").close();
  }

  async _open() {
    const viewer = this._viewer;
    if (!this._status) return;
    if (viewer.isSwaying) viewer.setSway(false);
    for (const [id, scale] of [["once", 1], ["twice", 2]]) find(`save-${id}-size`).textContent = viewer.pictureSize(scale).join(" × ");
    this._say("");
    this._show(null);
    find("saving").showModal();
    this._plan = await viewer.videoPlan();
    const { size, way, seconds } = this._plan;
    const facts = { seconds, size: size.join(" × "), format: way?.words };
    const words = viewer.isSwayVideo
      ? t("Sways around this view in {seconds} seconds: {size} pixels, {format}.", facts)
      : t("Turns all around in {seconds} seconds: {size} pixels, {format}.", facts);
    find("video-words").textContent = way
      ? words
      : t("This browser cannot make videos; the server makes a small picture that moves, as WebP.");
  }

  async _savePicture(scale) {
    // Both are drawn by the renderer of the view, one at a time.
    if (this._making) return;
    this._say("");
    this._making = new AbortController();
    try {
      const canvas = await this._viewer.picture(scale, this._painter());
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
      if (!blob) throw new Error(t("The browser has no memory for it; choose the smaller one."));
      this._keep(blob, "_view.png");
    } catch (failure) {
      this._say(t("The picture cannot be saved: {reason}", { reason: failure.message }));
    }
    this._making = null;
  }

  async _saveVideo() {
    if (this._making || !this._plan) return;
    const { way } = this._plan;
    this._say("");
    this._making = new AbortController();
    this._show(0);
    try {
      const { signal } = this._making;
      const options = { onShare: (share) => this._show(share), signal };
      const blob = way ? await this._viewer.video(this._plan, this._painter(), options) : await this._turntable();
      signal.throwIfAborted();
      this._keep(blob, way ? `_view${way.ending}` : "_turntable.webp");
    } catch (failure) {
      if (failure.name !== "AbortError") this._say(t("The video cannot be saved: {reason}", { reason: failure.message }));
    }
    this._making = null;
    this._show(null);
  }

  async _turntable() {
    return (await api.file(api.address(this._status.id, "files", "turntable"))).blob();
  }

  /** Returns a function that draws background, model and measurement; see `Viewer.picture`. */
  _painter() {
    const { backgroundColor } = getComputedStyle(find("viewer"));
    return (pen, model, unit) => {
      const { width, height } = pen.canvas;
      pen.fillStyle = backgroundColor;
      pen.fillRect(0, 0, width, height);
      pen.drawImage(model, 0, 0);
      this._measuring.drawOn(pen, width, height, unit);
    };
  }

  _keep(blob, ending) {
    save(blob, `${stemOf(this._status.name)}${ending}`);
    announce(t("Saved."));
  }

  /** Shows the share that is done; null: nothing is under way. */
  _show(share) {
    find("video-progress").hidden = share === null;
    find("save-video").hidden = share !== null;
    for (const id of ["save-once", "save-twice"]) find(id).disabled = share !== null;
    find("video-bar").value = share ?? 0;
  }

  _say(sentence) {
    tell(find("saving-failure"), sentence);
  }
}
