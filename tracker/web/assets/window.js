// The window in which the try-out site is shown: its address, reload, and the way back to the start.

const FLUSH_MS = 400; // the last hits of a page that was left are on their way

/** Tell whether a path is one of the site's own pages, as against the untracked start. */
function isSitePage(path, start) {
  return path.startsWith(start.replace(/start$/, "")) && path !== start;
}

/**
 * Wire up the window.
 * onVisit is called when a page of the site has been shown, onStir at every click or key in it.
 */
export function openWindow({ data, onVisit, onStir }) {
  const byId = (id) => document.getElementById(id);
  const [frame, field] = [byId("frame"), byId("address")];
  let shown = "";

  /** Read where the frame is; the search engine is another origin, which does not tell. */
  function whereabouts() {
    try {
      return frame.contentWindow.location.href;
    } catch (error) {
      return data.search;
    }
  }

  function open(url) {
    frame.src = url;
  }

  /** Read what was typed; what is not of this server leads to the start. */
  function addressOf(typed) {
    const isBare = typed.startsWith(location.host);
    try {
      const url = new URL(isBare ? `${location.protocol}//${typed}` : typed || data.start, location.href);
      return url.origin === location.origin ? url.href : data.start;
    } catch (error) {
      return data.start;
    }
  }

  function follow() {
    const url = whereabouts();
    if (url === shown) return;
    shown = url;
    const { pathname, host } = new URL(url, location.href);
    const isStart = pathname === data.start || url === "about:blank";
    if (document.activeElement !== field) field.value = isStart ? "" : url.replace(/^https?:\/\//, "");
    field.title = isStart ? "" : url;
    byId("tab").href = isStart ? data.start.replace(/start$/, "") : url;
    if (host === location.host && isSitePage(pathname, data.start)) onVisit();
  }

  // Chromium and Firefox know every name below localhost as this machine; other browsers may not.
  const canSearch = fetch(data.probe, { mode: "no-cors" }).then(() => true, () => false);

  async function checkSearch() {
    const words = frame.contentDocument && frame.contentDocument.querySelector("[data-arrival=search] span");
    if (words && !(await canSearch)) words.textContent = "Not here: this browser does not open search.localhost";
  }

  frame.addEventListener("load", () => {
    follow();
    checkSearch();
    try {
      for (const type of ["click", "submit", "keyup"]) frame.contentWindow.addEventListener(type, onStir);
    } catch (error) {
      onStir(); // the search engine's page
    }
  });
  setInterval(follow, 200); // routes change without a load
  follow();
  checkSearch();

  byId("again").addEventListener("click", () => open(data.start));
  byId("reload").addEventListener("click", () => {
    try {
      frame.contentWindow.location.reload();
    } catch (error) {
      open(data.search);
    }
  });
  byId("go").addEventListener("submit", (event) => {
    event.preventDefault();
    field.blur();
    open(addressOf(field.value.trim()));
  });

  return {
    /** Go back to the start, and wait until what the last page had to say is said. */
    leave() {
      open(data.start);
      return new Promise((resolve) => {
        frame.addEventListener("load", () => setTimeout(resolve, FLUSH_MS), { once: true });
      });
    },
  };
}
