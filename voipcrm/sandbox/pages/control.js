// The page asks /control/state twice a second and shows it; every text goes in as text, never as markup.

const EVERY_MS = 700;
const ring = document.querySelector("#ring");
const answer = ring.querySelector("output");

const cell = (text, attributes = {}) => {
  const td = document.createElement("td");
  td.textContent = text;
  for (const [name, value] of Object.entries(attributes)) td.setAttribute(name, value);
  return td;
};

// Two lines on a narrow screen, but never in the middle of a number.
const ends = (from, to) => {
  const td = cell("");
  for (const text of [`${from || "unknown"} →`, to]) {
    const span = document.createElement("span");
    span.className = "number";
    span.textContent = text;
    td.append(span, " ");
  }
  return td;
};

const row = (...cells) => {
  const tr = document.createElement("tr");
  tr.append(...cells);
  return tr;
};

const fill = (id, rows, empty, columns) => {
  const body = document.getElementById(id);
  // A button that has the focus would lose it: wait until the person moves on.
  if (body.contains(document.activeElement)) return;
  body.replaceChildren(...(rows.length ? rows : [row(cell(empty, { colspan: columns }))]));
};

const clockTime = (iso) => new Date(iso).toLocaleTimeString();
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const place = (url) => { const { pathname, search } = new URL(url); return pathname + search; };

const post = async (path, content = {}) => {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(content) });
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.error ?? response.statusText);
  return reply;
};

const callRow = (call) => {
  const end = document.createElement("button");
  end.textContent = "End";
  end.setAttribute("aria-label", `End the call from ${call.from || "unknown"} to ${call.to}`);
  end.dataset.kind = "small";
  end.addEventListener("click", () => { end.blur(); post(`/control/calls/${call.sid}/hangup`).then(refresh, complain); });
  const action = cell("");
  action.append(end);
  const hears = call.far_end?.hears?.latest?.hz;
  const state = call.status + (call.conference ? ", conference" : "") + (hears ? `, hears ${Math.round(hears)} Hz` : "");
  return row(ends(call.from, call.to), cell(state), cell(minutes(call.seconds)), action);
};

const hookRow = (hook) => {
  const tries = hook.tries.map((one) => `${one.status || one.error} in ${one.ms} ms`).join(", ") || hook.state;
  const state = hook.state === "failed" ? "bad" : hook.state === "delivered" ? "good" : "open";
  return row(cell(clockTime(hook.at)), cell(hook.purpose), cell(`${hook.method} ${place(hook.url)}`, { class: "address" }),
    cell(tries, { "data-state": state }));
};

const errorRow = (one) => row(cell(clockTime(one.at)), cell(one.code, { "data-state": one.level === "error" ? "bad" : "" }),
  cell(one.message), cell(one.url ? place(one.url) : "", { class: "address" }));

const showNumbers = (numbers) => {
  const select = ring.elements.to;
  if (select.options.length === numbers.length) return;
  select.replaceChildren(...numbers.map(({ phone_number, friendly_name }) => new Option(
    friendly_name && friendly_name !== phone_number ? `${friendly_name}, ${phone_number}` : phone_number, phone_number)));
};

const show = (state) => {
  showNumbers(state.numbers);
  fill("calls", state.calls.filter((call) => call.live).map(callRow), "No calls", 4);
  fill("hooks", state.webhooks.recent.slice(0, 60).map(hookRow), "None yet", 4);
  fill("errors", state.notifications.slice(0, 30).map(errorRow), "Nothing went wrong", 4);
  const ready = state.devices.filter((device) => device.listening).map((device) => device.identity);
  document.querySelector("#devices").textContent = ready.length ? `Browsers taking calls: ${ready.join(", ")}` : "No browser is taking calls.";
  const clock = document.querySelector("#clock");
  clock.textContent = state.clock.lost > state.clock.ticks / 100 ? 'Running, but this machine is too busy for clean sound' : 'Running';
  clock.dataset.state = "well";
};

const complain = (error) => {
  answer.textContent = error.message;
  answer.dataset.state = "bad";
};

async function refresh() {
  try {
    const response = await fetch("/control/state?brief=1");
    show(await response.json());
  } catch {
    const clock = document.querySelector("#clock");
    clock.textContent = "The sandbox does not answer";
    clock.dataset.state = "lost";
  }
}

ring.addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = Object.fromEntries([...new FormData(ring)].filter(([, value]) => value !== ""));
  try {
    const { call_sid: sid } = await post("/control/ring", content);
    answer.textContent = `Ringing ${content.to}, call ${sid}`;
    answer.dataset.state = "good";
    await refresh();
  } catch (error) {
    complain(error);
  }
});

for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
}
