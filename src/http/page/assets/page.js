// Improves pages that work without it: pieces that take long arrive later, and jobs are followed while they run.
"use strict";

/** Replaces what is inside of an element by a piece of a page. */
async function load(element, path) {
  element.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(path, { headers: { "X-Piece": "1" }, redirect: "error" });
    if (answer.ok) {
      element.innerHTML = await answer.text();
    }
  } catch {
    // What stands there leads to the same.
  } finally {
    element.removeAttribute("aria-busy");
  }
}

const SVG = "http://www.w3.org/2000/svg";

function draw(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  if (text) {
    element.textContent = text;
  }
  parent.append(element);
}

/** Draws the best period and the bound over time: steps that close in on one another. */
function convergence(parent, points, last) {
  const [width, height, margin] = [720, 240, 40];
  const values = points.flatMap((point) => [point.period, point.bound]).filter((value) => value > 0);
  if (values.length === 0 || last <= 0) {
    return;
  }
  const high = Math.max(...values) * 1.05;
  const x = (time) => margin / 2 + (time / last) * (width - 1.5 * margin);
  const y = (value) => height - margin - (value / high) * (height - 2 * margin);
  const chart = document.createElementNS(SVG, "svg");
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("class", "chart");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", "The best period and the proven bound over time; the figures stand above");
  draw(chart, "path", { class: "axis", d: `M${margin / 2} ${margin}V${height - margin}H${width - margin / 2}` });
  for (const [member, kind] of [["period", "incumbent"], ["bound", "bound"]]) {
    const steps = points.filter((point) => point[member] > 0);
    if (steps.length === 0) {
      continue;
    }
    let path = `M${x(steps[0].time).toFixed(1)} ${y(steps[0][member]).toFixed(1)}`;
    for (const point of steps.slice(1)) {
      path += `H${x(point.time).toFixed(1)}V${y(point[member]).toFixed(1)}`;
    }
    draw(chart, "path", { class: kind, d: `${path}H${x(last).toFixed(1)}` });
    draw(chart, "circle", { class: `end ${kind}`, cx: x(last).toFixed(1), cy: y(steps[steps.length - 1][member]).toFixed(1), r: 5 });
  }
  draw(chart, "text", { x: margin / 2, y: 8, class: "hanging" }, `period, 0 to ${high.toPrecision(2)} s`);
  draw(chart, "text", { x: width - margin / 2, y: height - 10, "text-anchor": "end" }, `time, 0 to ${last.toPrecision(3)} s`);
  parent.replaceChildren(chart);
  parent.closest("section").hidden = false;
}

/** Follows a job until it ends. */
function follow(element) {
  const path = `/ui/jobs/${element.dataset.job}`;
  const events = new EventSource(`${path}/events`);
  const points = [];
  let began;
  const show = async () => {
    await load(element, path);
    const elapsed = element.querySelector("[data-elapsed]")?.dataset.elapsed;
    began = elapsed && performance.now() - 1000 * elapsed;
  };
  const redraw = (time) => convergence(document.getElementById("convergence"), points, time);
  const heard = (event) => {
    const progress = JSON.parse(event.data).progress;
    if (progress) {
      points.push({ time: progress.elapsed_s, period: progress.period_s, bound: progress.lower_bound_s });
      redraw(progress.elapsed_s);
    }
    show();
  };
  // Time passes while nothing better is found.
  const clock = setInterval(() => {
    if (began && points.length > 0) {
      const time = (performance.now() - began) / 1000;
      redraw(Math.max(time, points[points.length - 1].time));
      const figure = element.querySelector("[data-elapsed]");
      if (figure) {
        figure.textContent = `${Math.round(time)} s`;
      }
    }
  }, 1000);
  for (const kind of ["queued", "started", "incumbent", "bound"]) {
    events.addEventListener(kind, heard);
  }
  events.addEventListener("finished", (event) => {
    clearInterval(clock);
    events.close();
    heard(event);
  });
}

/** Sends a form with files and puts the page of the answer here, so that the files stay chosen. */
function keepFiles(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const files = [...form.querySelectorAll("input[type=file]")].map((input) => [input.id, input.files]);
    form.setAttribute("aria-busy", "true");
    let answer;
    try {
      answer = await fetch(form.getAttribute("action"), { method: "POST", body: new FormData(form, event.submitter) });
      if (answer.redirected) {
        location.assign(answer.url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(page.querySelector("main"));
    } catch {
      // As a browser does it by itself.
      form.removeAttribute("aria-busy");
      HTMLFormElement.prototype.submit.call(form);
      return;
    }
    for (const [id, chosen] of files) {
      const input = document.getElementById(id);
      if (input && chosen.length > 0) {
        input.files = chosen;
      }
    }
    for (const again of document.querySelectorAll("[data-keep-files]")) {
      keepFiles(again);
    }
    const told = document.querySelector("main [role=alert], main [role=status]");
    told?.setAttribute("tabindex", "-1");
    told?.focus();
    scrollTo(0, 0);
  });
}

/** Sends a form when something in it changes, and puts the answer where the form says. The address follows. */
function live(form) {
  const target = document.querySelector(form.dataset.live);
  let waiting;
  let number = 0;
  const failed = () => {
    target.textContent = "It was not evaluated. Press Evaluate.";
  };
  form.addEventListener("input", () => {
    // What was evaluated before is no longer what the fields say.
    target.querySelector("form.save")?.remove();
    for (const help of form.querySelectorAll(".cut .help")) {
      help.textContent = "";
    }
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      number += 1;
      const mine = number;
      const path = `${form.action}?${new URLSearchParams(new FormData(form))}`;
      target.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(path, { headers: { "X-Piece": "1" }, redirect: "error" });
        const text = await answer.text();
        // Only the newest answer counts.
        if (answer.ok && mine === number) {
          target.innerHTML = text;
          history.replaceState(null, "", path);
        } else if (mine === number) {
          failed();
        }
      } catch {
        if (mine === number) {
          failed();
        }
      } finally {
        if (mine === number) {
          target.removeAttribute("aria-busy");
        }
      }
    }, 200);
  });
}

for (const element of document.querySelectorAll("[data-load]")) {
  load(element, element.dataset.load);
}
for (const form of document.querySelectorAll("[data-live]")) {
  live(form);
}
for (const form of document.querySelectorAll("[data-keep-files]")) {
  keepFiles(form);
}
for (const element of document.querySelectorAll("[data-job]")) {
  follow(element);
}
