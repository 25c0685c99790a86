/*! Touchline forms, MIT licence */
/*
 * What it does: tells of submissions that a form's own script or another company's frame made, once they
 * have succeeded. It is part of providers.js, which tracker.js loads where it sees a form's or a chat's sign, and
 * nowhere else.
 *
 * Three ways to know that a submission succeeded, each a table below:
 *   EVENTS    what plugins fire on the page: Contact Form 7, Gravity Forms, WPForms, Elementor, Ninja Forms,
 *             Formidable, HubSpot. What was read of the form when it was submitted goes out then.
 *   FRAMES    what the frames of Typeform, Calendly, Cal.com, Tally, Jotform and HubSpot post to the page, believed
 *             by their origin alone. They name the submission, and the provider's own delivery brings the details:
 *             both are one lead, by provider and id.
 *   data-tl-success="selector" on a form, or around fields without one: it was sent when what the selector finds
 *             has newly become visible.
 * A failed or abandoned submission fires none of these, and is no lead.
 *
 * The visitor's token goes into the frames as the provider allows, while they are not loaded yet: a frame in
 * which somebody may be typing is never loaded again.
 */
(function (window, document) {
  "use strict";

  const parts = window.touchline.parts;
  const { changed, config, guarded, on, readForm, sendForm, visitorToken } = parts;

  const LOOK_MS = 250;
  const LOOKS = 120; // half a minute for an answer to show
  const FILLED_MS = 200; // tracker.js has filled the fields of a new form by then

  const readings = new WeakMap(); // form -> what was read of it when it was submitted; null once that was sent
  const submittedForms = new Map(); // id -> the form as it was submitted, which its plugin may replace
  const told = new Set(); // submissions that were told

  // ---- telling ----

  /** Tell of a form that has succeeded: what was read at its submission, or what still stands in it. */
  function succeed(form) {
    sendForm(readings.has(form) ? readings.get(form) : readForm(form));
    if (readings.has(form)) readings.set(form, null);
  }

  /** Tell of a submission by what its provider says of it; without an id, the provider's own word is the lead. */
  function tell(props) {
    const { provider, provider_id, form_id } = props;
    if (!provider_id && !props.email && !props.phone) return window.touchline("event", "form_sent", { vendor: provider, form_id });
    const name = [provider, provider_id || form_id + props.email + props.phone].join();
    if (told.has(name)) return;
    told.add(name);
    window.touchline("event", "form_submit", props);
  }

  // ---- forms on the page, whose plugin sends them ----

  /** Keep what was read of a form about to be sent; held back is what the browser sends into a plugin's frame. */
  parts.holds = ({ target, defaultPrevented }, hit) => {
    const isHeld = /^gform_ajax_frame|^target_iframe/.test(target.target);
    readings.set(target, isHeld || defaultPrevented ? hit : null);
    if (target.id) submittedForms.set(target.id, target);
    if (target.matches("[data-tl-success]")) awaitSuccess(target);
    return isHeld;
  };

  function formNear(target) {
    return target?.closest?.("form") || target?.querySelector?.("form");
  }

  /** Find a form by its id, as it was submitted or else as it stands. */
  function formOf(id) {
    const form = submittedForms.get(id) || document.getElementById(id);
    submittedForms.delete(id);
    return form;
  }

  // Event on the document -> the form that has succeeded, from the event's target, its detail and what jQuery adds.
  const EVENTS = {
    wpcf7mailsent: (target) => formNear(target), // its invalid, spam and failed events have other names
    gform_confirmation_loaded: (target, detail, id) => formOf("gform_" + (id || detail?.formId)),
    wpformsAjaxSubmitSuccess: (target) => formNear(target),
    submit_success: (target) => target.matches?.(".elementor-form") && target,
    frmFormComplete: (target, detail, form) => formNear(form?.[0] || form || detail?.form),
    nfFormSubmitResponse: (target, detail, said) => {
      const { response, id } = said || detail || {};
      if (Object.keys(response?.errors || {}).length) return null;
      return formNear(document.getElementById(`nf-form-${response?.data?.form_id || id}-cont`));
    },
  };

  const onEvent = guarded((event, ...said) => {
    const form = EVENTS[event.type](event.target, (event.originalEvent || event).detail, ...said);
    if (form) succeed(form);
  });

  let jQuery;

  /** Listen as jQuery does, too: what is triggered there fires no event of the browser's. */
  function hearJQuery() {
    if (jQuery || !window.jQuery?.fn?.on) return;
    jQuery = window.jQuery;
    jQuery(document).on(Object.keys(EVENTS).join(" "), onEvent);
  }

  // ---- HubSpot: its forms tell what they were sent ----

  const HUBSPOT = {
    email: "email",
    phone: "phone",
    mobilephone: "phone",
    company: "company",
    firstname: "first",
    lastname: "last",
    name: "name",
  };
  const entered = new Map(); // HubSpot's form id -> the values that it was submitted with

  /** Read the contact fields of values by name, or of a list of names and values. */
  function readValues(values) {
    const found = {};
    const pairs = Array.isArray(values) ? values.map(({ name, value }) => [name, value]) : Object.entries(values || {});
    pairs.forEach(([name, value]) => {
      const kind = HUBSPOT[String(name).replace(/^0-1\//, "")];
      if (kind && value) found[kind] = found[kind] || String(value).slice(0, 1000);
    });
    const { email, phone, company, first, last, name } = found;
    return { email, phone, company, name: [first || name, last].filter(Boolean).join(" ") || undefined };
  }

  function tellHubSpot(form_id, provider_id, values) {
    const forms = [...document.querySelectorAll(".hs-form")].filter((form) => readings.has(form));
    if (forms.some((form) => !readings.get(form))) return; // the browser sent it, and it was told
    forms.forEach((form) => readings.set(form, null));
    tell(Object.assign({ form_id, provider: "hubspotforms", provider_id }, readValues(values)));
  }

  /** HubSpot's editor of now: one event, whose form is asked for the rest. */
  async function onHubSpotForm(event) {
    const form = (window.HubSpotFormsV4 || window.HubspotFormsV4)?.getFormFromEvent(event);
    const values = await form?.getFormFieldValues?.();
    tellHubSpot(event.detail?.formId || form?.getFormId?.(), await form?.getConversionId?.(), values);
  }

  function hearHubSpot({ type, eventName, id, data }) {
    if (type !== "hsFormCallback") return;
    if (eventName === "onFormReady") setTimeout(guarded(fillHubSpot), FILLED_MS);
    if (eventName === "onFormSubmit") entered.set(id, data);
    if (eventName === "onFormSubmitted") tellHubSpot(id, data?.conversionId, data?.submissionValues || entered.get(id));
  }

  // ---- frames of other companies ----

  function fromTally({ event, payload }) {
    if (event !== "Tally.FormSubmitted") return null;
    const answer = (type) => payload.fields?.find((field) => field.type === type)?.answer?.value;
    const [email, phone] = [answer("INPUT_EMAIL"), answer("INPUT_PHONE_NUMBER")];
    return { provider: "tally", provider_id: payload.id, form_id: payload.formId, form_name: payload.formName, email, phone };
  }

  function fromCalCom({ originator, type, data }) {
    if (originator !== "CAL" || !/^bookingSuccessful(V2)?$/.test(type)) return null;
    const provider_id = data?.uid || data?.booking?.uid;
    return provider_id ? { provider: "calcom", provider_id } : null; // the older of two events need not name it
  }

  // Origin's host -> what its message says of a submission that succeeded, or nothing.
  const FRAMES = [
    [
      /(^|\.)typeform\.(com|eu)$/,
      ({ type, responseId, formId }) =>
        type === "form-submit" && { provider: "typeform", provider_id: responseId, form_id: formId },
    ],
    [
      /^calendly\.com$/,
      ({ event, payload }) =>
        event === "calendly.event_scheduled" && { provider: "calendly", provider_id: payload?.invitee?.uri },
    ],
    [/(^|\.)cal\.(com|eu|dev)$/, fromCalCom],
    [/^tally\.so$/, fromTally],
    [
      /(^|\.)jotform\.(com|me|eu|io|us|net|pro)$|(^|\.)jotformeu\.com$/,
      ({ action, formID, submissionID }) =>
        action === "submission-completed" && { provider: "jotform", provider_id: submissionID, form_id: formID },
    ],
    [/(^|\.)(hsforms|hubspot|hubspotpagebuilder)(-?eu1)?\.(com|net)$/, hearHubSpot],
  ];

  /** Read a message, an object or its text; nothing where it is neither. */
  function messageOf(data) {
    const said = typeof data === "string" && data[0] === "{" ? JSON.parse(data) : data;
    return said && typeof said === "object" ? said : {};
  }

  function onMessage({ origin, data }) {
    if (!/^https?:/.test(origin)) return;
    const { hostname } = new URL(origin);
    const isNamed = (config.formHosts || "").split(/[\s,]+/).includes(hostname); // a provider under a domain of the site's own
    const said = messageOf(data);
    if (origin === location.origin) hearHubSpot(said); // its forms are frames of the page itself
    for (const [host, read] of FRAMES) {
      const props = (isNamed || host.test(hostname)) && read(said);
      if (props) return tell(props);
    }
  }

  // ---- the visitor's token, where a frame's address or its maker's attributes can carry it ----

  const NAME = "tl_visitor";

  function inQuery(address, token, name = NAME) {
    const url = new URL(address, document.baseURI);
    url.searchParams.set(name, token);
    return url.href;
  }

  // What the embedding scripts read when they make a frame -> the attribute, and its value with the token.
  const EMBEDS = [
    [
      "[data-tf-live],[data-tf-widget],[data-tf-popup],[data-tf-slider],[data-tf-popover],[data-tf-sidetab]",
      "data-tf-hidden",
      (value, token) => (value ? value + "," : "") + NAME + "=" + token,
    ],
    ["[data-tally-src]", "data-tally-src", inQuery],
    [
      "[data-cal-link]",
      "data-cal-config",
      (value, token) => JSON.stringify({ ...JSON.parse(value || "{}"), [`metadata[${NAME}]`]: token }),
    ],
  ];

  // Host of a frame that has just come -> its address with the token.
  const ADDRESSES = [
    [/(^|\.)typeform\.(com|eu)$/, (address, token) => address + (address.includes("#") ? "&" : "#") + NAME + "=" + token],
    [/^tally\.so$|(^|\.)jotform\.com$/, inQuery],
    [/(^|\.)cal\.(com|eu|dev)$/, (address, token) => inQuery(address, token, `metadata[${NAME}]`)],
  ];

  const originals = new Map(); // element -> what its attribute said before

  /** Put the token into what will become a frame, and take it back when consent is withdrawn. */
  function fillEmbeds() {
    const token = visitorToken();
    EMBEDS.forEach(([selector, attribute, write]) => {
      document.querySelectorAll(selector).forEach((element) => {
        const value = element.getAttribute(attribute);
        if (token && !(value || "").includes(NAME)) {
          originals.set(element, value);
          element.setAttribute(attribute, write(value, token));
        } else if (!token && originals.has(element)) {
          const original = originals.get(element);
          originals.delete(element);
          if (original == null) element.removeAttribute(attribute);
          else element.setAttribute(attribute, original);
        }
      });
    });
  }

  /** Put the token into the address of a frame that has this moment come: nobody can have typed in it. */
  function fillFrame(frame) {
    const token = visitorToken();
    if (!token || !/^https?:/.test(frame.src) || frame.src.includes(NAME)) return;
    const [, write] = ADDRESSES.find(([host]) => host.test(new URL(frame.src).hostname)) || [];
    if (write) frame.src = write(frame.src, token);
  }

  function onNodes(records) {
    records.forEach(({ addedNodes }) => {
      addedNodes.forEach((node) => {
        if (node.nodeName === "IFRAME") fillFrame(node);
        else node.querySelectorAll?.("iframe").forEach(fillFrame);
      });
    });
  }

  /** HubSpot's forms keep their values themselves: tell them of the token as if it were typed. */
  function fillHubSpot() {
    document.querySelectorAll(`.hs-form input[name=${NAME}]`).forEach((field) => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  function onHubSpotReady(event) {
    const form = (window.HubSpotFormsV4 || window.HubspotFormsV4)?.getFormFromEvent(event);
    if (visitorToken()) form?.setFieldValue?.("0-1/" + NAME, visitorToken());
  }

  // ---- data-tl-success: any form whose script says nothing ----

  function isShown(element) {
    return element.getClientRects().length > 0;
  }

  function visible(selector) {
    return [...document.querySelectorAll(selector)].filter(isShown);
  }

  function awaitSuccess(marked) {
    const selector = marked.dataset.tlSuccess;
    const before = new Set(visible(selector));
    const look = (left) => {
      if (visible(selector).some((element) => !before.has(element))) succeed(marked);
      else if (left) setTimeout(guarded(look), LOOK_MS, left - 1);
    };
    setTimeout(guarded(look), 0, LOOKS);
  }

  /** Read fields that no form is around, when a button among them is pressed. */
  function onClick(event) {
    const path = event.composedPath().filter((node) => node.nodeType === 1);
    const around = path.find((node) => node.matches("[data-tl-success]:not(form)"));
    if (!around || around.closest("form") || !path.some((node) => node.matches("button,[type=submit],[role=button]"))) return;
    const hit = readForm(around);
    if (!hit) return;
    readings.set(around, hit);
    awaitSuccess(around);
  }

  on(document, Object.keys(EVENTS).join(" "), onEvent);
  on(window, "hs-form-event:on-submission:success", (event) => onHubSpotForm(event).catch(() => {}));
  on(window, "hs-form-event:on-ready", onHubSpotReady);
  on(window, "message", onMessage);
  on(window, "click", onClick);
  on(document, "load focusin", hearJQuery);
  hearJQuery();
  fillEmbeds();
  changed.push(guarded(fillEmbeds));
  new MutationObserver(guarded(onNodes)).observe(document, { childList: true, subtree: true });
})(window, document);
