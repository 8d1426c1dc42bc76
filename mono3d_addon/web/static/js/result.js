// SPDX-License-Identifier: GPL-3.0-or-later
// A finished job: the 3D view, the pictures, the facts, the downloads and the sliders.

import * as api from "./api.js";
import { backdrop } from "./backdrop.js";
import { Compare } from "./compare.js";
import { showDownloads } from "./downloads.js";
import { find } from "./element.js";
import { meshWords, showFacts } from "./facts.js";
import { Measuring } from "./measuring.js";
import { NextStep } from "./models.js";
import { patiently } from "./presence.js";
import { Saving } from "./saving.js";
import { Shape } from "./shape.js";
import { showStill } from "./still.js";
import { t } from "./texts.js";
import { addControls } from "./view_controls.js";
import { size } from "./words.js";

/** Shows one result at a time. */
export class Result {
  constructor(about, description, chooseModel) {
    this._about = about;
    this._scenes = description.scenes;
    this._nextStep = new NextStep(description.models, chooseModel);
    this._id = null;
    this._shown = 0;
    this._detail = "";
    this._told = 0;
    this._loading = null;
    this._latest = null;
    this._viewer = null;
    this._measuring = null;
    this._saving = null;
    this._compare = new Compare();
    this._ready = null;
    find("poster").addEventListener("load", ({ target }) => {
      find("viewer").style.setProperty("--backdrop", backdrop(target));
    });
    // Whoever moves a slider looks at the model, and the device has a mesh to draw.
    find("shape").addEventListener("input", () => this._viewer?.isSwaying && this._viewer.setSway(false));
    this._shape = new Shape(description, (status) => this.renew(status));
  }

  /** Loads what shows meshes, which the start of the page does without; call it when there is time for that. */
  prepare() {
    this._ready ??= this._makeViewer();
    return this._ready;
  }

  /** Shows the result of a job that is done. */
  async open(status) {
    this.close();
    const { id } = status;
    this._id = id;
    find("result-title").textContent = t("Result: {name}", { name: status.name });
    document.title = `${status.name} · Mono3D`;
    this._shape.open(status);
    this.renew(status);
    const photos = new Map();
    const fetch = (side) => {
      if (!photos.has(side)) {
        const photo = patiently(() => api.photo(id, side));
        photos.set(side, photo);
        photo.catch(() => photos.delete(side));
      }
      return photos.get(side);
    };
    const [viewer] = await Promise.all([this.prepare(), this._showPoster(id, fetch)]);
    if (id !== this._id) return;
    if (!viewer) {
      this._compare.show(status);
      showStill(id, () => id === this._id);
      return;
    }
    try {
      await viewer.open(fetch);
    } catch (failure) {
      if (id === this._id) this._fail(t("The photo cannot be shown: {why}", { why: failure.message }));
    }
    if (id !== this._id) return;
    this._viewer = viewer;
    this._load();
  }

  /** Hides the result. */
  close() {
    this._id = null;
    this._shown = 0;
    this._detail = "";
    this._told = 0;
    this._latest = null;
    this._loading?.abort();
    this._loading = null;
    this._viewer?.clear();
    this._viewer = null;
    this._measuring?.close();
    for (const name of ["revision", "detail"]) delete find("viewer").dataset[name];
    find("viewer-failure").hidden = true;
    this._saving?.renew(null);
    this._compare.close();
    for (const picture of ["poster", "still"]) find(picture).removeAttribute("src");
    find("poster").hidden = true;
    find("still").hidden = true;
    this._shape.close();
  }

  /** Updates the result to a newer status of the job. */
  renew(status) {
    if (status.id !== this._id || !status.result) return;
    this._latest = status;
    this._shape.renew(status);
    this._note();
    this._tell(status);
    this._load();
  }

  /** Updates the result to what another page has made of it. */
  async refresh() {
    const id = this._id;
    if (!id || this._shape.isBusy) return;
    try {
      const status = await api.status(id);
      if (id === this._id && status.revision !== this._latest.revision) this._shape.follow(status);
    } catch {
      // The next action of the user tells what is wrong.
    }
  }

