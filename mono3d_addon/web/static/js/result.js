// SPDX-License-Identifier: GPL-3.0-or-later
// A finished job: the 3D view, the pictures, the facts, the downloads and the sliders.

import * as api from "./api.js";
import { backdrop } from "./backdrop.js";
import { showDownloads } from "./downloads.js";
import { find } from "./element.js";
import { showFacts } from "./facts.js";
import { patiently } from "./presence.js";
import { Shape } from "./shape.js";
import { addControls } from "./view_controls.js";
import { Viewer } from "./viewer.js";
import { count } from "./words.js";

const NO_3D = "This browser cannot show 3D; images and downloads still work.";

/** Shows one result at a time. */
export class Result {
  constructor(about, description) {
    this._about = about;
    this._id = null;
    this._shown = 0;
    this._told = 0;
    this._isLoading = false;
    this._latest = null;
    find("result-photo").addEventListener("load", ({ target }) => {
      find("viewer").style.setProperty("--backdrop", backdrop(target));
    });
    this._shape = new Shape(description, (status) => this.renew(status));
    try {
      let renew = () => {};
      this._viewer = new Viewer(find("canvas"), () => renew());
      renew = addControls(this._viewer);
    } catch (error) {
      console.warn(error);
      this._viewer = null;
      find("viewer").classList.add("without-3d");
      find("toolbar").hidden = true;
      this._fail(NO_3D);
    }
  }

  /** Shows the result of a job that is done. */
  open(status) {
    this.close();
    this._id = status.id;
    find("result-title").textContent = `Result: ${status.name}`;
    document.title = `${status.name} · Mono3D`;
    find("result-photo").src = api.address(status.id, "photo");
    find("result-depth").src = api.address(status.id, "depth");
    this._shape.open(status);
    this.renew(status);
  }

  /** Hides the result. */
  close() {
    this._id = null;
    this._shown = 0;
    this._told = 0;
    this._latest = null;
    delete find("viewer").dataset.revision;
    this._shape.close();
    this._viewer?.clear();
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

  /** Updates facts and downloads, which belong to the complete mesh. */
  _tell(status) {
    if (status.is_draft || status.revision === this._told) return;
    this._told = status.revision;
    showFacts(status);
    showDownloads(this._about.formats, status.result.files);
  }

  /** Loads the newest mesh, one at a time. */
  async _load() {
    if (!this._viewer || this._isLoading || this._latest.revision === this._shown) return;
    const status = this._latest;
    const { id, revision } = status;
    this._isLoading = true;
    this._note();
    try {
      const bytes = await patiently(() => api.view(id, revision));
      if (id === this._id) await this._viewer.show(bytes, status, this._shown > 0);
      if (id === this._id) this._loaded(status);
    } catch (failure) {
      // Ignore failures of a job that is no longer open.
      if (id === this._id) {
        this._fail(`The mesh cannot be shown: ${failure.message}`);
        this._shown = revision;
      }
    }
    this._isLoading = false;
    this._note();
    if (this._id) this._load();
  }

  _loaded({ revision, result }) {
    this._shown = revision;
    find("viewer").dataset.revision = revision;
    find("viewer-failure").hidden = true;
    const { vertices, triangles } = result.counts;
    const words = `3D model of ${this._latest.name}, ${count(vertices)} vertices, ${count(triangles)} triangles`;
    find("canvas").setAttribute("aria-label", words);
  }

  _note() {
    const status = this._latest;
    const note = find("viewer-note");
    const isBehind = status !== null && (status.state !== "done" || this._isLoading);
    note.hidden = !isBehind && !status?.is_draft;
    note.textContent = isBehind && this._shown === 0 ? "Loading the mesh …" : isBehind ? "Shaping …" : "Draft";
  }

  _fail(sentence) {
    find("viewer-failure").textContent = sentence;
    find("viewer-failure").hidden = false;
  }
}
