// The first page: asks what is running and how the visitor's journey stands, and shows both.

import { drawJourney } from "./journey.js";
import { openWindow } from "./window.js";

const CALM_MS = 400;
const AWAY_MS = 2000;
const EAGER_MS = 150; // for a moment after something was done
const EAGER_FOR_MS = 4000;
const PATIENCE_MS = 6000; // a hit that takes longer did not come

const main = document.getElementById("main");
const { live, forget } = main.dataset;
const byId = (id) => document.getElementById(id);

let etag = "";
let doneAt = 0;
let visitedAt = 0;
let timer = 0;
let state = { journey: null, unseen: null, is_known: false, isAway: false };

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Ask once; nothing when the answer is the one of last time, which the browser then has itself. */
async function ask() {
  const answer = await fetch(live, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const former = etag;
  etag = answer.headers.get("ETag");
  return etag === former ? null : answer.json();
}

async function look() {
  clearTimeout(timer);
  try {
    const said = await ask();
    if (said || state.isAway) show(Object.assign(state, said, { isAway: false }));
  } catch (error) {
    etag = "";
    state.isAway = true;
    showAway();
  }
  showHint();
  if (!document.hidden) timer = setTimeout(look, state.isAway ? AWAY_MS : Date.now() - doneAt < EAGER_FOR_MS ? EAGER_MS : CALM_MS);
}

function show({ parts, tags, journey }) {
  if (parts) showParts(parts);
  if (tags) showTags(tags);
  const told = drawJourney(journey, byId("line"), byId("sheet"));
  if (told) byId("say").textContent = told;
  showWho(journey);
}

function showParts(parts) {
  setText(byId("running"), "Touchline is running.");
  const rows = [...byId("parts").children];
  parts.forEach((part, index) => {
    rows[index].dataset.state = part.state;
    setText(rows[index].querySelector("dt"), part.name);
    setText(rows[index].querySelector("dd"), part.words);
  });
}

function showAway() {
  setText(byId("running"), "Touchline does not answer.");
  const [collector, ...others] = byId("parts").children;
  collector.dataset.state = "down";
  setText(collector.querySelector("dd"), "Does not answer. This page asks again by itself.");
  others.forEach((row) => {
    row.dataset.state = "busy";
    setText(row.querySelector("dd"), "Not known.");
  });
}

function showTags(tags) {
  const list = byId("tags");
  const known = [...list.options].map((option) => option.value);
  if (known.join() === tags.map((each) => each.site).join()) return;
  const chosen = list.value;
  list.replaceChildren(...tags.map(({ site, tag }) => {
    const option = new Option(site, site);
    option.dataset.tag = tag;
    return option;
  }));
  if (tags.some((each) => each.site === chosen)) list.value = chosen;
  list.hidden = tags.length < 2;
  showTag();
}

function showTag() {
  const [option] = byId("tags").selectedOptions;
  if (option) setText(byId("tag"), option.dataset.tag);
}

function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function showWho(journey) {
  byId("forget").hidden = !journey;
  byId("ghost").hidden = Boolean(journey);
  byId("who").replaceChildren();
  const glance = byId("glance");
  glance.hidden = !journey;
  if (!journey) return;
  const { visitor_id, browsers, sessions, leads } = journey;
  const id = document.createElement("code");
  id.textContent = visitor_id.slice(-8);
  id.title = visitor_id;
  const others = browsers > 1 ? `, one of ${browsers} browsers of the same person` : "";
  const counts = [plural(sessions.length, "session"), leads.length ? plural(leads.length, "lead") : ""].filter(Boolean);
  byId("who").append("Visitor …", id, `: ${counts.join(" and ")}${others}.`);
  const last = sessions[sessions.length - 1];
  const now = last ? `${last.channel}, ${plural(last.hits, "hit")}` : "";
  setText(glance, leads.length ? counts.join(", ") : now);
}

/** Say in words why there is nothing (more) to see. */
function showHint() {
  const { journey, unseen, is_known: isKnown, isAway } = state;
  const isLate = visitedAt && Date.now() - visitedAt > PATIENCE_MS;
  let words = "";
  if (isAway) words = "The collector does not answer. What you do is kept in your browser and sent later.";
  else if (unseen) words = unseen;
  else if (navigator.webdriver) words = "This browser is driven by a program: its hits are kept apart and open no session.";
  else if (!journey && isKnown) words = "Your hits are safe on the log, waiting to be stitched.";
  else if (!journey && !visitedAt) words = "No hit from this browser yet. Choose a way to arrive.";
  else if (!journey && isLate) words = "No hit has come in. Does something in this browser block scripts or cookies?";
  else if (!journey) words = "Waiting for your first hit …";
  else if (!journey.leads.length && journey.sessions.length > 1) words = "Send the form or say something in the chat, and this journey leads to a lead.";
  else if (journey.sessions.length === 1 && !journey.leads.length) words = "Now look around, or arrive another way: that opens a second session.";
  setText(byId("hint"), words);
  byId("hint").hidden = !words;
}

function hurry() {
  doneAt = Date.now();
  look();
}

async function copy(button) {
  const text = byId(button.dataset.copy);
  const word = button.firstChild;
  try {
    await navigator.clipboard.writeText(text.textContent);
    word.data = "Copied";
  } catch (error) {
    getSelection().selectAllChildren(text);
    word.data = "Press Ctrl+C";
  }
  byId("say").textContent = word.data;
  setTimeout(() => (word.data = "Copy"), 2000);
}

function forgetStored() {
  try {
    Object.keys(localStorage).filter((key) => key.startsWith("_tl.tryout.")).forEach((key) => localStorage.removeItem(key));
  } catch (error) {
    // Storage is denied here, so there is nothing in it.
  }
}

/** Leave the site, let its last hits go, then drop what this browser remembers. */
async function beginAnew() {
  await site.leave();
  forgetStored();
  await fetch(forget, { method: "POST" });
  visitedAt = 0;
  hurry();
}

const site = openWindow({
  data: main.dataset,
  onVisit() {
    visitedAt = visitedAt || Date.now();
    hurry();
  },
  onStir: hurry,
});

// On a narrow screen a line at the foot stands for the journey while that is out of sight.
new IntersectionObserver(([entry]) => byId("glance").classList.toggle("is-away", !entry.isIntersecting)).observe(byId("sheet"));
document.querySelectorAll(".copy").forEach((button) => button.addEventListener("click", () => copy(button)));
byId("tags").addEventListener("change", showTag);
byId("forget").addEventListener("click", beginAnew);
document.addEventListener("visibilitychange", () => document.hidden || look());
look();
