// SPDX-License-Identifier: GPL-3.0-or-later
// The page: choose a photo, wait, see the result. The URL contains the job's id, so that a reload shows the job again.

import * as api from "./api.js";
import { announce, find, focus, tell } from "./element.js";
import { follow, isOver } from "./follow.js";
import { Form } from "./form.js";
import { offerLanguages } from "./language.js";
import { PhotoChoice } from "./photo.js";
import { patiently } from "./presence.js";
import { Photos, forgetAll } from "./photos.js";
import { Progress } from "./progress.js";
import { Result } from "./result.js";
import { inLanguage } from "./settings_words.js";
import { Sharing } from "./sharing.js";
import { heard, t } from "./texts.js";

const VIEWS = {
  start: ["choose", "settings", "photos"],
  photos: ["photos"],
  working: ["working"],
  result: ["studio", "result-details"],
};
const PHOTOS = "#photos";
const GONE = 404;

class Page {
  constructor(about, description) {
    this._job = "";
    this._stop = () => {};
    this._sending = null;
    this._progress = new Progress();
    this._result = new Result(about, description, (model) => this._tryModel(model));
    this._form = new Form(description, () => this._generate());
    this._photo = new PhotoChoice(about, (chosen) => this._chosen(chosen), (sentence) => this._fail(sentence));
    this._photos = new Photos((id) => (location.hash = `job=${id}`));
    this._sharing = new Sharing();
    this._isGuest = about.is_guest;
    find("to-photos").addEventListener("click", () => (location.hash = PHOTOS));
    find("sign-out").addEventListener("submit", forgetAll);
    document.body.toggleAttribute("data-is-guest", about.is_guest);
    find("to-sign-in").hidden = !about.is_guest;
    find("cancel").addEventListener("click", () => this._cancel());
    find("new-photo").addEventListener("click", () => {
      this._photo.clear();
      this._start();
      find("choose-file").focus();
    });
    find("again").addEventListener("click", () => {
      this._start();
      focus(this._photo.chosen ? find("generate") : find("choose-file"));
    });
    find("to-downloads").addEventListener("click", () => {
      find("downloads-title").focus({ preventScroll: true });
      find("downloads-title").scrollIntoView({ block: "start" });
    });
    find("remove").addEventListener("click", () => this._remove());
    window.addEventListener("hashchange", () => this._openFromAddress());
    document.addEventListener("visibilitychange", () => !document.hidden && this._result.refresh());
    find("sign-out").hidden = !about.signed_in;
    this._openFromAddress();
  }

  /** Returns to the start, with another model chosen. */
  _tryModel(model) {
    this._form.choose("model", model);
    this._start();
    focus(this._photo.chosen ? find("generate") : find("choose-file"));
  }

  /** Shows a view and hides the others. */
  _show(view) {
    document.body.dataset.view = view;
    for (const id of new Set(Object.values(VIEWS).flat())) find(id).hidden = !VIEWS[view].includes(id);
    find("new-photo").hidden = view !== "result" && view !== "photos";
  }

  /** Returns to the start; photo and settings are kept. `isOver`: the job is not added to the history. */
  _start({ isOver = false } = {}) {
    this._leave();
    if (location.hash && isOver) history.replaceState(null, "", location.pathname);
    else if (location.hash) history.pushState(null, "", location.pathname);
    document.title = "Mono3D";
    this._show("start");
  }

  _leave() {
    this._stop();
    this._sending?.abort();
    this._sending = null;
    this._progress.stop();
    this._result.close();
    this._sharing.close();
    this._job = "";
    this._say("");
  }

  _chosen(chosen) {
    // A guest sends no photos.
    if (this._isGuest) return;
    this._say("");
    find("generate").setAttribute("aria-disabled", String(!chosen));
    find("generate-hint").textContent = chosen ? "" : t("Choose a photo first.");
    // A photo dropped on a result, or during a job, starts over.
    if (chosen && document.body.dataset.view === "working") this._cancel();
    else if (chosen && ["result", "photos"].includes(document.body.dataset.view)) this._start();
    if (!chosen) return;
    this._result.prepare();
    find("generate").scrollIntoView({ block: "nearest" });
  }

  async _generate() {
    if (!this._photo.chosen) {
      find("choose-file").focus();
      return;
    }
    if (this._photo.chosen.several) {
      this._sendSeveral();
      return;
    }
    this._leave();
    this._show("working");
    this._progress.showPhoto(this._photo.chosen.url);
    focus(find("working-title"));
    this._sending = new AbortController();
    try {
      const parts = { ...this._photo.parts, ...this._form.parts };
      const { signal } = this._sending;
      const key = api.newKey();
      const status = await patiently(() => api.create(parts, (share) => this._progress.sending(share), signal, key));
      this._photos.note(status);
      history.pushState(null, "", `#job=${status.id}`);
      this._follow(status);
    } catch (failure) {
      if (failure.name !== "AbortError") this._giveUp(failure.message);
    }
  }

