// SPDX-License-Identifier: GPL-3.0-or-later
// The server's HTTP API. Every call returns what the server sent or throws a Failure with a sentence for the user.

import { heard, t } from "./texts.js";

/** An error as one sentence; `status` is the HTTP status, 0 if the server did not answer. */
export class Failure extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }

  /** Whether the server did not answer, so that trying again later may help. */
  get isAway() {
    return this.status === 0;
  }
}

const AWAY = t("The server does not answer; check that it is running and that you are online.");
const NOT_SIGNED_IN = 401;
export const BASE = new URL("api/", document.baseURI);

/** Returns the URL of a job, or of a part of it such as "photo" or "view". */
export function address(id, ...parts) {
  return new URL(["jobs", id, ...parts].map(encodeURIComponent).join("/"), BASE).href;
}

export async function about() {
  return (await call("about")).json();
}

export async function settings() {
  return (await call("settings")).json();
}

export async function status(id) {
  return (await call(address(id))).json();
}

export async function cancel(id) {
  return (await call(address(id, "cancel"), { method: "POST" })).json();
}

export async function remove(id) {
  await call(address(id), { method: "DELETE" });
}

/** Returns what the link to a job has behind "#share=". */
export async function share(id) {
  return (await call(address(id, "share"), { method: "POST" })).json();
}

/** Makes the link to a job invalid. */
export async function unshare(id) {
  await call(address(id, "share"), { method: "DELETE" });
}

/** Returns the id of the job that a link shares; the browser gets a cookie for it. */
export async function openShare(share) {
  const body = JSON.stringify({ share });
  return (await (await call("shares", { method: "POST", body, headers: { "Content-Type": "application/json" } })).json()).id;
}

/** Returns a new key of an upload: sent again with the same one, it is the same job. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Requests another mesh of a job; `settings` are all live settings that differ from the defaults. */
export async function shape(id, settings, draft) {
  const body = JSON.stringify({ settings, draft });
  return (await call(address(id, "shape"), { method: "POST", body, headers: { "Content-Type": "application/json" } })).json();
}

/**
 * Returns the mesh for display, as GLB; with `isDraft` a coarse one, if there is one.
 *
 * `onShare` gets the received share and the bytes of the whole, as soon as they are known; `signal` aborts.
 */
export async function view(id, revision, { isDraft = false, onShare = () => {}, signal } = {}) {
  const response = await call(`${address(id, "view")}?revision=${revision}${isDraft ? "&draft=1" : ""}`, { signal });
  const total = Number(response.headers.get("Unpacked-Length"));
  const sent = Number(response.headers.get("Content-Length"));
  if (!total || !sent || !response.body) return response.arrayBuffer();
  const parts = [];
  let received = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      onShare(received / total, sent);
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      received += value.length;
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(AWAY, 0);
  }
  return new Blob(parts).arrayBuffer();
}

/** Returns the file of the photo with at least `side` pixels along its longer side, or all that there are. */
export async function photo(id, side) {
  return (await call(`${address(id, "photo")}?side=${side}`)).blob();
}

/** Returns the response with a file. */
export async function file(url) {
  return call(url);
}

/** Sends a request and returns the response. Throws a Failure for HTTP errors. */
async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(AWAY, 0);
  }
  // The session has ended; the server shows the page that asks for the token.
  if (response.status === NOT_SIGNED_IN) {
    // A guest gets the page, but not what was asked for.
    if (document.body.hasAttribute("data-is-guest")) location.replace(new URL(`sign-in${location.hash}`, document.baseURI));
    else location.reload();
  }
  if (!response.ok) throw failure(response.status, await response.text().catch(() => ""));
  return response;
}

/** Returns the failure described by a response. */
function failure(status, text) {
  let sentence = "";
  try {
    sentence = JSON.parse(text).error;
  } catch {
    // The response of a proxy is not JSON.
  }
  const words = sentence ? heard(sentence) : t("The server answered with the error {status}; try again, or check its log.", { status });
  return new Failure(words, status);
}

/**
 * Uploads a photo and returns the status of its job.
 *
 * `parts` are the fields of the form, `onSent` gets the sent share of the bytes, `signal` aborts the upload, and `key` is
 * that of `newKey`.
 */
export function create(parts, onSent, signal, key) {
  // Unlike fetch, XMLHttpRequest reports the progress of an upload.
  return new Promise((resolve, reject) => {
    // While the server was away.
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(parts)) body.append(name, value);
    request.open("POST", new URL("jobs", BASE));
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onSent(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(failure(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new Failure(AWAY, 0)));
    request.addEventListener("abort", () => reject(new DOMException("The user cancelled.", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
