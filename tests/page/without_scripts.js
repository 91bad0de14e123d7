// Reading and planning without scripts.
import assert from "node:assert/strict";
import { cluster, model } from "./inputs.js";
import { url, visitorOf } from "./browser.js";

export async function withoutScripts() {
  const { page, api } = await visitorOf("without-scripts", { javaScriptEnabled: false });
  const planned = await api.post("/v1/jobs", { model, cluster });
  const placement = planned.placement_id;
  const main = page.locator("main");
  const shows = async (path, ...texts) => {
    await page.goto(`${url}${path}`);
    for (const text of texts) {
      await main.getByText(text).first().waitFor({ timeout: 5_000 });
    }
  };
  await shows("/ui/", "Newest placements", "my own on my site");
  await shows(`/ui/placements/${placement}`, "It is optimal", "Pipeline", "of 95.4 MiB", "Move a cut or swap a node");
  // What scripts fetch later is a link.
  await main.getByRole("link", { name: /^Solve the upgraded requests/ }).click();
  await page.waitForURL(/\/explanation$/);
  await main.locator(".gains, .empty").first().waitFor({ timeout: 30_000 });
  await shows(`/ui/placements/${placement}/override`, "This is the placement as it was planned");
  const cut = page.locator("#cut-0");
  await cut.fill(String(Number(await cut.inputValue()) - 1));
  await page.getByRole("button", { name: "Evaluate" }).click();
  await page.waitForURL(/\/override\?/);
  await main.getByText(/keeps to every rule|It breaks/).first().waitFor();
  await shows(`/ui/clusters/${planned.cluster_id}`, "my site", "Nodes", "in the newest placement");
  await shows(`/ui/models/${planned.model_id}`, "my own", "layer-3");
  await shows(`/ui/jobs/${planned.id}`, "succeeded", "See the placement");
  for (const [list, text] of [["placements", "my own on my site"], ["jobs", "my own on my site"], ["models", "my own"], ["clusters", "my site"]]) {
    await shows(`/ui/${list}`, text);
  }

  // One that takes some seconds: the page of the job is loaded again by itself until it ends.
  const hard = await api.get("/v1/examples/house-access-point");
  const short = { ...hard, solver: { ...hard.solver, time_limit_s: 0.1 } };
  const known = await api.post("/v1/jobs", short);
  await shows("/ui/plan", "What to place where");
  await page.locator("#model_id").selectOption(known.model_id);
  await page.locator("#cluster_id").selectOption(known.cluster_id);
  await page.locator('[name="pipelines.most"]').fill("20");
  for (const [constraint, value] of Object.entries(hard.constraints)) {
    await page.locator(`[name="constraints.${constraint}"]`).fill(String(value));
  }
  await page.locator("summary", { hasText: "Search" }).click();
  await page.locator('[name="solver.time_limit_s"]').fill("3");
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.waitForURL(/\/ui\/jobs\//);
  assert.ok(await main.getByText(/running|queued/).count());
  await main.getByRole("link", { name: "See the placement" }).click({ timeout: 30_000 });
  await page.waitForURL(/\/ui\/placements\//);
  await main.getByText("Pipelines").first().waitFor();
  await page.context().close();
}
