// A local cloud of its own that believes this issuer, with one environment of each function.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AUTHORITY, SHOP } from "./provider.mjs";

const ROOT = process.env.MILLRACE_ROOT;
const FOLDER = ".dev-identity";

export class Cloud {
  constructor(issuer) {
    this.settings = {
      MILLRACE_DEV_DIR: FOLDER,
      MILLRACE_NO_RELOAD: "1",
      MILLRACE_NO_CONSOLE: "1",
      MILLRACE_CONCURRENCY: "1",
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: SHOP,
      TOKEN_ISSUER_CA_FILE: AUTHORITY,
      TOKEN_ROLES_CLAIM: "shop.roles",
      TOKEN_ADMINISTRATOR_ROLE: "manager",
    };
  }

  dev(...words) {
    const env = { ...process.env, ...this.settings };
    return execFileSync("./dev", words, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  }

  start() {
    this.dev("reset");
    this.dev("up", "--detach");
    const lines = readFileSync(join(ROOT, FOLDER, "env"), "utf8").split("\n");
    this.env = Object.fromEntries(lines.filter((line) => line.includes("=")).map((line) => line.split(/=(.*)/s)));
  }

  stop() {
    this.dev("down");
  }

  /** No limits used up: what is refused is charged to this machine's address, for all tests together. */
  calm() {
    this.dev("redis", "flushall");
  }

  async call(method, path, { token, body, headers } = {}) {
    const response = await fetch(`${this.env.API_URL}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { "content-type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  }
}
