// SPDX-License-Identifier: GPL-3.0-or-later
// Fields in groups that fold, each telling how many of its fields are changed.

import { make } from "./element.js";

/** Returns a folded group of fields and a function that renews its count of changes. */
export function makeGroup(name, fields, ...more) {
  const told = make("span", { class: "changed" });
  const element = make(
    "details",
    { "data-group": name },
    make("summary", {}, name, told),
    make("div", { class: "group-fields" }, ...fields.map((field) => field.element), ...more),
  );
  const renew = () => {
    const changed = fields.filter((field) => field.isChanged).length;
    told.textContent = changed ? `${changed} changed` : "";
  };
  return { element, renew };
}

/** Returns the values of those fields that differ from the defaults, by name. */
export function changes(fields) {
  return Object.fromEntries(fields.filter((field) => field.isChanged).map((field) => [field.spec.name, field.value]));
}
