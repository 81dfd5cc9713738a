// The photographs on their way: sent, coloured, and how long that takes yet.

import { Refused, follow, forget, submit } from "./api.js";

const AT_A_TIME = 2; // uploads under way; the server bounds what one client may have
const AGING = 0.3; // how much the latest photograph counts in what one is thought to take
const SURE = 0.05; // of an upload or a film, from where on its rest is foretold

export class Queue {
  #items;
  #heard;
  #over;
  #usual = null; // seconds from the upload's end to the colours

  // `heard(item)` is called with each change, `over(item)` at the end.
  constructor(items, heard, over) {
    this.#items = items;
    this.#heard = heard;
    this.#over = over;
    setInterval(() => items.forEach((item) => item.state === "working" && heard(item)), 1000);
  }

  // Takes up the next files that wait, a few at a time.
  work() {
    // A film that has gone up has a queue of its own, and holds no photograph up.
    const busy = (item) => item.state === "working" && (item.stage === "sending" || item.job?.kind !== "film");
    while (this.#items.filter(busy).length < AT_A_TIME) {
      const next = this.#items.find((item) => item.state === "waiting");
      if (!next) break;
      this.#colour(next);
    }
  }

  async #colour(item) {
    Object.assign(item, { state: "working", stage: "sending", progress: 0, problem: null, since: performance.now() });
    this.#heard(item);
    try {
      const job = await submit(item.file, item.filmLook ?? {}, (sent) => this.#tell(item, "sending", sent));
      if (item.gone) {
        item.state = "waiting"; // it may come back
        forget(job.id);
        return this.work();
      }
      item.job = job;
      await this.#follow(item);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      Object.assign(item, { state: "failed", problem: error });
    }
    this.#end(item);
  }

  // Goes on with a job that is on the server already.
  async resume(item) {
    Object.assign(item, { state: "working", stage: "queued", progress: 0, since: performance.now() });
    try {
      await this.#follow(item);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      Object.assign(item, { state: "failed", problem: error });
    }
    this.#end(item);
  }

  async #follow(item) {
    this.#tell(item, "queued", 0);
    if (item.job.kind === "film") this.work();
    const begun = item.since;
    item.job = await follow(item.job.id, (job) => job.status === "running" && this.#tell(item, "colouring", job.progress));
    item.state = "done";
    if (item.job.kind === "film") return;
    const took = (performance.now() - begun) / 1000;
    this.#usual = this.#usual === null ? took : this.#usual + AGING * (took - this.#usual);
  }

  #tell(item, stage, progress) {
    if (item.stage !== stage) item.since = performance.now();
    Object.assign(item, { stage, progress });
    this.#heard(item);
  }

  #end(item) {
    if (!item.gone) this.#over(item);
    this.work();
  }

  // Seconds until an item is done, where that can be told.
  left(item) {
    if (item.state === "waiting") {
      const before = this.#items.filter((each) => each.state === "waiting" || each.state === "working").indexOf(item);
      return this.#usual === null ? null : (this.#usual * (before + 1)) / AT_A_TIME;
    }
    const elapsed = (performance.now() - item.since) / 1000;
    if (item.progress > SURE && item.progress < 1) return (elapsed * (1 - item.progress)) / item.progress;
    if (item.stage === "sending" || this.#usual === null || item.job?.kind === "film") return null;
    return Math.max(1, this.#usual - elapsed);
  }
}
