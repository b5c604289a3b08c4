// Checks downloaded volumes of an export in the reader's own browser. Nothing is uploaded: the only request is for what
// the volumes must be.
//
// The page has
//
//   <section data-check data-volumes="/exports/1/volumes.json" data-words='{"whole":"...", ...}'>
//     <p data-check-unable hidden>          what to do where the browser cannot check
//     <div data-check-form hidden>
//       <input type="file" multiple>
//       <div data-check-going hidden> <p>   which file is read, how far
//                                     <progress max="100">
//                                     <button type="button">  stops
//       <p role="status">                   the outcome in a sentence
//       <dl data-check-result>              an entry for each volume, and for each file that is none
//
// and at data-volumes this is found:
//
//   {"export":"EX-10001","slice":8388608,"volumes":[{"number":1,"name":"x.zip","size":123,"slices":["<SHA-256>", ...]}]}
//
// where a slice is so many bytes of the volume, the last one what is left. Files are told by what is in them, not by
// their names. The words' placeholders are {name}, {number}, {count}, {done}, {size}, {percent}, {from}, {to}, {ranges}.
// When a check has ended, data-outcome of the section is whole, incomplete or stopped, and the section sends the event
// "checked". Where a chosen file is not what it must be, the section has data-damage as well, the entry is marked so, and
// of the page what has data-check-damaged is shown and what has data-check-sound is not, until a later check finds none.
(function () {
  "use strict";

  const maxRanges = 5; // of damage that are spelled out for a file

  for (const section of document.querySelectorAll("[data-check]")) start(section);

  function start(section) {
    const words = JSON.parse(section.dataset.words);
    const lang = document.documentElement.lang;
    const find = (css) => section.querySelector(css);
    const form = find("[data-check-form]"), going = find("[data-check-going]"), result = find("[data-check-result]");
    const input = find("input[type=file]"), status = find("[role=status]"), bar = find("progress");
    // Browsers give crypto.subtle to secure pages only: https, or this machine itself.
    // Source: W3C Web Cryptography Level 2, 10 (SecureContext).
    if (!window.crypto || !window.crypto.subtle || !window.File || !File.prototype.arrayBuffer) {
      find("[data-check-unable]").hidden = false;
      return;
    }
    form.hidden = false;
    let run = 0; // a later choice makes an earlier one void
    let list; // what the volumes must be, once it has come

    const number = (n) => n.toLocaleString(lang);
    const say = (id, values) => words[id].replace(/\{(\w+)\}/g, (all, name) => (values && name in values ? values[name] : all));
    const isolate = (text) => "\u2068" + text.slice(0, 200) + "\u2069";

    input.addEventListener("change", check);
    going.querySelector("button").addEventListener("click", () => {
      end("stopped", words.stopped);
      input.focus();
    });
    // Nothing else may happen to a file that misses the field.
    for (const kind of ["dragover", "drop"]) section.addEventListener(kind, (event) => { if (event.target !== input) event.preventDefault(); });

    async function check() {
      const mine = ++run, files = [...input.files];
      result.replaceChildren();
      delete section.dataset.outcome;
      mark(false);
      if (!files.length) return;
      going.hidden = false;
      status.textContent = "";
      bar.value = 0;
      const reports = [];
      try {
        list = list || (await volumes(section.dataset.volumes));
      } catch {
        if (mine === run) end("stopped", words.unavailable);
        return;
      }
      const total = files.reduce((sum, f) => sum + f.size, 0);
      let before = 0;
      for (const file of files) {
        const report = await read(file, list, (done) => {
          if (mine !== run) return false;
          tell(file, done, before, total);
          return true;
        });
        if (mine !== run) return;
        reports.push(report);
        before += file.size;
        show(reports);
      }
      conclude(reports);
    }

    function tell(file, done, before, total) {
      bar.value = total ? Math.floor((100 * (before + done)) / total) : 100;
      going.querySelector("p").textContent = say("reading", { name: isolate(file.name), done: number(done), size: number(file.size), percent: number(bar.value) });
    }

    function end(outcome, text) {
      run++;
      if (outcome === "stopped") input.value = ""; // so that the same files can be chosen again
      going.hidden = true;
      section.dataset.outcome = outcome;
      status.textContent = text;
      section.dispatchEvent(new CustomEvent("checked", { bubbles: true, detail: { outcome } }));
    }

    // mark tells the whole page whether a file is damaged, so that nothing offers to confirm it.
    function mark(damaged) {
      section.toggleAttribute("data-damage", damaged);
      status.classList.toggle("check__bad", damaged);
      for (const e of document.querySelectorAll("[data-check-damaged]")) e.hidden = !damaged;
      for (const e of document.querySelectorAll("[data-check-sound]")) e.hidden = damaged;
    }

    // ---- what came of it

    function conclude(reports) {
      show(reports, true);
      const whole = list.volumes.filter((v) => reports.some((r) => r.volume === v && r.whole)).length;
      const all = whole === list.volumes.length;
      mark(!all && list.volumes.some((v) => reports.some((r) => r.volume === v) && !reports.some((r) => r.volume === v && r.whole)));
      end(all ? "whole" : "incomplete", say(all ? (whole > 1 ? "allWhole" : "oneWhole") : "someWhole", { number: number(whole), count: number(list.volumes.length) }));
    }

    // show lists each volume, then the files that are none of them.
    function show(reports, done) {
      result.replaceChildren();
      for (const volume of list.volumes) {
        const about = reports.filter((r) => r.volume === volume);
        const best = about.find((r) => r.whole) || about[0];
        if (!best && !done) continue;
        entry(say("volume", { number: number(volume.number), name: isolate(volume.name) }), best ? best.lines(say, number) : [words.missing], best && !best.whole);
      }
      for (const r of reports) {
        if (!r.volume) entry(isolate(r.file.name), [r.unreadable ? words.unreadable : words.foreign]);
      }
    }

    function entry(name, lines, bad) {
      const row = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = name;
      for (const line of lines) dd.append(Object.assign(document.createElement("p"), { textContent: line }));
      dd.classList.toggle("check__bad", Boolean(bad));
      row.append(dt, dd);
      result.append(row);
    }
  }

  // volumes asks what the volumes must be.
  async function volumes(url) {
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const list = await answer.json();
    if (!(list.slice > 0) || !Array.isArray(list.volumes) || !list.volumes.length) throw new Error("no list of volumes");
    return list;
  }

  // read hashes a file slice by slice, so that its size does not matter, and finds the volume that it is most like.
  // going is told the bytes done and says whether to go on.
  async function read(file, list, going) {
    const like = list.volumes.map((volume) => ({ volume, bad: [], good: 0 }));
    try {
      let next = digest(file, 0, list.slice);
      for (let at = 0, i = 0; at < file.size; i++) {
        const hash = await next;
        const to = Math.min(at + list.slice, file.size);
        if (to < file.size) next = digest(file, to, list.slice); // the next is read while the page is told
        for (const l of like) {
          if (l.volume.slices[i] === hash) l.good++;
          else l.bad.push(i);
        }
        at = to;
        if (going(at)) continue;
        next.catch(() => {}); // nobody waits for it any more
        return null;
      }
    } catch {
      return { file, unreadable: true };
    }
    return judge(file, list.slice, like);
  }

  async function digest(file, from, length) {
    const bytes = await file.slice(from, from + length).arrayBuffer();
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(sum, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  // judge tells which volume a file is. Where not one slice is as it should be, only its size or its name can tell.
  function judge(file, slice, like) {
    const weight = (l) => 4 * l.good + (l.volume.size === file.size ? 2 : 0) + (plain(l.volume.name) === plain(file.name) ? 1 : 0);
    const best = like.reduce((a, b) => (weight(b) > weight(a) ? b : a));
    if (weight(best) === 0 || file.size === 0) return { file };
    const size = best.volume.size;
    // The slice in which the shorter of the two ends cannot be compared when the other goes on.
    const edge = file.size === size ? -1 : Math.floor(Math.min(file.size, size) / slice);
    const bad = best.good ? best.bad.filter((i) => i * slice < size && i !== edge) : edge === 0 ? [] : [0];
    const whole = !bad.length && file.size === size && best.good === best.volume.slices.length;
    return { file, volume: best.volume, whole, lines: (say, number) => lines(say, number, whole, best.good ? ranges(bad, slice, Math.min(size, file.size)) : everything(bad, file), file, size) };
  }

  const everything = (bad, file) => (bad.length ? [[0, file.size - 1]] : []);

  // plain is a name without what browsers add to a second download.
  function plain(name) { return name.toLowerCase().replace(/ ?\(\d+\)(?=\.[^.]*$)/, ""); }

  // ranges joins neighbouring slices to bytes from and to.
  function ranges(bad, slice, size) {
    const out = [];
    for (const i of bad) {
      const from = i * slice, to = Math.min(from + slice, size) - 1, last = out[out.length - 1];
      if (last && last[1] + 1 === from) last[1] = to;
      else out.push([from, to]);
    }
    return out;
  }

  // lines say what is wrong with a volume, or that it is whole.
  function lines(say, number, whole, damage, file, size) {
    if (whole) return [say("whole", { size: number(size) })];
    const out = [];
    if (damage.length) {
      const named = damage.slice(0, maxRanges).map(([from, to]) => say("range", { from: number(from), to: number(to) }));
      out.push(say(damage.length > maxRanges ? "damagedMore" : "damaged", { ranges: named.reduce((from, to) => say("and", { from, to })), count: number(damage.length - maxRanges) }));
    }
    if (file.size < size) out.push(say("cut", { done: number(file.size), size: number(size) }));
    if (file.size > size) out.push(say("longer", { count: number(file.size - size), size: number(size) }));
    if (!out.length) out.push(say("damaged", { ranges: say("range", { from: number(0), to: number(size - 1) }) }));
    out.push(say("again"));
    return out;
  }
})();
