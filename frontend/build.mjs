// Builds everything that pages load: node build.mjs [--out DIR]
// The same sources give the same bytes on every run, so that a changed output always means a changed source.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "../src/parlour/static/dist") } } });
const out = resolve(values.out);
const packages = join(here, "node_modules");
const program = (name) => join(packages, ".bin", name);

const run = (file, args) => {
  try {
    execFileSync(file, args, { cwd: here, stdio: "pipe" });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ""}${error.stderr ?? error.message}`);
    process.exit(1);
  }
};

const checkTypes = () => run(program("tsc"), ["--project", "tsconfig.json"]);

/** The looks of the parts of basecoat that the portal's sheet imports; theirs stand under a heading each. */
const looks = () => {
  const wanted = [...readFileSync(join(here, "css/portal.css"), "utf8").matchAll(/components\/([\w-]+)\.css/g)].map(([, name]) => name);
  const all = readFileSync(join(packages, "basecoat-css/dist/styles/vega.css"), "utf8");
  const parts = all.slice(all.indexOf("{") + 1, all.lastIndexOf("}")).split(/^ *\/\* (?=[A-Z][\w ]* \*\/$)/m);
  const kept = parts.filter((part) => wanted.includes(part.split(" */")[0].toLowerCase().replaceAll(" ", "-")));
  mkdirSync(join(packages, ".parlour"), { recursive: true });
  writeFileSync(join(packages, ".parlour/looks.css"), `@layer components {\n${kept.map((part) => `/* ${part}`).join("")}\n}\n`);
};

/** The styles' own compiler has once given other bytes for the same sources: what counts is what two runs agree on. */
const styles = (name) => {
  const file = join(out, name);
  const compile = () => {
    run(program("tailwindcss"), ["--input", join("css", name), "--output", file, "--minify"]);
    return readFileSync(file, "utf8");
  };
  for (let before = compile(), tries = 0; tries < 4; tries++) {
    const now = compile();
    if (now === before) return;
    before = now;
  }
  process.stderr.write(`No two runs of the style compiler gave the same ${name}.\n`);
  process.exit(1);
};

/** What a page brings only when it is needed: a script of its own, which knows nothing of the others. */
const LATER = { name: "later", setup: (it) => it.onResolve({ filter: /^\.\/\w+\.js$/ }, ({ path }) => ({ path, external: true })) };

const scripts = () =>
  build({
    absWorkingDir: here,
    entryPoints: ["portal", "room", "desk", "attach_form", "uploads", "viewer"].map((name) => `src/${name}.ts`),
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    plugins: [LATER],
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });

/** One <symbol> an icon, with the drawing attributes on it, so that <use> needs none. */
const symbol = (name) => {
  const source = readFileSync(join(packages, "lucide-static/icons", `${name}.svg`), "utf8");
  const drawing = source.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/\s+/g, " ").replaceAll("> <", "><").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24">${drawing}</symbol>`;
};

const sprite = () => {
  const names = readFileSync(join(here, "icons.txt"), "utf8").split("\n").filter(Boolean).sort();
  const symbols = [...new Set(names)].map(symbol).join("\n");
  writeFileSync(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols}\n</svg>\n`);
};

/** What the icon has more while something is unread. */
const NEWS = '<circle cx="25" cy="7" r="6" fill="#e5484d" stroke="#fff" stroke-width="2"/>';

const copies = () => {
  const geist = dirname(createRequire(import.meta.url).resolve("@fontsource-variable/geist/package.json"));
  copyFileSync(join(geist, "files/geist-latin-wght-normal.woff2"), join(out, "geist-latin.woff2"));
  const icon = readFileSync(join(here, "favicon.svg"), "utf8");
  writeFileSync(join(out, "favicon.svg"), icon);
  writeFileSync(join(out, "favicon-news.svg"), icon.replace("</svg>", `${NEWS}</svg>`));
};

mkdirSync(out, { recursive: true });
checkTypes();
looks();
styles("app.css");
styles("portal.css");
await scripts();
sprite();
copies();
