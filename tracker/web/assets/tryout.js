// The try-out site's own script: the planner's routes, and a chat. It knows the tracker only as any
// site does, by touchline("visitor").

const TOKEN_WAIT_MS = 800; // where the tracker is blocked, the chat works without it

// ---- the planner: one page, several addresses ----

function showMonth(planner, month) {
  planner.querySelectorAll("a").forEach((link) => {
    if (link.dataset.month === month) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  document.querySelectorAll(".month").forEach((section) => (section.hidden = section.dataset.for !== month));
  document.title = `${month[0].toUpperCase()}${month.slice(1)} · Season planner · Chalk & Cord`;
}

function startPlanner(planner) {
  const first = planner.querySelector("[aria-current]").dataset.month;
  planner.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState({ month: link.dataset.month }, "", link.href);
    showMonth(planner, link.dataset.month);
  });
  addEventListener("popstate", (event) => showMonth(planner, event.state ? event.state.month : first));
}

// ---- the chat ----

function visitorToken() {
  const late = new Promise((resolve) => setTimeout(resolve, TOKEN_WAIT_MS, ""));
  const asked = window.touchline ? window.touchline("visitor") : "";
  return Promise.race([asked, late]);
}

function startChat(chat) {
  const byId = (id) => document.getElementById(id);
  const [open, box, talk, form, text] = [chat.querySelector(".chat-open"), byId("chat-box"), byId("chat-talk"), byId("chat-form"), byId("chat-text")];
  const lines = [];
  const said = { conversation: Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("") };

  function say(words, isMine) {
    const line = document.createElement("li");
    line.textContent = words;
    line.className = isMine ? "mine" : "";
    talk.append(line);
    talk.scrollTop = talk.scrollHeight;
    lines.push(`${isMine ? "Visitor" : "Chalk & Cord"}: ${words}`);
  }

  function ask(label, type) {
    byId("chat-label").textContent = label;
    text.type = type;
    text.value = "";
    text.focus();
  }

  async function send() {
    const body = { ...said, visitor: await visitorToken(), page_url: location.href, transcript: lines.join("\n") };
    const answer = await fetch(chat.dataset.post, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      keepalive: true,
    });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
  }

  async function answer(words) {
    say(words, true);
    if (!said.asked) {
      said.asked = true;
      say("Good question. Where may we send the answer?");
      return ask("Your e-mail address", "email");
    }
    if (!said.email) said.email = words;
    text.value = "";
    try {
      await send();
      say("Thank you. You will hear from us.");
    } catch (error) {
      say("That did not reach us. Please send it once more.");
    }
    return ask("Anything else?", "text");
  }

  function toggle(isOpen) {
    box.hidden = !isOpen;
    open.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? text : open).focus();
    if (isOpen && !lines.length) say("Hello. What would you like to know?");
  }

  open.addEventListener("click", () => toggle(true));
  chat.querySelector(".chat-close").addEventListener("click", () => toggle(false));
  box.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(text.value.trim());
  });
}

const planner = document.getElementById("planner");
if (planner) startPlanner(planner);
const chat = document.getElementById("chat");
if (chat) startChat(chat);
