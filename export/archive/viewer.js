// The viewer of an archive: pages, search and row details for the tables of the page that it belongs to. It works from
// a folder, where nothing can be fetched: rows come as scripts, each a call of offramp(key, text), where text is JSON.
// Whatever comes from the archive reaches the page as text only.
(function () {
  "use strict";

  const pageRows = 100;
  const shownLength = 200; // characters of a value in a table
  const longText = 20000; // characters of a value in its row's details, until the rest is asked for
  const firstColumns = 12; // shown before anybody chooses
  const keptHits = 1000000;
  const keptChunks = 3;
  const nonce = document.currentScript.nonce;
  const lang = document.documentElement.lang;
  const words = JSON.parse(document.getElementById("words:").textContent);

  // ---- words and elements

  // say fills a message: {name} stands for values[name].
  function say(id, values) {
    return words[id].replace(/\{(\w+)\}/g, (all, name) => (values && name in values ? String(values[name]) : all));
  }

  const number = (n) => n.toLocaleString(lang);

  // el makes an element. Attributes are set by name, listeners by a name that begins with on; children are text or elements.
  function el(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
      else if (typeof value === "boolean") e.toggleAttribute(name, value);
      else e.setAttribute(name, value);
    }
    e.append(...children);
    return e;
  }

  const button = (text, press, attributes) => el("button", { type: "button", onclick: press, ...attributes }, text);

  const isolate = (text) => "\u2068" + text + "\u2069";

  // Controls are not seen, and marks of direction turn what stands around them.
  const unseen = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const name = (c) => "[U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]";

  // visible makes text fit to be read: what is not seen is named.
  const visible = (text) => text.replace(/\r\n?/g, "\n").replace(unseen, name);

  // brief is visible on one line, and cut.
  function brief(text) {
    const start = visible(text.slice(0, 4 * shownLength)).replace(/\s/g, " ");
    const characters = Array.from(start);
    const whole = characters.length <= shownLength && text.length <= 4 * shownLength;
    return whole ? start : characters.slice(0, shownLength).join("") + "…";
  }

  // fold maps what a reader takes for the same to the same: case, width, compatibility forms.
  function fold(text) {
    if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
    return text.normalize("NFKC").toLowerCase().normalize("NFKC").replace(/ς/g, "σ").replace(/ß/g, "ss");
  }

  // A cell is null, a text, or [beginning, size] of a longer one.
  const textOf = (cell) => (Array.isArray(cell) ? cell[0] : cell === null ? "" : cell);

  // An instant is shown in the customer's time zone, as the portal's tables do: 2027-01-31 10:24:05. What no zone changes stays as it is.
  const clock = (() => {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    try { return new Intl.DateTimeFormat("en-GB", { timeZone: words.zone, ...parts }); } catch { return null; } // a zone that the browser lacks
  })();

  function local(text) {
    const m = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z$/.exec(text);
    const at = m && clock ? new Date(m[1] + "Z") : NaN;
    if (isNaN(at)) return text;
    const p = {};
    for (const part of clock.formatToParts(at)) p[part.type] = part.value;
    return p.year.padStart(4, "0") + "-" + p.month + "-" + p.day + " " + p.hour + ":" + p.minute + ":" + p.second + (m[2] || "");
  }

  const instant = (column) => column.type === "instant";

  // shownOf is what a cell shows.
  const shownOf = (column, cell) => (instant(column) ? local(textOf(cell)) : textOf(cell));

  // clockLike is what may be part of an instant as it is shown.
  const clockLike = /^[\d\-:. ]+$/;

  // has reports whether a cell has the needle, in the text of the files or as it is shown.
  const has = (column, cell, needle) => cell !== null
    && (fold(textOf(cell)).includes(needle) || instant(column) && clockLike.test(needle) && local(textOf(cell)).includes(needle));

  // pretty lays a JSON document out without reading it, so that no number loses a digit.
  function pretty(json) {
    const out = [];
    let depth = 0, before = "";
    const line = () => out.push("\n" + "  ".repeat(Math.min(depth, 40)));
    for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/g)) {
      const opened = before === "{" || before === "[", closes = token === "}" || token === "]";
      if (closes) depth--;
      if (opened !== closes && (opened || closes)) line();
      out.push(token === ":" ? ": " : token);
      if (token === "{" || token === "[") depth++;
      if (token === ",") line();
      before = token;
    }
    return out.join("");
  }

  // ---- loading

  const expected = new Map(); // key -> text, undefined until it has come
  const loading = new Map(); // key -> promise

  window.offramp = function (key, text) {
    if (expected.has(key)) expected.set(key, text);
  };

  // load reads one script of the archive. The script is dropped as soon as it has run.
  function load(key) {
    if (loading.has(key)) return loading.get(key);
    const promise = new Promise((resolve, reject) => {
      const script = el("script", { src: key + ".js" });
      script.nonce = nonce;
      const end = () => {
        const text = expected.get(key);
        expected.delete(key);
        loading.delete(key);
        script.remove();
        if (typeof text === "string") resolve(JSON.parse(text));
        else reject(new Error(key + ".js"));
      };
      script.addEventListener("load", end);
      script.addEventListener("error", end);
      expected.set(key, undefined);
      document.head.append(script);
    });
    loading.set(key, promise);
    return promise;
  }

  // Store gives a table's rows by their place, from 0, and keeps the last few chunks only.
  class Store {
    constructor(folder, index) {
      this.folder = folder;
      this.columns = index.columns;
      this.chunks = index.chunks;
      this.starts = [];
      this.size = 0;
      for (const rows of index.chunks) {
        this.starts.push(this.size);
        this.size += rows;
      }
      this.kept = new Map();
    }

    // chunk returns the rows of chunk i.
    async chunk(i, keep) {
      if (this.kept.has(i)) return this.kept.get(i);
      const rows = await load(this.folder + "/" + String(i + 1).padStart(4, "0"));
      if (keep) {
        this.kept.set(i, rows);
        if (this.kept.size > keptChunks) this.kept.delete(this.kept.keys().next().value);
      }
      return rows;
    }

    chunkOf(place) {
      let low = 0, high = this.starts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.starts[middle] <= place) low = middle;
        else high = middle - 1;
      }
      return low;
    }

    // rows returns [place, row] for each place, in turn.
    async rows(places) {
      const out = [];
      for (const place of places) {
        const i = this.chunkOf(place);
        const rows = await this.chunk(i, true);
        out.push([place, rows[place - this.starts[i]]]);
      }
      return out;
    }
  }

  // ---- one row, whole

  const details = el("dialog", { class: "details", "aria-labelledby": "details:" });
  document.body.append(details);
  details.addEventListener("close", () => details.replaceChildren());

  // showRow shows all values of a row. needle marks those that hold it.
  function showRow(table, place, row, needle) {
    const list = el("dl", {});
    table.store.columns.forEach((column, i) => {
      const cell = row[i + 1];
      list.append(el("dt", {}, el("bdi", {}, brief(column.name) || words.unnamed), " ", el("span", { class: "muted" }, table.typeOf(column))));
      list.append(el("dd", {}, ...value(column, cell, row, table)));
      if (needle && has(column, cell, needle)) list.lastChild.classList.add("found");
    });
    const close = () => (details.close ? details.close() : details.removeAttribute("open"));
    const actions = el("p", { class: "actions" }, button(words.close, close));
    if (table.only) actions.append(button(words.show, () => { close(); table.reveal(place); }));
    details.replaceChildren(
      el("h2", { id: "details:", tabindex: "-1" }, say("detail", { row: number(row[0]), title: isolate(table.title) })), actions, list);
    if (details.showModal) details.showModal();
    else details.setAttribute("open", "");
    details.scrollTop = 0;
    details.firstChild.focus();
  }

  // value returns the elements that show a whole value.
  function value(column, cell, row, table) {
    if (cell === null) return nothing();
    const link = table.linkOf(column, row);
    if (link) return [link];
    let text = textOf(cell);
    if (column.type === "json") text = pretty(text);
    if (instant(column)) {
      const shown = local(text);
      if (shown === text) return [el("pre", { dir: "auto" }, visible(text))];
      return [el("pre", { dir: "auto" }, shown + " (" + words.zoneName + ")"), el("p", { class: "muted" }, say("inFile", { text }))];
    }
    const box = el("pre", { dir: "auto" }, visible(text.slice(0, longText)));
    const out = [box];
    if (text.length > 1000) { // it may scroll, so the keyboard must reach it
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", brief(column.name) || words.unnamed);
    }
    if (text.length > longText) {
      const rest = button(say("rest", { count: number(text.length) }), () => { box.textContent = visible(text); box.focus(); rest.remove(); });
      out.push(rest);
    }
    if (Array.isArray(cell)) out.push(el("p", { class: "muted" }, say("cut", { size: number(cell[1]) })));
    return out;
  }

  const nothing = () => [el("span", { class: "muted", "aria-hidden": "true" }, "--"), el("span", { class: "vh" }, words.null)];

  // holds reports whether one of a row's columns has the needle.
  function holds(row, columns, needle) {
    return columns.some((column, i) => has(column, row[i + 1], needle));
  }

  // ---- a table

  let tables = 0;

  class Table {
    constructor(host) {
      this.host = host;
      this.id = "t:" + ++tables;
      this.folder = host.dataset.browse;
      this.title = host.dataset.title;
      this.files = "files" in host.dataset; // the first column's values are files, with links
      this.page = 0;
      this.only = false; // only rows found
      this.needle = "";
      this.hits = []; // places
      this.found = 0;
      this.hit = -1; // the current one of hits
      this.turn = 0; // of drawing; a later one makes an earlier one void
      this.run = 0; // of searching
    }

    async start() {
      try {
        this.store = new Store(this.folder, await load(this.folder + "/index"));
        this.shown = this.store.columns.map((_, i) => i < firstColumns);
        this.build();
        await this.draw();
        this.host.querySelectorAll(":scope > .still").forEach((e) => { e.hidden = true; });
      } catch (error) {
        this.failed(error);
      }
    }

    failed(error) {
      if (!this.trouble) this.host.prepend((this.trouble = el("p", { class: "state state--missing", role: "alert" })));
      this.trouble.textContent = say("failed", { path: error.message });
    }

    typeOf(column) { return words["type." + column.type] || brief(column.type); }

    // ---- its parts

    build() {
      this.region = el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": say("table", { title: isolate(this.title) }) });
      this.pagers = [this.pager(words.top), this.pager(words.bottom)];
      const parts = [this.searchForm(), this.pagers[0].nav, this.region, this.pagers[1].nav];
      if (this.store.columns.length > 1) parts.splice(1, 0, this.columnChoice());
      this.live = el("div", { class: "browse" }, ...parts);
      this.host.append(this.live);
    }

    searchForm() {
      const id = this.id + ":q";
      this.query = el("input", { type: "search", id, autocomplete: "off", spellcheck: "false", oninput: () => this.soon() });
      this.said = el("p", { role: "status" });
      this.bar = el("progress", { max: "100", value: "0", "aria-label": words.progress });
      this.going = el("p", { class: "going", hidden: true }, this.bar, " ", button(words.stop, () => this.stop()));
      this.back = button(words.previousHit, () => this.go(this.hit - 1));
      this.next = button(words.nextHit, () => this.go(this.hit + 1));
      this.filter = el("input", { type: "checkbox", id: id + ":only", onchange: () => this.turnFilter() });
      this.tools = el("p", { class: "tools", hidden: true }, this.back, this.next,
        el("span", { class: "choice" }, this.filter, el("label", { for: id + ":only" }, words.only)));
      const field = el("p", { class: "field" }, el("label", { for: id }, say("search", { title: isolate(this.title) })), this.query, el("button", { type: "submit" }, words.find));
      const form = el("form", { role: "search", "aria-label": say("search", { title: isolate(this.title) }) }, field, this.going, this.said, this.tools);
      form.addEventListener("submit", (event) => { event.preventDefault(); this.search(true); });
      return form;
    }

    columnChoice() {
      const summary = el("summary", {});
      const boxes = this.store.columns.map((column, i) => {
        const id = this.id + ":c" + i;
        const box = el("input", { type: "checkbox", id, onchange: () => { this.shown[i] = box.checked; tell(); this.draw(); } });
        return [box, el("span", { class: "choice" }, box, el("label", { for: id }, el("bdi", {}, brief(column.name) || words.unnamed)))];
      });
      const tell = () => {
        boxes.forEach(([box], i) => { box.checked = this.shown[i]; });
        summary.textContent = say("columns", { shown: number(this.shown.filter(Boolean).length), count: number(this.shown.length) });
      };
      const all = (on) => () => { this.shown.fill(on); tell(); this.draw(); };
      tell();
      return el("details", { class: "chooser" }, summary,
        el("p", { class: "actions" }, button(words.allColumns, all(true)), button(words.noColumn, all(false))),
        el("div", { class: "choices", role: "group", "aria-label": words.columnChoice }, ...boxes.map(([, e]) => e)));
    }

    pager(label) {
      const id = this.id + ":" + label;
      const p = {
        field: el("input", { type: "text", inputmode: "numeric", id, size: "7", autocomplete: "off" }),
        of: el("span", {}), range: el("span", { class: "muted" }),
        first: button(words.first, () => this.turnTo(0)), previous: button(words.previous, () => this.turnTo(this.page - 1)),
        next: button(words.next, () => this.turnTo(this.page + 1)), last: button(words.last, () => this.turnTo(this.pages() - 1)),
      };
      const jump = el("form", { class: "jump" }, el("label", { for: id }, words.page), p.field, p.of);
      const go = () => this.turnTo(parseInt(p.field.value.normalize("NFKC").replace(/\D/g, ""), 10) - 1);
      jump.addEventListener("submit", (event) => { event.preventDefault(); go(); });
      p.field.addEventListener("change", go);
      p.nav = el("nav", { class: "pager", "aria-label": say("pages", { title: isolate(this.title), place: label }) },
        p.first, p.previous, jump, p.next, p.last, p.range);
      return p;
    }

    // ---- its pages

    count() { return this.only ? this.hits.length : this.store.size; }

    pages() { return Math.max(1, Math.ceil(this.count() / pageRows)); }

    turnTo(page) {
      this.page = Number.isInteger(page) ? Math.min(Math.max(page, 0), this.pages() - 1) : this.page;
      this.region.scrollTop = 0;
      return this.draw();
    }

    // places are those of the rows of the current page.
    places() {
      const from = this.page * pageRows;
      if (this.only) return this.hits.slice(from, from + pageRows);
      return Array.from({ length: Math.max(0, Math.min(pageRows, this.store.size - from)) }, (_, i) => from + i);
    }

    async draw() {
      const turn = ++this.turn;
      const places = this.places();
      this.region.setAttribute("aria-busy", "true");
      this.drawPagers(places.length);
      let rows;
      try {
        rows = await this.store.rows(places);
      } catch (error) {
        this.failed(error);
        return;
      }
      if (turn !== this.turn) return; // there is a later one
      this.drawn = this.only ? places.length : -1;
      this.region.replaceChildren(rows.length ? this.tableOf(rows) : el("p", { class: "empty" }, this.only ? words.noHit : words.noRow));
      this.region.removeAttribute("aria-busy");
    }

    drawPagers(rows) {
      const from = this.page * pageRows, pages = this.pages();
      for (const p of this.pagers) {
        p.field.value = this.page + 1;
        p.of.textContent = say("of", { pages: number(pages) });
        p.range.textContent = rows ? say(this.only ? "rangeFound" : "range", { from: number(from + 1), to: number(from + rows), count: number(this.count()) }) : "";
        for (const [b, off] of [[p.first, !this.page], [p.previous, !this.page], [p.next, this.page >= pages - 1], [p.last, this.page >= pages - 1]]) {
          b.setAttribute("aria-disabled", String(off)); // it keeps the focus, unlike a disabled one
        }
      }
      this.pagers[1].nav.hidden = rows < 20;
    }

    tableOf(rows) {
      const columns = this.store.columns.map((c, i) => [c, i]).filter(([, i]) => this.shown[i]);
      const head = el("tr", {}, el("th", { scope: "col", class: "num" }, words.row));
      for (const [column] of columns) {
        const zone = instant(column) ? [" ", el("span", { class: "muted" }, words.zoneName)] : [];
        head.append(el("th", { scope: "col", class: this.align(column) }, el("bdi", {}, brief(column.name) || words.unnamed), ...zone));
      }
      const body = el("tbody", {});
      for (const [place, row] of rows) body.append(this.line(place, row, columns));
      return el("table", {}, el("thead", {}, head), body);
    }

    align(column) { return column.type === "integer" || column.type === "number" || column.type === "size" ? "num" : ""; }

    line(place, row, columns) {
      const open = button(number(row[0]), () => showRow(this, place, row, this.needle), { class: "open", "aria-label": say("open", { row: number(row[0]) }) });
      const tr = el("tr", { "data-place": place }, el("th", { scope: "row", class: "num" }, open));
      let found = false;
      for (const [column, i] of columns) {
        const cell = row[i + 1], td = el("td", { class: this.align(column) });
        const holds = this.needle && has(column, cell, this.needle);
        found = found || holds;
        if (cell === null) td.append(...nothing());
        else td.append(this.linkOf(column, row) || el(holds ? "mark" : "bdi", holds ? { dir: "auto" } : {}, brief(shownOf(column, cell))));
        tr.append(td);
      }
      if (found) tr.className = "found";
      if (place === this.hits[this.hit]) tr.setAttribute("aria-current", "true");
      return tr;
    }

    // linkOf links a file of the archive. The archive's own writer decided which files may have a link; this only makes
    // sure that it leads into the folder.
    linkOf(column, row) {
      const href = this.files && column.type === "file" ? row[this.store.columns.length + 1] : null;
      if (typeof href !== "string" || !/^attachments\/[^?#]+$/.test(href) || href.split("/").includes("..")) return null;
      return el("a", { href }, el("bdi", {}, brief(textOf(row[1])) || words.unnamed));
    }

    // ---- searching

    // soon searches when typing has paused.
    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), 350); // milliseconds
    }

    stop() {
      clearTimeout(this.timer);
      if (this.going.hidden) return;
      this.run++;
      this.going.hidden = true;
      this.said.textContent = say("stopped", { percent: this.bar.value, count: number(this.found) });
      this.query.focus();
    }

    clear() {
      this.run++;
      this.needle = this.query.value ? fold(this.query.value) : "";
      this.hits = [];
      this.found = 0;
      this.hit = -1;
      this.drawn = 0;
      this.said.textContent = "";
      this.going.hidden = !this.needle;
      this.tools.hidden = !this.needle;
      if (!this.needle) this.filter.checked = this.only = false;
      if (this.only || !this.needle) this.page = 0;
      this.bar.value = 0;
    }

    // search goes through all chunks in turn. Each comes as a script of its own, so the page answers between two of them.
    // To ask for the same again leads to the next row found.
    async search(asked) {
      clearTimeout(this.timer);
      if (this.needle && this.needle === fold(this.query.value)) {
        if (asked && this.done === this.run) this.go(this.hit + 1);
        return;
      }
      this.clear();
      const run = this.run;
      this.done = -1;
      this.draw();
      if (!this.needle) return;
      try {
        for (let i = 0; i < this.store.chunks.length; i++) {
          const rows = await this.store.chunk(i, false);
          await pause();
          if (run !== this.run) return;
          this.look(rows, this.store.starts[i]);
          this.bar.value = Math.floor((100 * (i + 1)) / this.store.chunks.length);
          if (this.only && this.drawn < pageRows && this.hits.length > this.drawn) this.draw();
        }
      } catch (error) {
        this.going.hidden = true;
        this.failed(error);
        return;
      }
      this.done = run;
      this.going.hidden = true;
      this.said.textContent = say(this.found ? "found" : "none", { count: number(this.found) }) +
        (this.found > keptHits ? " " + say("limit", { count: number(keptHits) }) : "");
      this.drawPagers(this.places().length);
    }

    look(rows, start) {
      for (let r = 0; r < rows.length; r++) {
        if (holds(rows[r], this.store.columns, this.needle) && this.found++ < keptHits) this.hits.push(start + r);
      }
    }

    turnFilter() {
      this.only = this.filter.checked;
      this.page = 0;
      if (!this.only && this.hit >= 0) this.page = Math.floor(this.hits[this.hit] / pageRows);
      this.draw();
    }

    // go leads to a row found, on its page.
    async go(hit) {
      if (!this.hits.length) return;
      this.hit = (hit + this.hits.length) % this.hits.length;
      await this.turnTo(Math.floor((this.only ? this.hit : this.hits[this.hit]) / pageRows));
      const line = this.region.querySelector("[aria-current]");
      if (line) line.scrollIntoView({ block: "nearest" });
      this.said.textContent = say("hit", { number: number(this.hit + 1), count: number(this.found), row: line ? line.querySelector("button").textContent : "" });
    }

    // reveal shows a row among its neighbours.
    async reveal(place) {
      this.only = this.filter.checked = false;
      this.hit = this.hits.indexOf(place);
      await this.turnTo(Math.floor(place / pageRows));
      const open = this.region.querySelector('[data-place="' + place + '"] button');
      if (open) open.focus();
    }
  }

  // pause lets the page answer.
  const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

  // ---- all tables of the page

  const shown = new Map(); // host -> table that is shown, or about to be

  // tableAt begins to show a table, once.
  function tableAt(host) {
    if (!shown.has(host)) {
      const table = new Table(host);
      shown.set(host, table);
      table.ready = table.start();
    }
    return shown.get(host);
  }

  // Everywhere searches one table after the other without showing any, and keeps how many rows of each were found only.
  class Everywhere {
    constructor(hosts) {
      this.hosts = hosts;
      this.run = 0;
    }

    build() {
      this.query = el("input", { type: "search", id: "all:q", autocomplete: "off", spellcheck: "false" });
      this.said = el("p", { role: "status" });
      this.bar = el("progress", { max: "100", value: "0", "aria-label": words.progress });
      this.going = el("p", { class: "going", hidden: true }, this.bar, " ", button(words.stop, () => this.stop()));
      this.list = el("ul", { class: "list" });
      const field = el("p", { class: "field" }, el("label", { for: "all:q" }, words.everywhereText), this.query, el("button", { type: "submit" }, words.find));
      const form = el("form", { role: "search", "aria-label": words.everywhere }, field, this.going, this.said);
      form.addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
      return el("section", { class: "everywhere", "aria-labelledby": "all:" }, el("h2", { id: "all:" }, words.everywhere), form, this.list);
    }

    stop() {
      if (this.going.hidden) return;
      this.run++;
      this.going.hidden = true;
      this.said.textContent = say("stopped", { percent: this.bar.value, count: number(this.found) });
      this.query.focus();
    }

    async search() {
      const run = ++this.run, needle = fold(this.query.value), text = this.query.value;
      this.found = 0;
      this.bar.value = 0;
      this.said.textContent = "";
      this.list.replaceChildren();
      this.going.hidden = !needle;
      if (!needle) return;
      let hit = 0;
      for (const [i, host] of this.hosts.entries()) {
        let found = 0;
        try {
          found = await this.count(host, needle, run, i);
        } catch (error) {
          this.list.append(el("li", { class: "state state--missing" }, say("failed", { path: error.message })));
        }
        if (run !== this.run) return;
        if (!found) continue;
        hit++;
        const title = isolate(host.dataset.title);
        this.list.append(el("li", {}, button(say("foundIn", { title, count: number(found) }), () => this.lead(host, text))));
      }
      this.going.hidden = true;
      this.said.textContent = hit ? say("foundAll", { count: number(this.found), shown: number(hit), number: number(this.hosts.length) }) : words.none;
    }

    // count goes through a table's chunks and keeps none of them.
    async count(host, needle, run, place) {
      const store = new Store(host.dataset.browse, await load(host.dataset.browse + "/index"));
      let found = 0;
      for (let i = 0; i < store.chunks.length; i++) {
        const rows = await store.chunk(i, false);
        await pause();
        if (run !== this.run) return 0;
        for (const row of rows) {
          if (holds(row, store.columns, needle)) found++, this.found++;
        }
        this.bar.value = Math.floor((100 * (place + (i + 1) / store.chunks.length)) / this.hosts.length);
      }
      return found;
    }

    // lead shows what was found in a table, there.
    async lead(host, text) {
      const table = tableAt(host);
      await table.ready;
      host.scrollIntoView();
      if (!table.query) return; // it says itself what is missing
      table.query.value = text;
      await table.search();
      table.query.focus({ preventScroll: true });
      await table.go(0);
    }
  }

  // ---- the page

  // A table is read when it comes near, so that an archive of many opens at once.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      tableAt(entry.target);
    }
  }, { rootMargin: "600px" });
  const hosts = [...document.querySelectorAll("[data-browse]")];
  if (hosts.length > 1) document.querySelector("main > section").before(new Everywhere(hosts).build());
  hosts.forEach((host) => near.observe(host));
})();
