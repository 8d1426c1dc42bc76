// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing the photo: file dialog, drag and drop, clipboard, camera, or a sample.

import { takePhoto } from "./camera.js";
import { announce, find, make } from "./element.js";
import { heard, t } from "./texts.js";
import { size } from "./words.js";

/** The chosen photos: one as a `file` or the name of a `sample`, and its `url` for display, or `several`. */
export class PhotoChoice {
  constructor(about, onChoice, onWrong) {
    this.chosen = null;
    this._about = about;
    this._onChoice = onChoice;
    this._onWrong = onWrong;
    this._listenToFiles();
    this._listenToDrops();
    this._listenToPastes();
    this._listenToCamera();
    this._makeSamples();
    const limits = t("Up to {megabytes} MB and {megapixels} megapixels.", { megabytes: about.max_megabytes, megapixels: about.max_megapixels });
    find("limits").textContent = `${about.photo_endings.map((one) => one.replace(".", "").toUpperCase()).join(", ")}. ${limits}`;
  }

  /** The field of the upload with the photo. */
  get parts() {
    return this.chosen.file ? { photo: this.chosen.file } : { sample: this.chosen.sample };
  }

  /** Returns several chosen photos, each { name, parts, url }, and forgets them. */
  handOver() {
    const photos = this.chosen.several.map(({ file, url }) => ({ name: file.name, parts: { photo: file }, url }));
    // Their pictures are shown on.
    this.chosen = null;
    this.clear();
    return photos;
  }

  /** Forgets the photo. */
  clear() {
    this._take(null);
  }

  /** Chooses a file of the user, or reports why it cannot be used. */
  takeFile(file) {
    const wrong = this._wrongWith(file);
    if (wrong) this._onWrong(wrong);
    else this._take({ file, name: file.name, url: URL.createObjectURL(file), note: size(file.size) });
  }

  /** Returns why a file cannot be used; empty if it can. */
  _wrongWith(file) {
    const { name } = file;
    const limit = this._about.max_megabytes;
    if (file.size > limit * 1e6) {
      const values = { name, size: size(file.size), limit };
      return t("'{name}' has {size}, this server takes up to {limit} MB; make it smaller and choose it again.", values);
    }
    return file.size === 0 ? t("'{name}' is empty or a folder; choose a photo.", { name }) : "";
  }

  _take(chosen) {
    for (const { url } of this.chosen?.several ?? (this.chosen?.file ? [this.chosen] : [])) URL.revokeObjectURL(url);
    this.chosen = chosen;
    find("chosen").hidden = !chosen || Boolean(chosen.several);
    this._showSeveral(chosen?.several ?? []);
    find("no-preview").hidden = true;
    find("invitation").hidden = Boolean(chosen);
    find("limits").hidden = Boolean(chosen);
    find("choose-file").textContent = chosen ? t("Choose another photo") : t("Choose a photo");
    find("choose-file").classList.toggle("main", !chosen);
    const preview = find("preview");
    preview.hidden = !chosen;
    if (chosen?.several) {
      preview.removeAttribute("src");
      announce(t("{count} photos are chosen.", { count: chosen.several.length }));
    } else if (chosen) {
      preview.onerror = () => {
        preview.hidden = true;
        find("no-preview").hidden = false;
      };
      preview.src = chosen.url;
      preview.alt = t("Your photo {name}", { name: chosen.name });
      find("chosen-name").textContent = [chosen.name, chosen.note].filter(Boolean).join(", ");
      announce(t("{name} is chosen.", { name: chosen.name }));
    } else {
      preview.removeAttribute("src");
    }
    this._onChoice(chosen);
  }

  _takeFrom(files) {
    if (files.length === 1) this.takeFile(files[0]);
    else if (files.length) this._takeSeveral([...files]);
  }

  _takeSeveral(files) {
    const wrong = files.map((file) => this._wrongWith(file)).filter(Boolean);
    const usable = files.filter((file) => !this._wrongWith(file));
    if (usable.length > 1) this._take({ several: usable.map((file) => ({ file, url: URL.createObjectURL(file) })) });
    else if (usable.length) this.takeFile(usable[0]);
    if (wrong.length) this._onWrong(wrong.join(" "));
  }

  /** Lists several photos, each of which can be taken out again. */
  _showSeveral(several) {
    find("chosen-list").hidden = several.length === 0;
    const entries = several.map(({ file, url }) => {
      const picture = make("img", { src: url, alt: "", width: 96, height: 64 });
      picture.addEventListener("error", () => picture.classList.add("without-picture"));
      const label = t("Remove {name}", { name: file.name });
      const remove = make("button", { type: "button", class: "tiny", text: t("Remove"), "aria-label": label });
      remove.addEventListener("click", () => {
        this._takeSeveral(several.map((one) => one.file).filter((one) => one !== file));
        find("choose-file").focus();
      });
      return make("li", {}, picture, make("span", { class: "name", text: file.name }), remove);
    });
    find("chosen-list").replaceChildren(...entries);
  }

  _listenToFiles() {
    const input = find("file");
    // Phones offer their photo library only for "image/*", and some do not know the type of HEIC.
    input.accept = ["image/*", ...this._about.photo_endings].join(",");
    find("choose-file").addEventListener("click", () => input.click());
    for (const one of [input, find("capture")]) {
      one.addEventListener("change", () => {
        this._takeFrom(one.files);
        one.value = "";
      });
    }
  }

  _listenToDrops() {
    const cover = find("dropping");
    let depth = 0;
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    const count = (event, change) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = Math.max(0, depth + change);
      cover.hidden = depth === 0;
    };
    window.addEventListener("dragenter", (event) => count(event, 1));
    window.addEventListener("dragleave", (event) => count(event, -1));
    window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    window.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      cover.hidden = true;
      this._takeFrom(event.dataTransfer.files);
    });
  }

  _listenToPastes() {
    document.addEventListener("paste", (event) => {
      const files = event.clipboardData?.files ?? [];
      if (files.length) {
        event.preventDefault();
        this._takeFrom(files);
      }
    });
  }

  _listenToCamera() {
    const button = find("take-photo");
    const isTouched = matchMedia("(pointer: coarse)").matches;
    // On phones use the camera app. Browsers allow camera access for pages only in secure contexts.
    button.hidden = !isTouched && !navigator.mediaDevices?.getUserMedia;
    button.addEventListener("click", async () => {
      if (isTouched) {
        find("capture").click();
        return;
      }
      const file = await takePhoto();
      if (file) this.takeFile(file);
    });
  }

  _makeSamples() {
    const { samples } = this._about;
    find("samples").hidden = samples.length === 0;
    for (const sample of samples) {
      const title = heard(sample.title);
      const choose = () => this._take({ sample: sample.name, name: title, url: `api/samples/${encodeURIComponent(sample.name)}` });
      const picture = make("img", { src: sample.thumbnail, alt: "", loading: "lazy" });
      find("sample-list").append(
        make("li", {}, make("button", { type: "button", "data-sample": sample.name, on: { click: choose } }, picture, title)),
      );
    }
  }
}
