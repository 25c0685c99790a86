/*! Touchline, MIT */
/*
 * What it does: reports page views, engagement, clicks and submitted forms of the page that it stands
 * on to the site's own collector, and hands the visitor's token to forms. It never throws into the
 * page, never delays a navigation, and the page works the same when it is blocked.
 *
 * The tag:
 *   <script async src="https://www.example.com/t/v<version>/tracker.js" data-site="KEY"
 *           integrity="sha384-..." crossorigin="anonymous"></script>
 * The collector's address is the script's own, up to its file name and version, so it also works
 * below a path. Loaded twice, it runs once.
 *
 * Attributes of the tag (each is also an option of touchline("init", {...}), in camel case):
 *   data-site         the site's key; without it nothing runs until touchline("init", {site: KEY})
 *   data-endpoint     the collector's base URL, when the script is served from elsewhere
 *   data-consent      required: nothing is sent or stored until touchline("consent", "granted");
 *                     denied: the same, after a refusal; granted: the page has asked and was allowed;
 *                     absent: the page does not ask. The choice is the page's to remember: call
 *                     touchline("consent", ...) on every page, as consent managers do.
 *   data-gpc          honour (default): silent under Global Privacy Control; ignore: not looked at
 *   data-dnt          ignore (default); honour: silent under Do Not Track
 *   data-hash-routes  the part after # is a route of its own
 *   data-domains      the site's own domains, comma-separated: links to them are not outbound, and
 *                     those to domains that do not share this page's cookie carry the visitor over
 *   data-append       give every form that posts the hidden fields below
 *   data-fields       names of form fields to send besides the contact fields, comma-separated
 *   data-form-hosts   hosts, comma-separated, whose frames are believed like those of the form and booking
 *                     services that static/forms.js knows: such a service under a domain of one's own
 *   data-zendesk-field  number of the ticket field that takes the visitor's token from Zendesk's messaging
 *   data-pools        names of the site's number pools, comma-separated: their numbers are shown in place
 *                     of those on the page (static/numbers.js, a part loaded where this is set)
 *   data-frames       allow: run inside an iframe too (silent there otherwise)
 *   data-debug        say on the console what is sent
 *
 * Attributes of the page's elements:
 *   data-tl-event="name"        a click is an event of that name; data-tl-prop-<x>="..." are its props
 *   data-tl-chat="vendor"       a click opens a chat: event chat_open
 *   data-tl-append              on a form: create the hidden fields that it lacks ("false": never)
 *   data-tl-fields="a,b"        on a form: names of fields to send besides the contact fields
 *   data-tl-field[="name"]      on a field: send it, under that name; email, phone, name and company
 *                               say which contact field it is
 *   data-tl-form                on a form: send it even without a contact field
 *   data-tl-success="selector"  on a form that a script sends, or around fields without a form: it was sent when
 *                               something that the selector finds has newly become visible
 *   data-tl-pool="name"         the numbers in it are swapped by this pool, whatever they are
 *   data-tl-noswap              no number in it is swapped
 *   data-tl-private             on a form, a field or around fields: never read
 *
 * Forms. A form counts when it really is sent: its fields are valid (or it is novalidate) and no
 * handler of the page prevented the submission. A form that the page sends by itself (AJAX) is
 * prevented, so it does not count: static/forms.js, a part loaded where there is a sign of such a form, tells of
 * it when its plugin, its service or data-tl-success says that it has succeeded. Where nothing does, say
 * touchline("event", "form_submit", {form_id, email, phone, name, company, fields}). A form needs an e-mail or a phone, or a name or company
 * in a form that posts, or data-tl-form; a log-in (autocomplete="current-password") is no lead.
 * Never sent: passwords, files, cards (autocomplete cc-*, or by their names), codes, hidden fields (but those with a
 * data-tl-field of their own), names that speak of secrets, data-tl-private.
 *
 * Hidden fields, filled where a field of that name is empty: tl_visitor (the signed token),
 * tl_session, tl_source, tl_medium, tl_campaign, tl_term, tl_content, tl_click_id, tl_landing,
 * tl_referrer, and tl_first_source ... tl_first_referrer of the first session ever.
 *
 * Arrivals. tl_link (a link from another domain of the site) and tl_mail (a mailed link with a token) are
 * taken off the address bar and go out with the first view; the collector verifies them. What signs links
 * is static/linker.js, a part loaded where data-domains asks for it.
 *
 * Chats. static/chats.js hands the token to the chats on the page: Intercom, Crisp, tawk.to, LiveChat, Chatwoot,
 * HubSpot, Zendesk, Olark, Front, Freshchat; it comes with static/forms.js as providers.js, where either is needed.
 *
 * Calls, before the load too when the page has the stub:
 *   touchline("init", options)        start, where the tag has no data-site
 *   touchline("event", name, props)   promise of the event's id, or null when nothing may be sent
 *   touchline("identify", who)        who the visitor is: email, phone, user_id, crm_id or chat_id, with name,
 *                                     company and traits; promise of the event's id, or null when nobody is
 *                                     named or nothing may be sent
 *   touchline("link", url)            promise of the address with tl_link, for scripts that navigate; the
 *                                     address as it is where it needs none
 *   touchline("visitor", callback)    promise of the signed token, as soon as there is one
 *   touchline("consent", state)       "granted", "denied" or "required"; a denial wipes what is kept
 *                                     and asks the collector to remove its cookies
 *   touchline("optout", yes)          remembered in this browser for this host
 *   touchline("debug", yes)
 *
 * Kept in the browser, only while it may: localStorage "_tl.<site>.queue" (what the collector has not
 * acknowledged), ".seed" (until the readable cookie exists), ".source" (the session's source and the
 * first one ever), ".consent" (that the collector was told of it), ".numbers" (those of pools that it confirmed); ".optout" is the visitor's own wish.
 * The cookies are the collector's.
 */
