"use strict";

// What a reader has chosen stands in the address, so that a reload or another reader has it too. Keys begin with the
// board: BOARD.sort is a column, after a minus the larger numbers first; BOARD.find words; BOARD.TAG what it must be.
const address = {
  get: (key) => new URLSearchParams(location.search).get(key) ?? "",
  set(key, value) {
    const found = new URLSearchParams(location.search);
    if (value) found.set(key, value);
    else found.delete(key);
    const query = found.toString();
    history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
  },
};

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

function sortable(board) {
  const table = board.querySelector("table.sorts");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells].filter((head) => head.dataset.c);
  const sort = (head, order) => {
    const sign = order === "ascending" ? 1 : -1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    // What has no value stands last in either order; sort is stable, so ties keep theirs.
    const rows = [...body.rows].map((row) => [value(row, head.cellIndex), row]);
    rows.sort(([a], [b]) => (a === "") - (b === "") || (a === "" ? 0 : sign * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  };
  heads.forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    // The better end comes on top.
    const first = head.dataset.first ?? (head.matches(".t") ? "ascending" : "descending");
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const order = now ? (now === "ascending" ? "descending" : "ascending") : first;
      sort(head, order);
      address.set(`${board.id}.sort`, (order === "descending" ? "-" : "") + head.dataset.c);
    });
  });
  const chosen = address.get(`${board.id}.sort`);
  const head = heads.find((one) => one.dataset.c === chosen.replace(/^-/, ""));
  if (head) sort(head, chosen.startsWith("-") ? "descending" : "ascending");
}

function filterable(board) {
  const tools = board.querySelector(".tools");
  if (!tools) return;
  const rows = [...board.querySelectorAll("tbody tr")];
  const words = rows.map((row) => row.textContent.toLowerCase());
  const field = tools.querySelector("[data-filter]");
  const picks = [...tools.querySelectorAll("[data-pick]")];
  const clear = tools.querySelector("[data-clear]");
  const keyed = [[`${board.id}.find`, field], ...picks.map((pick) => [`${board.id}.${pick.dataset.pick}`, pick])];
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
    board.querySelector(".none").hidden = shown > 0;
    clear.hidden = shown === rows.length;
  };
  const write = () => keyed.forEach(([key, input]) => address.set(key, input.value));
  tools.addEventListener("input", () => {
    pick();
    write();
  });
  clear.addEventListener("click", () => {
    keyed.forEach(([, input]) => (input.value = ""));
    pick();
    write();
    field.focus();
  });
  tools.addEventListener("submit", (event) => event.preventDefault());
  keyed.forEach(([key, input]) => (input.value = address.get(key)));
  picks.forEach((select) => select.selectedIndex < 0 && (select.value = ""));
  tools.hidden = false;
  pick();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".board").forEach((board) => {
    filterable(board);
    sortable(board);
  });
});
