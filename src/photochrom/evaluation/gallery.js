// From one photograph to the next by keys and buttons; without it the page is a list to scroll.
const sections = [...document.querySelectorAll(".photograph")];
const [before, after, place] = ["before", "after", "place"].map((id) => document.getElementById(id));
let current = 0;

function show(index) {
  current = index;
  place.textContent = `${current + 1} / ${sections.length}`;
  before.disabled = current === 0;
  after.disabled = current === sections.length - 1;
}

function go(step) {
  const next = Math.min(Math.max(current + step, 0), sections.length - 1);
  const section = sections[next];
  section.focus({ preventScroll: true });
  section.scrollIntoView({ block: "start" });
  show(next);
}

before.addEventListener("click", () => go(-1));
after.addEventListener("click", () => go(1));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  // A wide table is scrolled sideways by the same keys.
  if (event.target.closest?.(".wide")) return;
  event.preventDefault();
  // The first key shows the first photograph, if the heading is still there.
  go(scrollY < sections[0].offsetTop / 2 && step > 0 && current === 0 ? 0 : step);
});
// Whoever scrolls goes on from what is seen.
addEventListener("scroll", () => {
  const middle = innerHeight / 3;
  const seen = sections.findLastIndex((section) => section.getBoundingClientRect().top <= middle);
  if (scrollY + innerHeight < document.documentElement.scrollHeight - 2) show(Math.max(seen, 0));
}, { passive: true });
show(0);
