// SPDX-License-Identifier: Apache-2.0
//! policy.rs: random policies and templates, and the whole case around them.

use crate::damage::{damage, Kind};
use crate::dress::{dress, quote};
use crate::expr::{entity, Env, Gen};
use crate::literal;
use crate::rng::Rng;
use crate::schema;
use crate::world::World;
use serde_json::{json, Map, Value};

struct Policies {
    text: String,
    slots: Vec<(bool, bool)>, // of each policy: has ?principal, has ?resource
}

fn scope(rng: &mut Rng, world: &World, word: &str, ty: usize, slot: bool) -> String {
    let name = &world.types[ty].name;
    let parents = &world.types[ty].parents;
    let above = if parents.is_empty() { ty } else { parents[rng.below(parents.len())] };
    let above = if world.wrong(rng) { rng.below(world.types.len()) } else { above };
    let mut group = world.entity(rng, above);
    if rng.percent(20) {
        group = world.entity(rng, ty);
    }
    let in_text = if slot { format!("?{word}") } else { entity(rng, &group, world.fancy) };
    if slot {
        return match rng.below(3) {
            0 => format!("{word} == {in_text}"),
            1 => format!("{word} in {in_text}"),
            _ => format!("{word} is {name} in {in_text}"),
        };
    }
    match rng.below(20) {
        0..5 => word.to_owned(),
        5..12 => format!("{word} is {name}"),
        12..15 => {
            let same = world.entity(rng, ty);
            format!("{word} == {}", entity(rng, &same, world.fancy))
        }
        15..17 => format!("{word} in {in_text}"),
        _ => format!("{word} is {name} in {in_text}"),
    }
}

fn action_scope(rng: &mut Rng, world: &World, at: usize) -> String {
    let of = &world.actions[at];
    let name = (of.ty.clone(), of.id.clone());
    let this = entity(rng, &name, world.fancy);
    match rng.below(20) {
        0..5 => "action".to_owned(),
        5..11 => format!("action == {this}"),
        11..13 => format!("action in {this}"),
        13..15 if !of.groups.is_empty() => {
            let group = &world.actions[of.groups[rng.below(of.groups.len())]];
            let name = (group.ty.clone(), group.id.clone());
            format!("action in {}", entity(rng, &name, world.fancy))
        }
        15..17 => format!("action in [{this}]"),
        17 => "action in []".to_owned(),
        _ => {
            let other = world.action(rng);
            let other = entity(rng, &other, world.fancy);
            format!("action in [{this}, {other}]")
        }
    }
}

fn env(rng: &mut Rng, world: &World) -> Env {
    let n = world.types.len();
    let action = rng.below(world.actions.len());
    let of = &world.actions[action];
    let pick = |rng: &mut Rng, list: &[usize]| {
        if list.is_empty() {
            rng.below(n)
        } else {
            list[rng.below(list.len())]
        }
    };
    let principal = pick(rng, &of.principals);
    let resource = pick(rng, &of.resources);
    Env { principal, action, resource }
}

fn annotations(rng: &mut Rng, fancy: bool) -> String {
    let mut out = String::new();
    if rng.percent(8) {
        let value = literal::string(rng);
        out.push_str(&format!("@id({}) ", quote(rng, &value, false, fancy)));
    }
    if rng.percent(5) {
        out.push_str(rng.pick(&["@if ", "@a(\"\") ", "@note(\"x\") ", "@in(\"\\u{e4}\") "]));
    }
    out
}

