// SPDX-License-Identifier: GPL-3.0-or-later
// The photo's camera in the viewer: the same rays through the same pixels, for any window size.

import { MathUtils, Vector3 } from "../vendor/three/three.js";

const PANORAMA_DEGREES = 75;

/**
 * Sets the projection of `eye`, a PerspectiveCamera, to the photo's `lens`, with the whole photo inside the window.
 *
 * `lens` is the camera of a result: size, focal lengths and principal point in pixels of the photo.
 */
export function throughLens(eye, lens, width, height) {
  if (lens.projection === "equirectangular") {
    asFree(eye, lens, width, height);
    return;
  }
  const scale = fitOf(lens, width, height);
  const besideX = (width / scale - lens.width) / 2;
  const besideY = (height / scale - lens.height) / 2;
  const { near, far } = eye;
  const x = (pixel) => ((pixel - lens.cx) / lens.fx) * near;
  const y = (pixel) => ((lens.cy - pixel) / lens.fy) * near;
  eye.projectionMatrix.makePerspective(
    x(-besideX),
    x(lens.width + besideX),
    y(-besideY),
    y(lens.height + besideY),
    near,
    far,
    eye.coordinateSystem,
  );
  eye.projectionMatrixInverse.copy(eye.projectionMatrix).invert();
}

/** Gives `eye` a symmetric projection in which the photo fits the window. */
export function asFree(eye, lens, width, height) {
  eye.aspect = width / height;
  if (lens.projection === "equirectangular") {
    eye.fov = PANORAMA_DEGREES;
  } else {
    const tall = height / fitOf(lens, width, height);
    eye.fov = MathUtils.radToDeg(2 * Math.atan(tall / (2 * lens.fy)));
  }
  eye.updateProjectionMatrix();
}

/** Returns the direction, in the frame of the photo's camera (y up, looking along -z), of a place in pixels of the photo. */
export function rayOf(lens, x, y) {
  const [right, down] = [(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy];
  if (lens.projection !== "equirectangular") return new Vector3(right, -down, -1).normalize();
  return new Vector3(Math.sin(right) * Math.cos(down), -Math.sin(down), -Math.cos(right) * Math.cos(down));
}

/** Returns the window pixels per photo pixel when the whole photo fits. */
function fitOf(lens, width, height) {
  return Math.min(width / lens.width, height / lens.height);
}
