// What a person does on the page, from signing in to signing out. Fails at the first thing that is not as it should be.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const url = process.env.CUTPOINT_URL;
const key = process.env.CUTPOINT_KEY;
const shots = process.env.SHOTS;
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const began = Date.now();

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
// axe is put into pages by the test, which their policy would refuse.
const context = await browser.newContext({ bypassCSP: true, viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const complaints = [];
page.on("console", (message) => message.type() === "error" && !expected && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("request", (request) => new URL(request.url()).origin === url || complaints.push(`asked ${request.url()}`));
/** Whether an answer with an error status is what is tested, which the console says too. */
let expected = false;

const views = new Set();

/** Holds a view against axe in light and dark, and takes its pictures, narrow and wide. */
async function look(name) {
  views.add(name);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    const said = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join("\n   ")}`);
    assert.deepEqual(said, [], `${name}, ${colorScheme}`);
    for (const width of shots ? [360, 1440] : []) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 360, height: 900 });
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} px at 360 px`);
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Moves the focus to a control with the Tab key alone. */
async function reach(name) {
  for (let step = 0; step < 400; step += 1) {
    await page.keyboard.press("Tab");
    const label = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused.getAttribute("aria-label") ?? focused.labels?.[0]?.textContent ?? focused.textContent;
    });
    if (label?.trim() === name) {
      return;
    }
  }
  assert.fail(`the Tab key does not reach ${name}`);
}

const open = (path) => page.goto(`${url}${path}`);
const heading = () => page.locator("h1").innerText();

// Signing in, with the keyboard.
await open("/");
assert.match(page.url(), /\/ui\/sign-in/);
await look("sign-in");
expected = true;
await page.keyboard.type("cpk_wrong");
await page.keyboard.press("Enter");
await page.locator("#key-fault").waitFor();
expected = false;
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
await page.locator(".gains, .empty").first().waitFor({ timeout: 60_000 });
const example = new URL(page.url()).pathname;
assert.match(await heading(), /ResNet50 on radio-5/);
await look("placement");
for (const format of ["svg", "dot", "cuts"]) {
  const file = await page.request.get(`${url}${example}/export?format=${format}`);
  assert.equal(file.status(), 200);
  assert.match(file.headers()["content-security-policy"], /sandbox/);
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
await page.locator(".gains, .empty").first().waitFor({ timeout: 60_000 });
await look("made-by-hand");

// A model and a cluster of one's own, and a request that cannot be met.
const layer = (index, bytes) => ({ id: `layer-${index}`, op: "Conv", param_bytes: bytes, output_bytes: 1000, flops: 1e6 });
const model = {
  name: "my own", layers: [0, 1, 2, 3].map((index) => layer(index, 40_000_000)),
  edges: [1, 2, 3].map((to) => ({ from: `layer-${to - 1}`, to: `layer-${to}` })),
};
const nodes = ["a", "b", "c", "d", "e"].map((id, i) => ({
  id, memory_bytes: 100_000_000, flops_per_s: 1e9, labels: { room: i < 3 ? "hall" : "lab" }, position_m: { x: 10 * i, y: (7 * i * i) % 20 },
}));
const cluster = { name: "my site", nodes, network: { kind: "full_mesh", bandwidth_bps: 1e8, latency_s: 0.001 } };
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
expected = true;
await enter({ "constraints.max_stages": "many" });
await page.getByRole("button", { name: "Plan", exact: true }).click();
await page.locator('[name="constraints.max_stages"][aria-invalid]').waitFor();
expected = false;
await look("plan-faults");
await enter({});
await page.getByRole("button", { name: "Check without planning" }).click();
await page.getByText("The request is in order").waitFor();
await enter({});
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
const hard = await (await page.request.get(`${url}/v1/examples/house-access-point`, { headers: { authorization: `Bearer ${key}` } })).json();
Object.assign(hard, { pipelines: { most: 20 }, solver: { ...hard.solver, time_limit_s: 120, gap: 0 } });
const posted = await page.request.post(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${key}` }, data: hard });
const job = (await posted.json()).id;
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
const traded = await page.request.post(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${key}`, prefer: "wait=30" }, data: {
  model, cluster: { ...cluster, network: { ...cluster.network, bandwidth_bps: 1e7 } }, objective: { kind: "tradeoff" },
} });
await open(`/ui/placements/${(await traded.json()).placement_id}`);
await page.locator(".gains, .empty").first().waitFor({ timeout: 60_000 });
await look("trade-off");

// A page of nobody's, and signing out.
expected = true;
const missing = await open("/ui/placements/plc_00000000-0000-7000-8000-000000000000");
assert.equal(missing.status(), 404);
await look("missing");
expected = false;
await open("/ui/");
await page.getByRole("button", { name: "Sign out" }).click();
await page.waitForURL(/\/ui\/sign-in/);
await open(example);
assert.match(page.url(), /\/ui\/sign-in/);

assert.deepEqual(complaints, []);
await browser.close();
console.log(`${views.size} views, light and dark, in ${((Date.now() - began) / 1000).toFixed(1)} s`);
