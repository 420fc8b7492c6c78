"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const ROOTS = ["preprocessing", "flat-regions", "small-weights", "bias", "bottleneck", "dead-units", "saturation", "non-finite"];
const COLOURS = {
  preprocessing: "#e64980", "flat-regions": "#15aabf", "small-weights": "#fab005", bias: "#7048e8",
  bottleneck: "#40c057", "dead-units": "#e03131", saturation: "#f76707", relu: "#4c6ef5", unexplained: "#868e96",
};
const FIRST_FINDINGS = 8;
let current = 0;
let input = 0;

/** From near black over violet and orange to pale yellow, lightness growing evenly. */
const RAMP = (() => {
  const stops = [[14, 14, 22], [58, 22, 96], [140, 41, 108], [214, 75, 74], [249, 142, 38], [252, 236, 160]];
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(at));
    return stops[k].map((v, c) => Math.round(v + (at - k) * (stops[k + 1][c] - v)));
  });
})();

function pixels(uri) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => {
      const canvas = element("canvas", { width: image.width, height: image.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      done(context.getImageData(0, 0, image.width, image.height));
    };
    image.src = uri;
  });
}

/** Part of an image's rows in colour. */
function coloured(source, top, height, colour) {
  const canvas = element("canvas", { width: source.width, height });
  const context = canvas.getContext("2d");
  const out = context.createImageData(source.width, height);
  for (let i = 0; i < source.width * height; i++) {
    const rgba = colour(source.data[4 * (top * source.width + i)]);
    out.data.set(rgba, 4 * i);
  }
  context.putImageData(out, 0, 0);
  return canvas;
}

function findingItem(finding) {
  const target = data.layers.findIndex((l) => l.name === finding.layer);
  const text = target < 0
    ? element("span", {}, unbroken(finding.statement))
    : element("button", { type: "button", onclick: () => goTo(target) }, unbroken(finding.statement));
  return element("li", {},
    element("span", { class: "cause" + (finding.holds && ROOTS.includes(finding.cause) ? " root" : "") }, finding.cause),
    text,
    element("span", { class: "share" }, finding.share === null ? "" : percent(finding.share)));
}

/** Opens a layer and goes on from there, by keyboard too. */
function goTo(index) {
  select(index);
  const layer = $("layers").children[index];
  layer.focus({ preventScroll: true });
  layer.scrollIntoView({ block: "center" });
  $("layers-title").scrollIntoView();
}

/** No line ends between a number and its percent sign. */
function unbroken(text) {
  return text.replaceAll(" %", "\u00a0%");
}

/** What is true of many layers is said of two; the others come behind what else was found. */
function repeatedLast(findings) {
  const said = {};
  const repeated = findings.filter((f) => (said[f.cause] = (said[f.cause] || 0) + 1) > 2);
  return findings.filter((f) => !repeated.includes(f)).concat(repeated);
}

function showFindings() {
  const hold = repeatedLast(data.findings.filter((f) => f.holds && !f.inherited));
  const rejected = data.findings.filter((f) => !f.holds);
  hold.slice(0, FIRST_FINDINGS).forEach((f) => $("findings").append(findingItem(f)));
  if (hold.length > FIRST_FINDINGS) {
    const more = element("button", { type: "button", class: "more", onclick: () => {
      hold.slice(FIRST_FINDINGS).forEach((f) => $("findings").append(findingItem(f)));
      more.remove();
    } }, `Show ${hold.length - FIRST_FINDINGS} more`);
    $("findings").after(more);
  }
  if (hold.length === 0) $("findings").append(element("li", {}, "", "No cause of zeros was found at work.", ""));
  $("rejected-title").textContent = `${rejected.length} tested, and not at work or working the other way`;
  rejected.forEach((f) => $("rejected").append(findingItem(f)));
  $("rejected-box").hidden = rejected.length === 0;
}

function figure(value, label) {
  return element("div", { class: "figure" }, element("b", {}, value), element("span", {}, label));
}

