// The page of a blind study: two clips, an answer, the next two. It knows no more than the server tells it: random words.

import { Clip, sound } from "./clip.js";
import { drawResult } from "./result.js";

const HEARD = 0.75; // the share of a clip that must be heard; the server checks it too
const AGAIN_MS = 2000; // between two attempts to save an answer
const BREATH_MS = 500; // of silence between A and B

const at = (id) => document.getElementById(id);
const context = new AudioContext();
const sides = Object.fromEntries(
  ["a", "b"].map((side) => {
    const card = document.querySelector(`.clip[data-side=${side}]`);
    const find = (name) => card.querySelector(`.${name}`);
    return [side, { side, card, play: find("play"), way: find("way"), place: find("place"), heard: find("heard"), clip: null, told: "" }];
  }),
);
const buttons = [...at("votes").children];
let state = null;
let busy = false; // an answer is on its way, or a pair is being loaded
let breath = 0; // the timer between A and B

// ---------------------------------------------------------------------------------------------------
// Talking with the server

async function asked(address, given) {
  const options = given
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) }
    : { cache: "no-store" };
  const answer = await fetch(address, options);
  const told = await answer.json().catch(() => ({ error: "the server failed; the terminal says why" }));
  if (!answer.ok) throw Object.assign(new Error(told.error), { status: answer.status });
  return told;
}

