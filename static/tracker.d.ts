/**
 * Types of the browser script `tracker.js`. What each option and call does is told at the top of its
 * source. Reference this file, or copy it, to have `touchline(...)` checked.
 */

export {};

declare global {
  /** Options of `touchline("init", ...)`; each is also a `data-` attribute of the tag, in kebab case. */
  interface TouchlineOptions {
    /** The site's key. */
    site?: string;
    /** The collector's base URL; default: where the script came from. */
    endpoint?: string;
    /** What the visitor has said. Absent: the page does not ask. */
    consent?: TouchlineConsent;
    /** Global Privacy Control; default `honour`. */
    gpc?: "honour" | "ignore";
    /** Do Not Track; default `ignore`. */
    dnt?: "honour" | "ignore";
    /** The part after # is a route of its own. */
    hashRoutes?: boolean;
    /** The site's own domains, comma-separated; links to them are not outbound, and carry the visitor over. */
    domains?: string;
    /** Give every form that posts the hidden fields. */
    append?: boolean;
    /** Names of form fields to send besides the contact fields, comma-separated. */
    fields?: string;
    /** Hosts, comma-separated, whose frames are believed like those of known form and booking services. */
    formHosts?: string;
    /** Number of the ticket field that takes the visitor's token from Zendesk's messaging. */
    zendeskField?: string;
    /** Names of the site's number pools, comma-separated. */
    pools?: string;
    /** Run inside an iframe too. */
    frames?: "allow";
    /** Say on the console what is sent. */
    debug?: boolean;
  }

  type TouchlineConsent = "required" | "granted" | "denied";

  /** What `touchline("event", "form_submit", ...)` carries for a form that the page sends by itself. */
  interface TouchlineForm {
    form_id?: string;
    form_name?: string;
    form_action?: string;
    email?: string;
    phone?: string;
    name?: string;
    company?: string;
    fields?: Record<string, string>;
  }

  /** Who the visitor is: at least one of the first five. */
  interface TouchlinePerson {
    email?: string;
    phone?: string;
    user_id?: string | number;
    crm_id?: string | number;
    chat_id?: string | number;
    name?: string;
    company?: string;
    traits?: Record<string, unknown>;
  }

  interface Touchline {
    /** Start, where the tag names no site. */
    (command: "init", options: TouchlineOptions): Promise<void>;
    /** Count a form that was sent without a submission of the browser's. */
    (command: "event", name: "form_submit", form: TouchlineForm): Promise<string | null>;
    /** Record an event; resolves to its id, or to null when nothing may be recorded. */
    (command: "event", name: string, props?: Record<string, unknown>): Promise<string | null>;
    /** Say who the visitor is; resolves to the event's id, or to null when that says nothing or may not be sent. */
    (command: "identify", who: TouchlinePerson | null | undefined): Promise<string | null>;
    /** Resolves to the address that carries the visitor over to another domain of the site. */
    (command: "link", url: string): Promise<string>;
    /** Resolves to the visitor's signed token as soon as there is one: never, while there may be none. */
    (command: "visitor", callback?: (token: string) => void): Promise<string>;
    /** Tell what the visitor has said of consent. */
    (command: "consent", state: TouchlineConsent): Promise<void>;
    /** Never record this browser on this host, or do so again. */
    (command: "optout", yes: boolean): Promise<void>;
    /** Say on the console what is sent. */
    (command: "debug", yes: boolean): Promise<void>;
  }

  interface Window {
    touchline: Touchline;
  }

  const touchline: Touchline;
}
