// What was done, to be undone and done again.

const TOGETHER = 1500; // milliseconds within which changes with one key are one: a slider's way, a dragged point
const MOST = 200;

export class History {
  #done = [];
  #undone = [];
  #changed;
  #last = { key: null, time: 0 };

  constructor(changed) {
    this.#changed = changed;
  }

  // `undo` and `redo` are functions; of changes with one key, in quick succession, the first `undo` counts. `dropped` is
  // called when what was done can't be undone any more.
  add(entry) {
    const now = performance.now();
    const before = this.#done.at(-1);
    if (entry.key && entry.key === this.#last.key && now - this.#last.time < TOGETHER && before) before.redo = entry.redo;
    else this.#done.push(entry);
    this.#last = { key: entry.key, time: now };
    this.#undone = [];
    if (this.#done.length > MOST) this.#done.shift().dropped?.();
    this.#changed();
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  forEach(told) {
    this.#done.forEach(told);
  }

  undo() {
    this.#move(this.#done, this.#undone, "undo");
  }

  redo() {
    this.#move(this.#undone, this.#done, "redo");
  }

  #move(from, to, way) {
    const entry = from.pop();
    if (!entry) return;
    this.#last = { key: null, time: 0 };
    to.push(entry);
    entry[way]();
    this.#changed();
  }
}
