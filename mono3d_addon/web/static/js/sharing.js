// SPDX-License-Identifier: GPL-3.0-or-later
// A link to a result for people who may look and download. Its secret stands behind the "#", which browsers do not send.

import * as api from "./api.js";
import { announce, find, tell } from "./element.js";
import { t } from "./texts.js";

/** The buttons that make, copy and close the link of one result at a time. */
export class Sharing {
  constructor() {
    this._id = "";
    find("share-make").addEventListener("click", () => this._do(() => this._open()));
    find("share-copy").addEventListener("click", () => this._copy());
    find("share-stop").addEventListener("click", () => this._do(() => this._stop()));
  }

  /** Offers the link of a job. */
  show({ id, is_shared: isShared }) {
    if (id === this._id) return;
    this._id = id;
    tell(find("share-failure"), "");
    this._renew("");
    if (isShared) this._do(() => this._open());
  }

  /** Offers no link. */
  close() {
    this._id = "";
    this._renew("");
  }

  async _open() {
    const id = this._id;
    const { share } = await api.share(id);
    if (id === this._id) this._renew(new URL(`#share=${share}`, new URL(".", document.baseURI)).href);
  }

  async _stop() {
    const id = this._id;
    await api.unshare(id);
    if (id !== this._id) return;
    this._renew("");
    announce(t("The link is no longer valid."));
    find("share-make").focus();
  }

  async _copy() {
    const place = find("share-link");
    place.select();
    try {
      await navigator.clipboard.writeText(place.value);
      announce(t("The link is copied."));
      find("share-copy").textContent = t("Copied");
    } catch {
      // Without the right to use the clipboard the link is selected, to be copied by hand.
    }
  }

  async _do(act) {
    tell(find("share-failure"), "");
    try {
      await act();
    } catch (failure) {
      tell(find("share-failure"), failure.message);
    }
  }

  _renew(link) {
    find("share-make").hidden = Boolean(link);
    find("share-open").hidden = !link;
    find("share-link").value = link;
    find("share-copy").textContent = t("Copy");
  }
}