  /** Sends several photos with the same settings; files for one photo, such as its mask, are left out. */
  _sendSeveral() {
    const { settings } = this._form.parts;
    const photos = this._photo.handOver();
    this._leave();
    this._photos.send(photos.map((photo) => ({ ...photo, parts: { ...photo.parts, settings } })));
    history.pushState(null, "", PHOTOS);
    this._show("photos");
    focus(find("photos-title"));
  }

  /** Opens what a link shares; the link itself does not stay in the address. */
  async _openShare(share) {
    const { hash } = location;
    this._leave();
    this._show("working");
    this._progress.showPhoto("");
    try {
      const id = await patiently(() => api.openShare(share));
      // Whoever has gone elsewhere meanwhile stays there.
      if (location.hash !== hash) return;
      history.replaceState(null, "", `#job=${id}`);
      this._openFromAddress();
    } catch (failure) {
      if (location.hash === hash) this._giveUp(failure.message);
    }
  }

  async _openFromAddress() {
    const share = /^#share=([\w.-]+)$/.exec(location.hash)?.[1];
    if (share) {
      this._openShare(share);
      return;
    }
    const id = /^#job=([\w-]+)$/.exec(location.hash)?.[1] ?? "";
    if (id && id === this._job) return;
    this._leave();
    if (location.hash === PHOTOS && !this._photos.isEmpty) {
      this._show("photos");
      return;
    }
    if (!id) {
      this._show("start");
      if (this._isGuest) this._say(t("Open a link that was shared with you, or sign in to use your own photos."));
      return;
    }
    this._job = id;
    this._result.prepare();
    this._show("working");
    this._progress.showPhoto("");
    try {
      const status = await patiently(() => api.status(id));
      if (this._job !== id) return;
      this._follow(status);
    } catch (failure) {
      if (this._job === id) this._lose(failure);
    }
  }

  _follow(status) {
    this._job = status.id;
    this._stop = isOver(status) && status.result ? () => {} : follow(status.id, (told) => this._told(told), (failure) => this._lose(failure));
    this._told(status);
  }

  _told(status) {
    // A job that rebuilds its mesh has a result, which is shown meanwhile.
    if (status.result) this._finish(status);
    else if (status.state === "failed") this._giveUp(heard(status.error));
    else if (status.state === "cancelled") this._giveUp(t("The job was cancelled."));
    else this._progress.show(status);
  }

  _finish(status) {
    this._stop();
    this._progress.stop();
    this._show("result");
    document.body.dataset.access = status.access;
    this._result.open(status);
    if (status.access === "full") this._sharing.show(status);
    announce(t("The mesh is ready."));
    focus(find("result-title"));
  }

  async _cancel() {
    const id = this._job;
    this._start({ isOver: true });
    announce(t("Cancelled."));
    focus(find("generate"));
    try {
      if (id) await api.cancel(id);
    } catch (failure) {
      // The job has already ended or is gone, which is what the user wants.
      if (failure.isAway) this._fail(failure.message);
    }
  }

  async _remove() {
    if (!confirm(t("Delete photo and mesh from the server? Files that you have not downloaded are lost."))) return;
    const id = this._job;
    try {
      await api.remove(id);
      this._start({ isOver: true });
      this._photos.forget(id);
      announce(t("Deleted."));
      focus(find("choose-file"));
    } catch (failure) {
      this._fail(failure.message);
    }
  }

  _lose(failure) {
    this._giveUp(failure.status === GONE ? t("This result is no longer available; choose the photo again.") : failure.message);
  }

  /** Returns to the start and shows the reason. */
  _giveUp(sentence) {
    this._start({ isOver: true });
    this._fail(sentence);
    focus(find("failure"));
  }

  _fail(sentence) {
    this._say(sentence);
    find("failure").scrollIntoView({ block: "nearest" });
  }

  _say(sentence) {
    tell(find("failure"), sentence);
  }
}

/** Starts the page after loading limits and settings from the server. */
async function main() {
  offerLanguages();
  try {
    const [about, description] = await patiently(() => Promise.all([api.about(), api.settings()]));
    new Page(about, inLanguage(description));
  } catch (failure) {
    tell(find("failure"), failure.message);
  }
}

main();
