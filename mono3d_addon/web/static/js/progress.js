// SPDX-License-Identifier: GPL-3.0-or-later
// The progress of a job: stage, completed share, time, position in the queue.

import { announce, find } from "./element.js";
import { heard, t } from "./texts.js";
import { duration } from "./words.js";

const TICK = 250;

/** Shows the progress of one job at a time. */
export class Progress {
  constructor() {
    this._began = 0;
    this._timer = 0;
  }

  /** Shows a photo beside the progress, if the browser can display `url`. */
  showPhoto(url) {
    const picture = find("working-photo");
    picture.hidden = true;
    picture.onload = () => (picture.hidden = false);
    if (url) picture.src = url;
    else picture.removeAttribute("src");
  }

  /** Shows the progress of the upload. */
  sending(share) {
    if (!this._timer) this._start(0);
    this._show(t("Uploading the photo"), share);
  }

  /** Shows a status from the server. */
  show(status) {
    this._start(status.elapsed);
    if (status.state === "queued") this._show(waitingWords(status.position), null);
    else this._show(heard(status.stage || "Starting"), status.fraction);
  }

  /** Stops the clock. */
  stop() {
    clearInterval(this._timer);
    this._timer = 0;
  }

  _start(elapsed) {
    this.stop();
    this._began = performance.now() - elapsed * 1000;
    this._timer = setInterval(() => this._tick(), TICK);
    this._tick();
  }

  _tick() {
    find("elapsed").textContent = duration((performance.now() - this._began) / 1000);
  }

  _show(words, share) {
    find("stage-words").textContent = words;
    const bar = find("bar");
    if (share === null) {
      bar.removeAttribute("value");
      find("share").textContent = "";
    } else {
      bar.value = share;
      find("share").textContent = `${Math.round(share * 100)} %`;
    }
    document.title = share ? `${Math.round(share * 100)} % · Mono3D` : `${words} · Mono3D`;
    announce(words);
  }
}

/** Returns the position in the queue in words. */
export function waitingWords(position) {
  if (position > 1) return t("Waiting, {count} before you", { count: position - 1 });
  return t("Waiting, you are next");
}
