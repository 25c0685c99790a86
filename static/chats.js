/*! Touchline chats, MIT licence */
/*
 * What it does: hands the visitor's signed token to the chats on the page, each by its own attributes, so that
 * the provider's webhook brings it back; and tells when one is opened. It is part of providers.js, which
 * tracker.js loads where it sees a chat's or a form's sign, and nowhere else.
 *
 * The attribute is tl_visitor, or the nearest name that the provider allows. It is handed over while the
 * visitor may be followed, again when the token changes or the chat is opened, and blanked when consent is
 * withdrawn. Each provider below says where it has to be declared first, if anywhere.
 */
(function (window) {
  "use strict";

  const parts = window.touchline.parts;
  const { changed, config, guarded, on, visitorToken } = parts;

  const NAME = "tl_visitor";
  const SAME_MS = 2000; // a click on an opener and the chat's own word of it are one opening
  const OPENERS = ".intercom-launcher,.woot-widget-bubble,[data-tl-chat]";

  function named(token) {
    return { [NAME]: token };
  }

  /**
   * Provider -> how it takes the token, and how it tells of its opening. `ready` says when its own script can
   * take it, where its stub keeps nothing for later; what it then fires is heard below.
   */
  const CHATS = {
    // A custom attribute of the person: Intercom makes it at the first call.
    intercom: {
      ready: () => isFunction(window.Intercom),
      give: (token) => window.Intercom("update", named(token)),
      hear: (opened) => window.Intercom("onShow", opened),
    },
    // Session data.
    crisp: {
      ready: () => window.$crisp?.push,
      give: (token) => window.$crisp.push(["set", "session:data", [[[NAME, token]]]]),
      hear: (opened) => window.$crisp.push(["on", "chat:opened", opened]),
    },
    // A custom attribute; names may have letters, digits and dashes alone.
    tawkto: {
      ready: () => isFunction(window.Tawk_API?.setAttributes),
      give: (token) => window.Tawk_API.setAttributes({ "tl-visitor": token }, () => {}),
      hear: (opened) => on(window, "tawkChatMaximized", opened),
    },
    // A session variable beside the page's own.
    livechat: {
      ready: () => isFunction(window.LiveChatWidget?.call),
      give: (token) => window.LiveChatWidget.call("update_session_variables", named(token)),
      hear: (opened) => window.LiveChatWidget.on("visibility_changed", (to) => to?.visibility === "maximized" && opened()),
    },
    // A custom attribute of the contact.
    chatwoot: {
      ready: () => isFunction(window.$chatwoot?.setCustomAttributes) && window.$chatwoot.hasLoaded !== false,
      give: (token) =>
        token ? window.$chatwoot.setCustomAttributes(named(token)) : window.$chatwoot.deleteCustomAttribute(NAME),
      hear: (opened) => on(window, "chatwoot:opened", opened),
    },
    // A contact property named tl_visitor, which must exist; it is sent with HubSpot's next page view or event.
    hubspot: {
      ready: () => window._hsq?.push,
      give: (token) => window._hsq.push(["identify", named(token)]),
      hear: (opened) => {
        const hear = () => window.HubSpotConversations.on("conversationStarted", opened);
        if (window.HubSpotConversations) hear();
        else (window.hsConversationsOnReady = window.hsConversationsOnReady || []).push(guarded(hear));
      },
    },
    // A ticket field, which the page names by its number (data-zendesk-field): tags there lose their capitals.
    zendesk: {
      ready: () => isFunction(window.zE),
      give: (token) =>
        config.zendeskField && window.zE("messenger:set", "conversationFields", [{ id: config.zendeskField, value: token }]),
      hear: (opened) => window.zE("messenger:on", "open", opened),
    },
    // A custom field of the visitor.
    olark: {
      ready: () => isFunction(window.olark),
      give: (token) => window.olark("api.visitor.updateCustomFields", named(token)),
      hear: (opened) => window.olark("api.box.onExpand", opened),
    },
    // A custom field of the contact, which must exist.
    front: {
      ready: () => isFunction(window.FrontChat),
      give: (token) => window.FrontChat("identity", { customFields: named(token) }),
    },
    // A property of the user.
    freshchat: {
      ready: () => isFunction(window.fcWidget?.user?.setProperties),
      give: (token) => window.fcWidget.user.setProperties(named(token)),
      hear: (opened) => window.fcWidget.on("widget:opened", opened),
    },
  };

  const given = {}; // provider -> the token that it has
  const openedAt = {}; // provider -> when it was last opened

  function isFunction(value) {
    return typeof value === "function";
  }

  /** Give one chat the token of now, or take back the one that it has. */
  function hand(vendor, isAgain) {
    const chat = CHATS[vendor];
    const token = visitorToken();
    if (!chat.ready() || !(token || given[vendor])) return;
    if (!(vendor in given)) {
      given[vendor] = "";
      guarded(() => chat.hear?.(guarded(() => onOpened(vendor))))();
    }
    if (given[vendor] === token && !isAgain) return;
    given[vendor] = token;
    chat.give(token);
  }

  function onOpened(vendor) {
    if (!visitorToken()) return;
    if (!(Date.now() - openedAt[vendor] < SAME_MS)) window.touchline("event", "chat_open", { vendor });
    openedAt[vendor] = Date.now();
    hand(vendor, true); // a page may have started it anew since
  }

  /** Note a click that tracker.js tells of. */
  function onClick(event) {
    const opener = event.composedPath().find((node) => node.nodeType === 1 && node.matches(OPENERS));
    if (!opener) return;
    openedAt[opener.dataset.tlChat || (opener.matches(".intercom-launcher") ? "intercom" : "chatwoot")] = Date.now();
  }

  function handAll() {
    Object.keys(CHATS).forEach((vendor) => guarded(hand)(vendor));
  }

  on(window, "click", onClick);
  on(window, "tawkLoad chatwoot:ready", handAll);
  changed.push(handAll);
  handAll();
})(window);