function showFigures() {
  $("model").textContent = data.model.split("/").slice(-3).join("/");
  document.title = "Tacet – " + $("model").textContent;
  // A line may end behind a slash.
  $("model").textContent = $("model").textContent.replaceAll("/", "/\u200b");
  const cuts = data.layers.filter((l) => l.cuts && l.elements);
  const zeros = cuts.reduce((sum, l) => sum + l.zeros, 0);
  const elements = cuts.reduce((sum, l) => sum + l.elements, 0);
  const time = data.layers.reduce((sum, l) => sum + l.milliseconds, 0);
  const dead = cuts.reduce((sum, l) => sum + l.dead, 0);
  const last = data.layers[data.layers.length - 1];
  $("figures").append(
    ...data.inputs.filter((i) => i.photo).map((i) => element("div", { class: "figure photo" },
      element("img", { src: i.photo, alt: "" }), element("span", {}, i.name, element("br"), `${i.width} × ${i.height}`))),
    figure(percent(elements ? zeros / elements : 0, 1), "zeros after activations"),
    figure(percent(last.nearZeroFraction, 1), `of the output below ${+data.nearZero.toPrecision(3)}`),
    figure(count(dead), "dead channels"),
    figure(time.toFixed(1) + " ms", `per image, ${data.threads} thread${data.threads === 1 ? "" : "s"}`));
}

function showLayers() {
  data.layers.forEach((layer, i) => {
    const dead = layer.dead ? element("span", { class: "dead" }, `${layer.dead} dead · `) : null;
    $("layers").append(element("button", { type: "button", class: "layer", "data-layer": i, title: `${layer.name}\n${layer.op} · ${layer.kernel}`, onclick: () => select(i) },
      element("span", { class: "name" }, layer.name),
      element("span", { class: "bar" }, element("i", { style: `width:${100 * (layer.zeroFraction || 0)}%` })),
      element("span", { class: "share" }, layer.zeroFraction === undefined ? "" : percent(layer.zeroFraction)),
      element("span", { class: "sub" }, `${layer.op} · ${layer.kernel}`),
      element("span", { class: "ms" }, dead, layer.milliseconds >= 0.0005 ? layer.milliseconds.toFixed(layer.milliseconds < 1 ? 3 : 2) + " ms" : "–")));
  });
  $("layers").addEventListener("keydown", (event) => {
    const last = data.layers.length - 1;
    const at = [...$("layers").children].indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (to !== undefined && at >= 0) {
      event.preventDefault();
      select(Math.max(0, Math.min(last, to)));
      $("layers").children[current].focus();
    }
  });
}

function tile(value, label) {
  return element("div", {}, element("b", {}, value), element("span", {}, label));
}

function select(index) {
  current = index;
  // One stop for the tab key; the arrows go from layer to layer.
  [...$("layers").children].forEach((b, i) => {
    b.setAttribute("aria-current", i === index ? "true" : "false");
    b.tabIndex = i === index ? 0 : -1;
  });
  const layer = data.layers[index];
  const detail = $("detail");
  detail.replaceChildren(
    element("h3", {}, layer.name),
    element("p", { class: "note" }, `${layer.op} · ${layer.shape.replaceAll("x", " × ")} · ${layer.kernel} · ${layer.milliseconds.toFixed(3)} ms`));
  if (layer.reason) detail.append(element("p", { class: "note" }, "Why this kernel: " + layer.reason));
  if (layer.elements) {
    detail.append(element("div", { class: "tiles" },
      tile(percent(layer.zeroFraction, 1), "zeros"),
      tile(percent(layer.nearZeroFraction, 1), "near zeros"),
      tile(`${layer.dead} / ${layer.channels}`, "dead channels"),
      tile(count(layer.elements), "values")));
  }
  causes(layer, detail);
  const picture = layer.pictures[Math.min(input, layer.pictures.length - 1)];
  if (layer.pictures.length > 1) {
    detail.append(element("div", { class: "tabs" }, ...data.inputs.map((p, i) => element("button", {
      type: "button", "aria-pressed": i === input ? "true" : "false", onclick: () => { input = i; select(current); detail.querySelectorAll(".tabs button")[i].focus(); },
    }, p.name))));
  }
  if (picture && picture.maps) spatial(layer, picture, detail);
  else if (layer.zeroPerChannel) {
    const left = element("div", {}), right = element("div", {});
    channels(layer, left);
    if (picture && picture.histogram) {
      right.append(element("h4", {}, "Values before the activation"), histogramChart(picture.histogram));
    }
    detail.append(element("div", { class: "split even" }, left, right));
  }
}

