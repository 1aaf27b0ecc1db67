// Uses the page as a person does, in Chromium without a network, and prints as JSON what the person sees.
//
//     node page.mjs MODULES CHROMIUM < task.json
//
// MODULES: the folder with node_modules in it. The task names the pages (`empty`, `filled`), the certificates, a binary file,
// and a folder for screenshots. Nothing is judged here but what axe judges.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const task = JSON.parse(readFileSync(0, "utf8"));

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const requests = [];
const complaints = [];

async function open(file, options = {}) {
  const context = await browser.newContext({ offline: true, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(pathToFileURL(file).href);
  return page;
}

const told = (page) => page.locator("#certificate-told").innerText();

async function certify(page, certificate) {
  await page.fill("#certificate", certificate);
  await page.waitForFunction(() => document.querySelector("#certificate-told").textContent !== "");
  return told(page);
}

// Clicks, and gives what came of it: the sealed text, or the error.
async function seal(page) {
  await page.click("#seal");
  return outcome(page);
}

async function outcome(page) {
  await page.waitForFunction(() =>
    !document.querySelector("#seal").disabled &&
    (document.querySelector("#error").textContent || !document.querySelector("#result").hidden));
  const error = await page.locator("#error").innerText();
  return error ? { error } : { sealed: await page.inputValue("#sealed"), told: await page.locator("#result-told").innerText() };
}

async function fill(page, { name, namespace, scope, values }) {
  await page.check("input[name=way][value=form]");
  await page.fill("#name", name);
  await page.fill("#namespace", namespace);
  await page.selectOption("#scope", scope);
  let row = 0;
  for (const [key, value] of Object.entries(values)) {
    if (row > 0) await page.click("#add");
    await page.locator(".row .key").nth(row).fill(key);
    if (value.file) await page.locator(".row .file").nth(row).setInputFiles(value.file);
    else await page.locator(".row .value").nth(row).fill(value);
    row++;
  }
}

async function paste(page, manifest) {
  await page.check("input[name=way][value=text]");
  await page.fill("#manifest", manifest);
}

const left = (page) => page.evaluate(() =>
  [...document.querySelectorAll("#manifest, .key, .value, .file")].map((field) => field.value).join(""));

async function violations(page) {
  // Not as an inline script, which the page's policy forbids.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}

const result = { scopes: {}, violations: [] };
const page = await open(task.empty);
result.withoutCertificate = await seal(page);
result.broken = await certify(page, task.brokenCertificate);
await page.fill("#certificate", "");
result.told = await certify(page, task.certificate);
for (const scope of ["strict", "namespace-wide", "cluster-wide"]) {
  await fill(page, { name: "db", namespace: "shop", scope, values: { user: "admin", password: "pässword\nline" } });
  result.scopes[scope] = await seal(page);
  result.scopes[scope].left = await left(page);
}
result.violations.push(...(await violations(page)));
await fill(page, { name: "big", namespace: "shop", scope: "strict", values: { "blob.bin": { file: task.binary } } });
result.binary = await seal(page);
await fill(page, { name: "db", namespace: "shop", scope: "strict", values: JSON.parse('{"__proto__": "1", "constructor": "2"}') });
result.prototype = await seal(page);
await fill(page, { name: "db", namespace: "shop", scope: "strict", values: { a: "1", b: "" } });
await page.locator(".row .key").nth(1).fill("a");
result.twice = await seal(page);
await page.locator(".row .remove").nth(1).click();
result.rows = await page.locator(".row").count();
await paste(page, task.manifest);
result.pasted = await seal(page);
await paste(page, task.wrongManifest);
result.wrong = await seal(page);
result.marked = await page.evaluate(() => {
  const field = document.querySelector("#manifest");
  return field.value.slice(field.selectionStart, field.selectionEnd);
});
result.violations.push(...(await violations(page)));
await page.screenshot({ path: join(task.folder, "light-error.png"), fullPage: true });
await page.selectOption("#format", "2");
await paste(page, task.manifest);
result.formatTwo = await seal(page);
await page.selectOption("#format", "");

// A certificate with a hybrid key: format v2 of itself, and v1 where that is chosen.
const hybrid = await open(task.empty);
result.hybrid = { told: await certify(hybrid, task.hybridCertificate) };
for (const format of ["", "1"]) {
  await fill(hybrid, { name: "db", namespace: "shop", scope: "strict", values: { user: "admin", password: "pässword\nline" } });
  await hybrid.selectOption("#format", format);
  result.hybrid[`format${format}`] = await seal(hybrid);
}

// A file is dropped.
await page.evaluate((manifest) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([manifest], "secret.yaml"));
  document.querySelector("#manifest").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}, task.manifest);
await page.waitForFunction(() => document.querySelector("#manifest").value !== "");
result.dropped = await seal(page);
const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
result.saved = { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };

// By keyboard alone, from the first field on.
const keys = await open(task.filled, { colorScheme: "dark", viewport: { width: 390, height: 844 } });
result.filled = { told: await (await keys.waitForSelector("#certificate-told:not(:empty)")).innerText() };
result.filled.typed = await keys.isVisible("#certificate");
const press = async (...words) => {
  for (const word of words) {
    if (word === "Tab") await keys.keyboard.press("Tab");
    else await keys.keyboard.type(word);
  }
};
await press("Tab", "Tab", "db", "Tab", "shop", "Tab", "Tab", "password", "Tab", "hunter2");
result.filled.focus = await keys.evaluate(() => document.activeElement.className);
await keys.keyboard.press("Shift+Tab");
await keys.keyboard.press("Enter");
result.filled.sealed = await outcome(keys);
result.violations.push(...(await violations(keys)));
await keys.screenshot({ path: join(task.folder, "dark-phone.png"), fullPage: true });

// The policy, asked by the page itself.
result.connection = await page.evaluate(() => fetch("https://example.com/").then(() => "sent", () => "refused"));
result.requests = requests.filter((url) => !/^(file|blob|data):/.test(url));
result.complaints = complaints;
await browser.close();
console.log(JSON.stringify(result));
