// Plans ResNet50 on five devices through the generated types, then meets a 422 and a 404.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./generated/cutpoint.d.ts";

type Schemas = components["schemas"];
type Problem = Schemas["Problem"];

const { CUTPOINT_URL, CUTPOINT_KEY } = process.env;
assert(CUTPOINT_URL, "CUTPOINT_URL is not set");
const client = connect(CUTPOINT_URL, CUTPOINT_KEY);

function connect(baseUrl: string, key?: string): Client<paths> {
  return createClient<paths>({ baseUrl, headers: key ? { Authorization: `Bearer ${key}` } : {} });
}

async function example<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`../../../../examples/${file}`, import.meta.url), "utf8")) as T;
}

/** What an answer holds, which must be no problem. */
function given<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new Error(`${answer.error.title}: ${answer.error.detail}`);
  assert(answer.data);
  return answer.data;
}

async function plan(): Promise<Schemas["Placement"]> {
  const profile = await example<Schemas["ModelProfile"]>("models/ResNet50.json");
  const inventory = await example<Schemas["ClusterInventory"]>("clusters/radio-5.json");
  const model = given(await client.POST("/v1/models", { body: profile }));
  const cluster = given(await client.POST("/v1/clusters", { body: inventory }));

  const request = {
    params: { header: { "Idempotency-Key": randomUUID() } },
    body: { model_id: model.id, cluster_id: cluster.id },
  };
  const job = given(await client.POST("/v1/jobs", request));
  // A retry, as after an answer that was lost: the same job.
  const again = given(await client.POST("/v1/jobs", request));
  assert.equal(again.id, job.id);

  const { status, placement_id: id } = await wait(job);
  assert(status === "succeeded" && id);
  return given(await client.GET("/v1/placements/{id}", { params: { path: { id } } }));
}

/** Long polls: each answer comes when the job has changed, or after five seconds. */
async function wait(job: Schemas["Job"]): Promise<Schemas["Job"]> {
  let version = "";
  while (job.status === "queued" || job.status === "running") {
    const params = { path: { id: job.id }, header: { "If-None-Match": version, Prefer: "wait=5" } };
    const answer = await client.GET("/v1/jobs/{id}", { params });
    if (answer.response.status !== 304) {
      job = given(answer);
      version = answer.response.headers.get("ETag") ?? "";
    }
  }
  return job;
}

async function meetFaults(): Promise<void> {
  const node = { id: "n", memory_bytes: 1 };
  const refused = await client.POST("/v1/jobs", {
    body: {
      model: {
        name: "m",
        layers: [{ id: "a", param_bytes: 1, output_bytes: 1 }],
        edges: [{ from: "a", to: "nowhere" }],
      },
      cluster: { name: "c", nodes: [node, node] },
    },
  });
  assert(refused.response.status === 422 && refused.error);
  for (const fault of refused.error.errors ?? []) {
    console.log(`${fault.pointer}: ${fault.detail}. ${fault.action}.`);
  }
  const faults = (refused.error.errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`).sort();
  assert.deepEqual(faults, ["/cluster/nodes/1/id duplicate", "/model/edges/0/to unknown_reference"]);

  const missing = await client.GET("/v1/jobs/{id}", {
    params: { path: { id: "job_00000000-0000-7000-8000-000000000000" } },
  });
  assert.equal(missing.response.status, 404);
  assert.equal(missing.error?.type, "/problems/not-found");
}

const { placement } = await plan();
assert.equal(placement.status, "optimal");
const stages = (placement.pipelines ?? []).flatMap((pipeline) => pipeline.stages);
assert.equal(stages.reduce((count, stage) => count + stage.layer_ids.length, 0), 177);
console.log(`${placement.period_s} s on ${stages.map((stage) => stage.node_id).join(", ")}`);
await meetFaults();
