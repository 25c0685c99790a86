/*! Touchline linker, MIT licence */
/*
 * What it does: links and forms that lead to the site's other domains carry one parameter, tl_link, which
 * tells the collector there who comes. tracker.js loads this part where data-domains names a domain that
 * does not share the page's cookie, and nowhere else.
 *
 *   tl_link=<visitor id>.<created>.<nonce>.<browser>.<mac>
 *
 * The key is the signature in the visitor's own token: who sees the address cannot become the visitor, and
 * only the collector can check it. The nonce is a UUID of version 7, so it says when it was made: a link is
 * good for 120 seconds, once, in this browser.
 *
 * A link is signed ahead, when the pointer or the focus moves, and put in place on mousedown, keydown, touch,
 * click or submit: no navigation ever waits. What was put in place is taken back a moment later, so that
 * nobody copies it. Without WebCrypto (a page without https) there are no links.
 */
(function (window, document) {
  "use strict";

  const FRESH_MS = 20000; // sign another when the pointer moves after that
  const LIFE_MS = 100000; // of 120 seconds: the rest is for the way
  const SHOWN_MS = 1000;

  const parts = window.touchline.parts;
  const { hexOf, makeId, on, otherDomains, readLink, visitorToken, withoutMarks } = parts;
  const domains = otherDomains();

  let ready = {}; // the link that was signed ahead: {token, at, text}
  let wanted = {}; // the latest that was asked for: {token, at}
  const shown = new WeakMap(); // element -> {original, value}: what stood in its attribute, and what does now

  // ---- signing ----

  async function sign(token) {
    const [id, created, signature] = token.split(".");
    const bytes = (text) => new TextEncoder().encode(text);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", bytes(signature), algorithm, false, ["sign"]);
    const code = async (text) => hexOf(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text))));
    const browser = (await code(browserText())).slice(0, 16);
    const head = [id, created, makeId(), browser].join(".");
    return head + "." + (await code(head)).slice(0, 32);
  }

  /** Say what the collector also hears of this browser, from its headers and from every hit. */
  function browserText() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return [navigator.userAgent, navigator.language, timeZone, screen.width + "x" + screen.height].join("\n");
  }

  /** Sign a link ahead, unless there is a fresh one. */
  function prepare() {
    const token = visitorToken();
    const at = Date.now();
    if (!token || !window.crypto?.subtle || (wanted.token === token && at - wanted.at < FRESH_MS)) return;
    wanted = { token, at };
    sign(token).then((text) => (ready = { token, at, text }), () => (ready = {}));
  }

  /** Take the link that is ready; each is used once. */
  function take() {
    const { token, at, text } = ready;
    ready = wanted = {};
    prepare();
    return token === visitorToken() && Date.now() - at < LIFE_MS ? text : "";
  }

  // ---- where a link belongs ----

  function isOther(address) {
    const { protocol, hostname } = new URL(address, document.baseURI);
    return /^http/.test(protocol) && domains.some((domain) => ("." + hostname).endsWith("." + domain));
  }

  function marked(address, text) {
    const url = new URL(withoutMarks(address), document.baseURI);
    url.search += (url.search ? "&" : "?") + "tl_link=" + text;
    return url.href;
  }

  /** Say what stands in an attribute when we have not touched it. */
  function originalOf(element, attribute) {
    const value = element.getAttribute(attribute);
    const kept = shown.get(element);
    return kept?.value === value ? kept.original : value;
  }

  /** Put a value into an attribute for a moment. */
  function show(element, attribute, value) {
    const original = originalOf(element, attribute);
    element.setAttribute(attribute, value);
    shown.set(element, { original, value });
    setTimeout(() => {
      if (element.getAttribute(attribute) === value) element.setAttribute(attribute, original);
    }, SHOWN_MS);
  }

  // ---- links and forms ----

  function onLeave(event) {
    if (event.button > 1 || (event.type === "keydown" && event.key !== "Enter")) return;
    const link = event.composedPath().find((node) => node.nodeType === 1 && node.matches("a[href],area[href]"));
    if (!link || typeof link.href !== "string" || readLink(link).length || !isOther(link.href)) return;
    const text = take();
    if (text) show(link, "href", marked(originalOf(link, "href"), text));
  }

  function markForm(form, submitter) {
    const owner = submitter?.hasAttribute("formaction") ? submitter : form;
    const attribute = owner === form ? "action" : "formaction";
    const action = originalOf(owner, attribute);
    const method = submitter?.getAttribute("formmethod") || form.getAttribute("method");
    const text = action && isOther(action) && !/^dialog$/i.test(method) && take();
    if (text && /^post$/i.test(method)) show(owner, attribute, marked(action, text));
    else if (text) addField(form, text); // its fields take the place of the action's query
  }

  function addField(form, value) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "tl_link", value });
    form.append(field);
    setTimeout(() => field.remove(), SHOWN_MS);
  }

  // ---- the call from the page, and the start ----

  parts.link = async (address) => {
    try {
      return isOther(address) ? marked(address, await sign(visitorToken())) : address;
    } catch (error) {
      return address; // no address, no visitor, or no WebCrypto
    }
  };

  on(window, "pointerover focusin touchstart", prepare);
  on(window, "mousedown touchstart keydown click auxclick", onLeave);
  parts.leave = markForm; // called for every submit, that of a shadow tree or of a script too
  window.touchline("visitor", prepare); // as soon as there is one
})(window, document);
