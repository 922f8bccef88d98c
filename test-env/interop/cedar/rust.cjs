// SPDX-License-Identifier: Apache-2.0
// rust.cjs: answers the comparisons with Cedar's own implementation in Rust, as WebAssembly: reads
// the lines of generate.py, prints one line for each, as cedar_eval does.
"use strict";

const cedar = require("@cedar-policy/cedar-wasm/nodejs");
const fs = require("node:fs");

function entities(parents) {
    const all = new Map();
    for (const [child, parent] of parents)
        for (const uid of [child, parent])
            all.set(JSON.stringify(uid), { uid, attrs: {}, parents: [] });
    for (const [child, parent] of parents)
        all.get(JSON.stringify(child)).parents.push(parent);
    return [...all.values()];
}

function refusal(errors) {
    return { ok: false, error: "refused", text: errors.map((e) => e.message).join("; ") };
}

function answer(input) {
    const policies = { staticPolicies: input.policies };
    const parsed = cedar.checkParsePolicySet(policies);
    if (parsed.type !== "success")
        return refusal(parsed.errors);
    const answers = [];
    for (const request of input.requests) {
        const result = cedar.isAuthorized({
            ...request, context: {}, policies, entities: entities(input.parents) });
        if (result.type !== "success")
            return refusal(result.errors);
        answers.push({ decision: result.response.decision,
                       reason: result.response.diagnostics.reason });
    }
    return { ok: true, answers };
}

for (const line of fs.readFileSync(0, "utf8").split("\n"))
    if (line !== "")
        fs.writeSync(1, JSON.stringify(answer(JSON.parse(line))) + "\n");
