// Light, dark, or as the system has it; kept in this browser. Loaded before the page is painted, so that it never flashes.
const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

const kept = () => {
  try {
    const theme = localStorage.getItem("theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto"; // storage is switched off
  }
};

root.dataset.theme = kept();

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const show = () => {
    const theme = root.dataset.theme;
    button.textContent = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[theme];
    button.setAttribute("aria-label", `Theme: ${theme === "auto" ? "automatic" : theme}`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // it holds for this page then
    }
    show();
  });
  button.hidden = false;
  show();
});
