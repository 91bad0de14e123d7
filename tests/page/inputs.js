// A model and a cluster of one's own.
const layer = (index) => ({ id: `layer-${index}`, op: "Conv", param_bytes: 40_000_000, output_bytes: 1000, flops: 1e6 });

export const model = {
  name: "my own", layers: [0, 1, 2, 3].map(layer),
  edges: [1, 2, 3].map((to) => ({ from: `layer-${to - 1}`, to: `layer-${to}` })),
};

export const cluster = {
  name: "my site",
  nodes: ["a", "b", "c", "d", "e"].map((id, i) => ({
    id, memory_bytes: 100_000_000, flops_per_s: 1e9, labels: { room: i < 3 ? "hall" : "lab" }, position_m: { x: 10 * i, y: (7 * i * i) % 20 },
  })),
  network: { kind: "full_mesh", bandwidth_bps: 1e8, latency_s: 0.001 },
};

/** Returns a model and a cluster in which every name is one that somebody chose to do harm. */
export function named(hostile) {
  // Names differ in their last characters, and none is longer than 256.
  const name = (index) => [...hostile].slice(0, 255).join("") + index;
  return {
    model: {
      name: hostile, description: hostile, layers: [0, 1, 2, 3].map((index) => ({ ...layer(index), id: name(index), op: hostile })),
      edges: [1, 2, 3].map((to) => ({ from: name(to - 1), to: name(to) })),
    },
    cluster: {
      ...cluster, name: hostile, description: hostile,
      nodes: cluster.nodes.map((node, index) => ({ ...node, id: name(index), device_class: hostile, labels: { site: index < 3 ? hostile : "other" } })),
    },
    labels: { who: hostile },
  };
}
