// Names that somebody chose to do harm: they are text in every view, and no view grows wider because of them.
import assert from "node:assert/strict";
import { explained, fits, picture, refused, url, visitorOf } from "./browser.js";
import { named } from "./inputs.js";

const HOSTILE = {
  markup: `<script>alert(1)</script><img src=x onerror=alert(2)>`,
  quotes: `"'\`><svg onload="alert(3)">&amp;{{7*7}}`,
  long: "W".repeat(256),
  turned: "\u202e\u2067\u200fdetrevni\u202d\u2066",
};

export async function hostileNames() {
  const { page, api } = await visitorOf("hostile");
  for (const [kind, hostile] of Object.entries(HOSTILE)) {
    const request = named(hostile);
    const first = await api.post("/v1/jobs", request);
    const { placement } = await api.get(`/v1/placements/${first.placement_id}`);
    const used = placement.pipelines[0].stages[0].node_id;
    const { model_id, cluster_id } = first;
    const without = { model_id, cluster_id, labels: request.labels, constraints: { exclude_nodes: [used] } };
    const second = (await api.post("/v1/jobs", without)).placement_id;
    const of = `/ui/placements/${second}`;
    const paths = {
      placement: of, explanation: `${of}/explanation`, diff: `${of}/diff?base=${first.placement_id}`, "by-hand": `${of}/override`,
      cluster: `/ui/clusters/${cluster_id}?off=${encodeURIComponent(used)}`, model: `/ui/models/${model_id}`, job: `/ui/jobs/${first.id}`,
      placements: "/ui/placements", jobs: "/ui/jobs", models: "/ui/models", clusters: "/ui/clusters",
      plan: `/ui/plan?constraints.pins=${encodeURIComponent(hostile)}`, missing: `/ui/placements/${encodeURIComponent(hostile)}`,
    };
    for (const [view, path] of Object.entries(paths)) {
      const name = `hostile-${kind}-${view}`;
      await (view === "missing" ? refused(() => page.goto(`${url}${path}`)) : page.goto(`${url}${path}`));
      if (view === "placement") {
        await explained(page);
        await page.locator("details.layers").first().locator("summary").click();
      }
      const seen = await page.locator("main").evaluate((main) => ({
        text: main.innerText + [...main.querySelectorAll("input, textarea")].map((it) => it.value).join(),
        foreign: main.querySelectorAll("script, img, [onload], [onerror]").length,
      }));
      assert.equal(seen.foreign, 0, name);
      // A problem quotes what it names as JSON does.
      const shown = view === "missing" ? "There is no placement" : [...hostile].slice(0, 255).join("");
      assert.ok(seen.text.includes(shown), `${name} does not show ${hostile}:\n${seen.text.slice(0, 2000)}`);
      await fits(page, name);
      await picture(page, name, "light");
    }
  }
  await page.context().close();
}
