// SPDX-License-Identifier: GPL-3.0-or-later
// A mesh as points: each as large as what one pixel of the mesh covers at its distance from the photo's camera.

import { BufferGeometry, Points, ShaderMaterial, Vector3 } from "../vendor/three/three.js";

const VERTEX = `
uniform vec3 origin, forward;
uniform float spacing, tall;
varying vec2 place;
varying vec3 tint;
varying float bright;

void main() {
  vec4 seen = modelViewMatrix * vec4(position, 1.0);
  vec3 away = (modelMatrix * vec4(position, 1.0)).xyz - origin;
  float depth = dot(forward, forward) > 0.0 ? dot(away, forward) : length(away);
  gl_Position = projectionMatrix * seen;
  gl_PointSize = max(1.0, spacing * depth * projectionMatrix[1][1] * tall / max(-seen.z, 1e-6));
  place = uv;
  bright = 1.0;
  tint = vec3(1.0);
#if defined(USE_COLOR) || defined(USE_COLOR_ALPHA)
  tint = color.rgb;
#endif
#ifdef IS_PLAIN
  tint = vec3(0.48, 0.45, 0.4);
  bright = 0.35 + 0.65 * abs(normalize(normalMatrix * normal).z);
#endif
}`;

const FRAGMENT = `
uniform sampler2D map;
varying vec2 place;
varying vec3 tint;
varying float bright;

void main() {
  vec2 aside = gl_PointCoord - 0.5;
  if (dot(aside, aside) > 0.25) discard;
  gl_FragColor = vec4(tint * bright, 1.0);
#ifdef HAS_MAP
  gl_FragColor.rgb *= texture2D(map, place).rgb;
#endif
#include <colorspace_fragment>
}`;

/**
 * Returns the vertices of the mesh `node` as points.
 *
 * `spacing` is the angle between neighbouring vertices at the photo's camera, whose `pose` is given; `isAround`: that
 * camera sees all directions. `isPlain` leaves out the colours; the geometry must have normals then.
 */
export function makePoints(node, own, { pose, isAround, spacing, isPlain }) {
  const geometry = new BufferGeometry();
  for (const [name, attribute] of Object.entries(node.geometry.attributes)) geometry.setAttribute(name, attribute);
  const hasColours = !isPlain && geometry.hasAttribute("color");
  const map = isPlain ? null : own.map;
  const forward = isAround ? new Vector3() : new Vector3(0, 0, -1).transformDirection(pose);
  const material = new ShaderMaterial({
    uniforms: {
      map: { value: map },
      origin: { value: new Vector3().setFromMatrixPosition(pose) },
      forward: { value: forward },
      spacing: { value: spacing },
      tall: { value: 1 },
    },
    defines: { ...(map && { HAS_MAP: "" }), ...(isPlain && { IS_PLAIN: "" }) },
    vertexColors: hasColours,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
  });
  const points = new Points(geometry, material);
  points.onBeforeRender = (renderer) => {
    // Also where a picture is larger than the window.
    material.uniforms.tall.value = renderer.getContext().drawingBufferHeight / 2;
  };
  node.parent.add(points);
  return points;
}
