// SPDX-License-Identifier: GPL-3.0-or-later
// The photo's camera in the viewer: the same rays through the same pixels, whatever the shape of the window.

import { MathUtils } from "../vendor/three/three.module.min.js";

const PANORAMA_DEGREES = 75;

/**
 * Has `eye`, a PerspectiveCamera, look through the photo's `lens` with the whole photo inside a window of that size.
 *
 * `lens` is the camera of a result: sizes, focal lengths and principal point in pixels of the photo.
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

/** Gives `eye` an ordinary symmetric view in which the photo's rays fit the window. */
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

/** Returns how many pixels of the window a pixel of the photo takes when the whole photo fits. */
function fitOf(lens, width, height) {
  return Math.min(width / lens.width, height / lens.height);
}
