// SPDX-License-Identifier: GPL-3.0-or-later
// A background that goes with the photo, by the same rule as the previews (core/preview/backdrop.py).

const SIDE = 48;
const BORDER = 0.08;
const COLOURED = 0.3;
const LUMA = [0.2126, 0.7152, 0.0722];
const BRIGHT = 0.5;
const DARKENED = 0.62;
const RAISED = 0.13;

/**
 * Returns the CSS colour for a loaded image: muted, and set off in brightness from the photo's border.
 *
 * It is empty in a browser that cannot draw.
 */
export function backdrop(image) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return "";
  pen.drawImage(image, 0, 0, SIDE, SIDE);
  const { data } = pen.getImageData(0, 0, SIDE, SIDE);
  const channels = [[], [], []];
  for (let pixel = 0; pixel < SIDE * SIDE; pixel += 1) {
    const across = ((pixel % SIDE) + 0.5) / SIDE;
    const down = (Math.floor(pixel / SIDE) + 0.5) / SIDE;
    const isBorder = Math.min(across, down, 1 - across, 1 - down) < BORDER;
    // Transparent parts have no colour.
    if (!isBorder || data[4 * pixel + 3] < 128) continue;
    channels.forEach((values, channel) => values.push(data[4 * pixel + channel] / 255));
  }
  const colour = channels.map((values) => values.sort((one, other) => one - other)[values.length >> 1] ?? 0.3);
  const bright = colour.reduce((sum, value, channel) => sum + value * LUMA[channel], 0);
  const wanted = bright > BRIGHT ? bright * DARKENED : bright + RAISED;
  const muted = colour.map((value) => Math.min(1, Math.max(0, wanted + COLOURED * (value - bright))));
  return `rgb(${muted.map((value) => Math.round(255 * value)).join(" ")})`;
}
