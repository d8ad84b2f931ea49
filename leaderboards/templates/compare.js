"use strict";

// The paired difference of two records with its interval, as `mtrbench check` computes it: both are over the same
// resamples of the images.

function replicates(packed) {
  const bytes = Uint8Array.from(atob(packed.levels), (letter) => letter.charCodeAt(0));
  const levels = new DataView(bytes.buffer);
  const step = (packed.high - packed.low) / 65534;
  return Array.from({ length: bytes.length / 2 }, (_, i) => {
    const level = levels.getUint16(2 * i, true);
    return level === 65535 ? NaN : packed.low + level * step;
  });
}

const mean = (parts) => parts.reduce((sum, part) => sum + part, 0) / parts.length;
const meanOf = (scores) => ({
  value: mean(scores.map((score) => score.value)),
  replicates: scores[0].replicates.map((_, i) => mean(scores.map((score) => score.replicates[i]))),
});
const minus = (one, other) => ({
  value: one.value - other.value,
  replicates: one.replicates.map((value, i) => value - other.replicates[i]),
});

// The scores of a record: D_t of every task, and their mean, the ARD.
function scoresOf(line, tasks) {
  const { tasks: values, replicates: packed } = JSON.parse(line).degradation;
  const found = tasks.map((task) => ({ value: values[task].value ?? NaN, replicates: replicates(packed[task]) }));
  return { ard: meanOf(found), ...Object.fromEntries(tasks.map((task, i) => [task, found[i]])) };
}

// A quantile with linear interpolation between the sorted values.
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

function estimate(score) {
  if (!score.replicates.every(Number.isFinite)) return { value: score.value, low: NaN, high: NaN };
  const sorted = Float64Array.from(score.replicates).sort();
  return { value: score.value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

// One row per budget and per attack, or model, that both have records of; those of several models begin with the mean.
async function differences(board, [one, other]) {
  const own = places().get(board.dataset.section);
  const byModel = board.dataset.rows === "model";
  const kin = [...places().values()].filter((place) => place.kin === own.kin);
  kin.sort((a, b) => (b === own) - (a === own) || a.eps - b.eps);
  const shown = byModel ? null : board.querySelector("tr[data-against]").dataset.against.split("\n");
  const rows = [];
  for (const place of kin) {
    const others = byModel ? place.attacks : place.models.filter((model) => shown.includes(model));
    const found = await Promise.all(
      others.map(async (name) => {
        const pair = (own) => (byModel ? lineOf(place, own, name) : lineOf(place, name, own));
        const [a, b] = await Promise.all([pair(one), pair(other)]);
        return a && b ? { name, a: scoresOf(a, own.tasks), b: scoresOf(b, own.tasks) } : null;
      }),
    );
    const both = found.filter(Boolean);
    both.sort((a, b) => (b.name === own.first) - (a.name === own.first) || b.b.ard.value - a.b.ard.value);
    if (!byModel && both.length > 1) {
      const over = (side) => Object.fromEntries(["ard", ...own.tasks].map((of) => [of, meanOf(both.map((row) => row[side][of]))]));
      both.unshift({ name: `mean over ${both.length} models`, a: over("a"), b: over("b") });
    }
    rows.push(...both.map((row) => ({ ...row, eps: place.eps })));
  }
  return { rows, tasks: own.tasks };
}

function element(tag, text = "", more = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  return Object.assign(made, more);
}

const signed = (number) => (number > 0 ? "+" : "") + number.toFixed(3);
const isSure = ({ low, high }) => low > 0 || high < 0;

function differenceCell(of, score) {
  const found = estimate(score);
  const cell = element("td");
  // To the seven digits of records.
  Object.assign(cell.dataset, { of, value: found.value, low: found.low, high: found.high });
  cell.append(element(isSure(found) ? "strong" : "span", signed(found.value)), " ");
  cell.append(element("small", Number.isNaN(found.low) ? "[-]" : `[${signed(found.low)}, ${signed(found.high)}]`));
  return cell;
}

function differenceTable({ rows, tasks }, kind, [one, other]) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  const titles = [kind, "eps", "ARD, B − A", `A: ${one}`, `B: ${other}`, ...tasks.map((task) => `${task}, B − A`)];
  titles.forEach((title, i) => head.append(element("th", title, { scope: "col", className: i ? "" : "t" })));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    line.dataset.name = row.name;
    line.dataset.eps = row.eps;
    line.append(element("th", "", { scope: "row" }));
    line.cells[0].append(element("code", row.name));
    line.insertCell().textContent = `${row.eps}/255`;
    const difference = (of) => differenceCell(of, minus(row.b[of], row.a[of]));
    line.append(difference("ard"));
    for (const side of ["a", "b"]) line.insertCell().textContent = row[side].ard.value.toFixed(3);
    line.append(...tasks.map(difference));
  }
  return table;
}

