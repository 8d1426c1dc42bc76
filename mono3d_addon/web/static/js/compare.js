// SPDX-License-Identifier: GPL-3.0-or-later
// The photo and its depth over each other, with a line that wipes from one to the other; also large, and saved.

import * as api from "./api.js";
import { save, stemOf } from "./downloads.js";
import { announce, find, tell } from "./element.js";
import { t } from "./texts.js";

const EXACT = { "depth-png16": "png16", "depth-exr": "exr", "depth-npy": "npy" };

/** The pictures of one result at a time. */
export class Compare {
  constructor() {
    this._status = null;
    const [wipe, box, dialog] = [find("wipe"), find("compare"), find("large")];
    const show = () => {
      box.style.setProperty("--at", `${wipe.value}%`);
      wipe.setAttribute("aria-valuetext", t("{photo} % photo, {depth} % depth", { photo: wipe.value, depth: 100 - wipe.value }));
    };
    wipe.addEventListener("input", show);
    show();
    find("show-large").addEventListener("click", () => {
      find("large-place").append(box);
      dialog.showModal();
      wipe.focus();
    });
    find("large-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => find("compare-place").append(box));
    find("depth-save").addEventListener("click", () => this._save());
    for (const [id, format] of Object.entries(EXACT)) {
      find(id).addEventListener("click", () => find("downloads").querySelector(`a[data-format=${format}]`)?.click());
    }
  }

  /** Shows the pictures of a job's `status`. */
  show(status) {
    if (this._status?.id === status.id) return;
    this._status = status;
    const { width, height, files } = status.result;
    for (const [id, format] of Object.entries(EXACT)) find(id).hidden = !files[format];
    find("compare").style.setProperty("--aspect", width / height);
    find("result-photo").src = `${api.address(status.id, "photo")}?side=2048`;
    find("result-depth").src = api.address(status.id, "depth");
  }

  /** Hides the pictures. */
  close() {
    this._status = null;
    if (find("large").open) find("large").close();
    for (const picture of ["result-photo", "result-depth"]) find(picture).removeAttribute("src");
  }

  async _save() {
    const { id, name } = this._status;
    find("depth-failure").textContent = "";
    try {
      const response = await api.file(api.address(id, "depth"));
      save(await response.blob(), `${stemOf(name)}_depth_colours.png`);
      announce(t("Saved."));
    } catch (failure) {
      tell(find("depth-failure"), failure.message);
    }
  }
}
