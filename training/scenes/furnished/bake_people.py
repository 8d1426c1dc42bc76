# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes people of all ages, shapes and poses: `python3 -m training.scenes.furnished.bake_people --out FOLDER`.

Needs the package `anny` (Apache-2.0, its data CC0).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.scenes.furnished.bodies import Body, Region, Rotations, pose
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array

_OF_BONES = (
    ("neck", Region.NECK),
    ("head", Region.HEAD),
    ("eye", Region.HEAD),
    ("upperarm", Region.UPPER_ARM),
    ("lowerarm", Region.LOWER_ARM),
    ("wrist", Region.HAND),
    ("finger", Region.HAND),
    ("metacarpal", Region.HAND),
    ("upperleg", Region.UPPER_LEG),
    ("lowerleg", Region.LOWER_LEG),
    ("foot", Region.FOOT),
    ("toe", Region.FOOT),
    ("pelvis", Region.HIPS),
    ("root", Region.HIPS),
    ("spine05", Region.HIPS),
)
"""Region by the beginning of a bone's name; all others are the torso."""
_HIDDEN = ("eye_back.L", "eye_back.R", "eye_cavity.L", "eye_cavity.R", "mouth_cavity", "tongue")
_HAIRLINE = ((-0.15, 0.72), (-0.12, 0.69), (-0.055, 0.665), (-0.035, 0.60), (0.0, 0.565), (0.07, 0.53))
"""Height of the hairline by y on the model's neutral head."""


def main(arguments: Sequence[str]) -> int:
    """Bakes the bodies that are not there yet; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m training.scenes.furnished.bake_people", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the bodies, *.npz")
    parser.add_argument("--count", type=int, default=150, help="number of bodies (default: 150)")
    parser.add_argument("--seed", type=int, default=0, help="seed (default: 0)")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    baker = Baker(importlib.import_module("anny").Anny(local_changes="default"))
    for number in range(options.count):
        file = options.out / f"body_{options.seed}_{number:04d}.npz"
        if not file.exists():
            baker.body(np.random.default_rng([options.seed, number])).save(file)
    return 0


class Baker:
    """Makes bodies with a model of `anny`."""

    def __init__(self, model: Any) -> None:
        self._torch = importlib.import_module("torch")
        self._model = model.to(dtype=self._torch.float32)
        self._bones: list[str] = list(model.bone_labels)
        neutral, _ = self._posed({}, dict.fromkeys(model.phenotype_labels, 0.5), {})
        self._faces, self._regions = self._labelled(neutral)

    def body(self, random: Random) -> Body:
        """Returns a random body."""
        turns, sits = pose(random)
        age, gender = between(random, 0.3, 1.0), float(np.clip(random.beta(0.4, 0.4), 0, 1))
        shape = {name: float(random.beta(2.2, 2.2)) for name in self._model.phenotype_labels}
        shape |= {"age": age, "gender": gender}
        names = [name for name in self._model.local_change_labels if name.startswith(("head", "nose", "chin", "mouth"))]
        local = {name: float(random.normal(0, 0.25)) for name in names if chance(random, 0.4)}
        vertices, _ = self._posed(turns, shape, local)
        vertices = vertices - (0, 0, float(vertices[:, 2].min()))
        seat = 0.0
        if sits:
            under = np.unique(self._faces[np.isin(self._regions, [Region.HIPS])])
            seat = max(0.05, float(vertices[under, 2].min()))
            vertices = vertices - (0, float(vertices[under, 1].mean()), 0)
        return Body(vertices, self._faces, self._regions, seat, (age - 0.3) / 0.7, gender)

    def _posed(
        self, turns: Rotations, shape: dict[str, float], local: dict[str, float]
    ) -> tuple[Array, NDArray[np.int64]]:
        """Returns the vertices of a pose and each one's main bone."""
        matrices = np.tile(np.eye(4, dtype=np.float32), (1, len(self._bones), 1, 1))
        for bone, degrees in turns.items():
            matrices[0, self._bones.index(bone), :3, :3] = rotation(*degrees)
        with self._torch.no_grad():
            made = self._model(
                pose_parameters=self._torch.tensor(matrices), phenotype_kwargs=shape, local_changes_kwargs=local
            )
        weights, indices = self._model.vertex_bone_weights.numpy(), self._model.vertex_bone_indices.numpy()
        main_bone = indices[np.arange(len(weights)), weights.argmax(axis=1)]
        return made["vertices"][0].numpy().astype(float), main_bone

    def _labelled(self, neutral: Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Returns the visible faces and their regions."""
        segmentation = importlib.import_module("anny.face_segmentation")

        def mask(*labels: str) -> NDArray[np.bool_]:
            found = segmentation.get_face_segmentation_mask(self._model, list(labels))
            return np.asarray(found, bool)

        faces = np.asarray(self._model.faces).astype(np.int64)
        _, bones = self._posed({}, dict.fromkeys(self._model.phenotype_labels, 0.5), {})
        of_bone = np.array([_region(name) for name in self._bones], np.uint8)
        regions = of_bone[bones[faces]][:, 0]
        middle = neutral[faces].mean(axis=1)
        eyes = mask("eye_front.L", "eye_front.R")
        skin = np.isin(regions, [Region.HEAD, Region.NECK]) & ~eyes
        heights, places = np.array(_HAIRLINE)[:, 1], np.array(_HAIRLINE)[:, 0]
        is_ear = (np.abs(middle[:, 0]) > 0.078) & (middle[:, 2] < 0.67) & (middle[:, 1] < 0.0)
        regions[skin & (middle[:, 2] > np.interp(middle[:, 1], places, heights)) & ~is_ear] = Region.SCALP
        eye = np.abs(middle[eyes]).mean(axis=0)
        side, height = np.abs(middle[:, 0]), middle[:, 2] - eye[2]
        brows = skin & (abs(side - eye[0]) < 0.018) & (abs(height - 0.022) < 0.0045) & (middle[:, 1] < -0.1)
        regions[brows] = Region.BROWS
        mouth = middle[mask("mouth_cavity")]
        front = mouth[mouth[:, 1] < np.percentile(mouth[:, 1], 10)].mean(axis=0)
        lips = skin & (side < 0.024) & (abs(middle[:, 2] - front[2]) < 0.009) & (middle[:, 1] < front[1] + 0.004)
        regions[lips] = Region.LIPS
        regions[eyes] = Region.EYE
        ahead = neutral[faces[eyes]].mean(axis=1)
        iris = np.hypot(np.abs(ahead[:, 0]) - eye[0], ahead[:, 2] - eye[2]) < 0.0062
        regions[np.flatnonzero(eyes)[iris]] = Region.IRIS
        seen = ~mask(*_HIDDEN)
        return faces[seen], regions[seen]


def rotation(x: float, y: float, z: float) -> Array:
    """Returns the matrix (3, 3) that turns about x, then y, then z, by degrees."""
    matrix = np.eye(3)
    for axis, degrees in enumerate((x, y, z)):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        first, second = ((1, 2), (2, 0), (0, 1))[axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = cosine
        turn[first, second], turn[second, first] = -sine, sine
        matrix = turn @ matrix
    return matrix


def _region(bone: str) -> Region:
    return next((region for start, region in _OF_BONES if bone.startswith(start)), Region.TORSO)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
