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

// A picture as large as the window; Escape, the button or a click beside it closes.
function enlargeable(button) {
  const dialog = document.querySelector("[data-enlarged]");
  button.addEventListener("click", () => {
    dialog.querySelector("img")?.remove();
    const image = button.querySelector("img").cloneNode();
    image.loading = "eager";
    dialog.append(image);
    dialog.showModal();
  });
}

// What a dot stands for, in words below the plot.
function telling(plot) {
  const said = plot.querySelector("output");
  for (const kind of ["pointerover", "focusin"]) {
    plot.addEventListener(kind, (event) => {
      const dot = event.target.closest("[data-said]");
      if (dot) said.textContent = dot.dataset.said;
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-theme-toggle]").forEach(themeToggle);
  document.querySelectorAll("[data-enlarge]").forEach(enlargeable);
  document.querySelectorAll(".scatter").forEach(telling);
  document.querySelectorAll("[data-slider]").forEach((slider) => {
    const move = () => slider.closest("figure").style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    move();
  });
  document.querySelectorAll("dialog").forEach((dialog) => {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  });
});