// The finding of the first row in words.
function finding({ rows }, isModel, [one, other]) {
  if (!rows.length) return "No record of both.";
  const found = estimate(minus(rows[0].b.ard, rows[0].a.ard));
  const where = `${isModel ? "Under" : "On"} ${rows[0].name}, eps ${rows[0].eps}/255`;
  if (!isSure(found)) return `${where}: these images cannot tell A from B.`;
  const better = found.value > 0 === isModel ? `A, ${one}` : `B, ${other}`;
  return `${where}: ${better}, is ${isModel ? "more robust" : "stronger"}.`;
}

async function showComparison(board, names) {
  const dialog = document.querySelector("[data-comparison]");
  const isModel = board.dataset.rows === "model";
  const found = await differences(board, names);
  const place = dialog.querySelector("div");
  place.replaceChildren(
    element("p", finding(found, isModel, names), { className: "lead" }),
    element(
      "p",
      "Differences of the ARD and of every task's relative degradation, paired over the same resamples of the images, with 95 % intervals. Bold: the interval does not hold 0. Positive: B takes, or does, more damage.",
      { className: "note" },
    ),
  );
  const scroll = element("div", "", { className: "scroll", tabIndex: 0 });
  scroll.append(differenceTable(found, isModel ? "attack" : "model", names));
  place.append(scroll);
  dialog.showModal();
}

function comparable(board) {
  const rows = [...board.querySelectorAll("tbody tr")].filter((row) => row.dataset.name);
  if (rows.length < 2) return;
  const key = `${board.id}.compare`;
  const bar = element("p", "", { className: "compare", hidden: true });
  bar.setAttribute("role", "status");
  let ticked = address.get(key).split("\n").filter((name) => rows.some((row) => row.dataset.name === name));
  const boxes = new Map();
  const show = () => {
    boxes.forEach((box, name) => (box.checked = ticked.includes(name)));
    address.set(key, ticked.join("\n"));
    bar.hidden = !ticked.length;
    bar.replaceChildren(ticked.length < 2 ? `Tick another row to compare with ${ticked[0]}. ` : `${ticked.join(" and ")} `);
    if (ticked.length === 2) bar.append(button("Compare", "Compare the two", () => showComparison(board, ticked).then(() => "Compare")), " ");
    bar.append(button("Clear", "Untick all", async () => ((ticked = []), show(), "Clear")));
  };
  for (const row of rows) {
    const box = element("input", "", { type: "checkbox", title: "Tick two rows to compare them" });
    box.setAttribute("aria-label", `Compare ${row.dataset.name}`);
    boxes.set(row.dataset.name, box);
    box.addEventListener("change", () => {
      ticked = ticked.filter((name) => name !== row.dataset.name);
      // Of three, the one that was ticked first is let go.
      if (box.checked) ticked = [...ticked.slice(-1), row.dataset.name];
      show();
    });
    row.cells[0].prepend(box, " ");
  }
  board.append(bar);
  show();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-compares]").forEach(comparable);
});
