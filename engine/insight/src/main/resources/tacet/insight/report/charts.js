"use strict";
const SVG = "http://www.w3.org/2000/svg";

function element(tag, properties, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key === "class") e.className = value;
    else if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) e.setAttribute(key, value);
  }
  for (const child of children) {
    if (child !== null && child !== undefined) e.append(child);
  }
  return e;
}

function shape(tag, attributes, text) {
  const e = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

function percent(share, digits) {
  if (share === null || share === undefined) return "–";
  const p = 100 * share;
  // What is nearly all is not all: 100 % is said of nothing less.
  const places = digits === undefined ? (p !== 0 && p < 10 ? 1 : 0) : digits;
  const text = p.toFixed(places);
  if (p < 100 && Number(text) === 100) return p < 99.95 ? p.toFixed(1) + " %" : "> 99.9 %";
  return text + " %";
}

/** Three digits of a number, without an exponent where it has a usual size. */
function figures(v) {
  const size = Math.abs(v);
  return size >= 1e6 || (size > 0 && size < 1e-3) ? v.toExponential(1) : size >= 100 ? count(Math.round(v)) : String(Number(v.toPrecision(3)));
}

function count(n) {
  return n.toString().replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
}

function plot(width, height, label) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

/** Zero share per channel, highest first. */
function channelChart(shares, isDead) {
  const w = 400, h = 120, left = 30, bottom = 18;
  const svg = plot(w, h, "Share of zeros per channel, highest first");
  for (const share of [0, 0.5, 1]) {
    const y = 6 + (1 - share) * (h - bottom - 6);
    svg.append(shape("line", { x1: left, x2: w, y1: y, y2: y, class: "gridline" }));
    svg.append(shape("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, 100 * share));
  }
  const order = shares.map((s, c) => c).sort((a, b) => shares[b] - shares[a]);
  const step = (w - left) / order.length;
  const gap = step > 5 ? 1 : 0;
  order.forEach((c, i) => {
    const height = Math.max(0.5, shares[c] * (h - bottom - 6));
    const bar = shape("rect", {
      x: left + i * step, y: h - bottom - height, width: Math.max(0.4, step - gap), height,
      fill: isDead(c) ? "var(--dead)" : "var(--zero)",
    });
    bar.append(shape("title", {}, `channel ${c}: ${percent(shares[c], 1)} zero${isDead(c) ? ", dead" : ""}`));
    svg.append(bar);
  });
  svg.append(shape("text", { x: left, y: h - 3 }, `${order.length} channels, by share of zeros`));
  svg.append(shape("text", { x: w, y: h - 3, "text-anchor": "end" }, "% zero"));
  return svg;
}

/** Values before the activation; what is left of the cut becomes zero. */
function histogramChart(histogram) {
  const w = 400, h = 150, bottom = 20;
  const svg = plot(w, h, "Histogram of values before the activation");
  const most = Math.max(...histogram.bins);
  const step = w / histogram.bins.length;
  const sum = histogram.bins.reduce((a, b) => a + b, 0);
  let cutOff = 0;
  histogram.bins.forEach((n, i) => {
    const from = histogram.low + i * histogram.step;
    const zero = from + histogram.step / 2 < histogram.cut;
    cutOff += zero ? n : 0;
    const height = n === 0 ? 0 : Math.max(1, (n / most) * (h - bottom - 16));
    const bar = shape("rect", {
      x: i * step, y: h - bottom - height, width: Math.max(0.5, step - 1), height,
      fill: zero ? "var(--zero)" : "var(--live)", opacity: zero ? 0.9 : 0.8,
    });
    bar.append(shape("title", {}, `${figures(from)} to ${figures(from + histogram.step)}: ${count(n)} values`));
    svg.append(bar);
  });
  const x = ((histogram.cut - histogram.low) / histogram.step) * step;
  svg.append(shape("line", { x1: 0, x2: w, y1: h - bottom, y2: h - bottom, class: "axis" }));
  svg.append(shape("line", { x1: x, x2: x, y1: 0, y2: h - bottom, stroke: "var(--ink)", "stroke-dasharray": "3 3" }));
  const right = x < w / 2;
  const at = right ? x + 8 : x - 8;
  const anchor = right ? "start" : "end";
  svg.append(shape("text", { x: at, y: 11, "text-anchor": anchor }, `cut at ${histogram.cut}: ${percent(sum ? cutOff / sum : 0, 1)} below`));
  svg.append(shape("text", { x: 0, y: h - 5 }, figures(histogram.low)));
  svg.append(shape("text", { x: w, y: h - 5, "text-anchor": "end" }, figures(histogram.low + histogram.bins.length * histogram.step)));
  if (x > 70 && x < w - 70) svg.append(shape("text", { x, y: h - 5, "text-anchor": "middle" }, histogram.cut));
  return svg;
}

/** Zero share against side, a line per layer from light (early) to strong (late). */
function sweepChart(sweep) {
  const w = 900, h = 356, left = 40, right = 190, bottom = 30, top = 26;
  const svg = plot(w, h, "Share of zeros against resolution");
  const x = (i) => left + (i * (w - left - right)) / Math.max(1, sweep.sides.length - 1);
  const y = (share) => top + (1 - share) * (h - bottom - top);
  for (let p = 0; p <= 100; p += 20) {
    svg.append(shape("line", { x1: left, x2: w - right, y1: y(p / 100), y2: y(p / 100), class: "gridline" }));
    svg.append(shape("text", { x: left - 8, y: y(p / 100) + 4, "text-anchor": "end" }, p));
  }
  svg.append(shape("text", { x: 0, y: 11 }, "% of values that are zero, by side of the image; a line a layer, the paler the nearer to the input"));
  sweep.sides.forEach((side, i) => svg.append(shape("text", { x: x(i), y: h - 8, "text-anchor": "middle" }, `${side} px`)));
  const path = (values) => values.map((v, i) => (v === null ? "" : `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`)).join("");
  const labels = [];
  sweep.rows.forEach((row, i) => {
    const depth = sweep.rows.length < 2 ? 1 : i / (sweep.rows.length - 1);
    const line = shape("path", {
      d: path(row.zeros), fill: "none", stroke: "var(--zero)", "stroke-width": 1.5,
      opacity: (0.25 + 0.75 * depth).toFixed(2), "stroke-linejoin": "round",
    });
    line.append(shape("title", {}, row.layer));
    svg.append(line);
    const last = row.zeros[row.zeros.length - 1];
    if (last !== null) labels.push({ at: y(last), text: row.layer, opacity: 0.45 + 0.55 * depth });
  });
  svg.append(shape("path", { d: path(sweep.total), fill: "none", stroke: "var(--live)", "stroke-width": 3, "stroke-linejoin": "round" }));
  labels.push({ at: y(sweep.total[sweep.total.length - 1]), text: "all ReLU outputs", strong: true });
  // Labels that would overlap give way to those already set, the total first.
  labels.sort((a, b) => (b.strong ? 1 : 0) - (a.strong ? 1 : 0));
  const taken = [];
  for (const label of labels) {
    if (taken.some((t) => Math.abs(t - label.at) < 13)) continue;
    taken.push(label.at);
    const text = shape("text", { x: w - right + 10, y: label.at + 4 }, label.text.length > 28 ? "…" + label.text.slice(-27) : label.text);
    if (label.strong) text.setAttribute("style", "fill: var(--live); font-weight: 650");
    svg.append(text);
  }
  return svg;
}

/** Two models: a dot each, joined by a line. */
function pairChart(rows, label) {
  const w = 900, left = 200, line = 26;
  const h = rows.length * line + 30;
  const svg = plot(w, h, label);
  const x = (share) => left + share * (w - left - 20);
  for (let p = 0; p <= 100; p += 25) {
    svg.append(shape("line", { x1: x(p / 100), x2: x(p / 100), y1: 4, y2: h - 24, class: "gridline" }));
    svg.append(shape("text", { x: x(p / 100), y: h - 8, "text-anchor": "middle" }, p + " %"));
  }
  rows.forEach((row, i) => {
    const y = 16 + i * line;
    svg.append(shape("text", { x: left - 16, y: y + 4, "text-anchor": "end" }, row.name));
    svg.append(shape("line", { x1: x(row.pair[0]), x2: x(row.pair[1]), y1: y, y2: y, stroke: "var(--line)", "stroke-width": 3 }));
    row.pair.forEach((v, k) => {
      const dot = shape("circle", { cx: x(v), cy: y, r: 5.5, fill: k === 0 ? "var(--zero)" : "var(--live)" });
      dot.append(shape("title", {}, percent(v, 1)));
      svg.append(dot);
    });
  });
  return svg;
}
