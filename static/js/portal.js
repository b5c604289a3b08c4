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

  document.querySelectorAll("[data-print][hidden]").forEach(function (button) { button.hidden = false; });
  offerCopying(document);
  document.addEventListener("htmx:after:swap", function () { offerCopying(document); });

  var errors = document.querySelector(".errors");
  if (errors) errors.focus();
})();
