"use strict";

// Records lie packed in one script per suite and model, which is fetched when a reader asks for it: a page that was
// opened from a disk may load no other kind of file.
const waiting = new Map(); // by file: what to call with its lines
const loaded = new Map(); // by file: a promise of its lines, by the beginning of their keys
const DIGITS = 12;

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const lines = (await new Response(stream).text()).trimEnd().split("\n");
  return new Map(lines.map((line) => [/"key":"(\w+)"/.exec(line)[1].slice(0, DIGITS), line]));
}

// Called by the script of a file.
function arrived(file, text) {
  waiting.get(file)(unpack(text));
}

function load(file) {
  if (!loaded.has(file)) {
    const found = new Promise((done, failed) => {
      waiting.set(file, done);
      const script = document.createElement("script");
      script.onerror = () => failed(new Error(`${file} is missing`));
      script.src = file;
      document.head.append(script);
    });
    loaded.set(file, found);
  }
  return loaded.get(file);
}

const places = () => {
  const text = document.querySelector("[data-places]")?.textContent;
  return (places.known ??= new Map(JSON.parse(text ?? "[]").map((place) => [place.section, place])));
};

// The line of the record of a model under an attack, undefined if there is none.
async function lineOf(place, model, attack) {
  const row = place.models.indexOf(model);
  const key = place.keys[row]?.[place.attacks.indexOf(attack)];
  return key ? (await load(place.files[row])).get(key) : undefined;
}

async function linesOf(board, row) {
  const place = places().get(board.dataset.section);
  const pairs = row.dataset.against
    .split("\n")
    .map((other) => (board.dataset.rows === "model" ? [row.dataset.name, other] : [other, row.dataset.name]));
  const lines = await Promise.all(pairs.map(([model, attack]) => lineOf(place, model, attack)));
  return lines.filter(Boolean);
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where a page may not write to the clipboard, a selection can be copied all the same.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

function button(text, label, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", async () => {
    made.disabled = true;
    const said = await press().then(
      (done) => done,
      (error) => error.message,
    );
    made.disabled = false;
    made.textContent = said;
    setTimeout(() => (made.textContent = text), 1500);
  });
  return made;
}

// A last column with the command that measures a row again, and the records behind it.
function measurable(board) {
  const table = board.querySelector("table");
  const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.command);
  if (!rows.length) return;
  const head = document.createElement("th");
  head.scope = "col";
  head.className = "t again";
  head.textContent = "measure again";
  table.tHead.rows[0].append(head);
  for (const row of table.tBodies[0].rows) {
    const cell = row.insertCell();
    cell.className = "t again";
    if (!row.dataset.command) continue;
    const { name, command } = row.dataset;
    const copying = button("Command", `Copy the command that measures ${name} again`, async () => {
      await copy(command);
      return "Copied";
    });
    copying.title = command;
    const saving = button("Record", `Download the records of ${name}`, async () => {
      const lines = await linesOf(board, row);
      const only = lines.length === 1;
      save(only ? `${JSON.parse(lines[0]).key}.json` : `${name.replace(/[^\w.@+-]+/g, "-")}.jsonl`, `${lines.join("\n")}\n`);
      return "Saved";
    });
    cell.append(copying, " ", saving);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".board[data-section]").forEach(measurable);
});