function causes(layer, detail) {
  const here = data.findings.filter((f) => f.layer === layer.name);
  const shares = here.filter((f) => f.holds && f.share > 0);
  if (shares.length) {
    detail.append(element("h4", {}, "What its zeros come from"),
      element("div", { class: "stack", role: "img", "aria-label": shares.map((f) => `${f.cause} ${percent(f.share)}`).join(", ") },
        ...shares.map((f) => element("i", { style: `flex:${f.share};background:${COLOURS[f.cause] || "#868e96"}`, title: `${f.cause}: ${percent(f.share, 1)}` }))),
      element("div", { class: "keys" }, ...shares.map((f) => element("span", {},
        element("i", { style: `background:${COLOURS[f.cause] || "#868e96"}` }), `${f.cause} ${percent(f.share, 1)}`))));
  }
  const said = here.filter((f) => f.holds).concat(here.filter((f) => !f.holds));
  if (said.length) {
    detail.append(element("ul", { class: "said" }, ...said.map((f) => element("li", { class: f.holds ? "" : "no" },
      element("span", { class: "cause" + (f.holds && ROOTS.includes(f.cause) ? " root" : "") }, f.cause),
      element("span", {}, unbroken(f.statement))))));
  }
}

function channels(layer, into) {
  into.append(element("h4", {}, "Zeros per channel"),
    channelChart(layer.zeroPerChannel, (c) => layer.zeroPerChannel[c] >= 1));
}

function spatial(layer, picture, detail) {
  const stage = element("canvas", { role: "img" });
  const slider = element("input", { type: "range", min: 0, max: 100, value: 70, "aria-label": "Opacity of the overlay" });
  const whole = element("button", { type: "button", "aria-pressed": "true" }, "All channels");
  const caption = element("span", {});
  const legendBar = element("i", {});
  const legendLow = element("span", {}), legendHigh = element("span", {});
  const left = element("div", {}, element("h4", {}, "Over the image"),
    element("div", { class: "stage" }, stage),
    element("div", { class: "controls" }, whole, element("label", {}, "Photo", slider, "layer")),
    element("div", { class: "legend" }, legendLow, legendBar, legendHigh),
    element("p", { class: "note" }, caption));
  const right = element("div", {});
  channels(layer, right);
  if (picture.histogram) right.append(element("h4", {}, "Values before the activation"), histogramChart(picture.histogram));
  const grid = element("div", { class: "maps" });
  const blues = (v) => [Math.round(20 + 0.25 * v), Math.round(26 + 0.62 * v), Math.round(58 + 0.76 * v), 255];
  const ramp = (v) => [...RAMP[v], 255];
  const gradient = (f) => `linear-gradient(90deg, ${[0, 64, 128, 192, 255].map((v) => `rgb(${f(v).slice(0, 3)})`).join(",")})`;
  detail.append(element("div", { class: "split" }, left, right),
    element("h4", {}, picture.shown.length < layer.channels
      ? `Feature maps: ${picture.shown.length} of ${layer.channels} channels, spread from the emptiest to the fullest`
      : "Feature maps, emptiest first"),
    element("div", { class: "legend" }, "zero", element("i", { style: `background:${gradient(ramp)}` }), "largest value of the channel"),
    grid);
  const photo = data.inputs[Math.min(input, data.inputs.length - 1)];
  const scale = photo && photo.photo ? Math.max(1, Math.round(340 / photo.width)) : 8;
  stage.width = photo && photo.photo ? photo.width * scale : picture.width * scale;
  stage.height = photo && photo.photo ? photo.height * scale : picture.height * scale;
  Promise.all([pixels(picture.maps), pixels(picture.zeroMap), photo && photo.photo ? load(photo.photo) : null]).then(([maps, zeroMap, image]) => {
    let shown = -1;
    let least = 255, most = 0;
    for (let i = 0; i < zeroMap.data.length; i += 4) {
      least = Math.min(least, zeroMap.data[i]);
      most = Math.max(most, zeroMap.data[i]);
    }
    const stretched = (v) => blues(most > least ? (255 * (v - least)) / (most - least) : v);
    const draw = () => {
      const overlay = shown < 0
        ? coloured(zeroMap, 0, zeroMap.height, stretched)
        : coloured(maps, shown * picture.mapHeight, picture.mapHeight, ramp);
      const context = stage.getContext("2d");
      context.globalAlpha = 1;
      context.clearRect(0, 0, stage.width, stage.height);
      context.imageSmoothingEnabled = true;
      if (image) context.drawImage(image, 0, 0, stage.width, stage.height);
      context.globalAlpha = image ? slider.value / 100 : 1;
      context.imageSmoothingEnabled = false;
      context.drawImage(overlay, 0, 0, stage.width, stage.height);
      legendBar.style.background = gradient(shown < 0 ? blues : ramp);
      legendLow.textContent = shown < 0 ? percent(least / 255) : "zero";
      legendHigh.textContent = shown < 0 ? percent(most / 255) : "largest value";
      caption.textContent = shown < 0
        ? "Share of channels that are zero at each position."
        : `Channel ${picture.shown[shown]}: ${percent(picture.shares[shown], 1)} zero.`;
      stage.setAttribute("aria-label", caption.textContent);
      whole.setAttribute("aria-pressed", shown < 0 ? "true" : "false");
      [...grid.children].forEach((b, i) => b.setAttribute("aria-pressed", i === shown ? "true" : "false"));
    };
    picture.shown.forEach((channel, i) => {
      const share = picture.shares[i];
      grid.append(element("button", { type: "button", class: "map", "aria-pressed": "false",
        "aria-label": `Channel ${channel}, ${percent(share)} zero`, onclick: () => { shown = i; draw(); } },
        coloured(maps, i * picture.mapHeight, picture.mapHeight, ramp),
        element("span", {}, `${channel} · `), layer.zeroPerChannel[channel] >= 1 ? element("span", { class: "dead" }, "dead") : percent(share)));
    });
    slider.addEventListener("input", draw);
    whole.addEventListener("click", () => { shown = -1; draw(); });
    draw();
  });
}

