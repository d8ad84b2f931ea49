"use strict";

// Before anything is drawn, so that the page does not flash; storage may be forbidden.
const kept = {
  read() {
    try {
      return localStorage.getItem("mtrbench-theme");
    } catch {
      return null;
    }
  },
  write(theme) {
    try {
      localStorage.setItem("mtrbench-theme", theme);
    } catch {
      // The choice then lasts as long as the page.
    }
  },
};
const root = document.documentElement;
if (["light", "dark"].includes(kept.read())) root.dataset.theme = kept.read();

function themeToggle(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept.write(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
  button.hidden = false;
}

// The number that a cell begins with, or its text; empty without either.
function value(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.v ?? cell.textContent.trim();
  if (cell.matches(".t, th")) return text === "-" ? "" : text;
  const number = parseFloat(text);
  return Number.isNaN(number) ? "" : number;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const first = head.dataset.first ?? (head.matches(".t") ? "ascending" : "descending");
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const turned = now === "ascending" ? "descending" : "ascending";
      const order = now ? turned : first;
      const sign = order === "ascending" ? 1 : -1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      // What has no value stands last in either order; sort is stable, so ties keep theirs.
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => (a === "") - (b === "") || (a === "" ? 0 : sign * compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

function filterable(board) {
  const tools = board.querySelector(".tools");
  if (!tools) return;
  const rows = [...board.querySelectorAll("tbody tr")];
  const words = rows.map((row) => row.textContent.toLowerCase());
  const field = tools.querySelector("[data-filter]");
  const picks = [...tools.querySelectorAll("[data-pick]")];
  const pick = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits =
        wanted.every((word) => words[i].includes(word)) &&
        picks.every((select) => !select.value || row.dataset[select.dataset.pick] === select.value);
      row.hidden = !fits;
      shown += fits;
    });
    tools.querySelector("output").textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : `${shown} rows`;
  };
  tools.addEventListener("input", pick);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  pick(); // A browser that goes back keeps what was typed.
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-theme-toggle]").forEach(themeToggle);
  document.querySelectorAll(".board").forEach(filterable);
  document.querySelectorAll("table.sorts").forEach(sortable);
});
