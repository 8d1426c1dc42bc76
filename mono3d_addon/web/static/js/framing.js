// SPDX-License-Identifier: GPL-3.0-or-later
// Where to stand so that a model fills the view, from a little beside the photo's camera.

import { MathUtils, Quaternion, Vector3 } from "../vendor/three/three.module.min.js";

const ASIDE = (10 * Math.PI) / 180;
const ABOVE = (4 * Math.PI) / 180;
const INSIDE = 0.94;
/** Share of the points at each side that may lie outside: a few far ones must not make the rest small. */
const LEFT_OUT = 0.01;

/**
 * Returns the `position` to stand at and the `target` to look at, both in the scene.
 *
 * `points` are some of the model's, `pose` is the photo's camera, `eye` has the angles of view.
 */
export function beside(points, pose, eye) {
  const place = new Vector3().setFromMatrixPosition(pose);
  const middle = middleOf(points);
  const back = backFrom(middle, place);
  const right = new Vector3(0, 1, 0).cross(back).normalize();
  const up = back.clone().cross(right);
  const seen = points.map((point) => {
    const from = point.clone().sub(middle);
    return { x: from.dot(right), y: from.dot(up), z: from.dot(back) };
  });
  const tall = Math.tan(MathUtils.degToRad(eye.fov) / 2) * INSIDE;
  const wide = tall * eye.aspect;
  const across = fit(seen.map(({ x, z }) => [x, z]), wide);
  const along = fit(seen.map(({ y, z }) => [y, z]), tall);
  const target = middle.addScaledVector(right, across.place).addScaledVector(up, along.place);
  return { target, position: target.clone().addScaledVector(back, Math.max(across.distance, along.distance)) };
}

/**
 * Returns the `place` to look at and the least `distance` from which both ends are in view.
 *
 * `points` are [place, nearness] pairs. A point is in view when |its place - place| <= slope (distance - its nearness).
 */
function fit(points, slope) {
  const low = highest(points.map(([place, near]) => near - place / slope));
  const high = highest(points.map(([place, near]) => near + place / slope));
  return { place: (slope * (high - low)) / 2, distance: (high + low) / 2 };
}

/** Returns the direction from the middle to where to stand: the camera's, turned aside and up. */
function backFrom(middle, place) {
  const back = place.clone().sub(middle);
  if (back.lengthSq() === 0) back.set(0, 0, 1);
  const upright = new Vector3(0, 1, 0);
  back.normalize().applyQuaternion(new Quaternion().setFromAxisAngle(upright, ASIDE));
  const side = upright.clone().cross(back);
  // Straight from above there is no side.
  if (side.lengthSq() < 1e-6) return back;
  return back.applyQuaternion(new Quaternion().setFromAxisAngle(side.normalize(), -ABOVE));
}

function middleOf(points) {
  const middle = (values) => Float64Array.from(values).sort()[Math.floor(values.length / 2)];
  return new Vector3(...["x", "y", "z"].map((axis) => middle(points.map((point) => point[axis]))));
}

/** Returns the highest of some numbers but for a few. */
function highest(numbers) {
  return Float64Array.from(numbers).sort()[Math.ceil((1 - LEFT_OUT) * (numbers.length - 1))];
}
