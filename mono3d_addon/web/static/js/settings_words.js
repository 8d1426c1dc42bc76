// SPDX-License-Identifier: GPL-3.0-or-later
// The server's settings in the language of the page.

import { heard } from "./texts.js";

/** Returns the description of the settings with labels and explanations translated; names stay, they are sent back. */
export function inLanguage(description) {
  const translated = (spec) => ({ ...spec, label: heard(spec.label), help: heard(spec.help) });
  const groups = description.groups.map((group) => ({ ...group, fields: group.fields.map(translated) }));
  return { ...description, groups };
}
