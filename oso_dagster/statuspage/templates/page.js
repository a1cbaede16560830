// Keeps ages true while the page is open, and says when the page itself is older than it should be. Nothing else needs script.
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
}
