// From the first visit to signing out with the keyboard alone: nothing is clicked, filled in or opened by its address.
import assert from "node:assert/strict";
import { explained, keyOf, reach, stranger, url } from "./browser.js";

export async function keyboardAlone() {
  const secret = await keyOf("keyboard");
  const page = await stranger();
  const keys = page.keyboard;
  const press = async (name) => {
    await reach(page, name);
    await keys.press("Enter");
  };
  const placed = async () => {
    await page.waitForURL(/\/ui\/(placements|jobs)\//);
    if (page.url().includes("/jobs/")) {
      await page.getByRole("link", { name: "See the placement" }).waitFor({ timeout: 60_000 });
      await press("See the placement");
    }
    await page.waitForURL(/\/ui\/placements\/plc_[^/]+$/);
    await explained(page);
  };

  await page.goto(`${url}/`);
  // The browser moves the focus to the field a moment after the page has loaded.
  await page.locator("#key:focus").waitFor();
  await keys.type(secret);
  await keys.press("Enter");
  await page.waitForURL(`${url}/ui/`);
  await press("Plan ResNet50 on five devices");
  await placed();
  const planned = page.url();

  // A form is unfolded with the space bar, and a choice made with the arrows.
  await press("Plan");
  await page.waitForURL(/\/ui\/plan$/);
  await press("Skip to the content");
  await reach(page, "What to optimise");
  await keys.press("ArrowDown");
  assert.equal(await page.locator("#objective-kind").inputValue(), "min_latency");
  await reach(page, "Search");
  await keys.press("Space");
  await reach(page, "Seed");
  await keys.type("7");
  assert.equal(await page.locator("#solver-seed").inputValue(), "7");

  await press("Placements");
  await page.waitForURL(/\/ui\/placements$/);
  await press("ResNet50 on radio-5");
  await placed();
  assert.equal(page.url(), planned);
  await press("Change it by hand");
  await page.waitForURL(/\/override$/);
  // The cut goes one layer back and forth until a place keeps to every rule.
  await reach(page, "Cut after layer");
  const cut = Number(await page.locator("#cut-0").inputValue());
  const holds = page.getByText("keeps to every rule");
  for (const [arrow, times] of [["ArrowDown", 1], ["ArrowUp", 2], ["ArrowDown", 3], ["ArrowUp", 4], ["ArrowDown", 6], ["ArrowUp", 8]]) {
    for (let time = 0; time < times; time += 1) {
      await keys.press(arrow);
    }
    const moved = await page.locator("#cut-0").inputValue();
    await page.waitForURL((at) => at.searchParams.get("cut") === moved);
    if (await holds.count()) {
      break;
    }
  }
  await holds.waitFor();
  assert.notEqual(Number(await page.locator("#cut-0").inputValue()), cut);
  await press("Save as a placement of its own");
  await page.waitForURL((at) => /\/placements\/plc_[^/]+$/.test(at.pathname));
  await page.getByText("made by hand").first().waitFor();
  assert.notEqual(page.url(), planned);
  await press("Sign out");
  await page.waitForURL(/\/ui\/sign-in/);
  await page.context().close();
}