// The same request until the server has answered it; its key lets it count once.
async function askedUntil(address, given) {
  for (;;) {
    try {
      return await asked(address, given);
    } catch (error) {
      if (error.status && error.status < 500) throw error;
      say(`Not saved yet: ${error.status ? error.message : "the server does not answer. Is the command still running?"} Trying again …`, true);
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

function say(text, wrong = false) {
  at("message").textContent = text;
  at("message").classList.toggle("wrong", wrong);
}

// ---------------------------------------------------------------------------------------------------
// Showing

async function show(next, spoken = "") {
  state = next;
  for (const phase of ["listening", "complete", "result"]) at(phase).hidden = phase !== state.phase;
  at("below").hidden = !state.undo;
  at("how").hidden = state.phase !== "listening";
  say(spoken);
  if (state.phase === "listening") await showPair();
  else if (state.phase === "complete") at("thanks").focus();
  else await showResult();
}

async function showPair() {
  const number = state.done + 1;
  at("count").textContent = `${number} of ${state.of}`;
  at("progress").setAttribute("aria-valuemax", state.of);
  at("progress").setAttribute("aria-valuenow", state.done);
  at("progress").firstElementChild.style.width = `${(100 * state.done) / state.of}%`;
  document.title = `Listening, ${number} of ${state.of}`;
  at("pair").classList.add("loading");
  for (const side of Object.values(sides)) drop(side);
  draw();
  const { pair } = state;
  try {
    const both = await Promise.all([sound(context, pair.a), sound(context, pair.b)]);
    for (const [k, side] of [sides.a, sides.b].entries()) {
      side.clip = new Clip(context, both[k], (clip, over) => changed(side, over));
    }
    at("pair").classList.remove("loading");
  } catch (error) {
    say(`The clips cannot be loaded (${error.message}). Is the command still running? Then load this page again.`, true);
  }
  draw();
  at("question").focus({ preventScroll: true });
}

function drop(side) {
  clearTimeout(breath);
  side.clip?.pause();
  side.clip = null;
  side.told = "";
  side.card.classList.remove("chosen");
}

async function showResult() {
  document.title = "Listening, the result";
  try {
    drawResult(at("result"), await asked("result"), context);
    at("result").querySelector("h1").focus();
  } catch (error) {
    say(`The result cannot be shown: ${error.message}`, true);
  }
}

// ---------------------------------------------------------------------------------------------------
// Playing

const heardEnough = (side) => side.clip !== null && side.clip.heard >= HEARD * side.clip.seconds;
const bothHeard = () => heardEnough(sides.a) && heardEnough(sides.b);
const other = (side) => (side.side === "a" ? sides.b : sides.a);

async function play(side) {
  if (!side.clip) return;
  clearTimeout(breath);
  other(side).clip?.pause();
  await context.resume();
  side.clip?.play();
}

function toggle(side) {
  if (side.clip?.playing) side.clip.pause();
  else play(side);
}

// What the space bar does: pause what plays, go on with what was paused, else play what was not heard yet.
function playOrPause() {
  const list = Object.values(sides);
  const playing = list.find((side) => side.clip?.playing);
  if (playing) return playing.clip.pause();
  const begun = list.find((side) => side.clip && side.clip.from > 0 && !side.clip.over);
  return play(begun ?? list.find((side) => !heardEnough(side)) ?? sides.a);
}

function changed(side, over = false) {
  draw();
  if (side.clip?.playing) tick();
  // B follows A by itself the first time.
  if (over && side === sides.a && !heardEnough(sides.b)) breath = setTimeout(() => play(sides.b), BREATH_MS);
}

function tick() {
  const playing = Object.values(sides).filter((side) => side.clip?.playing);
  for (const side of playing) side.clip.count();
  draw();
  if (playing.length) requestAnimationFrame(tick);
}

function draw() {
  const before = at("votes").classList.contains("ready");
  for (const side of Object.values(sides)) drawSide(side);
  const ready = bothHeard();
  at("votes").classList.toggle("ready", ready);
  for (const button of buttons) button.setAttribute("aria-disabled", String(!ready || busy));
  if (ready && !before) say("Both heard.");
}

function drawSide(side) {
  const { clip, card } = side;
  const name = side.side.toUpperCase();
  const share = clip ? clip.place / clip.seconds : 0;
  card.classList.toggle("playing", Boolean(clip?.playing));
  card.classList.toggle("enough", heardEnough(side));
  side.play.setAttribute("aria-label", clip?.playing ? `Pause ${name}` : `Play ${name}`);
  const enough = clip ? Math.min(1, clip.heard / (HEARD * clip.seconds)) : 0;
  side.way.style.strokeDashoffset = String(100 - 100 * enough);
  if (document.activeElement !== side.place || clip?.playing) side.place.value = String(Math.round(1000 * share));
  side.place.style.setProperty("--share", `${100 * share}%`);
  side.place.disabled = !clip;
  side.place.setAttribute("aria-valuetext", clip ? `${clip.place.toFixed(0)} of ${clip.seconds.toFixed(0)} seconds` : "");
  const missing = clip ? Math.ceil(HEARD * clip.seconds - clip.heard) : 0;
  const told = !clip ? "loading …" : heardEnough(side) ? "heard" : clip.heard ? `${missing} s more` : "not heard yet";
  if (told !== side.told) side.heard.textContent = side.told = told;
}

// ---------------------------------------------------------------------------------------------------
// Answering

async function vote(answer) {
  if (busy || state?.phase !== "listening" || !sides.a.clip || !sides.b.clip) return;
  if (!bothHeard()) {
    const missing = Object.values(sides).filter((side) => !heardEnough(side));
    say(`First listen to ${missing.map((side) => side.side.toUpperCase()).join(" and ")}.`);
    return;
  }
  if (answer !== "none") sides[answer].card.classList.add("chosen");
  await changing("vote", {
    pair: state.pair.id,
    answer,
    heard: [sides.a.clip.heard, sides.b.clip.heard],
    key: crypto.randomUUID(),
  }, "Saved.");
}

async function undo() {
  if (busy || !state?.undo) return;
  await changing("undo", { done: state.done, key: crypto.randomUUID() }, "Taken back.");
}

async function changing(address, given, spoken) {
  busy = true;
  for (const side of Object.values(sides)) side.clip?.pause();
  clearTimeout(breath);
  draw();
  let next = null;
  let told = spoken;
  try {
    next = await askedUntil(address, given);
  } catch (error) {
    told = error.message;
  }
  try {
    await show(next ?? (await asked("state")), told);
  } catch (error) {
    say(`${error.message}. Is the command still running? Then load this page again.`, true);
  }
  busy = false;
  draw();
}

// ---------------------------------------------------------------------------------------------------
// Hands

const KEYS = {
  a: () => vote("a"), ArrowLeft: () => vote("a"),
  b: () => vote("b"), ArrowRight: () => vote("b"),
  0: () => vote("none"), ArrowDown: () => vote("none"),
  // They play and never pause: B follows A by itself, and whoever then presses 2 wants to hear it.
  1: () => sides.a.clip?.playing || play(sides.a), 2: () => sides.b.clip?.playing || play(sides.b),
  " ": playOrPause, z: undo,
};

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const inside = event.target instanceof Element ? event.target : document.body;
  if (inside.closest("input") && key.startsWith("Arrow")) return; // moves the place
  if (inside.closest("button, summary, a") && key === " ") return; // presses what is focused
  const listening = state?.phase === "listening";
  if (!KEYS[key] || !(listening || (key === "z" && state?.phase === "complete"))) return;
  event.preventDefault();
  KEYS[key]();
});

for (const side of Object.values(sides)) {
  side.play.addEventListener("click", () => toggle(side));
  side.place.addEventListener("input", () => {
    side.clip?.goTo((Number(side.place.value) / 1000) * side.clip.seconds);
    draw();
  });
}
for (const button of buttons) button.addEventListener("click", () => vote(button.dataset.answer));
at("undo").addEventListener("click", undo);
at("show").addEventListener("click", () => changing("show", { key: crypto.randomUUID() }, ""));
// The mouse leaves the focus where it is, so that the space bar goes on playing.
document.addEventListener("mousedown", (event) => {
  if (event.target.closest("button")) event.preventDefault();
});

asked("state").then((told) => show(told), (error) => say(`${error.message}. Open the address that the terminal printed.`, true));