(function (window, document) {
  "use strict";

  // The build also measures the script without forms, neither filled nor read, by turning this off.
  const FORMS = true;

  const BATCH_HITS = 50;
  const BATCH_BYTES = 50000; // of the 64 KB that browsers allow all keepalive requests together
  const HIT_BYTES = 7600; // the collector takes 8 KB, the browser's hints included
  const FIELDS_BYTES = 5000; // of the fields that a page allows: the contact must not be lost for them
  const QUEUE_HITS = 100;
  const QUEUE_BYTES = 200000;
  const TRIES = 10;
  const BACKOFF_MS = 3000;
  const BACKOFF_MAX_MS = 1800000;
  const ANSWER_MS = 30000; // a request without an answer by then has failed
  const BATCH_WAIT_MS = 250;
  const HINTS_WAIT_MS = 100;
  const IMAGE_MAX_AGE_MS = 60000; // an image is dated by its arrival
  const ADOPT_MS = 2000;
  const ENGAGED_S = 3;
  const TICK_MS = 15000;
  const PING_MS = 300000; // a reader who only reads stays well inside a session's 30 minutes
  const SESSION_MS = 1800000;

  // The parts that only some pages need: the hash of each, which the build writes. Its first letters are the version.
  const PARTS = {};

  const former = window.touchline;
  if (former?.loaded) return;

  const tag = document.currentScript || document.querySelector("script[data-site][src]");
  const config = Object.assign({}, tag?.dataset);
  let waiting = former?.q || []; // calls made before the start: [arguments, resolve]
  let started = false;

  // ---- small tools ----

  function say(...words) {
    if (isOn(config.debug)) console.log("touchline:", ...words);
  }

  /** Wrap `work` so that no error of ours reaches the page. */
  function guarded(work) {
    return function (...args) {
      try {
        return work.apply(this, args);
      } catch (error) {
        say(error);
        return null;
      }
    };
  }

  function on(target, types, work) {
    types.split(" ").forEach((type) => target.addEventListener(type, guarded(work), { capture: true, passive: true }));
  }

  /** Do `work` with the object before a method of the browser's own does its own. */
  function wrap(owner, name, work) {
    const original = owner[name];
    owner[name] = function (...args) {
      guarded(work)(this);
      return original.apply(this, args);
    };
  }

  function later(work, ms) {
    return setTimeout(guarded(work), ms);
  }

  /** An attribute that is there counts as yes, unless it says false. */
  function isOn(value) {
    return value != null && String(value) !== "false";
  }

  function listOf(value) {
    return String(value || "").toLowerCase().split(/[\s,]+/).filter(Boolean);
  }

  /** Write JSON, past the toJSON that old libraries give to every array. */
  function jsonOf(value) {
    const lists = Array.prototype;
    const { toJSON } = lists;
    try {
      if (toJSON) lists.toJSON = undefined;
      return JSON.stringify(value);
    } finally {
      if (toJSON) lists.toJSON = toJSON;
    }
  }

  function bytesOf(value) {
    return new TextEncoder().encode(jsonOf(value)).length;
  }

  function isHidden() {
    return document.prerendering || document.visibilityState === "hidden";
  }

  function timeNow() {
    return new Date().toISOString();
  }

  function hexOf(bytes) {
    return [...bytes].map((byte) => (byte + 256).toString(16).slice(1)).join(""); // Array.from may be a library's own
  }

  /** Make a UUID of version 7: it sorts by the time of its making. */
  function makeId() {
    const hex = ("0" + Date.now().toString(16) + hexOf(crypto.getRandomValues(new Uint8Array(10)))).slice(-32);
    return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-7$3-8$4-");
  }

  // ---- consent, and what may be stored ----

  let consent;
  let agreed; // the consent that the collector knows of
  let optedOut;
  let held = []; // page views seen before consent: the landing and the latest one

  function isMuted() {
    return top !== window && !isOn(config.frames);
  }

  function isRefused() {
    if (navigator.globalPrivacyControl && config.gpc !== "ignore") return true;
    return isMuted() || optedOut || (navigator.doNotTrack > 0 && config.dnt === "honour");
  }

  function isAllowed() {
    return started && !isRefused() && (!consent || consent === "granted");
  }

  function keyOf(name) {
    return "_tl." + config.site + "." + name;
  }

  /** Read a kept value; null when there is none or storage is denied. */
  function recall(name) {
    try {
      return JSON.parse(localStorage.getItem(keyOf(name)));
    } catch (error) {
      return null;
    }
  }

  /** Keep a value while that is allowed, or forget it; where storage is denied, memory must do. */
  function keep(name, value) {
    try {
      if (!value) localStorage.removeItem(keyOf(name));
      else if (isAllowed() || name === "optout") localStorage.setItem(keyOf(name), jsonOf(value));
    } catch (error) {
      say(error);
    }
  }

  function setConsent(state) {
    consent = state === "granted" || state === "denied" ? state : "required";
    applyConsent();
  }

  function setOptOut(yes) {
    optedOut = isOn(yes);
    keep("optout", optedOut);
    applyConsent();
  }

  function applyConsent() {
    if (isAllowed()) release();
    else withdraw();
  }

  /** Send the views that the visitor saw before agreeing, dated now. */
  function release() {
    const views = held;
    held = [];
    if (views.length) resetEngagement();
    views.forEach((hit) => record(Object.assign(hit, { event_id: makeId(), at: timeNow() }), 0));
    adoptStored();
    fillForms();
  }

  /** Forget everything: the visitor said no. The cookies go by the collector's answer. */
  function withdraw() {
    if ((token || readableCookie()) && (optedOut || consent === "denied")) askToForget();
    queue = [];
    session = null;
    arrival = landed;
    token = seed = agreed = "";
    ["queue", "seed", "source", "consent", "numbers"].forEach((name) => keep(name));
    fillForms();
  }

  /** Tell the collector of the refusal: only it can remove the cookie that scripts cannot see. */
  function askToForget() {
    const hit = makeHit("event", { name: "consent", consent: "denied", url: location.origin });
    post(bodyOf([hit])).catch(say);
  }

  // ---- who: the collector's cookie, and the seed until it exists ----

  let token = ""; // from the collector's answer
  let seed = "";
  let tokenWaiters = [];

  function readableCookie() {
    try {
      return /(?:^|; )_tl_id=([^;]+)/.exec(document.cookie)[1]; // its letters are never encoded
    } catch (error) {
      return "";
    }
  }

  function visitorToken() {
    return isAllowed() ? token || readableCookie() : "";
  }

  /** The seed that names a visitor without a cookie, also where cookies are refused; undefined once there is one. */
  function seedToSend() {
    if (readableCookie()) return undefined;
    seed ||= recall("seed") || makeId();
    keep("seed", seed);
    return seed;
  }

  function learnToken(value) {
    if (!value) return;
    token = value;
    if (!isAllowed()) return withdraw(); // the visitor said no before this answer came
    if (readableCookie()) keep("seed");
    tokenWaiters.forEach((tell) => tell(value));
    tokenWaiters = [];
    fillForms();
  }

  function whenVisitor(callback) {
    return new Promise((resolve) => {
      tokenWaiters.push(resolve);
      if (callback) tokenWaiters.push(guarded(callback));
      learnToken(visitorToken());
    });
  }

  // ---- what a hit says ----

  let seq = 0;
  let hints;
  let hintsAsked = 0;
  let hintsKnown = false;

  function makeHit(type, fields) {
    const hit = { event_id: makeId(), at: timeNow(), type, url: location.href.slice(0, 4000) };
    if (isOn(config.hashRoutes)) hit.extra = { hash_routes: true };
    return Object.assign(hit, fields);
  }

  function describeBrowser() {
    return {
      seq: ++seq,
      consent,
      language: navigator.language,
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen: screen.width + "x" + screen.height,
      viewport: window.innerWidth + "x" + window.innerHeight,
    };
  }

  function lowHints() {
    const { platform, mobile } = navigator.userAgentData || {};
    return { platform, mobile, maxTouchPoints: navigator.maxTouchPoints, webdriver: navigator.webdriver || undefined };
  }

  /** Read the browser's hints once, then flush: with them, or after 100 ms without. */
  function readHints() {
    if (hintsAsked++) return;
    hints = lowHints();
    const data = navigator.userAgentData;
    const proceed = guarded((values) => {
      Object.assign(hints, values);
      if (hintsKnown) return;
      hintsKnown = true;
      flush();
    });
    later(proceed, data && HINTS_WAIT_MS);
    if (data) data.getHighEntropyValues(["model", "platformVersion", "fullVersionList"]).then(proceed, say);
  }

  // ---- the queue ----

  let queue = []; // of this page, with what earlier pages left; nothing leaves it unacknowledged
  let flying = []; // the hits of the request under way
  const settled = new Set();
  let tries = 0;
  let retryAt = 0;
  let timer = 0;
  let timerAt = 0;

  /** Take a hit on its way; before consent only page views are held, in memory. */
  function record(hit, wait) {
    if (!isAllowed()) {
      if (hit.type === "page" && !isRefused()) held = held.slice(0, 1).concat(hit);
      return null;
    }
    markConsent(hit);
    if (bytesOf(Object.assign(hit, describeBrowser())) > HIT_BYTES) return null;
    if (FORMS) followSession(hit);
    queue.push(hit);
    saveQueue();
    schedule(wait);
    say(hit.type, hit.name || hit.url, hit);
    return hit.event_id;
  }

  /** Say on the first hit after it that the visitor has agreed. */
  function markConsent(hit) {
    if (!consent || agreed) return;
    agreed = consent;
    if (recall("consent")) return;
    keep("consent", consent);
    hit.extra = Object.assign({ agreed: true }, hit.extra);
  }

  /** Shorten a queue to its limits: clicks and engagement go first, then the oldest. */
  function trimmed(hits) {
    while (hits.length > QUEUE_HITS || bytesOf(hits) > QUEUE_BYTES) {
      const minor = hits.findIndex((hit) => hit.type !== "page" && !/^(form_submit|identify)$/.test(hit.name));
      hits.splice(Math.max(0, minor), 1);
    }
    return hits;
  }

  /** What earlier pages and other tabs keep, and this page does not know. */
  function strangers(stored) {
    const known = new Set(queue.map((hit) => hit.event_id));
    return stored.hits.filter((hit) => !known.has(hit.event_id) && !settled.has(hit.event_id));
  }

  function storedQueue() {
    return recall("queue") || { tries, retryAt, hits: [] };
  }

  /** Write the queue beside what others keep there: a page removes only what it has settled. */
  function saveQueue() {
    queue = trimmed(queue);
    const hits = trimmed(strangers(storedQueue()).concat(queue));
    keep("queue", hits.length && { tries, retryAt, hits });
  }

  /** Take over what is unacknowledged for longer than a request takes; a repeat does no harm. */
  function adoptStored() {
    const stored = storedQueue();
    const left = strangers(stored).filter((hit) => Date.now() - Date.parse(hit.at) > ADOPT_MS);
    queue = trimmed(left.concat(queue));
    ({ tries, retryAt } = stored);
    flush();
  }

  function settle(hits) {
    hits.forEach((hit) => settled.add(hit.event_id));
    queue = queue.filter((hit) => !settled.has(hit.event_id));
    saveQueue();
  }

  // ---- sending ----

  function addressOf(name) {
    const folder = tag?.src.replace(/[?#].*/, "").replace(/(v[0-9a-f]{12}\/)?[^/]*$/, "");
    return (config.endpoint || folder || "").replace(/\/*$/, "/") + name;
  }

  function schedule(wait = BATCH_WAIT_MS) {
    const dueAt = Math.max(Date.now() + wait, retryAt);
    if (timer && timerAt <= dueAt) return;
    clearTimeout(timer);
    timerAt = dueAt;
    timer = later(() => {
      timer = 0;
      // A request may have failed since this was set.
      if (Date.now() < retryAt) schedule(0);
      else flush();
    }, dueAt - Date.now());
  }

  function nextBatch(limit) {
    const hits = [];
    let size = 1000; // for what stands around the hits
    for (const hit of queue) {
      if (flying.includes(hit)) continue;
      hit.client_hints ||= hints;
      if (hit === viewHit) hit.title = document.title.slice(0, 500); // pages set it after the route
      size += bytesOf(hit);
      if (hits.length === BATCH_HITS || (size > limit && (hits.length || flying.length))) break;
      hits.push(hit);
    }
    return hits;
  }

  function bodyOf(hits) {
    return jsonOf({ site: config.site, sent_at: timeNow(), seed: seedToSend(), hits, pools: config.pools?.split(",") });
  }

  /** Send the next batch; one request is under way at a time. */
  function flush() {
    // What a prerendering page sends would be taken for a prefetch.
    if (flying.length || document.prerendering || !isAllowed() || !queue.length) return;
    if (!hintsKnown) return readHints();
    if (!tries) pingEngagement();
    const hits = (flying = nextBatch(BATCH_BYTES));
    post(bodyOf(hits))
      .then((answer) => understand(hits, answer))
      .catch(guarded(() => retry(hits)));
  }

  /** Post a body, which as a string is text/plain; a fetch that is missing or throws fails like any other. */
  async function post(body) {
    return fetch(addressOf("e"), {
      method: "POST",
      body,
      keepalive: true,
      credentials: "include",
      signal: AbortSignal.timeout?.(ANSWER_MS),
    });
  }

  async function understand(hits, answer) {
    const { status, ok, headers } = answer;
    if (status === 408 || status === 429 || status > 499) return retry(hits, headers.get("Retry-After") * 1000);
    // Success in another language than JSON is not the collector's: a portal's or a proxy's page.
    const said = ok ? await answer.json() : {};
    say(status, said);
    flying = [];
    tries = retryAt = 0;
    settle(hits);
    if (!consent && /"consent"/.test(jsonOf(said.rejected))) {
      // The site asks for consent and the tag does not say so: hold the view until it is given.
      setConsent();
      held = hits.filter((hit) => hit.type === "page").slice(0, 1);
    }
    parts.said = said;
    learnToken(said.visitor);
    if (queue.length) schedule(0);
  }

  /** Wait and try again. A failure before the agreed time (of a new page) is not counted. */
  function retry(hits, waitMs) {
    flying = [];
    if (tries) viaImage(hits);
    if (Date.now() >= retryAt) {
      const backoff = BACKOFF_MS * 2 ** tries++ * (1 + Math.random() / 4);
      retryAt = Date.now() + Math.min(Math.max(waitMs || 0, backoff), BACKOFF_MAX_MS);
    }
    if (tries >= TRIES) {
      tries = retryAt = 0;
      settle(hits);
    }
    saveQueue();
    if (queue.length) schedule(0);
  }

  /** The last resort, where fetch is away or forbidden: the page views of now as images. */
  function viaImage(hits) {
    hits.forEach((hit) => {
      if (hit.type !== "page" || Date.now() - Date.parse(hit.at) > IMAGE_MAX_AGE_MS) return;
      const query = new URLSearchParams({ site: config.site });
      ["event_id", "url", "referrer", "title", "consent"].forEach((name) => hit[name] && query.set(name, hit[name]));
      const image = new Image();
      image.onload = guarded(() => settle([hit]));
      image.src = addressOf("e.gif?") + query;
    });
  }

  /** The page may be going: hand what is left to the browser, beside the request under way. */
  function lastFlush() {
    settleForms();
    pingEngagement();
    if (!isAllowed() || !queue.length) return;
    hints ||= lowHints();
    const hits = nextBatch(BATCH_BYTES - (flying.length && bytesOf(flying)));
    const taken = hits.length && navigator.sendBeacon(addressOf("e"), bodyOf(hits));
    // A beacon has no answer: it is trusted while the collector is well, else kept for a later page.
    if (taken && !tries && navigator.onLine) settle(hits);
  }

  // ---- page views ----

  let markedUrl; // the landing's address, where it proves how the visitor came
  let viewUrl = "";
  let viewRoute = "";
  let viewHit;
  let viewWanted = false;
  let routeCheck = 0;

  function routeNow() {
    return location.pathname + location.search + (isOn(config.hashRoutes) ? location.hash : "");
  }

  /** Count a view as soon as somebody can see it. */
  function wantView() {
    viewWanted = true;
    showView();
  }

  function showView() {
    if (!viewWanted || isHidden()) return;
    viewWanted = false;
    pingEngagement();
    viewHit = makeHit("page", { title: document.title.slice(0, 500) });
    const { url } = viewHit;
    if (!viewUrl) Object.assign(viewHit, { referrer: document.referrer.slice(0, 1500), url: markedUrl || url });
    else if (viewUrl !== url) viewHit.prev_url = viewUrl.slice(0, 1500);
    const wait = viewUrl ? BATCH_WAIT_MS : 0;
    viewUrl = url;
    viewRoute = routeNow();
    resetEngagement();
    record(viewHit, wait);
  }

  /** Look at the address once per tick, however often it was changed in it. */
  function watchAddress() {
    clearTimeout(routeCheck);
    routeCheck = later(() => viewUrl && routeNow() !== viewRoute && wantView(), 0);
  }

  function watchPages() {
    wrap(history, "pushState", watchAddress);
    wrap(history, "replaceState", watchAddress);
    on(window, "popstate hashchange", watchAddress);
    on(window, "pageshow", (event) => event.persisted && wantView());
    on(window, "pagehide", lastFlush);
    on(document, "visibilitychange prerenderingchange", () => {
      watchAttention();
      if (isHidden()) lastFlush();
      else {
        showView();
        replay(true);
      }
    });
    wantView();
  }

  // ---- engagement ----

  let activeFrom = 0;
  let activeMs = 0;
  let deepest = 0;

  /** Add up the time since the last look, if the page was visible and focused through it. */
  function watchAttention() {
    const now = performance.now();
    // A machine that slept has a gap in its ticks: that was not reading.
    if (activeFrom) activeMs += Math.min(now - activeFrom, 2 * TICK_MS);
    activeFrom = !isHidden() && document.hasFocus() ? now : 0;
  }

  function watchScroll() {
    deepest = Math.max(deepest, window.scrollY + window.innerHeight);
  }

  function resetEngagement() {
    watchAttention();
    activeMs = deepest = 0;
    watchScroll();
  }

  function pingEngagement() {
    watchAttention();
    const engaged_s = Math.floor(activeMs / 1000);
    if (engaged_s < ENGAGED_S || !viewUrl) return;
    activeMs -= engaged_s * 1000;
    const scroll_pct = Math.min(100, Math.round((100 * deepest) / document.documentElement.scrollHeight));
    record(makeHit("engagement", { url: viewUrl, props: { engaged_s, scroll_pct } }));
  }

  function watchEngagement() {
    on(window, "focus blur pageshow", watchAttention);
    on(window, "scroll", watchScroll);
    setInterval(guarded(() => {
      watchAttention();
      if (activeMs > PING_MS) pingEngagement();
    }), TICK_MS);
  }

  // ---- events and clicks ----

  const DOWNLOAD = /\.(pdf|docx?|xlsx?|pptx?|od[tsp]|csv|txt|rtf|epub|zip|rar|7z|t?gz|dmg|exe|msi|apk|mp[34]|mov|avi)$/i;
  const CHAT_LINK = {
    "wa.me": "whatsapp",
    "api.whatsapp.com": "whatsapp",
    "whatsapp:": "whatsapp",
    "m.me": "messenger",
    "t.me": "telegram",
    "tg:": "telegram",
  };
  const IDENTIFIERS = ["email", "phone", "user_id", "crm_id", "chat_id"];
  const CHAT_OPENER = { intercom: ".intercom-launcher", chatwoot: ".woot-widget-bubble" };
  const NOTHING = /^\s*$|^(null|undefined|\{.*\}|\[object.*)$/i;

  function sendNow(id) {
    if (id) flush();
    return id;
  }

  function sendEvent(name, props) {
    if (!name) return null;
    // A copy, so that what cannot be written as JSON fails here and not in the queue.
    const copy = props && JSON.parse(jsonOf(props));
    return record(makeHit("event", { name: String(name), props: copy }));
  }

  /** Tell the collector who the visitor is; it keeps what was said apart from the event. */
  function identify(who) {
    const said = Object.assign({}, who);
    const named = IDENTIFIERS.filter((name) => !NOTHING.test(said[name]) || (said[name] = undefined));
    if (!named.length) return say("identify: nobody"), null;
    return sendNow(sendEvent("identify", said));
  }

  /** Tell whether one host lies below the other, so that they share a cookie. */
  function isAkin(...hosts) {
    const [inner, outer] = hosts.map((host) => "." + host.replace(/^www\./, ""));
    return inner.endsWith(outer) || outer.endsWith(inner);
  }

  function isOwnHost(host) {
    return listOf(config.domains).concat(location.hostname).some((domain) => isAkin(host, domain));
  }

  // ---- parts: what only some pages need comes when there is a sign that this one does ----

  const FORM_SIGNS =
    ".wpcf7,.gform_wrapper,.wpforms-form,.elementor-form,.nf-form-cont,.frm_forms,[class*=hs-form],[data-cal-link],[data-tl-success]," +
    "[src*=typeform],[src*=calendly],[src*='cal.com'],[src*=tally],[src*=jotform],[src*=hsforms]";
  const CHATS = "Intercom $crisp Tawk_API LiveChatWidget $chatwoot _hsq zE olark fcWidget FrontChat".split(" ");

  const loading = {};
  const changed = []; // of parts: what to do when the page, the token or the consent has changed

  function loadPart(name) {
    loading[name] ||= new Promise((resolve) => {
      const integrity = PARTS[name];
      const version = hexOf([...integrity.slice(7, 13)].map((letter) => letter.charCodeAt()));
      const script = document.createElement("script");
      script.onload = script.onerror = resolve;
      script.crossOrigin = ""; // anonymous
      script.integrity = integrity;
      script.nonce = tag?.nonce;
      script.src = addressOf(`v${version}/${name}.js`);
      document.head.append(script);
    }).catch(say); // a policy of trusted types may forbid it
  }

  function loadParts() {
    changed.forEach((look) => look());
    if (!isAllowed()) return;
    if (otherDomains().length) loadPart("linker");
    if (config.pools) loadPart("numbers");
    if (FORMS && (document.querySelector(FORM_SIGNS) || CHATS.some((name) => window[name]))) loadPart("providers");
  }

  /** List the site's domains that do not share this page's cookie. */
  function otherDomains() {
    return listOf(config.domains).filter((domain) => !isAkin(location.hostname, domain));
  }

  async function linkTo(url) {
    if (visitorToken()) await loading.linker;
    return (parts.link || String)(url);
  }

  /** Take what proves an arrival off an address. */
  function withoutMarks(url) {
    return url.replace(/([?&])(?:tl_(?:link|mail)=[^&#]*(&|(?=#|$)))+/g, (all, before, after) => after && before);
  }

  /** Clean the address bar; what stood there goes out with the first view. */
  function cleanAddress() {
    const clean = withoutMarks(location.href);
    if (clean === location.href) return;
    markedUrl = location.href.slice(0, 4000);
    history.replaceState(history.state, "", clean);
  }

  /** Say what following a link means: [event, props], empty for a page of the site. */
  function readLink(link) {
    const href = String(link.href.baseVal || link.href).slice(0, 1000);
    const { protocol, hostname, pathname } = new URL(href, location.href);
    const vendor = CHAT_LINK[protocol] || CHAT_LINK[hostname];
    if (protocol === "tel:") return ["tel_click", { number: decodeURIComponent(href.slice(4)) }];
    if (protocol === "mailto:") return ["mailto_click", {}];
    if (vendor) return ["chat_open", { vendor }];
    if (!/^http/.test(protocol)) return [];
    if (link.hasAttribute("download") || DOWNLOAD.test(pathname)) return ["download", { href }];
    return isOwnHost(hostname) ? [] : ["outbound_click", { href }];
  }

  function readProps({ dataset }) {
    const props = {};
    Object.keys(dataset).forEach((key) => {
      const name = key.replace(/^tlProp(.)/, (all, first) => first.toLowerCase());
      if (name !== key) props[name] = dataset[key];
    });
    return props;
  }

  function onClick(event) {
    if (event.button > 1) return;
    const nearest = (selector) => event.composedPath().find((node) => node.nodeType === 1 && node.matches(selector));
    const named = nearest("[data-tl-event]");
    const marked = nearest("[data-tl-chat]");
    const vendor = marked ? marked.dataset.tlChat : Object.keys(CHAT_OPENER).find((name) => nearest(CHAT_OPENER[name]));
    const link = nearest("a[href],area[href]");
    if (named) sendEvent(named.dataset.tlEvent, readProps(named));
    if (vendor) sendEvent("chat_open", { vendor });
    else if (link) sendEvent(...readLink(link));
  }

  // ---- the source, as far as the script can tell (for hidden fields; the store decides by its tables) ----

  const CLICK_IDS = {
    gclid: "google",
    gbraid: "google",
    wbraid: "google",
    dclid: "google",
    msclkid: "bing",
    ttclid: "tiktok",
    twclid: "twitter",
    li_fat_id: "linkedin",
    epik: "pinterest",
    sccid: "snapchat",
    rdt_cid: "reddit",
    yclid: "yandex",
    fbclid: "facebook",
  };
  const KNOWN_HOSTS = [
    ["ai-assistant", /(?:^|\.)(chatgpt|perplexity|claude|gemini|copilot)\.(com|ai|google\.com|microsoft\.com)$/],
    ["organic", /^(?:..\.)?(?:search\.)?(google|bing|duckduckgo|yahoo|ecosia|yandex|baidu|qwant|brave)\.[a-z.]{2,6}$/],
    ["social", /(?:^|\.)(facebook|instagram|linkedin|twitter|tiktok|pinterest|reddit|youtube)\.com$/],
  ];
  const NO_SOURCE = /(?:^|\.)(paypal|stripe|klarna|adyen|worldpay|mollie|opayo|clearpay|auth0|okta|microsoftonline|accounts\.google)\.[a-z.]+$/;
  const SOURCE_FIELDS = ["source", "medium", "campaign", "term", "content", "click_id", "landing", "referrer"];

  let landed; // how this page was reached
  let arrival; // the same until the first hit, then nowhere new
  let session; // {id, seen, from: its arrival, first: the first arrival ever}

  /** Read the address's campaign parameters and click id; the first that says something counts. */
  function readTags() {
    const tags = {};
    const parts = location.search.slice(1) + "&" + location.hash.replace(/^.*[?#]/, "");
    new URLSearchParams(parts).forEach((value, key) => {
      const name = key.toLowerCase().replace(/^(utm|mtm|matomo|pk|piwik)_/, "utm_");
      if (NOTHING.test(value)) return;
      tags[name] ||= value.slice(0, 500);
    });
    return tags;
  }

  function readReferrer() {
    if (!document.referrer) return [];
    const host = new URL(document.referrer).hostname.replace(/^www\./, "").replace(/^(t\.co|x\.com)$/, "twitter.com");
    if (isOwnHost(host) || NO_SOURCE.test(host)) return [];
    const known = KNOWN_HOSTS.find(([, pattern]) => pattern.test(host));
    return known ? [known[1].exec(host)[1], known[0]] : [host, "referral"];
  }

  function readArrival() {
    const tags = readTags();
    const click = Object.keys(CLICK_IDS).find((name) => tags[name]);
    const [host, kind] = readReferrer();
    const { utm_source, utm_medium, utm_campaign } = tags;
    const isTagged = utm_source || utm_medium || utm_campaign;
    return {
      source: utm_source || CLICK_IDS[click] || host || (isTagged ? "(not set)" : "(direct)"),
      medium: utm_medium || (click === "fbclid" ? "social" : click ? "cpc" : kind) || (isTagged ? "(not set)" : "(none)"),
      campaign: utm_campaign,
      term: tags.utm_term || tags.utm_keyword || tags.utm_kwd,
      content: tags.utm_content,
      click_id: tags[click],
      landing: location.href,
      referrer: document.referrer,
    };
  }

  function isDirect(from) {
    return from.source === "(direct)";
  }

  function isNewSource(from) {
    if (isDirect(arrival) || isDirect(from)) return false;
    return ["source", "campaign", "click_id"].some((field) => arrival[field] && arrival[field] !== from[field]);
  }

  /** Keep the session that this hit falls in, by the gap and by a new source. */
  function followSession(hit) {
    const seen = Date.now();
    const kept = recall("source") || session || { seen: 0, first: arrival }; // what other tabs know counts
    const isLate = seen - kept.seen > SESSION_MS;
    if (isLate && hit.type === "engagement") return; // a ping opens no session
    const isNew = isLate || isNewSource(kept.from);
    session = isNew ? { id: hit.event_id, from: arrival, first: kept.first } : kept;
    if (isDirect(session.from) && !isDirect(arrival)) session.from = arrival;
    session.seen = seen;
    arrival = { source: "(direct)", medium: "(none)", landing: location.href };
    keep("source", session);
  }

  // ---- hidden fields ----

  const filled = new WeakMap(); // field -> the value that we gave it
  const shadows = []; // the shadow trees that are followed; weak, as pages make and drop many
  const followed = new WeakSet();
  let fillTimer = 0;

  function hiddenValues() {
    session = (isAllowed() && recall("source")) || session;
    const { id, from = {}, first = {} } = session || {};
    const values = { tl_visitor: visitorToken(), tl_session: id };
    SOURCE_FIELDS.forEach((field) => {
      values["tl_" + field] = from[field];
      values["tl_first_" + field] = first[field];
    });
    return values;
  }

  /** Give a field its value, unless somebody else has given it one. */
  function fillField(field, value = "") {
    const ours = filled.get(field);
    if (field.value ? field.value !== ours : !value) return;
    field.value = value;
    filled.set(field, value);
  }

  function wantsFields(form) {
    if (form.closest("[data-tl-private]")) return false;
    return isOn(form.dataset.tlAppend ?? (/^post$/i.test(form.getAttribute("method")) && config.append));
  }

  function appendField(form, name) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name }));
  }

  function fillForms() {
    loadParts();
    if (!FORMS) return;
    const values = hiddenValues();
    [document, ...shadows.map((ref) => ref.deref())].forEach((root) => {
      root?.querySelectorAll("form").forEach((form) => {
        if (!wantsFields(form)) return;
        Object.keys(values).forEach((name) => values[name] && !form.elements[name] && appendField(form, name));
      });
      root?.querySelectorAll('input[name^="tl_"]').forEach((field) => {
        if (field.name in values) fillField(field, values[field.name]);
      });
    });
  }

  function fillSoon() {
    fillTimer ||= later(() => (fillTimer = 0, fillForms()), 100);
  }

  function watchForms() {
    on(window, "focusin click", (event) => watchShadow(event.composedPath()[0].getRootNode()));
    wrap(Element.prototype, "attachShadow", (host) => later(() => watchShadow(host.shadowRoot), 0));
    wrap(HTMLFormElement.prototype, "submit", onScriptSubmit);
    on(document, "load", fillSoon);
    watchRoot(document);
  }

  /** Fill and follow the forms of the page or of a shadow tree, those that come later too. */
  function watchRoot(root) {
    on(root, "submit", onSubmit);
    new MutationObserver(guarded(fillSoon)).observe(root, { childList: true, subtree: true });
    root.querySelectorAll("*").forEach((element) => watchShadow(element.shadowRoot));
    fillSoon();
  }

  /** A submit does not leave its shadow tree, so follow each tree: from its making on, or from the first focus in it. */
  function watchShadow(root) {
    if (!root?.host || followed.has(root)) return;
    followed.add(root);
    shadows.push(new WeakRef(root));
    watchRoot(root);
  }

  function onSubmit(event) {
    const { target, submitter } = event;
    fillForms();
    parts.leave?.(target, submitter);
    // :valid is checkValidity() without its events, which the page might answer.
    if (!target.noValidate && !submitter?.formNoValidate && !target.matches(":valid")) return;
    const hit = readForm(target, submitter);
    if (hit) pendingForms.push({ event, hit });
    later(settleForms, 0);
  }

  /** Fill and count a form that a script sends by form.submit(), which fires no event. */
  function onScriptSubmit(form) {
    fillForms();
    parts.leave?.(form);
    pendingForms = pendingForms.filter(({ event }) => event.target !== form);
    sendForm(readForm(form));
  }

  // ---- form capture ----

  const SECRET =
    /pass(w|code|phrase)|pwd|csrf|xsrf|token|nonce|captcha|card ?[hn]|on ?card|\bcc|expir|\b(exp|secret|iban|ssn|cvv|cvc|pin|otp)\b/;
  const PURPOSE = {
    email: "email",
    tel: "phone",
    "tel-national": "phone",
    name: "name",
    "given-name": "first",
    "family-name": "last",
    organization: "company",
  };
  const FIELD_NAMES = [
    ["email", /\be ?(mail|post)|\bmail\b|courriel|correo/],
    ["phone", /phone|tele?fo|\btel\b|mobil|handy|rufnummer|celular|puhelin/],
    ["company", /compan|organi[sz]a|\bfirm|empresa|soci.t|entreprise|azienda|bedrijf|unternehmen/],
    ["", /\b(user|nick|log|file|domain|product|site|screen|host|event|project|item|page|school|city|street) ?na?m/],
    ["first", /\b(first|given|f) ?name|vorname|pr.nom|voornaam|fornavn/],
    ["last", /\b(last|sur|family|l) ?name|nachname|apellido|cognome|sobrenome|achternaam|efternamn|etternavn|nazwisko/],
    ["name", /name\b|\bnom\b|nombre|\bnome\b|\bnaam\b|\bnamn\b|\bnavn\b/],
  ];

  let pendingForms = []; // submitted, and not yet known whether a handler of the page prevents it

  function wordsOf(field) {
    const text = field.name + " " + field.id;
    return text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replace(/[^\p{L}]+/gu, " ");
  }

  function purposeOf(field) {
    return (field.getAttribute("autocomplete") || "").toLowerCase();
  }

  function isForbidden(field) {
    if (/^(pass|file|sub|but|im|res)/.test(field.type) || field.matches(":disabled")) return true;
    if (/\bcc-|password|one-time/.test(purposeOf(field)) || SECRET.test(wordsOf(field))) return true;
    if (field.type === "hidden" && field.dataset.tlField == null) return true;
    return field.closest("[data-tl-private]") || /^tl_/.test(field.name);
  }

  /** Say which contact field it is: by its mark, its purpose, its type, then its name. */
  function contactKind(field) {
    const mark = field.dataset.tlField;
    if (mark) return /^(email|phone|name|company)$/.test(mark) && mark;
    if (!/^(text|email|tel|number)$/.test(field.type)) return "";
    const purpose = PURPOSE[purposeOf(field).split(" ").pop()];
    if (purpose || field.type === "email") return purpose || "email";
    const kind = FIELD_NAMES.find(([, pattern]) => pattern.test(wordsOf(field)))?.[0];
    // The type alone brings up a pad of digits, for a card's number and its date and code too.
    return field.type === "tel" ? (kind === "phone" || /^\D*(\d\D*){5,13}$/.test(field.value)) && "phone" : kind;
  }

  function valueOf(field) {
    if (/^(checkbox|radio)$/.test(field.type) && !field.checked) return "";
    const chosen = field.selectedOptions && [...field.selectedOptions].map((option) => option.value).join(", ");
    return String(chosen || field.value || "").trim().slice(0, 1000);
  }

  /** Read a form's contact fields, as typed, and the fields that the page allows. */
  function readFields(form) {
    const contact = {};
    const fields = {};
    const allowed = listOf([config.fields, form.dataset.tlFields]);
    [...(form.elements || form.querySelectorAll("input,select,textarea"))].forEach((field) => {
      const value = isForbidden(field) ? "" : valueOf(field);
      const kind = value && contactKind(field);
      const mark = field.dataset.tlField;
      const name = mark || field.name;
      if (kind) contact[kind] ||= value;
      else if (value && (mark != null || allowed.includes(String(name).toLowerCase()))) {
        fields[name] = fields[name] ? fields[name] + ", " + value : value;
      }
    });
    return { contact, fields };
  }

  /** Make the hit of a form that is about to be sent; nothing when it is not ours to read. */
  function readForm(form, submitter) {
    const attribute = (name) => submitter?.getAttribute("form" + name) || form.getAttribute(name);
    if (!isAllowed() || /^dialog$/i.test(attribute("method")) || form.closest("[data-tl-private]")) return null;
    const { contact, fields } = readFields(form);
    const { first, last, email, phone, company } = contact;
    const name = [first || contact.name, last].filter(Boolean).join(" ") || undefined;
    const isKnown = email || phone || ((name || company) && /^post$/i.test(attribute("method"))) || isOn(form.dataset.tlForm);
    if (!isKnown || form.querySelector('[autocomplete~="current-password"]')) return null;
    const action = new URL(attribute("action") || "", document.baseURI);
    const props = {
      form_id: form.getAttribute("id"),
      form_name: form.getAttribute("name"),
      form_action: action.origin + action.pathname,
      email,
      phone,
      name,
      company,
      fields: bytesOf(fields) < FIELDS_BYTES ? fields : undefined,
    };
    return makeHit("event", { name: "form_submit", props });
  }

  /** Count the forms whose submission no handler of the page has prevented; of the others an adapter may know. */
  function settleForms() {
    pendingForms.splice(0).forEach(({ event, hit }) => sendForm(!parts.holds?.(event, hit) && !event.defaultPrevented && hit));
  }

  function sendForm(hit) {
    if (hit) sendNow(record(hit));
  }

  // ---- the call from the page, and the start ----

  const calls = {
    __proto__: null,
    init,
    event: sendEvent,
    identify,
    link: linkTo,
    visitor: whenVisitor,
    consent: setConsent,
    optout: setOptOut,
    debug(yes) {
      config.debug = yes;
    },
  };

  function isEvent(command) {
    return /^(event|identify)$/.test(command);
  }

  /** Answer touchline(command, ...); what comes before the start waits for it. */
  function call(command, ...args) {
    // An event of a prerendered page waits until somebody sees the page.
    const isEarly = started ? document.prerendering && isEvent(command) : !/^(init|debug)$/.test(command);
    if (isEarly) return new Promise((resolve) => waiting.push([[command, ...args], resolve]));
    return Promise.resolve(calls[command] ? guarded(calls[command])(...args) : say("unknown", command));
  }

  /** Make the calls that waited; events only once the first page view is on its way. */
  function replay(withEvents) {
    waiting.splice(0).forEach((one) => {
      const [args, resolve] = one;
      if (isEvent(args[0]) && !withEvents) waiting.push(one);
      else resolve(call(...args));
    });
  }

  function init(options) {
    Object.assign(config, options);
    start();
  }

  function start() {
    if (started || !config.site || !/^http/.test(location.protocol)) return;
    started = true;
    consent = config.consent;
    optedOut = recall("optout");
    guarded(cleanAddress)();
    if (FORMS) arrival = landed = readArrival();
    replay(false);
    if (!isMuted()) watch();
    replay(true);
  }

  function watch() {
    watchPages();
    watchEngagement();
    on(window, "click auxclick", onClick);
    on(window, "online", adoptStored);
    later(adoptStored, 2 * ADOPT_MS);
    if (FORMS) watchForms();
    if (consent !== "required") applyConsent();
  }

  const ask = () => post(bodyOf([]));
  const parts = { ask, changed, config, guarded, hexOf, makeId, on, otherDomains, readLink, visitorToken, withoutMarks };
  if (FORMS) Object.assign(parts, { readForm, sendForm });

  window.touchline = guarded(call);
  window.touchline.loaded = true;
  window.touchline.parts = parts;
  window.touchline.q = { push: ([args, resolve]) => resolve(call(...args)) }; // for who kept the stub
  waiting.forEach(([args]) => args[0] === "init" && Object.assign(config, args[1]));
  guarded(start)();
})(window, document);
