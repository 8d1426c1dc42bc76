// SPDX-License-Identifier: GPL-3.0-or-later
// The form for a new job: quality, the model, and all other settings in folded groups.

import { find, make } from "./element.js";
import { Field, wordsOf } from "./field.js";
import { changes, makeGroup, showThoseWithEffect } from "./groups.js";
import { ModelField } from "./models.js";
import { heard, t } from "./texts.js";
import { capital } from "./words.js";

const FIRST = ["model"];
/** Files beside the photo, by the group of settings in which they are. */
const FILES = {
  Depth: { name: "depth", label: t("Own depth map"), help: t("Used instead of the estimated depth: PNG, TIFF, EXR, NPY or PFM") },
  "Cut-out": { name: "mask", label: t("Mask"), help: t("Image of any size that is white where the photo is kept") },
};

/** The form; `description` comes from the server, `onSubmit` is called when all fields are valid. */
export class Form {
  constructor(description, onSubmit) {
    this._description = description;
    this._fields = new Map();
    this._groups = [];
    this._files = [];
    this._makeFields();
    this._makePresets();
    find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const wrong = [...this._fields.values()].find((field) => !field.isValid);
      if (wrong) wrong.focus();
      else onSubmit();
    });
  }

  /** The fields of the upload: settings that differ from the defaults, and the files beside the photo. */
  get parts() {
    const parts = { settings: JSON.stringify(changes([...this._fields.values()])) };
    for (const input of this._files) {
      if (input.files.length) parts[input.dataset.part] = input.files[0];
    }
    return parts;
  }

  _makeFields() {
    for (const group of this._description.groups) {
      const fields = group.fields.map((spec) => this._makeField(spec));
      for (const field of fields) this._fields.set(field.spec.name, field);
      const first = fields.filter((field) => FIRST.includes(field.spec.name));
      find("first-fields").append(...first.map((field) => field.element));
      const rest = fields.filter((field) => !first.includes(field));
      const more = FILES[group.name] ? [this._makeFile(FILES[group.name])] : [];
      if (!rest.length && !more.length) continue;
      const made = makeGroup(group.name, rest, ...more);
      this._groups.push(made);
      find("groups").append(made.element);
    }
  }

  _makeField(spec) {
    const renew = () => this._renew();
    return spec.name === "model" ? new ModelField(spec, this._description.models, renew) : new Field(spec, "form", renew);
  }

  /** Chooses a value of a setting. */
  choose(name, value) {
    this._fields.get(name).show(value);
    this._renew();
  }

  _makeFile({ name, label, help }) {
    const id = `form-${name}`;
    const input = make("input", { type: "file", id, "data-part": name, "aria-describedby": `${id}-help` });
    const clear = make("button", { type: "button", class: "tiny", text: t("Remove"), "aria-label": t("Remove {name}", { name: label }), hidden: true });
    input.addEventListener("change", () => (clear.hidden = !input.files.length));
    clear.addEventListener("click", () => {
      input.value = "";
      clear.hidden = true;
      input.focus();
    });
    this._files.push(input);
    return make(
      "div",
      { class: "field" },
      make("div", { class: "field-head" }, make("label", { for: id, text: label }), clear),
      input,
      make("p", { class: "help", id: `${id}-help`, text: `${help}.` }),
    );
  }

  _makePresets() {
    for (const [name, values] of Object.entries(this._description.presets)) {
      const input = make("input", { type: "radio", name: "preset", value: name, "aria-describedby": `preset-${name}` });
      input.addEventListener("change", () => this._apply(values));
      const title = make("span", {}, input, heard(capital(name)));
      const hint = make("span", { class: "muted small", id: `preset-${name}`, text: this._aboutPreset(values) });
      find("presets").append(make("label", { class: "preset" }, title, hint));
    }
    this._renew();
  }

  /** Returns what a preset sets, in words: its numbers, and what else is not the default. */
  _aboutPreset(values) {
    const specs = Object.entries(values).map(([name, value]) => [this._fields.get(name).spec, value]);
    const told = specs.filter(([spec, value]) => typeof value === "number" || value !== spec.default);
    return told.map(([spec, value]) => `${spec.label} ${wordsOf(spec, value)}`).join(", ");
  }

  _apply(values) {
    for (const [name, value] of Object.entries(values)) this._fields.get(name).show(value);
    this._renew();
  }

  /** Updates what is shown and the counts of changes, and selects the preset that has the present values, if any. */
  _renew() {
    showThoseWithEffect(this._fields);
    for (const group of this._groups) group.renew();
    for (const input of find("presets").querySelectorAll("input")) {
      const wanted = Object.entries(this._description.presets[input.value]);
      input.checked = wanted.every(([name, value]) => this._fields.get(name).value === value);
    }
  }
}
