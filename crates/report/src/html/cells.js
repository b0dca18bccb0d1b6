// Draws a cell's drill-down when it is opened. Everything that models, engines and stages wrote goes in as text, never as markup.
"use strict";

(() => {
  const { figure, makeSortable, save } = window.edgeEval;
  const read = (id) => { const element = document.getElementById(id); return element && JSON.parse(element.textContent); };
  const make = (tag, text, attributes) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    return element;
  };
  const digits = (value) => {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e12) return value.toExponential(2);
    return value.toLocaleString("en", { maximumSignificantDigits: Math.max(4, Math.floor(Math.log10(size)) + 1) });
  };
  // A table of texts; numbers are sorted as numbers.
  const table = (head, rows, label) => {
    const all = make("table", null, { class: "sortable" });
    const top = all.createTHead().insertRow();
    head.forEach((name) => top.append(make("th", name, { scope: "col" })));
    const body = all.createTBody();
    for (const cells of rows) {
      const row = body.insertRow();
      cells.forEach((cell, i) => {
        const value = cell !== null && typeof cell === "object" ? cell : { text: cell };
        const td = make(i === 0 ? "th" : "td", typeof value.text === "number" ? digits(value.text) : value.text === null || value.text === undefined ? "–" : value.text, i === 0 ? { scope: "row" } : {});
        if (typeof value.text === "number") td.dataset.value = value.text;
        if (value.under) td.append(make("br"), make("span", value.under, { class: "under" }));
        if (value.prose) td.className = "prose";
        row.append(td);
      });
    }
    makeSortable(all);
    const scroll = make("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": label });
    scroll.append(all);
    return scroll;
  };
  const details = (title, fill) => {
    const box = make("details");
    box.append(make("summary", title));
    box.addEventListener("toggle", () => { if (box.open && !box.dataset.full) { box.dataset.full = "1"; fill(box); } });
    return box;
  };

  const figures = (cell) => table(["figure", "value", "95% interval", "n", "unit", "method", "source", "notes"], cell.figures.map((one) => [
    one.name, one.value === null ? "–" : one.value, one.ci95 ? `[${digits(one.ci95[0])}, ${digits(one.ci95[1])}]` : "–", one.n, one.unit, one.method, one.source,
    { text: [one.missing, ...one.notes].filter(Boolean).join("; "), prose: true },
  ]), "Every figure of the cell");

  const bytes = (reading) => (reading && reading.value !== undefined ? `${digits(reading.value / 1e9)} GB` : `– ${(reading && reading.missing) || ""}`);
  // A command as a shell would take it.
  const shell = (command) => command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`)).join(" ");

  // A column whose rows are all the same has one value.
  const at = (column, i) => (Array.isArray(column) ? column[i] : column);
  const requests = (box, stage) => {
    const it = stage.requests, failed = new Map(it.failures), shown = it.due_ms.length;
    box.append(make("p", `${shown} of ${it.of} requests${shown < it.of ? ", evenly over the run" : ""}${failed.size ? `; ${failed.size} failed` : ""}. Times from the due time.`));
    box.append(table(["due, ms", "sent late, ms", "first token, ms", "end, ms", "input tokens", "output tokens", "failure"], it.due_ms.map((due, i) => [
      due, it.late_ms[i], it.ttft_ms[i], it.e2e_ms[i], at(it.input_tokens, i), at(it.output_tokens, i), failed.get(i) || "",
    ]), "Requests"));
  };
  const power = (box, stage) => {
    for (const trace of stage.power) {
      const how = trace.bin_s === null ? "every sample" : `${trace.samples} samples in bins of ${digits(trace.bin_s)} s: mean, and least to most`;
      box.append(make("p", `Device ${trace.device}: ${how}.`));
      const points = trace.s.map((s, i) => ({ x: s, y: trace.mean[i], ...(trace.low ? { yi: [trace.low[i], trace.high[i]] } : {}) }));
      const name = `device ${trace.device}`;
      const windows = stage.energy.filter((window) => ["load", "speed"].includes(window.name));
      const panel = {
        title: "", x: { title: "seconds from the stage's start", scale: "linear" }, y: { title: "power, W", scale: "linear" },
        series: [...(trace.low ? [{ name, look: 1, kind: "band", points }] : []), { name, look: 1, kind: "line", points: points.map(({ x, y }) => ({ x, y })) }],
        marks: windows.flatMap((window) => [{ axis: "x", at: window.span[0], to: window.span[0] + window.span[1], text: "" }, { axis: "x", at: window.span[0], text: window.name }]),
      };
      const plot = make("div", null, { class: "plot", role: "img", "aria-label": `Power of ${stage.label}, device ${trace.device}` });
      box.append(plot);
      const { data, layout } = figure(panel, Math.min(900, box.clientWidth), window.matchMedia("screen and (prefers-color-scheme: dark)").matches);
      Plotly.newPlot(plot, data, layout, { displayModeBar: false });
    }
  };
  const one = (stage) => details(`${stage.kind} · ${stage.label} · ${stage.outcome === "done" ? `${digits(stage.duration_s)} s` : `failed: ${stage.outcome}`}`, (box) => {
    box.append(make("pre", shell(stage.command)));
    const facts = [
      ["key", stage.key], ["seed", String(stage.seed)], ["order in the campaign", String(stage.order)], ["outcome", stage.outcome], ["duration", `${digits(stage.duration_s)} s`],
      ["peak resident memory", bytes(stage.resident)], ["peak GPU memory", bytes(stage.gpu)],
      ...(stage.artifact ? [["artifact", `${stage.artifact.path}, ${digits(stage.artifact.bytes / 1e6)} MB`], ["its digest (blake3)", stage.artifact.digest]] : []),
      ["phases", stage.phases.map(([name, s]) => `${name} ${digits(s)} s`).join(", ")],
      ["told", stage.facts ? JSON.stringify(stage.facts) : "–"],
    ];
    const list = make("table", null, { class: "facts" });
    for (const [name, value] of facts) { const row = list.insertRow(); row.append(make("th", name, { scope: "row" }), make("td", value, { class: "prose" })); }
    box.append(list);
    if (stage.last_lines) box.append(make("pre", stage.last_lines.join("\n")));
    if (stage.energy.length) {
      box.append(table(["energy window", "source", "from, s", "length, s", "gross, J", "net, J", "samples", "counter − integral", "verdict"], stage.energy.map((window) => [
        window.name, window.source, window.span[0], window.span[1], window.gross_j, window.net_j, window.samples, window.residual,
        { text: window.invalid ? `invalid: ${window.invalid}` : ["valid", ...(window.gpus || [])].join(", "), prose: true },
      ]), "Energy windows"));
    }
    if (stage.power) box.append(details("Power over time", (inner) => power(inner, stage)));
    if (stage.requests) box.append(details(`Requests (${stage.requests.of})`, (inner) => requests(inner, stage)));
  });

  const answers = (box, it) => {
    const shown = it.items.length;
    box.append(make("p", `${shown} of ${it.of} answers of the first scored pass${shown < it.of ? `; all of them stand in ${it.file}` : ""}.`));
    for (const item of it.items) {
      const marks = Object.entries(item.marks).map(([name, mark]) => `${name} ${digits(mark)}`).join(", ");
      box.append(make("p", `${item.id}: ${marks || "no mark"}${item.failure ? `; failed: ${item.failure}` : ""}${item.finish ? `; ended by ${item.finish}` : ""}`, { class: "item" }));
      if (item.prompt) box.append(make("pre", item.prompt, { class: "prompt" }));
      box.append(make("pre", item.answer));
    }
  };

  const fill = (box) => {
    const cell = read(`cell-${box.dataset.cell}`);
    const inside = make("div", null, { class: "inside" });
    inside.append(make("h3", "Figures"), figures(cell), make("h3", "Stages"));
    cell.stages.forEach((key) => inside.append(one(read(`stage-${key}`))));
    if (cell.answers) inside.append(details(`Answers (${cell.answers.of})`, (inner) => answers(inner, cell.answers)));
    box.append(inside);
  };
  document.querySelectorAll("details.cell").forEach((box) => {
    box.addEventListener("toggle", () => { if (box.open && !box.dataset.full) { box.dataset.full = "1"; fill(box); } });
  });
  document.querySelectorAll("input[data-cells]").forEach((input) => input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    document.querySelectorAll("details.cell").forEach((box) => { box.hidden = !words.every((word) => box.dataset.name.toLowerCase().includes(word)); });
  }));

  // All figures of all cells, in full precision.
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const csv = () => {
    const head = ["cell", "figure", "value", "ci95_low", "ci95_high", "n", "unit", "method", "source", "missing", "notes"];
    const rows = [...document.querySelectorAll("details.cell")].flatMap((box) => read(`cell-${box.dataset.cell}`).figures.map((one) => [
      box.dataset.name, one.name, one.value, one.ci95 && one.ci95[0], one.ci95 && one.ci95[1], one.n, one.unit, one.method, one.source, one.missing, one.notes.join("; "),
    ]));
    return [head, ...rows].map((row) => row.map((cell) => quote(cell === null || cell === undefined ? "" : String(cell))).join(",")).join("\r\n") + "\r\n";
  };
  document.querySelectorAll("button[data-csv]").forEach((button) => button.addEventListener("click", () => save("figures.csv", "text/csv", csv())));
})();
