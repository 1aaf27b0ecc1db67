"use strict";
const byId = (id) => document.getElementById(id);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

// --- The program: stdin, stdout and random bytes are all that it gets (WASI preview 1). ---

const OK = 0, BAD_FILE = 8, NOT_THERE = 52;
let compiled;

function unpacked() {
  compiled ??= (async () => {
    const packed = Uint8Array.from(atob(byId("program").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return WebAssembly.compile(await new Response(stream).arrayBuffer());
  })();
  return compiled;
}

async function ask(request) {
  const program = await unpacked();
  const input = encoder.encode(JSON.stringify({ ...request, now: Math.floor(Date.now() / 1000) }));
  const output = [];
  let taken = 0, memory;
  const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
  // Calls `use` with each buffer of a list until one is not used whole; writes how many bytes were used.
  const eachBuffer = (list, count, result, use) => {
    const view = new DataView(memory.buffer);
    let total = 0;
    for (let index = 0; index < count; index++) {
      const length = view.getUint32(list + 8 * index + 4, true);
      const used = use(bytes(view.getUint32(list + 8 * index, true), length));
      total += used;
      if (used < length) break;
    }
    view.setUint32(result, total, true);
    return OK;
  };
  const calls = {
    fd_read: (file, list, count, result) => file !== 0 ? BAD_FILE : eachBuffer(list, count, result, (buffer) => {
      const part = input.subarray(taken, taken + buffer.length);
      buffer.set(part);
      taken += part.length;
      return part.length;
    }),
    fd_write: (file, list, count, result) => eachBuffer(list, count, result, (buffer) => {
      if (file === 1) output.push(buffer.slice());
      return buffer.length;
    }),
    random_get: (at, length) => {
      for (let done = 0; done < length; done += 65536) {
        crypto.getRandomValues(bytes(at + done, Math.min(65536, length - done)));
      }
      return OK;
    },
    environ_get: () => OK,
    environ_sizes_get: (count, size) => {
      new DataView(memory.buffer).setUint32(count, 0, true);
      new DataView(memory.buffer).setUint32(size, 0, true);
      return OK;
    },
    proc_exit: (code) => { throw new Error(`the program ended with ${code}`); },
  };
  const imported = WebAssembly.Module.imports(program).map(({ name }) => [name, calls[name] ?? (() => NOT_THERE)]);
  const instance = await WebAssembly.instantiate(program, { wasi_snapshot_preview1: Object.fromEntries(imported) });
  memory = instance.exports.memory;
  try {
    instance.exports._start();
    return JSON.parse(decoder.decode(await new Blob(output).arrayBuffer()));
  } finally {
    // The clear values were here.
    new Uint8Array(memory.buffer).fill(0);
    input.fill(0);
  }
}

// --- The certificate. ---

let isUsable = false;

async function showCertificate() {
  const told = byId("certificate-told");
  const certificate = byId("certificate").value;
  isUsable = false;
  told.className = "";
  told.textContent = "";
  if (!certificate.trim()) return;
  const answer = await ask({ certificate });
  // Another may have been typed meanwhile.
  if (byId("certificate").value !== certificate) return;
  if (answer.failed) {
    told.className = "wrong";
    told.textContent = answer.failed.error;
    return;
  }
  const { fingerprint, pin, notBefore, notAfter, expired } = answer.done.certificate;
  isUsable = !expired;
  told.className = expired ? "wrong" : "";
  const dates = `${expired ? "Expired: it was valid" : "Valid"} from ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}.`;
  const post = pin ? `\nPost-quantum key, pin of both: ${pin}` : "\nNo post-quantum key: values are sealed in format 1.";
  told.textContent = `Fingerprint: ${fingerprint}${post}\n${dates} Compare the fingerprint with what your administrator says.`;
}

async function readText(file) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is no text`);
  }
}

// --- The Secret. ---

const way = () => document.querySelector("input[name=way]:checked").value;

function addRow(focus) {
  const row = byId("row").content.cloneNode(true).firstElementChild;
  row.querySelector(".remove").addEventListener("click", () => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    numberRows();
    (next?.querySelector(".key") ?? byId("add")).focus();
  });
  byId("rows").append(row);
  numberRows();
  if (focus) row.querySelector(".key").focus();
}

function numberRows() {
  document.querySelectorAll(".row legend").forEach((legend, index) => { legend.textContent = `Key ${index + 1}`; });
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

// A Secret in JSON of what the form holds.
async function filled() {
  // Without a prototype, which a key may be named like.
  const data = Object.create(null);
  for (const row of document.querySelectorAll(".row")) {
    const key = row.querySelector(".key").value.trim();
    const value = row.querySelector(".value").value;
    const [file] = row.querySelector(".file").files;
    if (!key && !value && !file) continue;
    if (!key) throw new Error("a value has no key");
    if (Object.hasOwn(data, key)) throw new Error(`the key ${key} is there twice`);
    if (file && value) throw new Error(`${key} has a value and a file: take one away`);
    data[key] = base64(file ? new Uint8Array(await file.arrayBuffer()) : encoder.encode(value));
  }
  const name = byId("name").value.trim(), namespace = byId("namespace").value.trim();
  if (!name) throw new Error("the Secret has no name");
  if (!namespace && byId("scope").value !== "cluster-wide") throw new Error("the Secret has no namespace");
  if (!Object.keys(data).length) throw new Error("the Secret has no key: add one");
  const metadata = { name, ...(namespace && { namespace }) };
  return JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata, type: byId("type").value.trim() || undefined, data });
}

function wipe() {
  byId("manifest").value = "";
  byId("rows").replaceChildren();
  addRow(false);
}

function showError(message) {
  byId("error").textContent = message;
  const line = way() === "text" && /line (\d+)/.exec(message);
  if (!line) return;
  const lines = byId("manifest").value.split("\n").slice(0, Number(line[1]));
  const end = lines.join("\n").length;
  byId("manifest").focus();
  byId("manifest").setSelectionRange(end - (lines.at(-1)?.length ?? 0), end);
}

async function seal() {
  byId("error").textContent = "";
  byId("result").hidden = true;
  if (!byId("certificate").value.trim()) throw new Error("the certificate is missing: step 1");
  if (!isUsable) throw new Error("the certificate cannot be used: see step 1");
  const request = { certificate: byId("certificate").value, scope: byId("scope").value };
  if (byId("format").value) request.format = Number(byId("format").value);
  request.secret = way() === "form" ? await filled() : byId("manifest").value;
  const answer = await ask(request);
  if (answer.failed) throw new Error(answer.failed.error);
  wipe();
  byId("sealed").value = answer.done.sealed;
  byId("result-told").textContent =
    ["Sealed. What you typed is gone from this page; delete the file if it came from one.", ...answer.done.notes].join("\n");
  byId("result").hidden = false;
  byId("result-title").focus();
}

function fileName() {
  const name = /^ {2}name: "?([a-z0-9.-]+)/m.exec(byId("sealed").value);
  return `${name ? name[1] : "secret"}.sealed.yaml`;
}

// --- What is clicked. ---

// Runs one at a time; what goes wrong is shown.
function guarded(action) {
  return async (event) => {
    byId("seal").disabled = true;
    try {
      await action(event);
    } catch (error) {
      showError(error.message);
    } finally {
      byId("seal").disabled = false;
    }
  };
}

byId("certificate").addEventListener("input", guarded(showCertificate));
byId("certificate-file").addEventListener("change", guarded(async (event) => {
  const [file] = event.target.files;
  if (file) byId("certificate").value = await readText(file);
  await showCertificate();
}));
document.querySelectorAll("input[name=way]").forEach((radio) => radio.addEventListener("change", () => {
  byId("form").hidden = way() !== "form";
  byId("text").hidden = way() !== "text";
}));
byId("form").addEventListener("submit", (event) => { event.preventDefault(); byId("seal").click(); });
byId("add").addEventListener("click", () => addRow(true));
byId("seal").addEventListener("click", guarded(seal));
byId("manifest").addEventListener("dragover", (event) => { event.preventDefault(); event.target.classList.add("dropping"); });
byId("manifest").addEventListener("dragleave", (event) => event.target.classList.remove("dropping"));
byId("manifest").addEventListener("drop", guarded(async (event) => {
  event.preventDefault();
  event.target.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) byId("manifest").value = await readText(file);
}));
byId("copy").addEventListener("click", guarded(async () => {
  byId("sealed").select();
  if (navigator.clipboard) await navigator.clipboard.writeText(byId("sealed").value);
  else document.execCommand("copy");
  byId("result-told").textContent = "Copied.";
}));
byId("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([byId("sealed").value], { type: "application/yaml" }));
  link.download = fileName();
  link.click();
  URL.revokeObjectURL(link.href);
});

addRow(false);
const given = byId("given-certificate").content.textContent.trim();
if (given) {
  byId("certificate").value = given;
  byId("certificate-typed").hidden = true;
}
guarded(showCertificate)();
