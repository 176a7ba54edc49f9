// The result: what the ear said, which was which, and every pair to be heard again. All of it is text, never markup.

import { Clip, sound } from "./clip.js";

const FEW = 30; // pairs that are shown without being asked for
const ANSWERS = { a: "A", b: "B", none: "no difference" };

function tag(kind, given = {}, ...content) {
  const element = document.createElement(kind);
  for (const [key, value] of Object.entries(given)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

const name = (text) => tag("bdi", { class: "name" }, text);
const percent = (value) => `${Math.round(100 * value)} %`;

export function drawResult(place, told, context) {
  place.replaceChildren(
    tag("h1", { tabindex: "-1" }, told.headline),
    ...(told.lead ? [tag("p", { class: "lead" }, told.lead)] : []),
    shares(told),
    tag("ul", { class: "words" }, ...told.words.map((words) => tag("li", {}, words))),
    ...(told.remark ? [tag("p", { class: "message wrong" }, told.remark)] : []),
    runs(told),
    heard(told, context),
  );
}

// ---------------------------------------------------------------------------------------------------
// How often each run was preferred, with its interval

function shares(told) {
  const several = told.shares.length > 2;
  const caption = several
    ? "Chance to be preferred to a middling one of these runs (Bradley-Terry), with 95 % interval"
    : "Share of the votes without ties that preferred the run, with exact 95 % interval";
  const rows = told.shares.map((row) => tag("div", { class: "share" }, tag("span", { class: "whose" }, name(row.name)), strip(row), figures(row)));
  const ends = tag("div", { class: "share scale", "aria-hidden": "true" }, tag("span"), tag("span", { class: "ends" }, tag("span", {}, "0 %"), tag("span", {}, "50 %"), tag("span", {}, "100 %")), tag("span"));
  return tag("figure", { class: "shares" }, tag("figcaption", {}, caption), ...rows, ends);
}

function strip(row) {
  const band = tag("span", { class: "band" });
  band.style.left = `${100 * row.low}%`;
  band.style.width = `${100 * (row.high - row.low)}%`;
  const dot = tag("span", { class: "dot" });
  if (row.share === null) dot.hidden = true;
  else dot.style.left = `${100 * row.share}%`;
  return tag("span", { class: "strip", "aria-hidden": "true" }, tag("span", { class: "middle" }), band, dot);
}

function figures(row) {
  const ties = row.ties ? `, ${row.ties} ${row.ties === 1 ? "tie" : "ties"}` : "";
  const share = row.share === null ? "–" : percent(row.share);
  return tag("span", { class: "figures" }, tag("strong", {}, share), ` ${percent(row.low).replace(" %", "")} to ${percent(row.high)}`, tag("small", {}, `${row.wins} of ${row.votes} votes${ties}`));
}

// ---------------------------------------------------------------------------------------------------
// The runs beside each other: losses, and the settings that differ

function runs(told) {
  const head = tag("tr", {}, tag("td"), ...told.runs.map((run) => tag("th", { scope: "col" }, name(run.name))));
  const row = (title, cells) => tag("tr", {}, tag("th", { scope: "row" }, title), ...cells.map((cell) => tag("td", {}, cell)));
  const labels = Object.keys(told.runs[0].figures);
  const known = labels.filter((label) => told.runs.some((run) => run.figures[label] !== null));
  const body = [
    ...known.map((label) => row(label, told.runs.map((run) => (run.figures[label] === null ? "–" : run.figures[label].toFixed(4))))),
    ...told.settings.map((setting) => row(tag("code", {}, setting.name), setting.values.map((value) => tag("code", {}, value)))),
    row("run", told.runs.map((run) => tag("code", {}, run.id.slice(0, 8)))),
  ];
  const { temperature, tempo, seconds, seed } = told.how;
  const how = `Clips of ${Math.round(seconds)} s at temperature ${temperature}, ${tempo} quarters a minute; drawn with seed ${seed}.`;
  return tag("section", {}, tag("h2", {}, "The runs"), tag("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The runs" }, tag("table", {}, tag("thead", {}, head), tag("tbody", {}, ...body))), tag("p", { class: "note" }, how));
}

// ---------------------------------------------------------------------------------------------------
// Every pair, to be heard again

function heard(told, context) {
  const player = new Replay(context);
  const rows = told.heard.map((row) => {
    const cell = (side, k) => tag("td", { class: row.answer === side ? "preferred" : "" }, tag("span", { class: "side" }, player.button(row.clips[k], `Play ${ANSWERS[side]} of pair ${row.number}`), name(row[side])));
    const again = row.repeats === null ? "" : ` (${row.repeats} again)`;
    return tag("tr", {}, tag("th", { scope: "row" }, `${row.number}${again}`), cell("a", 0), cell("b", 1), tag("td", {}, ANSWERS[row.answer]), tag("td", { class: "number" }, String(row.draw)));
  });
  const head = tag("tr", {}, ...["Pair", "A was", "B was", "You preferred", "Melody"].map((title) => tag("th", { scope: "col" }, title)));
  const table = tag("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every pair" }, tag("table", {}, tag("thead", {}, head), tag("tbody", {}, ...rows)));
  const open = rows.length <= FEW ? { open: "" } : {};
  return tag("details", { class: "pairs", ...open }, tag("summary", {}, tag("h2", {}, "Which was which")), table);
}

class Replay {
  constructor(context) {
    this.context = context;
    this.clip = null;
    this.pressed = null;
  }

  button(word, label) {
    const button = tag("button", { type: "button", class: "again", "aria-label": label, "aria-pressed": "false" });
    button.addEventListener("click", () => this.toggle(button, word));
    return button;
  }

  async toggle(button, word) {
    const same = this.pressed === button;
    this.clip?.pause();
    this.press(null);
    if (same) return;
    this.press(button);
    await this.context.resume();
    const buffer = await sound(this.context, word);
    if (this.pressed !== button) return;
    this.clip = new Clip(this.context, buffer, (clip) => clip.over && this.press(null));
    this.clip.play();
  }

  press(button) {
    this.pressed?.setAttribute("aria-pressed", "false");
    button?.setAttribute("aria-pressed", "true");
    this.pressed = button;
  }
}