  async _makeViewer() {
    try {
      // Both at once, though one imports the other.
      const [{ Viewer }] = await Promise.all([import("./viewer.js"), import("../vendor/three/three.js")]);
      let renew = () => {};
      const viewer = new Viewer(find("canvas"), () => renew());
      renew = addControls(viewer);
      this._measuring = new Measuring(viewer);
      this._saving = new Saving(viewer, this._measuring);
      return viewer;
    } catch (error) {
      console.warn(error);
      find("viewer").classList.add("without-3d");
      find("toolbar").hidden = true;
      find("viewer-help").hidden = true;
      return null;
    }
  }

  /** Shows the photo where the model will be. */
  async _showPoster(id, fetch) {
    try {
      const url = URL.createObjectURL(await fetch(640));
      const poster = find("poster");
      poster.onload = poster.onerror = () => URL.revokeObjectURL(url);
      if (id !== this._id) return;
      poster.src = url;
      poster.hidden = Boolean(this._shown);
    } catch {
      // The viewer tells why the photo does not come.
    }
  }

  /** Updates facts and downloads, which belong to the complete mesh. */
  _tell(status) {
    if (status.is_draft || status.revision === this._told) return;
    this._told = status.revision;
    showFacts(status, this._scenes);
    this._nextStep.show(status);
    showDownloads(this._about.formats, status.result.files, {
      onReplaced: () => this.refresh(),
      isShaping: () => this._shape.isBusy,
    });
  }

  /** Loads the newest mesh: first a draft, if nothing is shown yet, then the complete one. */
  async _load() {
    const status = this._latest;
    const isNewer = status && status.revision !== this._shown;
    if (!this._viewer || (!isNewer && this._detail === "whole")) return;
    if (this._loading) {
      // What is on its way is out of date. On a slow line it would keep the newer one waiting; drafts come quickly.
      if (isNewer && this._loading.isLarge) this._loading.abort();
      return;
    }
    const { id, revision } = status;
    const isDraft = this._shown === 0;
    const loading = new AbortController();
    loading.isLarge = !isDraft && !status.is_draft;
    this._loading = loading;
    this._note();
    try {
      const onShare = (share, bytes) => this._note(t("{percent} % of {size}", { percent: Math.round(100 * share), size: size(bytes) }));
      const bytes = await patiently(() => api.view(id, revision, { isDraft, onShare, signal: loading.signal }));
      const isSame = revision === this._shown;
      if (!loading.signal.aborted) await this._viewer.show(bytes, status, { keep: this._shown > 0, isSame });
      if (!loading.signal.aborted) this._loaded(status, isDraft ? "draft" : "whole");
    } catch (failure) {
      // Ignore failures of a job that is no longer open.
      if (id === this._id && failure.name !== "AbortError") {
        this._fail(t("The mesh cannot be shown: {why}", { why: failure.message }));
        this._shown = revision;
        this._detail = "whole";
      }
    }
    if (id !== this._id) return;
    this._loading = null;
    this._note();
    this._load();
  }

  _loaded(status, detail) {
    const { revision, result } = status;
    this._saving.renew(status);
    this._measuring.renew(status, detail === "draft" || status.is_draft);
    this._shown = revision;
    this._detail = detail;
    const box = find("viewer");
    box.dataset.detail = detail;
    box.dataset.revision = revision;
    find("poster").hidden = true;
    find("viewer-failure").hidden = true;
    if (detail === "whole") this._compare.show(status);
    const words = t("3D model of {name}, {size}", { name: this._latest.name, size: meshWords(result) });
    find("canvas").setAttribute("aria-label", words);
  }

  /** Says what the view waits for; `share` is how much of a file has arrived. */
  _note(share = "") {
    const status = this._latest;
    const note = find("viewer-note");
    const isBehind = status !== null && (status.state !== "done" || this._loading !== null);
    note.hidden = !isBehind && !status?.is_draft;
    const loading = this._detail === "draft" ? t("Loading the complete mesh …") : t("Shaping …");
    const what = this._shown === 0 ? t("Loading the mesh …") : loading;
    note.textContent = isBehind ? `${what} ${share}`.trimEnd() : t("Draft");
  }

  _fail(sentence) {
    find("viewer-failure").textContent = sentence;
    find("viewer-failure").hidden = false;
  }
}

