// Keeps ages true while the page is open, says when the page itself is older than it should be, lets keys and pointer walk
// through the days of a bar, and opens what an address points at. Everything that it shows is in the page without it.
"use strict";
{
  const page = document.documentElement.dataset;
  const made = Date.parse(page.made);
  const staleAfter = Number(page.staleAfter);
  const count = (number, unit) => `${number.toLocaleString("en")} ${unit}${number === 1 ? "" : "s"}`;
  const span = (seconds) => {
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    if (minutes < 120) return count(minutes, "minute");
    return hours < 48 ? count(hours, "hour") : count(Math.floor(hours / 24), "day");
  };
  const age = (seconds) => (seconds < 0 ? "in the future" : seconds < 60 ? "just now" : `${span(seconds)} ago`);
  const tick = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time:not([data-keep])")) {
      time.textContent = age((now - Date.parse(time.dateTime)) / 1000);
    }
    const old = document.getElementById("old");
    const seconds = (now - made) / 1000;
    old.hidden = seconds <= staleAfter;
    if (!old.hidden) {
      old.textContent = `This page was made ${age(seconds)} and should have been made again since. What it says may no longer hold.`;
    }
  };
  tick();
  setInterval(tick, 60000);

  // The row of a day is inside a fold: open it, and go there.
  const unfold = () => {
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = found && found.closest("details");
    if (!fold) return;
    fold.open = true;
    found.scrollIntoView({ block: "center" });
    found.focus({ preventScroll: true });
  };
  addEventListener("hashchange", unfold);
  unfold();

  // A bar is one stop of the keyboard: a slider over its days, whose text is the day's own. Enter and click open the day.
  const enhance = (bar) => {
    const days = [...bar.querySelectorAll("li")];
    const chosen = bar.querySelector(".chosen-day");
    const dial = document.createElement("div");
    let at = days.length - 1;
    const show = (number) => {
      days[at].classList.remove("on");
      at = Math.max(0, Math.min(days.length - 1, number));
      days[at].classList.add("on");
      chosen.textContent = days[at].textContent;
      dial.setAttribute("aria-valuenow", at);
      dial.setAttribute("aria-valuetext", days[at].textContent);
    };
    const rest = () => {
      days[at].classList.remove("on");
      chosen.textContent = "";
    };
    const open = () => {
      const day = new Date(Date.parse(bar.dataset.first) + at * 86400000).toISOString().slice(0, 10);
      location.href = bar.dataset.days + day;
    };
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -days.length, End: days.length };
    const attributes = { role: "slider", tabindex: 0, class: "dial", "aria-label": `Days of: ${bar.dataset.name}`, "aria-valuemin": 0, "aria-valuemax": at, title: "Enter or click opens the day" };
    for (const [name, value] of Object.entries(attributes)) dial.setAttribute(name, value);
    dial.addEventListener("keydown", (event) => {
      if (event.key === "Enter") open();
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      show(at + steps[event.key]);
    });
    dial.addEventListener("pointermove", (event) => {
      const box = dial.getBoundingClientRect();
      show(Math.floor(((event.clientX - box.left) / box.width) * days.length));
    });
    dial.addEventListener("click", open);
    dial.addEventListener("focus", () => show(at));
    dial.addEventListener("blur", rest);
    dial.addEventListener("pointerleave", () => document.activeElement === dial || rest());
    dial.setAttribute("aria-valuenow", at);
    dial.setAttribute("aria-valuetext", days[at].textContent);
    bar.prepend(dial);
  };
  document.querySelectorAll(".bar").forEach(enhance);
}
