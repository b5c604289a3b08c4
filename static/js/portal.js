// Small comforts for readers with script. Every page works without this file.
(function () {
  "use strict";

  // Copy: <button data-copy="text" data-done="Copied" hidden>. Shown only when it can work.
  function offerCopying(root) {
    if (!navigator.clipboard) return;
    root.querySelectorAll("[data-copy][hidden]").forEach(function (button) { button.hidden = false; });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button && navigator.clipboard) {
      navigator.clipboard.writeText(button.dataset.copy).then(function () {
        var said = button.parentElement.querySelector("[role=status]");
        if (said) said.textContent = button.dataset.done;
      });
    }
    if (event.target.closest("[data-print]")) window.print();
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // Keys for those who go through many: <a data-key="n"> is pressed by Alt+N. Single letters would get in the way of other tools.
  document.addEventListener("keydown", function (event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || !/^Key[A-Z]$/.test(event.code)) return;
    var target = document.querySelector('[data-key="' + event.code.slice(3).toLowerCase() + '"]');
    if (!target) return;
    event.preventDefault();
    target.click();
  });

  // One box picks all rows of a table that can be picked: <input data-all hidden> in its head.
  document.querySelectorAll("input[data-all]").forEach(function (all) {
    var table = all.closest("table");
    all.hidden = false;
    function boxes() { return Array.from(table.querySelectorAll("tbody .check:not(:disabled)")); }
    function tell() {
      var list = boxes(), picked = list.filter(function (box) { return box.checked; }).length;
      all.checked = picked > 0 && picked === list.length;
      all.indeterminate = picked > 0 && picked < list.length;
      all.disabled = list.length === 0;
    }
    all.addEventListener("change", function () {
      boxes().forEach(function (box) { box.checked = all.checked; });
    });
    table.addEventListener("change", function (event) { if (event.target !== all) tell(); });
    window.addEventListener("pageshow", tell); // a browser may bring back what was ticked before
    tell();
  });

  // A form marked data-once is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.hasAttribute("data-once")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // A long list of check boxes can be searched: <div data-search="Search in projects">.
  function offerSearching(root) {
    root.querySelectorAll("[data-search]").forEach(function (list) {
      if (list.dataset.searched) return;
      list.dataset.searched = "1";
      var input = document.createElement("input");
      input.type = "search";
      input.className = "input picks-search";
      input.setAttribute("aria-label", list.dataset.search);
      input.placeholder = list.dataset.search;
      input.addEventListener("input", function () {
        var wanted = input.value.trim().toLowerCase();
        list.querySelectorAll(".choice").forEach(function (choice) {
          choice.hidden = wanted !== "" && choice.textContent.toLowerCase().indexOf(wanted) < 0;
        });
      });
      // Enter searches; it does not send the form.
      input.addEventListener("keydown", function (event) { if (event.key === "Enter") event.preventDefault(); });
      list.parentElement.insertBefore(input, list);
    });
  }

  // Whoever wants to choose sees what there is to choose from, and whoever chooses wants to.
  document.querySelectorAll("form[data-scope]").forEach(function (form) {
    var part = form.querySelector("#part-some");
    var some = form.querySelector("input[name=scope][value=some]");
    form.addEventListener("change", function (event) {
      if (event.target.name === "scope") part.open = some.checked;
      else if (part.contains(event.target)) some.checked = true;
    });
  });

  document.querySelectorAll("[data-print][hidden]").forEach(function (button) { button.hidden = false; });
  offerCopying(document);
  offerSearching(document);
  document.addEventListener("htmx:after:swap", function () {
    offerCopying(document);
    offerSearching(document);
  });

  var errors = document.querySelector(".errors");
  if (errors) errors.focus();
})();
