// SPDX-License-Identifier: GPL-3.0-or-later
// The photos of this browser: those that are being sent, wait or are worked on, and the results that are still kept.

import * as api from "./api.js";
import { find, make, tell } from "./element.js";
import { follow, isOver } from "./follow.js";
import { patiently } from "./presence.js";
import { waitingWords } from "./progress.js";
import { heard, t } from "./texts.js";

const STORE = "mono3d_photos";
/** Photos that are remembered; those that are under way are never forgotten. */
const MOST = 60;
const GONE = 404;
const BUSY = 503;
/** Milliseconds until a photo is offered again to a server that is full. */
const PATIENCE = 5000;

/** The list; `onOpen` gets the id of the job that the visitor wants to see. */
export class Photos {
  constructor(onOpen) {
    this._onOpen = onOpen;
    this._entries = [];
    /** Ids that this page has written down. */
    this._known = new Set();
    this._isSending = false;
    for (const { id, name } of stored()) this._put(new Entry(this, { id, name }), false);
    this._renew();
    this._lookUp();
  }

  /** Whether there is any. */
  get isEmpty() {
    return this._entries.length === 0;
  }

  /** Sends photos one after the other; `photos` are { name, parts, url }. */
  send(photos) {
    for (const photo of [...photos].reverse()) this._put(new Entry(this, photo), true);
    this._renew();
    this._sendNext();
  }

  /** Adds a job that the page has made. */
  note({ id, name }) {
    if (this._entries.some((entry) => entry.id === id)) return;
    const entry = new Entry(this, { id, name });
    this._put(entry, true);
    this._renew();
    entry.follow();
  }

  /** Takes a job out of the list that is not on the server any more. */
  forget(id) {
    const entry = this._entries.find((one) => one.id === id);
    if (entry) this.remove(entry);
  }

  /** Shows the result of an entry. */
  open(id) {
    this._onOpen(id);
  }

  /** Takes an entry out of the list; what is not done yet is not done any more. */
  remove(entry) {
    const place = this._entries.indexOf(entry);
    this._drop(entry);
    this._renew();
    const next = this._entries[Math.min(place, this._entries.length - 1)];
    if (next && document.activeElement === document.body) next.focus();
  }

  /** Sends an entry again, as a new job. */
  again(entry) {
    entry.renew();
    this._sendNext();
  }

  /** Writes down the jobs for the next visit, beside those of other pages that are open. */
  keep() {
    const own = this._entries.filter(({ id }) => id).map(({ id, name }) => ({ id, name }));
    for (const { id } of own) this._known.add(id);
    const kept = [...own, ...stored().filter(({ id }) => !this._known.has(id))];
    try {
      if (kept.length) localStorage.setItem(STORE, JSON.stringify(kept));
      else localStorage.removeItem(STORE);
    } catch {
      // A browser that keeps nothing shows them until the page is closed.
    }
  }

  _put(entry, isNew) {
    if (isNew) {
      this._entries.unshift(entry);
      find("photo-list").prepend(entry.element);
    } else {
      this._entries.push(entry);
      find("photo-list").append(entry.element);
    }
    const old = this._entries.length > MOST && this._entries.findLast((one) => one.isOver);
    if (old) this._drop(old);
  }

  _drop(entry) {
    this._entries.splice(this._entries.indexOf(entry), 1);
    entry.leave();
    entry.element.remove();
  }

  _renew() {
    this.keep();
    document.body.toggleAttribute("data-has-photos", !this.isEmpty);
  }

  async _lookUp() {
    for (const entry of [...this._entries]) await entry.lookUp();
  }

  async _sendNext() {
    if (this._isSending) return;
    this._isSending = true;
    // The first that was chosen stands above the others of its choice.
    for (let entry; (entry = this._entries.find((one) => one.isUnsent)); ) {
      if (!(await entry.send())) await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      this.keep();
    }
    this._isSending = false;
  }
}

