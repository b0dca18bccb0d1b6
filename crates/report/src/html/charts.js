// Draws the charts from the panels in the page, with plotly.js. A panel is drawn when it comes near the window, and all of them before the
// page is printed. Each panel's CSV is made of the same series that are drawn.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("chart-data").textContent);

  // Okabe and Ito's colours, which the colour-blind tell apart; symbols, dashes and hatching tell the same once more.
  const LIGHT = ["#000000", "#0072b2", "#d55e00", "#00795a", "#a8407f", "#b57800", "#2e86b5", "#767676"];
  const DARK = ["#ffffff", "#4aa8e0", "#ff8a3d", "#30c99b", "#e79ac6", "#f0b840", "#8fd0f5", "#a8a8a8"];
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "circle-open", "square-open", "diamond-open", "triangle-down"];
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "5px,2px,1px,2px", "2px,4px"];
  const HATCHES = ["", "/", "x", ".", "\\", "-", "|", "+"];

  const dark = () => window.matchMedia("screen and (prefers-color-scheme: dark)").matches;
  const theme = (isDark) => ({
    colours: isDark ? DARK : LIGHT, ink: isDark ? "#e8eaed" : "#1b1f24", faint: isDark ? "#a3adb8" : "#57606a", line: isDark ? "#3a424b" : "#d0d7de",
    paper: isDark ? "#14171a" : "#ffffff",
  });
  const of = (list, look) => list[look % list.length];
  // Series of one look are told apart by the dash or symbol that comes next.
  const looks = (panel) => {
    const seen = new Map(), names = new Map();
    return panel.series.map((series) => {
      const key = `${series.look} ${series.name}`;
      if (!names.has(key)) {
        names.set(key, seen.get(series.look) || 0);
        seen.set(series.look, names.get(key) + 1);
      }
      return { colour: series.look, mark: series.look + 5 * names.get(key) };
    });
  };

  const ends = (points, at, key) => {
    if (!points.some((point) => point[key])) return undefined;
    return {
      type: "data", symmetric: false, thickness: 1.2, width: 3,
      array: points.map((point) => (point[key] ? point[key][1] - point[at] : 0)),
      arrayminus: points.map((point) => (point[key] ? point[at] - point[key][0] : 0)),
    };
  };
  const digits = (value) => (typeof value === "number" ? Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }) : value);
  const told = (point, at, key) => digits(point[at]) + (point[key] ? ` [${digits(point[key][0])}, ${digits(point[key][1])}]` : "");
  // Hover texts are markup to plotly.
  const plain = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const hover = (panel, series) => series.points.map((point) =>
    `<b>${plain(series.name)}</b><br>${plain(panel.x.title || "")}: ${plain(told(point, "x", "xi"))}<br>${plain(panel.y.title || "")}: ` +
    `${plain(told(point, "y", "yi"))}${point.of ? `<br>${plain(point.of)}` : ""}`);

  const traces = (panel, look) => {
    const marks = looks(panel);
    const inLegend = new Set();
    return panel.series.flatMap((series, i) => {
      const { colour, mark } = marks[i];
      const colourOf = of(look.colours, colour);
      const legend = !inLegend.has(series.name) && series.kind !== "band";
      if (legend) inLegend.add(series.name);
      const common = { name: plain(series.name), legendgroup: `${i}${series.name}`.slice(String(i).length), showlegend: legend };
      const x = series.points.map((point) => point.x), y = series.points.map((point) => point.y);
      const values = { x, y, hovertext: hover(panel, series), hoverinfo: "text", error_x: ends(series.points, "x", "xi"), error_y: ends(series.points, "y", "yi") };
      const marker = { color: colourOf, size: 9, symbol: of(SYMBOLS, mark), line: { width: 1, color: look.paper } };
      const line = { color: colourOf, width: 2, dash: of(DASHES, mark) };
      switch (series.kind) {
        case "points": return [{ ...common, ...values, type: "scatter", mode: "markers", marker }];
        case "line": {
          const few = series.points.length <= 25;
          return [{ ...common, ...values, type: "scatter", mode: few ? "lines+markers" : "lines", line, marker: { ...marker, size: 7 } }];
        }
        case "bars":
        case "stack": {
          const pattern = { shape: of(HATCHES, mark), fgcolor: look.ink, fillmode: "overlay", size: 6, solidity: 0.25 };
          const error = values.error_y ? { ...values.error_y, color: look.ink } : undefined;
          const lying = series.kind === "stack" ? { orientation: "h" } : {};
          return [{ ...common, ...values, error_y: error, ...lying, type: "bar", marker: { color: colourOf, line: { width: 1, color: look.ink }, pattern } }];
        }
        case "band": {
          const edge = { ...common, x, type: "scatter", mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
          const fill = { fill: "tonexty", fillcolor: colourOf + "33" };
          return [{ ...edge, y: series.points.map((point) => point.yi[0]) }, { ...edge, ...fill, y: series.points.map((point) => point.yi[1]) }];
        }
        default: return [];
      }
    });
  };

  // Spokes around a centre, on plain axes: rings at quarters, a name at the end of each spoke.
  const radar = (panel, look) => {
    const spokes = [...new Set(panel.series.flatMap((series) => series.points.map((point) => point.x)))];
    const place = (spoke, r) => {
      const angle = Math.PI / 2 - (2 * Math.PI * spoke) / spokes.length;
      return [r * Math.cos(angle), r * Math.sin(angle)];
    };
    const closed = (radii) => [...radii, radii[0]].map((r, i) => place(i % spokes.length, r));
    const grid = (points) => ({
      type: "scatter", mode: "lines", x: points.map((p) => p[0]), y: points.map((p) => p[1]), line: { color: look.line, width: 1 }, hoverinfo: "skip", showlegend: false,
    });
    const rings = [0.25, 0.5, 0.75, 1].map((r) => grid(closed(spokes.map(() => r))));
    const lines = spokes.map((_, i) => grid([[0, 0], place(i, 1)]));
    const shapes = panel.series.map((series) => {
      const at = spokes.map((spoke) => series.points.find((point) => point.x === spoke));
      const corners = closed(at.map((point) => point.y));
      const text = [...at, at[0]].map((point) => `<b>${plain(series.name)}</b><br>${plain(point.x)}: ${plain(told(point, "y", "yi"))}`);
      return {
        type: "scatter", mode: "lines+markers", name: plain(series.name), x: corners.map((p) => p[0]), y: corners.map((p) => p[1]), hovertext: text, hoverinfo: "text",
        line: { color: of(look.colours, series.look), dash: of(DASHES, series.look), width: 2 }, marker: { symbol: of(SYMBOLS, series.look), size: 7 },
      };
    });
    const names = spokes.map((spoke, i) => {
      const [x, y] = place(i, 1.08);
      return { x, y, text: plain(spoke), showarrow: false, xanchor: x > 0.1 ? "left" : x < -0.1 ? "right" : "center", yanchor: y > 0 ? "bottom" : "top" };
    });
    const scale = [0.5, 1].map((r) => ({ x: 0, y: r, text: String(r), showarrow: false, xanchor: "right", yanchor: "top", font: { size: 10, color: look.faint } }));
    return { data: [...rings, ...lines, ...shapes], annotations: [...names, ...scale] };
  };

  const axis = (it, look, other) => {
    const base = {
      title: { text: plain(it.title), standoff: 10 }, automargin: true, gridcolor: look.line, linecolor: look.faint, zerolinecolor: look.faint, ticks: "outside",
      tickcolor: look.faint, tickformat: ",~g", tickangle: 0, nticks: 7,
    };
    if (it.scale === "log") return { ...base, type: "log" };
    if (it.scale === "names") return { ...base, type: "category", showgrid: false, tickformat: "", nticks: 0, tickangle: "auto", ...(other ? { autorange: "reversed" } : {}) };
    return base;
  };

  const figure = (panel, width, isDark) => {
    const look = theme(isDark);
    const named = (it, key) => (it.scale === "names" ? new Set(panel.series.flatMap((series) => series.points.map((point) => point[key]))).size : 0);
    const legendRows = () => {
      const names = [...new Set(panel.series.filter((series) => series.kind !== "band").map((series) => series.name))];
      // Plotly gives all entries of a lying legend the width of the longest one.
      const longest = Math.max(...names.map((name) => name.length)) * 6.6 + 52;
      return names.length < 2 ? 0 : Math.ceil(names.length / Math.max(1, Math.floor((width - 20) / longest)));
    };
    const legend = legendRows() * 19;
    const rows = named(panel.y, "y");
    const height = (rows ? 130 + rows * 26 : panel.radar ? Math.min(width, 420) : Math.min(380, Math.max(280, width * 0.62))) + legend;
    const common = {
      width, height, autosize: false, paper_bgcolor: look.paper, plot_bgcolor: look.paper, font: { color: look.ink, size: 12, family: "system-ui, sans-serif" },
      margin: { l: 12, r: 16, t: panel.title ? 34 : 12, b: 52 + legend }, hovermode: "closest", hoverlabel: { align: "left" }, dragmode: "zoom", barmode: panel.series.some((s) => s.kind === "stack") ? "stack" : "group",
      title: panel.title ? { text: plain(panel.title), x: 0.01, xanchor: "left", y: 1, yanchor: "top", pad: { t: 8 }, font: { size: 13 } } : undefined,
      legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0, font: { size: 11 }, bgcolor: "rgba(0,0,0,0)" },
      showlegend: legend > 0,
    };
    if (panel.radar) {
      const { data: shapes, annotations } = radar(panel, look);
      const bare = { visible: false, range: [-1.5, 1.5], fixedrange: true };
      return { data: shapes, layout: { ...common, margin: { ...common.margin, b: 8 + legend, l: 8, r: 8 }, xaxis: { ...bare, scaleanchor: "y" }, yaxis: { ...bare, range: [-1.25, 1.25] }, annotations } };
    }
    const isLog = (name) => panel[name].scale === "log";
    const across = (mark) => (mark.axis === "x" ? { xref: "x", yref: "paper", y0: 0, y1: 1 } : { xref: "paper", yref: "y", x0: 0, x1: 1 });
    const shape = (mark) => {
      const to = mark.to === undefined ? mark.at : mark.to;
      const at = mark.axis === "x" ? { x0: mark.at, x1: to } : { y0: mark.at, y1: to };
      const span = mark.to === undefined ? { type: "line", line: { color: look.faint, width: 1.5, dash: "dash" } } : { type: "rect", fillcolor: look.faint, opacity: 0.2, line: { width: 0 }, layer: "below" };
      return { ...across(mark), ...at, ...span };
    };
    const label = (mark, i) => {
      const at = isLog(mark.axis) ? Math.log10(mark.at) : mark.at;
      const where = mark.axis === "x" ? { x: at, xref: "x", y: 1 - 0.07 * (i % 3), yref: "paper", xanchor: "left", yanchor: "top" } : { y: at, yref: "y", x: 1, xref: "paper", xanchor: "right", yanchor: "bottom" };
      return { ...where, text: plain(mark.text), showarrow: false, font: { size: 11, color: look.faint } };
    };
    const marks = panel.marks || [];
    return {
      data: traces(panel, look),
      layout: {
        ...common, xaxis: axis(panel.x, look, false), yaxis: axis(panel.y, look, true), shapes: marks.map(shape), annotations: marks.filter((mark) => mark.text).map(label),
      },
    };
  };

  const config = { displaylogo: false, displayModeBar: false, responsive: false };
  const panelOf = (plot) => data[plot.dataset.chart].panels[Number(plot.dataset.panel)];
  const drawn = new Set();
  const draw = (plot, width, isDark) => {
    drawn.add(plot);
    const { data: shapes, layout } = figure(panelOf(plot), width || plot.clientWidth, isDark === undefined ? dark() : isDark);
    return Plotly.react(plot, shapes, layout, config);
  };

  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const csv = (panel) => {
    const head = ["series", "kind", "of", panel.x.title || "x", "x_low", "x_high", panel.y.title || "y", "y_low", "y_high"];
    const rows = panel.series.flatMap((series) => series.points.map((point) => {
      const [xl, xh] = point.xi || ["", ""], [yl, yh] = point.yi || ["", ""];
      return [series.name, series.kind, point.of || "", point.x, xl, xh, point.y, yl, yh];
    }));
    return [head, ...rows].map((row) => row.map((cell) => quote(String(cell))).join(",")).join("\r\n") + "\r\n";
  };
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const download = (plot, form) => {
    const panel = panelOf(plot);
    const name = [plot.dataset.chart, panel.title].filter(Boolean).join("-").replace(/[^\w.-]+/g, "_");
    if (form === "csv") return save(`${name}.csv`, "text/csv", csv(panel));
    const width = Math.max(760, plot.clientWidth);
    const { data: shapes, layout } = figure(panel, width, false);
    return Plotly.downloadImage({ data: shapes, layout }, { format: form, filename: name, width, height: layout.height, scale: form === "png" ? 2 : 1 });
  };

  const plots = [...document.querySelectorAll(".plot[data-chart]")];
  const redraw = (width, isDark) => drawn.forEach((plot) => draw(plot, width, isDark));
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
  }, { rootMargin: "600px" });
  plots.forEach((plot) => near.observe(plot));

  document.getElementById("charts").addEventListener("click", (event) => {
    const form = event.target.dataset && event.target.dataset.save;
    if (form) download(event.target.closest(".panel").querySelector(".plot"), form);
  });
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => redraw(), 150); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  window.addEventListener("beforeprint", () => plots.forEach((plot) => draw(plot, 640, false)));
  window.addEventListener("afterprint", () => redraw());

  window.edgeEval = Object.assign(window.edgeEval || {}, { figure, csv, save, draw, drawAll: () => plots.forEach((plot) => draw(plot)) });
})();
