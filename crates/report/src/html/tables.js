// Sorts and filters the tables. A column is sorted by its cells' data-value where they have one, else by their text; empty cells and
// dashes come last either way. Without this script the tables are as they are.
"use strict";

(() => {
  const key = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return null;
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return text === "" || text.startsWith("–") || text === "-" ? null : text;
  };

  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    const numbers = typeof a === "number" && typeof b === "number";
    return numbers ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  };

  // Rows of all bodies go into the first one: a sorted table has no groups.
  const sort = (table, column, falling) => {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const keyed = rows.map((row) => ({ row, key: key(row, column) }));
    keyed.sort((a, b) => (a.key === null || b.key === null || !falling ? compare(a.key, b.key) : compare(b.key, a.key)));
    table.tBodies[0].append(...keyed.map((one) => one.row));
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.title = "Sort by this column";
      button.append(...[...head.childNodes].filter((node) => !(node.matches && node.matches("a.mark"))));
      head.prepend(button);
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        sort(table, column, falling);
      });
    });
  };

  const filter = (input) => {
    const section = document.getElementById(input.dataset.filter);
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0, all = 0;
    for (const row of section.querySelectorAll("table.filtered tbody tr")) {
      const text = [...row.cells].slice(0, 5).map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      all += 1;
      shown += row.hidden ? 0 : 1;
    }
    const output = section.querySelector("[data-filtered]");
    output.textContent = words.length ? `${shown} of ${all} rows` : "";
  };

  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll("input[data-filter]").forEach((input) => input.addEventListener("input", () => filter(input)));
  window.edgeEval = Object.assign(window.edgeEval || {}, { makeSortable });
})();
