// Draws a visitor's journey as a line: sessions and leads are points on it, hits are marks between them.
// Everything that came from outside is put in as text. Nodes are kept by id, so nothing jumps.

const OPENED_BY = {
  first: "The first hit of this browser",
  gap: "After more than 30 minutes of silence",
  max_length: "The session before it had lasted 24 hours",
  new_source: "A new source",
};
const EVENTS = {
  form_submit: "Sent the form",
  chat_open: "Opened the chat",
  tel_click: "Clicked the phone number",
  mailto_click: "Clicked the e-mail address",
  outbound_click: "Left for another site",
  download: "Downloaded a file",
};
const PATH_START = 2; // of a long path so many steps are shown at either end
const PATH_END = 4;
const LEADS = { form: "Form", call: "Call", chat: "Chat", booking: "Booking" };

let isFirst = true; // what was there before the page was opened is not news

function make(tag, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Put nodes of these ids in order under a parent, making those that are new. */
function arrange(parent, items, create, update) {
  const known = new Map([...parent.children].map((node) => [node.dataset.id, node]));
  let before = null;
  items.forEach((item) => {
    let node = known.get(item.id);
    if (!node) {
      node = create(item);
      node.dataset.id = item.id;
      if (!isFirst) node.classList.add("is-new");
    }
    known.delete(item.id);
    update(node, item);
    const place = before ? before.nextSibling : parent.firstChild;
    if (node !== place) parent.insertBefore(node, place);
    before = node;
  });
  known.forEach((node) => node.remove());
}

function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function when(node, iso) {
  node.dateTime = iso;
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  setText(node, isToday ? clock(iso) : `${date.toLocaleDateString()} ${clock(iso)}`);
}

// ---- hits ----

function pathOf(url) {
  try {
    const { pathname, host } = new URL(url);
    return host === location.host ? pathname : host + pathname;
  } catch (error) {
    return url;
  }
}

function wordsOf(hit) {
  if (hit.type === "page") return hit.title ? hit.title.split(" · ")[0] : pathOf(hit.url);
  if (hit.type === "engagement") {
    const scrolled = hit.scroll_pct ? `, scrolled ${hit.scroll_pct} %` : "";
    return `Read for ${Math.round(hit.engaged_s || 0)} s${scrolled}`;
  }
  const number = hit.name === "tel_click" && hit.props.number ? ` (${hit.props.number})` : "";
  return (EVENTS[hit.name] || `Event ${hit.name}`) + number;
}

function createHit() {
  return make("li", { className: "hit" }, make("span"), make("time"));
}

function updateHit(node, hit) {
  const [words, time] = node.children;
  node.classList.toggle("quiet", hit.type === "engagement");
  const dropped = hit.dropped_because ? ` (not counted: ${hit.dropped_because})` : "";
  setText(words, wordsOf(hit) + dropped);
  words.title = hit.url;
  when(time, hit.at);
}

// ---- sessions ----

function sourceWords({ source, medium, campaign, term, content }) {
  const names = [`${source} / ${medium}`, campaign, term && `“${term}”`, content];
  return names.filter(Boolean).join(" · ");
}

function createSession() {
  return make(
    "li", { className: "touch" },
    make("div", { className: "head" }, make("b"), make("time")),
    make("p", { className: "from" }),
    make("p", { className: "why" }, make("span"), make("code"), make("span")),
    make("details", { open: true }, make("summary"), make("ol", { className: "hits" })),
  );
}

/** Say why this is a session of its own, and why from this source. */
function reasonsOf(session) {
  const click = session.click_id_name ? `, with a ${session.click_id_name}` : "";
  if (session.is_repeat_click) return "This click was spent before, so it counts as a direct return";
  return `${OPENED_BY[session.opened_by] || session.opened_by}${click}`;
}

function updateSession(node, { session, hits, isLast }) {
  const [head, from, why, details] = node.children;
  setText(head.firstChild, session.site === "tryout" ? session.channel : `${session.channel} (${session.site})`);
  when(head.lastChild, session.started_at);
  setText(from, sourceWords(session));
  setText(why.children[0], `${reasonsOf(session)}. Rule `);
  setText(why.children[1], session.rule);
  const [summary, list] = details.children;
  const read = session.engaged_s >= 1 ? `, read for ${Math.round(session.engaged_s)} s` : "";
  setText(summary, `${session.hits} ${session.hits === 1 ? "hit" : "hits"}${read}`);
  arrange(list, hits, createHit, updateHit);
  if (node.classList.contains("now") && !isLast) details.open = false; // it is over
  node.classList.toggle("now", isLast);
}

// ---- leads ----

function createLead() {
  return make(
    "li", { className: "touch lead" },
    make("div", { className: "head" }, make("b"), make("time")),
    make("p", { className: "from" }),
    make("ol", { className: "path" }),
    make("p", { className: "why" }, make("code"), make("span")),
  );
}

function pathItems(lead) {
  const touches = (lead.journey ? lead.journey.touches : []).map((touch, index) => ({
    id: `${index}`,
    text: touch.channel,
    title: touch.is_own ? "" : "in another browser of the same person",
    className: touch.is_own ? "" : "other",
  }));
  const left = touches.length - PATH_START - PATH_END;
  if (left > 1) touches.splice(PATH_START, left, { id: "more", text: `${left} more`, title: "", className: "more" });
  return [...touches, { id: "end", text: LEADS[lead.kind], title: "", className: "end" }];
}

function updateStep(node, { text, title, className }) {
  setText(node, text);
  node.title = title;
  node.className = className;
}

/** Say what the lead is worth, where it is not just new. */
function worthOf(lead) {
  if (lead.is_junk) return ` It is junk: ${lead.status_reason || "somebody said so"}.`;
  if (lead.is_repeat) return " It repeats an earlier lead of the same person, and is no new one in counts.";
  return lead.status && lead.status !== "new" ? ` Its status is ${lead.status.replace("_", "-")}.` : "";
}

function updateLead(node, { lead }) {
  const [head, from, path, why] = node.children;
  setText(head.firstChild, `${LEADS[lead.kind]} lead`);
  when(head.lastChild, lead.at);
  setText(from, [lead.name, lead.email, lead.phone, lead.company].filter(Boolean).join(" · ") || "No contact details given");
  arrange(path, pathItems(lead), () => make("li"), updateStep);
  const isMatched = lead.match_rule && lead.match_rule !== "unmatched";
  const confidence = isMatched ? ` (confidence ${lead.match_confidence.toFixed(1)})` : "";
  const credited = lead.channel ? ` Its session came by ${[lead.channel, lead.campaign].filter(Boolean).join(", ")}.` : "";
  setText(why.children[0], lead.match_rule || "waiting");
  setText(why.children[1], ` ${lead.why || "to be matched"}${confidence}.${credited}${worthOf(lead)}`);
}

// ---- the line ----

function pointsOf({ sessions, leads, hits }) {
  const last = sessions[sessions.length - 1];
  const points = sessions.map((session) => ({
    id: session.session_id,
    at: session.started_at,
    session,
    isLast: session === last,
    hits: hits.filter((hit) => hit.session_id === session.session_id).map((hit) => Object.assign(hit, { id: hit.event_id })),
  }));
  leads.forEach((lead) => points.push({ id: lead.lead_id, at: lead.at, lead }));
  return points.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Tell in one sentence what is new, for those who listen. */
function newsOf(line) {
  const isNew = (selector) => line.querySelector(`${selector}.is-new:not([data-told])`);
  const node = isNew(".lead") || isNew(".touch") || isNew(".hit:not(.quiet)");
  if (!node) return "";
  line.querySelectorAll(".is-new:not([data-told])").forEach((each) => (each.dataset.told = ""));
  if (node.matches(".hit")) return `Hit: ${node.firstChild.textContent}`;
  return `${node.matches(".lead") ? "" : "New session: "}${node.querySelector("b").textContent}. ${node.querySelector(".from").textContent}`;
}

/** Draw it all; gives what is new in words, or nothing. */
export function drawJourney(journey, line, sheet) {
  const wasAtEnd = sheet.scrollHeight - sheet.scrollTop - sheet.clientHeight < 60;
  arrange(
    line, journey ? pointsOf(journey) : [],
    (point) => (point.session ? createSession() : createLead()),
    (node, point) => (point.session ? updateSession(node, point) : updateLead(node, point)),
  );
  const news = newsOf(line);
  if (wasAtEnd && (news || isFirst)) sheet.scrollTop = sheet.scrollHeight;
  isFirst = false;
  return news;
}
