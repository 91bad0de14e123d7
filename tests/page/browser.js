// A browser for the tests of the page, and what every view is held against.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

export const url = process.env.CUTPOINT_URL;
/** A key of the tenant `default` with every scope. */
export const key = process.env.CUTPOINT_KEY;
const shots = process.env.SHOTS;
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** What no page may do: errors in the console, requests to another host, dialogs. */
export const complaints = [];
/** The names of the views that were held against axe. */
export const views = new Set();
let isRefused = false;

/** Takes steps in which an answer with an error status is what is tested. The console tells of such answers, too. */
export async function refused(steps) {
  isRefused = true;
  const result = await steps();
  isRefused = false;
  return result;
}

/** Opens a window of somebody who is not signed in. */
export async function stranger(options = {}) {
  // axe is put into pages by the test, which their policy would refuse.
  const context = await browser.newContext({ bypassCSP: true, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !isRefused && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => new URL(request.url()).origin === url || complaints.push(`asked ${request.url()}`));
  page.on("dialog", (dialog) => complaints.push(`said ${dialog.message()}`) && dialog.dismiss());
  return page;
}

/** Makes a tenant with a key of every scope, and opens a window that is signed in with it. */
export async function visitorOf(tenant, options = {}) {
  const secret = await keyOf(tenant);
  const page = await stranger(options);
  await page.goto(`${url}/ui/sign-in`);
  await page.locator("#key").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/ui/`);
  return { page, api: apiOf(page, secret) };
}

/** Returns a new key of a tenant with every scope. */
export async function keyOf(tenant) {
  const { PROGRAM: program, DATABASE_URL: database } = process.env;
  const command = ["key", "create", "--name", "test", "--tenant", tenant, "--scope", "admin", "--database-url", database];
  const secret = (await promisify(execFile)(program, command)).stdout.trim();
  // The service reads its keys again once a second.
  const headers = { authorization: `Bearer ${secret}` };
  for (let tries = 0; tries < 100 && (await fetch(`${url}/v1/models`, { headers })).status === 401; tries += 1) {
    await setTimeout(50);
  }
  return secret;
}

/** Returns a function that sends a document to the API with a key, and one that reads. */
export function apiOf(page, secret) {
  const headers = { authorization: `Bearer ${secret}`, prefer: "wait=30" };
  const read = async (answer) => {
    assert.ok(answer.ok(), `${answer.url()}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    get: async (path) => read(await page.request.get(`${url}${path}`, { headers })),
    post: async (path, data, more) => read(await page.request.post(`${url}${path}`, { headers: { ...headers, ...more }, data })),
  };
}

/** Waits for what a placement's page fetches after the rest. */
export const explained = (page) => page.locator(".gains, .empty").first().waitFor({ timeout: 60_000 });

/** Holds that a view does not scroll sideways in a narrow window. */
export async function fits(page, name) {
  await page.setViewportSize({ width: 360, height: 900 });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} px at 360 px`);
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Takes the pictures of a view, narrow and wide, where pictures are wanted. */
export async function picture(page, name, colorScheme) {
  for (const width of shots ? [360, 1440] : []) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
  }
}

/** Holds a view against axe in light and dark, narrow windows and the keyboard, and takes its pictures. */
export async function look(page, name) {
  views.add(name);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    const said = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join("\n   ")}`);
    assert.deepEqual(said, [], `${name}, ${colorScheme}`);
    await picture(page, name, colorScheme);
    await fits(page, name);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await tabThrough(page, name);
}

/** Holds that the Tab key reaches every control of a view, and that each is seen to have the focus. */
async function tabThrough(page, name) {
  const count = await page.evaluate(() => {
    const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
    const missing = new Set([...document.querySelectorAll(controls)].filter((it) => it.checkVisibility() && !it.disabled));
    const unseen = [];
    globalThis.tabbed = { missing, unseen };
    document.addEventListener("focusin", ({ target }) => {
      missing.delete(target);
      const { outlineStyle, outlineWidth } = getComputedStyle(target);
      const { left, right, width, height } = target.getBoundingClientRect();
      const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && width > 0 && height > 0 && right > 0 && left < innerWidth;
      if (!isSeen) {
        unseen.push(target.outerHTML.slice(0, 160));
      }
    });
    return missing.size;
  });
  // Frames that scroll take the focus, too, and so does the window when it begins anew.
  const rest = () => page.evaluate(() => globalThis.tabbed.missing.size);
  for (let left = count, presses = 0; left > 0 && presses < 2 * count + 60; presses += left, left = await rest()) {
    for (let press = 0; press < left; press += 1) {
      await page.keyboard.press("Tab");
    }
  }
  const said = await page.evaluate(() => ({
    missing: [...globalThis.tabbed.missing].map((it) => it.outerHTML.slice(0, 160)), unseen: globalThis.tabbed.unseen,
  }));
  assert.deepEqual(said, { missing: [], unseen: [] }, `${name}: controls that the Tab key does not reach, or without a visible focus`);
}

/** Moves the focus with the Tab key alone to the first control whose name begins like this. */
export async function reach(page, name) {
  for (let step = 0; step < 300; step += 1) {
    await page.keyboard.press("Tab");
    const label = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused.getAttribute("aria-label") ?? focused.labels?.[0]?.textContent ?? focused.textContent;
    });
    if (label?.trim().startsWith(name)) {
      return;
    }
  }
  assert.fail(`the Tab key does not reach ${name}`);
}

/** Closes the browser, and holds that no page did what none may. */
export async function close() {
  assert.deepEqual(complaints, []);
  await browser.close();
}
