// What the pages do beyond HTML: an order is followed live, and a form is sent once. Everything works without it.
"use strict";

function follow(place) {
  let seen = place.dataset.after;
  let pause = 1000; // milliseconds before asking again where the browser itself has given up
  const listen = () => {
    const source = new EventSource(`${place.dataset.follow}?after=${encodeURIComponent(seen)}`);
    source.addEventListener("order", (event) => {
      const order = JSON.parse(event.data);
      seen = String(order.version);
      pause = 1000;
      place.innerHTML = order.html; // our own template, which escapes what it is given
      if (order.final) {
        source.close();
        document.querySelectorAll("form[action$='/cancel']").forEach((form) => {
          form.hidden = order.state !== "CONFIRMED";
        });
      }
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, pause);
      pause = Math.min(pause * 2, 30000);
    });
  };
  listen();
}

function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true"));
  });
}

document.querySelectorAll("[data-follow]").forEach(follow);
document.querySelectorAll("form[data-once]").forEach(once);
// A page that the browser brings back with its back button is a page to be used again.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  });
});