function load(uri) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => done(image);
    image.src = uri;
  });
}

function showSweep() {
  const sweep = data.sweep;
  if (!sweep) return;
  const said = data.findings.find((f) => f.cause === "resolution");
  const box = $("sweep");
  box.hidden = false;
  const ends = [0, sweep.sides.length - 1];
  box.append(element("h2", { id: "sweep-title" }, "Resolution"), element("div", { class: "panel" },
    said ? element("p", {}, unbroken(said.statement)) : null,
    sweepChart(sweep),
    element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", {}, "Layer"), ...sweep.sides.map((s) => element("th", {}, `${s} px`)),
        ...ends.map((e) => element("th", {}, `a position sees, at ${sweep.sides[e]} px`)))),
      element("tbody", {}, ...sweep.rows.map((r) => element("tr", {}, element("td", {}, r.layer),
        ...r.zeros.map((z) => element("td", {}, percent(z, 1))), ...ends.map((e) => element("td", {}, percent(r.fields[e], 2))))),
        element("tr", { class: "total" }, element("td", {}, "All ReLU outputs"), ...sweep.total.map((z) => element("td", {}, percent(z, 1))), element("td"), element("td")))))));
}

function showComparison() {
  const c = data.comparison;
  if (!c) return;
  const name = (s) => s.split("/").slice(-3).join("/");
  const box = $("comparison");
  box.hidden = false;
  const active = c.rows.filter((r) => Math.max(...r.zeros) > 0.001).map((r) => ({ name: r.layer, pair: r.zeros }));
  const weights = c.rows.filter((r) => r.weights).map((r) => ({ name: r.layer, pair: r.weights }));
  box.append(element("h2", { id: "comparison-title" }, "Against another model"), element("div", { class: "panel" },
    ...c.statements.map((s) => element("p", {}, unbroken(s))),
    element("div", { class: "keys" }, element("span", {}, element("i", { style: "background:var(--zero)" }), name(c.first)),
      element("span", {}, element("i", { style: "background:var(--live)" }), name(c.second))),
    weights.length ? element("h4", {}, "Weights below 0.001") : null, weights.length ? pairChart(weights, "Weights below 0.001") : null,
    element("h4", {}, "Zeros among activations"), pairChart(active, "Zeros among activations")));
}

function showTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").textContent = dark ? "Light" : "Dark";
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
showTheme(dark.matches);
dark.addEventListener("change", (e) => showTheme(e.matches));
$("theme").addEventListener("click", () => showTheme(document.documentElement.dataset.theme !== "dark"));
showFigures();
showFindings();
showLayers();
showSweep();
showComparison();
const busiest = data.layers.reduce((best, l, i) => (l.cuts && (l.zeroFraction || 0) > (best < 0 ? 0 : data.layers[best].zeroFraction) ? i : best), -1);
select(Math.max(0, busiest));
