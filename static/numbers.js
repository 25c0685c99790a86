/*! Touchline numbers, MIT licence */
/*
 * What it does: shows this visitor the numbers of the site's pools in place of those that stand on the page.
 * tracker.js loads this part where data-pools names a pool, and nowhere else.
 *
 * What is swapped: the pool's fallback, wherever it stands in text or in a tel: link, however it is spelled
 * (+44 20 7946 0000, 0044 20..., +44 (0)20..., (020) 7946-0000, 20 7946 0000); and any number inside an element
 * with data-tl-pool="name", by that pool. Digits are put in the place of digits, so the page's own spacing,
 * brackets and prefix stay; a number of another country is written as +49... Within data-tl-noswap nothing is.
 * What comes later is swapped before it is painted.
 *
 * A number is the visitor's for as long as the collector hears of them, and for the pool's hold time. So the
 * page tells once a minute while it is visible, and puts the original back when the collector has not
 * confirmed the number for that long, gives another answer, or the visitor refuses. What was confirmed is kept
 * for the next page, which then need not wait for an answer.
 */
(function (window, document) {
  "use strict";

  const parts = window.touchline.parts;
  const { ask, changed, config, guarded, on, visitorToken } = parts;

  const BEAT_MS = 60000;
  const GAP = "(?:[\\s()./\\u00a0\\u2010-\\u2015\\u202f-]|%20){0,3}"; // between two digits of one number
  const LEFT_ALONE = "script,style,noscript,textarea,title,[data-tl-noswap],[contenteditable]:not([contenteditable=false])";

  let swaps = []; // what to swap now: {pool, number, country, exact, any}
  let confirmed = {}; // the answer that says so: {numbers, pools, visitor, until}
  let heard; // the latest answer that tracker.js got
  let askedAt = 0;
  let ending = 0;
  const written = new WeakMap(); // node -> {original, ours}: what stood there, and what does now

  // ---- what is kept for the next page; where storage is denied, nothing is ----

  const KEY = "_tl." + config.site + ".numbers";

  function recall() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch (error) {
      return {};
    }
  }

  function keep(value) {
    try {
      if (value) localStorage.setItem(KEY, JSON.stringify(value));
      else localStorage.removeItem(KEY);
    } catch (error) {
      // memory must do
    }
  }

  // ---- how a number is spelled ----

  function spaced(digits) {
    return digits.split("").join(GAP);
  }

  /** Match a number in all its spellings: [all, what is before, its prefix, the digits that tell it]. */
  function pattern({ country, trunk }, digits) {
    const own = trunk && `\\(?${spaced(trunk)}\\)?${GAP}`;
    const abroad = `(?:\\+|00)?${spaced(country)}${GAP}(?:${own})?`;
    return new RegExp(`(^|[^\\d+])(${abroad}|${own}|)(${digits})(?!\\d)`, "g");
  }

  /** Put digits in the place of digits; what is over goes to the end. */
  function filled(text, digits) {
    let used = 0;
    const put = (part) => (part[0] === "%" ? part : digits[used++] || "\0");
    const cut = text.replace(/%20|\d/g, put).replace(/[^\d]*\0[^]*/, "");
    return cut + digits.slice(used);
  }

  function swapText(text, { number, country }, found) {
    return text.replace(found, (all, before, prefix, digits) => {
      if (number.indexOf("+" + country)) return before.replace("(", "") + number; // of another country
      return before + prefix + filled(digits, number.slice(1 + country.length));
    });
  }

  function makeSwap(pool, number, said) {
    const exact = pattern(said, spaced(said.target.slice(1 + said.country.length)));
    return { pool, number, country: said.country, exact, any: pattern(said, `[1-9](?:${GAP}\\d){5,12}`) };
  }

  /** Say what stands in a place when its numbers are swapped: by the pool that is named there, else by all. */
  function swapped(text, element) {
    if (!swaps.length || !/\d/.test(text)) return text;
    const pool = element.closest("[data-tl-pool]")?.dataset.tlPool;
    const own = swaps.find((swap) => swap.pool === pool);
    if (pool) return own ? swapText(text, own, own.any) : text;
    return swaps.reduce((now, swap) => swapText(now, swap, swap.exact), text);
  }

  // ---- the page ----

  /** Bring what stands in a place up to date, from what the page itself wrote there. */
  function update(place, element, now, write) {
    const was = written.get(place);
    const original = was?.ours === now ? was.original : now;
    const isOurs = element && !element.closest(LEFT_ALONE);
    const wanted = isOurs ? swapped(original, element) : original;
    if (wanted !== original) written.set(place, { original, ours: wanted });
    else written.delete(place);
    if (wanted !== now) write(wanted);
  }

  function updateText(node) {
    update(node, node.parentElement, node.data, (text) => (node.data = text));
  }

  function updateLink(link) {
    const href = link.getAttribute("href") || "";
    if (/^(tel|callto):/i.test(href)) update(link, link, href, (text) => link.setAttribute("href", text));
  }

  function updateAll(root) {
    if (root.nodeType === 3) return updateText(root);
    if (root.nodeType !== 1) return;
    if (root.matches("a[href]")) updateLink(root);
    root.querySelectorAll("a[href]").forEach(updateLink);
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) updateText(texts.currentNode);
  }

  function onChange(records) {
    if (!swaps.length) return;
    records.forEach(({ type, target, addedNodes, attributeName }) => {
      if (type === "childList") addedNodes.forEach(updateAll);
      else if (attributeName === "href") updateLink(target);
      else updateAll(target);
    });
  }

  // ---- what to show ----

  /** Show what an answer says; nothing in it: the page is as it was written. */
  function show({ numbers = {}, pools = {} }) {
    const named = Object.keys(numbers).filter((pool) => numbers[pool] !== pools[pool].target);
    swaps = named.map((pool) => makeSwap(pool, numbers[pool], pools[pool]));
    updateAll(document.documentElement);
  }

  function end() {
    confirmed = {};
    parts.said = heard = undefined;
    keep();
    show({});
  }

  function visitor() {
    return visitorToken().split(".")[0];
  }

  /** Take an answer that is good from `at` on; one without numbers, or to nobody, is no news. */
  function take(said, at) {
    if (!said?.numbers || !said.visitor || !visitor()) return;
    const holds = Object.keys(said.numbers).map((pool) => said.pools[pool].hold_s * 1000);
    const { numbers, pools } = said;
    const { numbers: shown, pools: known } = confirmed;
    const isNews = JSON.stringify({ shown, known }) !== JSON.stringify({ shown: numbers, known: pools });
    confirmed = { numbers, pools, visitor: visitor(), until: at + Math.min(...holds) };
    keep(confirmed);
    endInTime();
    if (isNews) show(confirmed);
  }

  function endInTime() {
    clearTimeout(ending);
    ending = setTimeout(guarded(checkTime), confirmed.until - Date.now());
  }

  /** Put the page's own numbers back when nobody has confirmed ours for too long: they may be another's. */
  function checkTime() {
    if (confirmed.until <= Date.now()) end();
  }

  // ---- the collector ----

  function beat() {
    if (document.visibilityState === "hidden" || document.prerendering || !visitor()) return;
    const at = (askedAt = Date.now());
    ask()
      .then((answer) => answer.ok && answer.json())
      .then((said) => take(said, at))
      .catch(() => {}); // the next beat may do better
  }

  function onVisible() {
    checkTime();
    if (Date.now() - askedAt >= BEAT_MS) beat();
  }

  /** Look at what tracker.js has heard; it says so after each answer, and when the visitor says yes or no. */
  const look = guarded(() => {
    const fresh = heard !== parts.said;
    heard = parts.said;
    if (confirmed.until && !visitor()) end();
    if (fresh) take(heard, (askedAt = Date.now()));
  });

  const kept = recall();
  if (kept.until > Date.now() && kept.visitor === visitor()) {
    confirmed = kept;
    endInTime();
    guarded(show)(kept);
  }
  const watched = { childList: true, subtree: true, characterData: true, attributes: true };
  watched.attributeFilter = ["href", "data-tl-noswap", "data-tl-pool"];
  new MutationObserver(guarded(onChange)).observe(document.documentElement, watched);
  on(document, "visibilitychange", onVisible);
  on(window, "pageshow", (event) => event.persisted && onVisible());
  setInterval(guarded(beat), BEAT_MS);
  changed.push(look);
  look();
})(window, document);