/** One photo. */
class Entry {
  constructor(list, { id = "", name, parts = null, url = "" }) {
    this.id = id;
    this.name = name;
    this._list = list;
    this._parts = parts;
    this._key = parts ? api.newKey() : "";
    this._failure = "";
    this._sending = null;
    this._stop = () => {};
    this._picture = make("img", { alt: "", loading: "lazy", width: 96, height: 64 });
    this._picture.addEventListener("error", () => this._picture.classList.add("without-picture"));
    if (url) this._picture.src = url;
    this._state = make("span", { class: "muted small photo-state" });
    this._show = make(
      "button",
      { type: "button", class: "photo-show", "aria-disabled": "true", on: { click: () => this._open() } },
      this._picture,
      make("span", { class: "photo-words" }, make("span", { class: "name", text: name }), this._state),
    );
    this._retry = this._button(t("Retry"), t("Retry {name}", { name }), () => list.again(this));
    this._remove = this._button(t("Remove"), t("Remove {name} from the list", { name }), () => list.remove(this));
    this._retry.hidden = true;
    this.element = make("li", { class: "photo", "data-state": "" }, this._show, make("div", { class: "row" }, this._retry, this._remove));
    this._tell("waiting", t("Waiting to be sent"));
  }

  /** Whether it waits to be sent. */
  get isUnsent() {
    return Boolean(this._parts) && !this.id && !this._failure;
  }

  /** Whether nothing is under way. */
  get isOver() {
    return ["done", "failed"].includes(this.element.dataset.state);
  }

  focus() {
    this._remove.focus();
  }

  /** Sends the photo. Returns false if the server asks to come again. */
  async send() {
    this._sending = new AbortController();
    const onSent = (share) => this._tell("sending", t("Sending, {percent} %", { percent: Math.round(100 * share) }));
    try {
      onSent(0);
      const { signal } = this._sending;
      const status = await patiently(() => api.create(this._parts, onSent, signal, this._key));
      this.id = status.id;
      this._told(status);
      this.follow();
    } catch (failure) {
      if (failure.name === "AbortError") return true;
      if (failure.status === BUSY) {
        this._tell("waiting", failure.message);
        return false;
      }
      this._fail(failure.message);
    }
    return true;
  }

  /** Makes it as it was before it was sent. */
  renew() {
    this._stop();
    this.id = "";
    this._failure = "";
    this._key = api.newKey();
    this._tell("waiting", t("Waiting to be sent"));
  }

  /** Asks the server what has become of a job of an earlier visit. */
  async lookUp() {
    try {
      const status = await patiently(() => api.status(this.id));
      this._told(status);
      if (!isOver(status)) this.follow();
    } catch (failure) {
      this._lose(failure);
    }
  }

  /** Follows the job until it ends. */
  follow() {
    this._stop();
    this._stop = follow(this.id, (status) => this._told(status), (failure) => this._lose(failure));
  }

  /** Ends what is under way. */
  leave() {
    this._stop();
    this._sending?.abort();
    // It may have ended meanwhile, and then stays until its time is over.
    if (this.id && this.element.dataset.state === "running") api.cancel(this.id).catch(() => {});
    if (this._picture.src.startsWith("blob:")) URL.revokeObjectURL(this._picture.src);
  }

  _open() {
    if (this.element.dataset.state === "done") this._list.open(this.id);
  }

  _told(status) {
    if (status.result) {
      if (!this._picture.src) this._picture.src = `${api.address(this.id, "photo")}?side=640`;
      this._tell("done", t("Ready"));
    } else if (status.state === "failed") this._fail(heard(status.error));
    else if (status.state === "cancelled") this._fail(t("The job was cancelled."));
    else if (status.state === "queued") this._tell("running", waitingWords(status.position));
    else this._tell("running", `${heard(status.stage || "Starting")}, ${Math.round(100 * status.fraction)} %`);
  }

  _lose(failure) {
    this._fail(failure.status === GONE ? t("No longer on the server") : failure.message);
  }

  _fail(words) {
    this._failure = words;
    this._tell("failed", words);
  }

  _tell(state, words) {
    this.element.dataset.state = state;
    this._show.setAttribute("aria-disabled", String(state !== "done"));
    this._retry.hidden = state !== "failed" || !this._parts;
    if (this._state.textContent !== words) tell(this._state, words);
  }

  _button(text, label, act) {
    return make("button", { type: "button", class: "tiny", text, "aria-label": label, on: { click: act } });
  }
}

/** Forgets the jobs of this browser, for whoever uses it next. */
export function forgetAll() {
  try {
    localStorage.removeItem(STORE);
  } catch {
    // It kept nothing.
  }
}

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return found.filter(({ id, name }) => typeof id === "string" && typeof name === "string").slice(0, MOST);
  } catch {
    return [];
  }
}
