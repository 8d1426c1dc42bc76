// SPDX-License-Identifier: GPL-3.0-or-later
// A button for each format with its purpose; formats that this server cannot write say why.

import * as api from "./api.js";
import { announce, find, make, tell } from "./element.js";
import { heard, t } from "./texts.js";
import { capital } from "./words.js";

const REPLACED = 409;
const FIRST = "glb";
/** What iPhones and iPads show in the room around them. */
const IN_ROOM = "usdz";

/**
 * Shows the downloads of a result; `formats` are those of the server, `files` their URLs.
 *
 * `onReplaced` is awaited when another page has changed the result meanwhile. `isShaping` tells whether this page has
 * changed it, and the new mesh is on its way.
 */
export function showDownloads(formats, files, { onReplaced, isShaping }) {
  find("download-failure").textContent = "";
  const entries = formats.map((format) => make("li", {}, entry(format, files[format.name], { onReplaced, isShaping })));
  find("downloads").replaceChildren(...entries);
  find("download-first").onclick = () => find("downloads").querySelector(`a[data-format=${FIRST}]`)?.click();
  showInRoom(files[IN_ROOM], isShaping);
}

/** Offers the model for the room around the visitor, where the device shows such files by itself. */
function showInRoom(url, isShaping) {
  const link = find("in-room");
  link.hidden = !url || !link.relList.supports?.("ar");
  if (url) link.href = url;
  link.onclick = (event) => {
    if (!isShaping()) return;
    event.preventDefault();
    refuse(t("The mesh is still being shaped; download it when that is done."));
  };
}

function entry(format, url, { onReplaced, isShaping }) {
  // A label such as "GLB: mesh with texture" consists of name and purpose.
  const [name, purposeWords = ""] = format.label.split(": ");
  const title = make("strong", { text: name });
  if (!format.available || !url) {
    const why = format.reason ? heard(format.reason) : t("This server cannot write this format.");
    return make("div", { class: "download button", "aria-disabled": "true", "data-format": format.name }, title, make("span", { text: why }));
  }
  const purpose = make("span", { text: capital(heard(purposeWords)) });
  const link = make("a", { class: "download button", href: url, download: true, "data-format": format.name }, title, purpose);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (isShaping()) refuse(t("The mesh is still being shaped; download it when that is done."));
    else if (link.getAttribute("aria-busy") !== "true") fetchAndSave(link, purpose, format, onReplaced);
  });
  return link;
}

/** Fetches a file instead of following the link, because the server writes it on request and may report a failure. */
async function fetchAndSave(link, purpose, format, onReplaced) {
  const words = purpose.textContent;
  link.setAttribute("aria-busy", "true");
  purpose.textContent = t("Preparing …");
  find("download-failure").textContent = "";
  try {
    const response = await api.file(link.href);
    save(await response.blob(), nameOf(response) ?? `model${format.ending}`);
    announce(t("Downloaded."));
  } catch (failure) {
    if (failure.status === REPLACED) await onReplaced();
    refuse(failure.message);
  }
  purpose.textContent = words;
  link.removeAttribute("aria-busy");
}

/** Says why there is no file. */
function refuse(sentence) {
  tell(find("download-failure"), sentence);
  find("download-failure").scrollIntoView({ block: "nearest" });
}

function nameOf(response) {
  const told = response.headers.get("Content-Disposition") ?? "";
  const wide = /filename\*=UTF-8''([^;]+)/i.exec(told);
  if (wide) return decodeURIComponent(wide[1]);
  return /filename="([^"]+)"/i.exec(told)?.[1];
}

/** Returns the name of a photo without its suffix, as file names of downloads begin (web/downloads.py). */
export function stemOf(name) {
  return name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N} _.()-]/gu, "_") || "photo";
}

/** Gives the user a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // Some browsers read the URL with a delay.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
