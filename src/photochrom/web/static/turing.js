// A trial: shows the pictures, for a set time or until the answer; times the answer; takes the arrow keys; sends.
const FIXATION = 500; // milliseconds of gray before pictures that are shown for a set time
const RETRY = 2000; // milliseconds until an answer is sent again to a server that does not reply

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function judge(form) {
  const seconds = Number(form.dataset.seconds) || 0;
  const fastest = Number(form.dataset.fastest);
  const images = [...form.querySelectorAll("img")];
  const buttons = [...form.querySelectorAll("button[name=said]")];
  const status = document.getElementById("status");
  let shown = null; // when the pictures appeared
  let sent = false;

  async function show() {
    // An answer before the pictures are there would have no time; without this script the buttons work as they are.
    for (const button of buttons) button.disabled = true;
    try {
      // All at once, and only when all are whole.
      await Promise.all(images.map((image) => image.decode()));
    } catch {
      status.textContent = "A picture could not be loaded; reload this page.";
      return;
    }
    if (seconds) await pause(FIXATION);
    form.dataset.state = "shown";
    requestAnimationFrame(() => {
      shown = performance.now();
      // A second press on the trial before is no answer to this one.
      setTimeout(() => {
        for (const button of buttons) button.disabled = false;
      }, fastest);
      if (seconds) setTimeout(hide, 1000 * seconds);
    });
  }

  function hide() {
    if (sent) return;
    form.dataset.state = "over";
    status.textContent = "Take your time to answer.";
  }

  async function send(button) {
    if (sent || shown === null || performance.now() - shown < fastest) return;
    sent = true;
    form.elements.milliseconds.value = Math.round(performance.now() - shown);
    const answer = new URLSearchParams(new FormData(form, button));
    for (const each of buttons) each.disabled = true;
    for (;;) {
      try {
        // What says that it is stored is a redirect; it is not followed, so that the next page is opened only once.
        const reply = await fetch(form.action, { method: "POST", body: answer, redirect: "manual" });
        if (reply.type === "opaqueredirect") break;
      } catch {
        // no reply at all
      }
      status.textContent = "The answer could not be stored yet. It is kept here and sent again.";
      await pause(RETRY);
    }
    location.replace(form.dataset.next);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.submitter);
  });
  onArrows((side) => buttons[side].click());
  show();
}

// Calls back with 0 for the left arrow and 1 for the right one; a key that is held down counts once.
function onArrows(callback) {
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const side = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
    if (side < 0) return;
    event.preventDefault();
    callback(side);
  });
}

const form = document.getElementById("trial");
const next = document.getElementById("next");
if (form) judge(form);
if (next) {
  next.focus();
  onArrows((side) => side === 1 && next.click());
}