fn policies(rng: &mut Rng, world: &World) -> Policies {
    let mut out = Policies { text: String::new(), slots: Vec::new() };
    let with_templates = rng.percent(15);
    let count = match rng.below(20) {
        0 => 0,
        1..14 => 1 + rng.below(4),
        14..19 => 3 + rng.below(6),
        _ => 20,
    };
    for _ in 0..count {
        let env = env(rng, world);
        let slots = (with_templates && rng.percent(40), with_templates && rng.percent(40));
        let effect = if rng.percent(68) { "permit" } else { "forbid" };
        let head = annotations(rng, world.fancy);
        let principal = scope(rng, world, "principal", env.principal, slots.0);
        let action = action_scope(rng, world, env.action);
        let resource = scope(rng, world, "resource", env.resource, slots.1);
        let comma = if rng.percent(4) { "," } else { "" };
        out.text.push_str(&format!("{head}{effect} ({principal}, {action}, {resource}{comma})"));
        for _ in 0..[0, 0, 1, 1, 1, 1, 2, 3][rng.below(8)] {
            let body = Gen::new(world, rng, &env).condition();
            let word = if rng.percent(70) { "when" } else { "unless" };
            out.text.push_str(&format!("\n{word} {{ {body} }}"));
        }
        out.text.push_str(";\n");
        out.slots.push(slots);
    }
    out
}

fn links(rng: &mut Rng, world: &World, made: &Policies) -> Vec<Value> {
    let mut out = Vec::new();
    if made.slots.iter().all(|s| *s == (false, false)) && rng.percent(98) {
        return out;
    }
    for i in 0..rng.below(5) {
        let at = rng.below(made.slots.len().max(1));
        let &(principal, resource) = made.slots.get(at).unwrap_or(&(false, true));
        let mut link = Map::new();
        let id = if rng.percent(92) { format!("link{i}") } else { format!("policy{i}") };
        link.insert("template".into(), json!(format!("policy{at}")));
        link.insert("id".into(), json!(id));
        for (word, has) in [("principal", principal), ("resource", resource)] {
            if has != rng.once_in(20) {
                let name = world.any_entity(rng);
                link.insert(word.into(), json!({"type": name.0, "id": name.1}));
            }
        }
        out.push(Value::Object(link));
    }
    out
}

/// The same policies as JSON, if they can be linked and written.
fn as_json(case: &Value) -> Option<String> {
    let set = crate::peer::policies(case).0.ok()?;
    Some(set.to_json().ok()?.to_string())
}

pub fn case(rng: &mut Rng) -> Value {
    let mut world = World::new(rng);
    let mut entities = world.entities_json(rng);
    let made = policies(rng, &world);
    let links = links(rng, &world, &made);
    let mut text = made.text.clone();
    if rng.percent(35) {
        text = dress(rng, &text);
    }
    let mut requests: Vec<Value> = Vec::new();
    for _ in 0..10 {
        let request = world.request_json(rng);
        requests.push(serde_json::from_str(&request).unwrap_or(Value::Null));
    }
    let schema_as_json = rng.percent(40);
    let mut schema =
        if schema_as_json { schema::as_json(rng, &world) } else { schema::human(rng, &world) };
    if !schema_as_json && rng.percent(30) {
        schema = dress(rng, &schema);
    }
    if rng.percent(12) {
        let kind = if schema_as_json { Kind::Json } else { Kind::Schema };
        schema = damage(rng, &schema, &kind);
    }
    if rng.percent(5) {
        entities = damage(rng, &entities, &Kind::Json);
    }
    if rng.percent(5) {
        for request in &mut requests {
            let text = request["context"].as_str().unwrap_or("{}").to_owned();
            request["context"] = json!(damage(rng, &text, &Kind::Json));
        }
    }
    let mut case = json!({
        "form": "text", "policies": text, "links": links, "entities": entities, "schema": schema,
        "schema_form": if schema_as_json { "json" } else { "human" }, "requests": requests,
    });
    if rng.percent(15) {
        case["policies"] = json!(damage(rng, &text, &Kind::Policy));
    } else if rng.percent(20) {
        if let Some(mut written) = as_json(&case) {
            if rng.percent(50) {
                written = damage(rng, &written, &Kind::Json);
            }
            case["form"] = json!("json");
            case["policies"] = json!(written);
            case["links"] = json!([]);
        }
    }
    case["print"] = json!(rng.percent(50));
    case
}
