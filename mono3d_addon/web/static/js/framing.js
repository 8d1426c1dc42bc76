// SPDX-License-Identifier: GPL-3.0-or-later
// Places the viewpoint so that a model fills the view, slightly beside the photo's camera.

import { MathUtils, Quaternion, Vector3 } from "../vendor/three/three.js";

const MOST_ASIDE = (12 * Math.PI) / 180;
const ABOVE_PER_ASIDE = 0.4;
/** Largest shift of near parts against far ones, as a share of the photo's width: deep scenes are turned less. */
const PARALLAX = 0.07;
/** Shares of the points that count as nearest and farthest. */
const NEAR = 0.05;
const FAR = 0.95;
/** What is behind a gap in depth of this ratio is only a backdrop, such as the sky; it may lie outside. */
const SKY_GAP = 1.8;
const LEAST_SCENE = 0.1;
const INSIDE = 0.94;
/** Share of the points that may lie outside at each side, so that a few outliers do not make the rest small. */
const LEFT_OUT = 0.01;

/**
 * Returns the `position` and the `target` of the view, both in scene coordinates, and its angle `aside`.
 *
 * `everything` is a sample of the model's vertices, `pose` the photo's camera, `lens` its lens, `eye` the camera of the view.
 */
export function beside(everything, pose, lens, eye) {
  const points = withNearBackdrop(everything, pose);
  const place = new Vector3().setFromMatrixPosition(pose);
  const { pivot, aside } = orbitOf(points, pose, lens);
  const back = backFrom(pivot, place, aside);
  const right = new Vector3(0, 1, 0).cross(back).normalize();
  const up = back.clone().cross(right);
  const seen = points.map((point) => {
    const from = point.clone().sub(pivot);
    return { x: from.dot(right), y: from.dot(up), z: from.dot(back) };
  });
  const tall = Math.tan(MathUtils.degToRad(eye.fov) / 2) * INSIDE;
  const wide = tall * eye.aspect;
  const across = fit(seen.map(({ x, z }) => [x, z]), wide);
  const along = fit(seen.map(({ y, z }) => [y, z]), tall);
  const target = pivot.addScaledVector(right, across.place).addScaledVector(up, along.place);
  return { aside, target, position: target.clone().addScaledVector(back, Math.max(across.distance, along.distance)) };
}

/**
 * Returns the `place` to look at and the smallest `distance` from which both ends are visible.
 *
 * `points` are [place, nearness] pairs. A point is visible when |its place - place| <= slope (distance - its nearness).
 */
function fit(points, slope) {
  const low = highest(points.map(([place, near]) => near - place / slope));
  const high = highest(points.map(([place, near]) => near + place / slope));
  return { place: (slope * (high - low)) / 2, distance: (high + low) / 2 };
}

/** Returns the points, those behind the farthest gap in depth brought forward to it along the photo's rays. */
function withNearBackdrop(points, pose) {
  const depths = depthsOf(points, pose);
  const sorted = Float64Array.from(depths).sort();
  for (let last = sorted.length - 2; last + 1 >= LEAST_SCENE * sorted.length; last -= 1) {
    if (sorted[last] > 0 && sorted[last + 1] > SKY_GAP * sorted[last]) {
      const place = new Vector3().setFromMatrixPosition(pose);
      const share = (index) => Math.min(1, sorted[last] / depths[index]);
      return points.map((point, index) => place.clone().lerp(point, share(index)));
    }
  }
  return points;
}

/** Returns how far each point is ahead of the photo's camera. */
function depthsOf(points, pose) {
  const inverse = pose.clone().invert();
  return Float64Array.from(points, (point) => -point.clone().applyMatrix4(inverse).z);
}

/**
 * Returns the `pivot` that the view orbits and the angle `aside` from which the scene does not fall apart.
 *
 * The rule is that of core/preview/views.py: the pivot, on the middle ray, halves the parallax between near and far
 * parts.
 */
function orbitOf(points, pose, lens) {
  const depths = depthsOf(points, pose).sort();
  const [near, far] = [NEAR, FAR].map((share) => Math.max(1e-6, depths[Math.floor(share * (depths.length - 1))]));
  const middle = 2 / (1 / near + 1 / far);
  const spread = Math.max(middle * (1 / near - 1 / far), 1e-6);
  const aside = Math.min(MOST_ASIDE, Math.atan((PARALLAX * lens.width) / lens.fx / spread));
  const across = (lens.width / 2 - lens.cx) / lens.fx;
  const down = (lens.height / 2 - lens.cy) / lens.fy;
  const pivot = new Vector3(across, -down, -1).multiplyScalar(middle).applyMatrix4(pose);
  return { pivot, aside };
}

/** Returns the direction from the pivot to the viewpoint: that of the camera, turned sideways and up. */
function backFrom(pivot, place, aside) {
  const back = place.clone().sub(pivot);
  if (back.lengthSq() === 0) back.set(0, 0, 1);
  const upright = new Vector3(0, 1, 0);
  back.normalize().applyQuaternion(new Quaternion().setFromAxisAngle(upright, aside));
  const side = upright.clone().cross(back);
  // Undefined when looking straight down.
  if (side.lengthSq() < 1e-6) return back;
  return back.applyQuaternion(new Quaternion().setFromAxisAngle(side.normalize(), -aside * ABOVE_PER_ASIDE));
}

/** Returns the largest number, without the share of outliers. */
function highest(numbers) {
  return Float64Array.from(numbers).sort()[Math.ceil((1 - LEFT_OUT) * (numbers.length - 1))];
}
