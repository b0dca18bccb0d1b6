// The what-if controls: a slider and a number for each price, a table of the variants of the chosen task, and the cost of the pick against
// requests. The numbers are those of `priced`; here they are only shown.
"use strict";

(() => {
  const start = JSON.parse(document.getElementById("what-if-data").textContent);
  const { priced, figure } = window.edgeEval;
  const prices = { ...start.prices };
  const table = document.getElementById("what-if-table"), plot = document.getElementById("what-if-plot");
  const task = document.getElementById("what-if-task"), said = document.getElementById("what-if-said");

  const STEPS = 1000;
  const sliders = [...document.querySelectorAll("#what-if-controls .slider")].map((box) => {
    const [range, number] = box.querySelectorAll("input");
    const { key, zero } = box.dataset, planned = start.prices[key];
    // A plan's value beyond the ends moves them.
    const low = planned > 0 ? Math.min(Number(box.dataset.low), planned) : Number(box.dataset.low), high = Math.max(Number(box.dataset.high), planned);
    const log = box.dataset.log === "1";
    const toStep = (value) => {
      if (value <= 0 && zero && log) return 0;
      const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
      return Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1)) + 1;
    };
    const toValue = (step) => {
      if (step <= 0) return zero && log ? 0 : low;
      const share = (step - 1) / (STEPS - 1);
      return Number((log ? low * Math.pow(high / low, share) : low + (high - low) * share).toPrecision(3));
    };
    const show = (from) => {
      if (from !== range) range.value = toStep(prices[key]);
      if (from !== number) number.value = prices[key];
      range.setAttribute("aria-valuetext", zero && prices[key] === 0 ? zero : `${prices[key]}`);
    };
    const set = (value, from) => {
      const least = zero ? 0 : key === "pue" ? 1 : key === "electricity_usd_per_kwh" ? 0 : Number.MIN_VALUE;
      if (!Number.isFinite(value) || value < least || (key === "utilisation" && value > 1)) return;
      prices[key] = value;
      show(from);
      redraw();
    };
    range.addEventListener("input", () => set(toValue(Number(range.value)), range));
    number.addEventListener("input", () => set(number.value === "" ? NaN : Number(number.value), number));
    return { key, show };
  });

  const digits = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e12) return value.toExponential(2);
    return value.toLocaleString("en", { maximumSignificantDigits: Math.max(3, Math.floor(Math.log10(size)) + 1) });
  };
  const cell = (row, value, under, sortAs) => {
    const td = row.insertCell();
    const strong = document.createElement("span");
    strong.className = "value";
    strong.textContent = value;
    td.append(strong);
    if (under) {
      const small = document.createElement("span");
      small.className = "interval";
      small.textContent = ` ${under}`;
      td.append(small);
    }
    if (sortAs !== undefined && sortAs !== null) td.dataset.value = sortAs;
    return td;
  };
  const ranged = (row, range) => cell(row, digits(range.value), range.low < range.high ? `[${digits(range.low)}, ${digits(range.high)}]` : "", range.value);
  const never = (requests) => (requests === null ? "never" : digits(Math.ceil(requests)));
  const even = (row, at) => cell(row, never(at.value), at.earliest === at.latest ? "" : `[${never(at.earliest)}, ${never(at.latest)}]`, at.value);
  const none = (row, why) => { const td = cell(row, "–", why); td.className = "missing"; };

  const show = (variant) => {
    const row = table.tBodies[0].insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = variant.name + (variant.pick ? " (pick)" : "");
    row.append(head);
    const seen = variant.observed.value;
    if (!seen) {
      const td = cell(row, "–", variant.observed.missing);
      td.colSpan = table.tHead.rows[0].cells.length - 1;
      return;
    }
    const at = priced(prices, seen);
    ranged(row, at.by_use_usd);
    even(row, at.break_even);
    ranged(row, at.month.by_use_usd);
    const why = prices.machine_usd_per_hour > 0 ? "idle power is not known" : "the machine has no price";
    if (at.reserved_usd) {
      ranged(row, at.reserved_usd);
      even(row, at.break_even_reserved);
    } else {
      none(row, why);
      none(row, "");
    }
    if (at.month_reserved) cell(row, digits(at.month_reserved.usd), `(${at.month_reserved.machines})`, at.month_reserved.usd);
    else none(row, "");
    ranged(row, at.month.hosted_usd);
    ranged(row, at.month.energy_kwh);
    if (prices.grid_gco2e_per_kwh > 0) ranged(row, { value: at.month.carbon_g.value / 1e3, low: at.month.carbon_g.low / 1e3, high: at.month.carbon_g.high / 1e3 });
    else none(row, "");
  };

  // Cost against requests of the pick: by use, and reserved where the machine has a price.
  const panel = (variant) => {
    const at = priced(prices, variant.observed.value);
    const evens = [at.break_even, at.break_even_reserved].filter((one) => one && one.value !== null).map((one) => one.value);
    const last = Math.max(10, 2 * Math.max(0, ...evens), evens.length ? 0 : prices.requests_per_month);
    const at_ = (n, fixed, each) => ({ x: n, y: fixed + n * each.value, ...(each.low < each.high ? { yi: [fixed + n * each.low, fixed + n * each.high] } : {}) });
    const lines = (name, look, fixed, each) => {
      const points = Array.from({ length: 41 }, (_, i) => at_((last * i) / 40, fixed, each));
      const band = points[1].yi ? [{ name, look, kind: "band", points: points.map((point) => ({ yi: [point.y, point.y], ...point })) }] : [];
      return [...band, { name, look, kind: "line", points: points.map(({ x, y }) => ({ x, y })) }];
    };
    const marks = (one, text) => (one && one.value !== null ? [
      ...(one.earliest !== null && one.latest !== null && one.earliest < one.latest ? [{ axis: "x", at: one.earliest, to: one.latest, text: "" }] : []),
      { axis: "x", at: one.value, text },
    ] : []);
    return {
      title: `${variant.task}: ${variant.name}`, x: { title: "requests", scale: "linear" }, y: { title: "cost so far, USD", scale: "linear" },
      series: [
        ...lines(start.hosted, 5, 0, at.hosted_usd), ...lines(`${variant.name}, by use`, variant.look, at.making_usd, at.by_use_usd),
        ...(at.reserved_usd ? lines(`${variant.name}, reserved`, 7, at.making_usd, at.reserved_usd) : []),
      ],
      marks: [...marks(at.break_even, "break-even by use"), ...marks(at.break_even_reserved, "break-even reserved")],
    };
  };

  let visible = false;
  const drawPlot = () => {
    const variants = start.variants.filter((variant) => variant.task === task.value && variant.observed.value);
    const variant = variants.find((one) => one.pick) || variants[0];
    if (!visible || !variant) return;
    const isDark = window.matchMedia("screen and (prefers-color-scheme: dark)").matches;
    const { data, layout } = figure(panel(variant), plot.clientWidth, isDark);
    Plotly.react(plot, data, layout, { displayModeBar: false, responsive: false });
  };
  const redraw = () => {
    table.tBodies[0].replaceChildren();
    start.variants.filter((variant) => variant.task === task.value).forEach(show);
    const moved = Object.keys(prices).filter((key) => prices[key] !== start.prices[key]);
    said.textContent = moved.length ? `Changed: ${moved.join(", ")}.` : "As planned.";
    drawPlot();
  };

  const reset = () => {
    Object.assign(prices, start.prices);
    sliders.forEach((slider) => slider.show());
    redraw();
  };
  document.getElementById("what-if-reset").addEventListener("click", reset);
  task.addEventListener("change", redraw);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { visible = true; drawPlot(); }
  }, { rootMargin: "400px" }).observe(plot);
  window.addEventListener("resize", drawPlot);
  reset();
})();
