// SPDX-License-Identifier: GPL-3.0-or-later
// The language of the page. The server sends it with those of the visitor's language in their place (page_assets.py).

export const LANGUAGE = "en";
/** Code of each language -> what it calls itself. */
export const LANGUAGES = { en: "English" };
/** English text -> the same in this language. */
export const TEXTS = {};
