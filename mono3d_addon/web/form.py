# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that visitors may choose, within the owner's limits, and how they are read from requests."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.camera.usual_scenes import KINDS
from ..depth import choosing, licence
from ..errors import Mono3DError
from ..settings import PRESETS, SettingField, Settings, WebOptions, check_value, fields_of
from .refusal import Refusal

_FIXED = frozenset({"max_pixels", "pack_texture"})
"""Settings that visitors cannot choose: the size limit, and that a .blend download is a single file."""

_MOST_LETTERS = 10_000


@dataclass(frozen=True)
class Form:
    """The fields that visitors may set, within the owner's bounds and options, and the settings fixed by the owner.

    `models` are all models, those that are on the server first; visitors may set those only.
    """

    fields: Mapping[str, SettingField]
    owners: Mapping[str, Any]
    models: tuple[choosing.Row, ...] = ()

    @classmethod
    def of(cls, options: WebOptions, data_folder: Path) -> Form:
        """Returns the form of a server; it offers the models whose weights are present and not known to be damaged."""
        most = {
            "detail": options.max_detail,
            "network_size": options.max_network_size,
            "poisson_depth": options.max_poisson_depth,
        }
        rows = choosing.table(data_folder)
        models = tuple(row.model.name for row in rows if row.is_here)
        found = {}
        for item in fields_of(Settings):
            choice = item.choice
            if not _is_for_visitors(item):
                continue
            if item.name in most:
                maximum = min(float(most[item.name]), choice.maximum or math.inf)
                choice = dataclasses.replace(choice, maximum=maximum)
                item = dataclasses.replace(item, choice=choice, default=min(item.default, most[item.name]))
            elif item.name == "model":
                item = dataclasses.replace(item, choice=dataclasses.replace(choice, options=models))
            found[item.name] = item
        return cls(found, {"max_pixels": options.max_pixels}, tuple(choosing.here_first(rows)))

    def described(self) -> dict[str, Any]:
        """Returns the groups with their fields, models, usual scenes and presets, ready for JSON."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for item in self.fields.values():
            groups.setdefault(item.choice.group, []).append(_described(item))
        return {
            "groups": [{"name": name, "fields": fields} for name, fields in groups.items()],
            "models": [_model(row) for row in self.models],
            "scenes": [
                {"name": name, "near": usual.near, "far": round(usual.near * usual.ratio, 2)}
                for name, usual in KINDS.items()
            ],
            "presets": {name: self._within(preset) for name, preset in PRESETS.items()},
        }

    def settings(self, given: Mapping[str, Any], preset: str = "balanced", **files: str) -> Settings:
        """Returns the settings of a request; `files` are the settings that are paths, chosen by the server.

        Raises Refusal, 422, with the sentence of `settings.check`.
        """
        if preset not in PRESETS:
            raise Refusal(422, f"There is no preset '{_short(preset)}'; choose one of {', '.join(PRESETS)}.")
        defaults = {item.name: item.default for item in self.fields.values()}
        try:
            return Settings(
                **{**defaults, **self._within(PRESETS[preset]), **self._checked(given), **self.owners, **files}
            )
        except Mono3DError as error:
            raise Refusal(422, str(error)) from error

    def reshaped(self, before: Settings, given: Mapping[str, Any]) -> Settings:
        """Returns `before` with the live fields replaced by `given`; live fields that are not given get their defaults.

        Raises Refusal, 422, for a field that is not live and for a value out of bounds.
        """
        for name in given:
            item = self.fields.get(name)
            if item is not None and not item.choice.live:
                raise Refusal(
                    422, f"{item.choice.label} cannot be changed for an existing result; upload the photo again."
                )
        live = {item.name: item.default for item in self.fields.values() if item.choice.live}
        try:
            return dataclasses.replace(before, **{**live, **self._checked(given)})
        except Mono3DError as error:
            raise Refusal(422, str(error)) from error

    def _within(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values of a preset, limited to the owner's bounds."""
        found = {}
        for name, value in values.items():
            maximum = self.fields[name].choice.maximum
            found[name] = self.fields[name].kind(min(value, maximum)) if maximum is not None else value
        return found

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        checked = {}
        for name, value in given.items():
            item = self.fields.get(name)
            if item is None:
                raise Refusal(422, f"There is no setting '{_short(name)}' here; /api/settings lists them.")
            if item.kind is float and isinstance(value, int) and not isinstance(value, bool):
                value = _as_float(value)
            if isinstance(value, str):
                value = _short(value)
            try:
                check_value(item, value)
            except Mono3DError as error:
                raise Refusal(422, str(error)) from error
            checked[name] = value
        return checked


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Returns the values of the fields that visitors may set."""
    return {item.name: getattr(settings, item.name) for item in fields_of(Settings) if _is_for_visitors(item)}


def _is_for_visitors(item: SettingField) -> bool:
    return not item.choice.is_path and item.name not in _FIXED


def _described(item: SettingField) -> dict[str, Any]:
    choice = item.choice
    return {
        "name": item.name,
        "label": choice.label,
        "help": choice.help,
        "kind": item.kind.__name__,
        "options": list(choice.options),
        "minimum": choice.minimum,
        "maximum": choice.maximum,
        "unit": choice.unit,
        "default": item.default,
        "typical": choice.typical,
        "live": choice.live,
        "level": choice.level,
        "only_with": {"name": choice.only_with[0], "values": list(choice.only_with[1])} if choice.only_with else None,
    }


def _model(row: choosing.Row) -> dict[str, Any]:
    model = row.model
    return {
        "name": model.name,
        "label": model.label,
        "grade": model.grade,
        "is_here": row.is_here,
        "summary": row.summary,
        "bytes": model.file_bytes,
        "seconds": dict(row.seconds),
        "gives": ", ".join(model.gives_words),
        "accuracy": model.accuracy.words if model.accuracy else "",
        "licence": model.licence,
        "licence_address": licence.address(model),
        "is_for_all_use": model.is_for_all_use,
        "question": "" if model.is_for_all_use else licence.question(model),
        "promise": choosing.promise(row) if model.grade not in ("", "starter") else "",
        "choose_when": model.choose_when,
    }


def read_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Returns the JSON object in `text`, called `what` in errors. Raises Refusal, 400, for anything else."""
    try:
        if len(text) > _MOST_LETTERS:
            raise ValueError("it is too long")
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"{what} cannot be read as JSON.") from error
    if not isinstance(found, dict):
        raise Refusal(400, f'{what} must be a JSON object, such as {{"near": 0.5}}.')
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not a number in JSON")


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _short(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:60])
