// What people do on the page, from signing in to signing out. Fails at the first thing that is not as it should be.
import assert from "node:assert/strict";
import { apiOf, close, explained, key, look as lookAt, reach as reachOn, refused, stranger, url, views, visitorOf } from "./browser.js";
import { hostileNames } from "./hostile_names.js";
import { cluster, model } from "./inputs.js";
import { keyboardAlone } from "./keyboard.js";
import { withoutScripts } from "./without_scripts.js";

const began = Date.now();
const page = await stranger();
const api = apiOf(page, key);
const look = (name) => lookAt(page, name);
const reach = (name) => reachOn(page, name);
const open = (path) => page.goto(`${url}${path}`);
/** Says how long a part took. */
async function timed(name, part) {
  const start = Date.now();
  await part();
  console.log(`${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
}
const heading = () => page.locator("h1").innerText();

// Signing in, with the keyboard.
await open("/");
assert.match(page.url(), /\/ui\/sign-in/);
await look("sign-in");
await open("/");
await refused(async () => {
  await page.keyboard.type("cpk_wrong");
  await page.keyboard.press("Enter");
  await page.locator("#key-fault").waitFor();
});
await page.locator("#key").fill(key);
await page.keyboard.press("Enter");
await page.waitForURL(`${url}/ui/`);
await look("first-visit");

// The example, with the keyboard.
await reach("Plan ResNet50 on five devices");
await page.keyboard.press("Enter");
await page.waitForURL(/\/ui\/(placements|jobs)\//);
if (page.url().includes("/jobs/")) {
  await page.getByRole("link", { name: "See the placement" }).click({ timeout: 60_000 });
}
await explained(page);
const example = new URL(page.url()).pathname;
assert.match(await heading(), /ResNet50 on radio-5/);
await look("placement");
for (const format of ["svg", "dot", "cuts"]) {
  const file = await page.request.get(`${url}${example}/export?format=${format}`);
  assert.equal(file.status(), 200);
  assert.match(file.headers()["content-security-policy"], /sandbox/);
}

const addresses = encodeURIComponent("node-02=10.0.0.2:7101, node-03=10.0.0.3:7101");
for (const format of ["kubernetes", "nomad", "compose"]) {
  const file = await page.request.get(`${url}${example}/export?format=${format}&image=runner:1&addresses=${addresses}`);
  assert.equal(file.status(), 200, `${format}: ${await file.text()}`);
}

// Changing it by hand: a cut moves, a node is swapped.
await page.getByRole("link", { name: "Change it by hand" }).click();
await page.getByText("This is the placement as it was planned").waitFor();
const cut = Number(await page.locator("#cut-0").inputValue());
// Nothing is pressed: what changes is evaluated at once.
let moved;
for (const by of [-1, 1, -2, 2, -4, 4, -8, 8]) {
  moved = cut + by;
  await page.locator("#cut-0").fill(String(moved));
  await page.waitForURL((at) => at.search.includes(`cut=${moved}`));
  if (await page.getByText("keeps to every rule").count()) {
    break;
  }
}
await page.getByText("keeps to every rule").waitFor();
await look("by-hand");
await page.locator("#node-0").selectOption({ index: 1 });
await page.locator("#node-1").selectOption({ index: 1 });
await page.getByText("It breaks").waitFor();
assert.equal(await page.getByRole("button", { name: "Save as a placement of its own" }).count(), 0);
await look("by-hand-broken");
await open(`${example}/override`);
await page.locator("#cut-0").fill(String(moved));
await page.getByText("keeps to every rule").waitFor();
await reach("Save as a placement of its own");
await page.keyboard.press("Enter");
await page.waitForURL((at) => /\/placements\/plc_[^/]+$/.test(at.pathname) && at.pathname !== example);
await page.getByText("made by hand").first().waitFor();
await explained(page);
await look("made-by-hand");

// A model and a cluster of one's own, and a request that cannot be met.
const file = (name, document) => ({ name, mimeType: "application/json", buffer: Buffer.from(JSON.stringify(document)) });
async function enter(fields) {
  await open("/ui/plan");
  await page.locator("#model_file").setInputFiles(file("model.json", model));
  await page.locator("#cluster_file").setInputFiles(file("cluster.json", cluster));
  for (const [name, text] of Object.entries(fields)) {
    await page.locator(`[name="${name}"]`).fill(text);
  }
}
await open("/ui/plan");
await look("plan");
await refused(async () => {
  await enter({ "constraints.max_stages": "many" });
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.locator('[name="constraints.max_stages"][aria-invalid]').waitFor();
});
await look("plan-faults");
await enter({});
await page.getByRole("button", { name: "Check without planning" }).click();
await page.getByText("The request is in order").waitFor();
// The files are still chosen.
await page.getByRole("button", { name: "Plan", exact: true }).click();
await page.waitForURL(/\/ui\/placements\//, { timeout: 30_000 });
assert.match(await heading(), /my own on my site/);
await look("own-placement");

await enter({ "constraints.max_stages": "1" });
await page.getByRole("button", { name: "Plan", exact: true }).click();
await page.getByRole("link", { name: "See why there is none" }).click();
await page.getByRole("button", { name: /^Plan with it/ }).first().waitFor({ timeout: 60_000 });
await look("infeasible");
const without = page.url();
await page.getByRole("button", { name: /^Plan with it/ }).first().click();
await page.waitForURL((at) => at.href !== without && /\/(placements|jobs)\//.test(at.pathname) && !at.pathname.endsWith("/repair"), { timeout: 30_000 });
await page.locator("h1").waitFor();

// A node is switched off; what is on it is planned anew.
await open("/ui/clusters");
await look("clusters");
await page.getByRole("link", { name: "my site", exact: true }).first().click();
await look("cluster");
const inUse = page.locator("tr", { hasText: "in the newest placement" }).first();
await inUse.getByRole("button").click();
await page.locator("#touched").waitFor();
await look("cluster-off");
const replan = page.getByRole("button", { name: "Replan and see what moves" });
if (await replan.count()) {
  await replan.first().click();
  await page.waitForURL(/\/diff\?base=|\/ui\/jobs\//, { timeout: 60_000 });
  await look("what-moves");
}

// A job that takes long is followed and stopped.
const hard = await api.get("/v1/examples/house-access-point");
Object.assign(hard, { pipelines: { most: 20 }, solver: { ...hard.solver, time_limit_s: 120, gap: 0 } });
const job = (await api.post("/v1/jobs", hard, { prefer: "wait=0" })).id;
await open(`/ui/jobs/${job}`);
await page.locator("#convergence svg").first().waitFor({ timeout: 60_000 });
await look("job");
await page.getByRole("button", { name: "Stop with the best so far" }).click();
await page.locator(".status.good, .status.plain").first().waitFor({ timeout: 60_000 });

for (const [path, name] of [["/ui/", "overview"], ["/ui/placements", "placements"], ["/ui/jobs", "jobs"], ["/ui/models", "models"], ["/ui/keys", "keys"], ["/ui/webhooks", "webhooks"]]) {
  await open(path);
  await look(name);
}
await page.goto(`${url}/ui/models`);
await page.locator("tbody a").first().click();
await look("model");

// Keys and webhooks.
await open("/ui/keys");
await page.getByLabel("Name").fill("<script>alert(1)</script> \u202e");
await page.getByRole("button", { name: "Create" }).click();
await page.getByText(/^cpk_/).waitFor();
await look("key-created");
await open("/ui/webhooks");
await page.getByLabel("Address").fill("https://receiver.invalid/hooks");
await page.getByRole("button", { name: "Add" }).click();
await page.getByText(/^whsec_/).waitFor();
await page.getByRole("link", { name: "https://receiver.invalid/hooks" }).click();
await look("webhook");
await page.getByRole("button", { name: "Delete with its deliveries" }).click();
await page.waitForURL(`${url}/ui/webhooks`);

// A trade-off: each point leads to its placement, with the keyboard.
const slow = { ...cluster, network: { ...cluster.network, bandwidth_bps: 1e7 } };
const traded = await api.post("/v1/jobs", { model, cluster: slow, objective: { kind: "tradeoff" } });
await open(`/ui/placements/${traded.placement_id}`);
await explained(page);
await look("trade-off");

// A page of nobody's, and signing out.
await refused(async () => {
  const missing = await open("/ui/placements/plc_00000000-0000-7000-8000-000000000000");
  assert.equal(missing.status(), 404);
  await look("missing");
});
await open("/ui/");
await page.getByRole("button", { name: "Sign out" }).click();
await page.waitForURL(/\/ui\/sign-in/);
await open(example);
assert.match(page.url(), /\/ui\/sign-in/);

// What is of one tenant does not exist for another.
const other = await visitorOf("other");
await refused(async () => {
  for (const path of [example, `${example}/explanation`, `${example}/override`, `/ui/jobs/${job}`, `/ui/models/${traded.model_id}`, `/ui/clusters/${traded.cluster_id}`]) {
    const answer = await other.page.goto(`${url}${path}`);
    assert.equal(answer.status(), 404, path);
    assert.equal(await other.page.getByText(/ResNet50|my own|my site/).count(), 0, path);
  }
});
await other.page.goto(`${url}/ui/placements`);
await other.page.getByText("There are none").waitFor();
await other.page.context().close();

await timed("the keyboard alone", keyboardAlone);
await timed("without scripts", withoutScripts);
await timed("hostile names", hostileNames);
await close();
console.log(`${views.size} views, light and dark, in ${((Date.now() - began) / 1000).toFixed(1)} s`);
