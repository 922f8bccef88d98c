// SPDX-License-Identifier: Apache-2.0
//! schema.rs: a world's types as a schema, in either syntax.

use crate::dress::{json, quote};
use crate::rng::Rng;
use crate::world::{Action, Attr, EntityType, Ty, World};

/// "A::B::C" is ("A::B", "C").
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once("::").unwrap_or(("", name))
}

fn is_ident(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    first
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
        && !["if", "true", "false", "then", "else", "in", "is", "like", "has", "__cedar"]
            .contains(&name)
}

struct Writer<'a> {
    world: &'a World,
    rng: &'a mut Rng,
}

impl Writer<'_> {
    /// A name as it may be written inside of a namespace.
    fn name(&mut self, full: &str, inside: &str) -> String {
        let (space, base) = split(full);
        if space == inside && self.rng.percent(60) {
            return base.to_owned();
        }
        full.to_owned()
    }

    fn primitive(&mut self, name: &str) -> String {
        if self.rng.percent(8) {
            return format!("__cedar::{name}");
        }
        name.to_owned()
    }

    fn common(&mut self, ty: &Ty, inside: &str) -> Option<String> {
        let world = self.world;
        for (name, same) in &world.commons {
            if same == ty && self.rng.percent(60) {
                return Some(self.name(name, inside));
            }
        }
        None
    }

    fn applies(&mut self, of: &Action) -> bool {
        !of.principals.is_empty() && !of.resources.is_empty() || self.rng.percent(5)
    }

    // ---- the human syntax

    fn attr_key(&mut self, name: &str) -> String {
        if is_ident(name) && self.rng.percent(85) {
            return name.to_owned();
        }
        quote(self.rng, name, false, self.world.fancy)
    }

    fn ty(&mut self, ty: &Ty, inside: &str) -> String {
        if let Some(name) = self.common(ty, inside) {
            return name;
        }
        match ty {
            Ty::Bool => self.primitive("Bool"),
            Ty::Long => self.primitive("Long"),
            Ty::Str => self.primitive("String"),
            Ty::Entity(at) => {
                let world = self.world;
                self.name(&world.types[*at].name, inside)
            }
            Ty::Set(of) => format!("Set<{}>", self.ty(of, inside)),
            Ty::Record(attrs) => self.record(attrs, inside),
            Ty::Ip => self.primitive("ipaddr"),
            Ty::Decimal => self.primitive("decimal"),
            Ty::Datetime => self.primitive("datetime"),
            Ty::Duration => self.primitive("duration"),
        }
    }

    fn annotation(&mut self) -> &'static str {
        if self.rng.once_in(40) {
            return self.rng.pick(&["@doc(\"x\") ", "@a ", "@a(\"\") @b "]);
        }
        ""
    }

    fn record(&mut self, attrs: &[Attr], inside: &str) -> String {
        let mut list: Vec<String> = Vec::new();
        for attr in attrs {
            let mark = if attr.required { "" } else { "?" };
            let note = self.annotation();
            let ty = self.ty(&attr.ty, inside);
            list.push(format!("{note}{}{mark}: {ty}", self.attr_key(&attr.name)));
        }
        let end = if !list.is_empty() && self.rng.percent(20) { "," } else { "" };
        format!("{{ {}{end} }}", list.join(", "))
    }

    fn entity(&mut self, of: &EntityType, inside: &str) -> String {
        let (_, base) = split(&of.name);
        let note = self.annotation();
        if !of.ids.is_empty() {
            let fancy = self.world.fancy;
            let ids: Vec<String> =
                of.ids.iter().map(|id| quote(self.rng, id, false, fancy)).collect();
            return format!("{note}entity {base} enum [{}];", ids.join(", "));
        }
        let mut out = format!("{note}entity {base}");
        if !of.parents.is_empty() {
            let names = self.type_list(&of.parents, inside);
            out.push_str(&format!(" in {names}"));
        }
        if !of.attrs.is_empty() || self.rng.percent(20) {
            let equals = if self.rng.percent(30) { " = " } else { " " };
            out.push_str(equals);
            out.push_str(&self.record(&of.attrs, inside));
        }
        if let Some(tags) = &of.tags {
            out.push_str(&format!(" tags {}", self.ty(tags, inside)));
        }
        out + ";"
    }

    fn type_list(&mut self, types: &[usize], inside: &str) -> String {
        let world = self.world;
        let names: Vec<String> =
            types.iter().map(|&t| self.name(&world.types[t].name, inside)).collect();
        if names.len() == 1 && self.rng.percent(40) {
            return names[0].clone();
        }
        format!("[{}]", names.join(", "))
    }

    fn action(&mut self, of: &Action, inside: &str) -> String {
        let world = self.world;
        let mut out = format!("{}action {}", self.annotation(), self.attr_key(&of.id));
        let groups: Vec<String> = of
            .groups
            .iter()
            .map(|&g| {
                let group = &world.actions[g];
                if split(&group.ty).0 == inside && self.rng.percent(70) {
                    return self.attr_key(&group.id);
                }
                format!("{}::{}", group.ty, quote(self.rng, &group.id, false, world.fancy))
            })
            .collect();
        if !groups.is_empty() {
            out.push_str(&format!(" in [{}]", groups.join(", ")));
        }
        if self.applies(of) {
            let mut parts = vec![
                format!("principal: {}", self.type_list(&of.principals, inside)),
                format!("resource: {}", self.type_list(&of.resources, inside)),
            ];
            let record = Ty::Record(of.context.clone());
            if let Some(name) = self.common(&record, inside) {
                parts.push(format!("context: {name}"));
            } else if !of.context.is_empty() || self.rng.percent(30) {
                parts.push(format!("context: {}", self.record(&of.context, inside)));
            }
            if self.rng.percent(10) {
                self.rng.shuffle(&mut parts);
            }
            out.push_str(&format!(" appliesTo {{ {} }}", parts.join(", ")));
        }
        out + ";"
    }

    fn spaces(&self) -> Vec<&str> {
        let world = self.world;
        let mut all: Vec<&str> = Vec::new();
        let names = world.types.iter().map(|t| &t.name);
        let names = names.chain(world.actions.iter().map(|a| &a.ty));
        for name in names.chain(world.commons.iter().map(|c| &c.0)) {
            let (space, _) = split(name);
            if !all.contains(&space) {
                all.push(space);
            }
        }
        all
    }

    fn human(&mut self) -> String {
        let world = self.world;
        let mut out = String::new();
        let mut spaces: Vec<String> = self.spaces().into_iter().map(str::to_owned).collect();
        self.rng.shuffle(&mut spaces);
        for space in &spaces {
            let mut list: Vec<String> = Vec::new();
            for of in world.types.iter().filter(|t| split(&t.name).0 == space) {
                list.push(self.entity(of, space));
            }
            for of in world.actions.iter().filter(|a| split(&a.ty).0 == space) {
                list.push(self.action(of, space));
            }
            for (name, ty) in world.commons.iter().filter(|c| split(&c.0).0 == space) {
                // Not its own name.
                let hidden = World { commons: Vec::new(), ..empty(world) };
                let text = if self.rng.percent(90) {
                    Writer { world: &hidden, rng: self.rng }.ty(ty, space)
                } else {
                    self.ty(ty, space)
                };
                list.push(format!("type {} = {text};", split(name).1));
            }
            if self.rng.once_in(12) {
                // Several names in one declaration.
                list.push(self.rng.pick(&[
                    "entity X0, X1;", "entity X0, X1 in [X0, X1] { a: Long };", "action x0, \"x 1\";",
                    "action x0, x1 in [x2]; action x2;", "entity X0 in [];", "entity X0 = {};",
                    "action x0 attributes {};", "entity X0, X0;", "type X0 = {a?: X1}; type X1 = Long;",
                    "type X0 = X1; type X1 = X0;", "action x0 in x1; action x1 in x0;", "action x0 in x0;",
                    "entity X0; type X0 = Long;", "type Long = String;", "entity Bool; type X1 = {a: Bool};",
                    "entity X0 in Y0;", "type X0 = Y0;", "action x0 in y0;", "entity X0 enum [\"a\", \"a\"];",
                    "external entity X0;", "external action x0;", "entity X0 {a: X1}; external entity X1;",
                    "entity X0 { \"a\": Long, a: String };", "entity X0 tags X0; entity X1 tags Set<X0>;",
                    "action x0 appliesTo { principal: X0, resource: X0 }; entity X0 enum [\"a\"];",
                    "action x0 appliesTo { principal: [], resource: [] };",
                    "action x0 appliesTo { principal: X0, principal: X0, resource: X0 }; entity X0;",
                    "action x0 appliesTo { principal: X0, resource: X0, context: X1 }; entity X0; type X1 = {};",
                    "action x0 appliesTo { principal: X0, resource: X0, context: X1 }; entity X0; type X1 = Long;",
                ]).to_owned());
            }
            self.rng.shuffle(&mut list);
            let list = list.join("\n");
            if space.is_empty() {
                out.push_str(&format!("{list}\n"));
            } else {
                out.push_str(&format!("namespace {space} {{\n{list}\n}}\n"));
            }
        }
        out
    }

    // ---- JSON

    fn named(&mut self, kind: &str, name: &str) -> String {
        let kind = if self.rng.percent(25) { "EntityOrCommon" } else { kind };
        format!("{{\"type\":{},\"name\":{}}}", json(kind), json(name))
    }

    fn ty_json(&mut self, ty: &Ty, inside: &str) -> String {
        if let Some(name) = self.common(ty, inside) {
            if self.rng.percent(50) {
                return format!("{{\"type\":{}}}", json(&name));
            }
            return format!("{{\"type\":\"EntityOrCommon\",\"name\":{}}}", json(&name));
        }
        match ty {
            Ty::Bool if self.rng.percent(30) => self.named("EntityOrCommon", "Bool"),
            Ty::Bool => "{\"type\":\"Boolean\"}".to_owned(),
            Ty::Long => "{\"type\":\"Long\"}".to_owned(),
            Ty::Str => "{\"type\":\"String\"}".to_owned(),
            Ty::Entity(at) => {
                let world = self.world;
                let name = self.name(&world.types[*at].name, inside);
                self.named("Entity", &name)
            }
            Ty::Set(of) => format!("{{\"type\":\"Set\",\"element\":{}}}", self.ty_json(of, inside)),
            Ty::Record(attrs) => self.record_json(attrs, inside),
            Ty::Ip => self.named("Extension", "ipaddr"),
            Ty::Decimal => self.named("Extension", "decimal"),
            Ty::Datetime => self.named("Extension", "datetime"),
            Ty::Duration => self.named("Extension", "duration"),
        }
    }

    fn record_json(&mut self, attrs: &[Attr], inside: &str) -> String {
        let mut list: Vec<String> = Vec::new();
        for attr in attrs {
            let mut ty = self.ty_json(&attr.ty, inside);
            if !attr.required || self.rng.percent(30) {
                ty.pop();
                ty.push_str(&format!(",\"required\":{}}}", attr.required));
            }
            list.push(format!("{}:{ty}", json(&attr.name)));
        }
        let more = match self.rng.below(40) {
            0 => ",\"additionalAttributes\":false",
            1 => ",\"annotations\":{\"doc\":\"x\"}",
            _ => "",
        };
        format!("{{\"type\":\"Record\",\"attributes\":{{{}}}{more}}}", list.join(","))
    }

    fn names_json(&mut self, types: &[usize], inside: &str) -> String {
        let world = self.world;
        let names: Vec<String> =
            types.iter().map(|&t| json(&self.name(&world.types[t].name, inside))).collect();
        format!("[{}]", names.join(","))
    }

    fn entity_json(&mut self, of: &EntityType, inside: &str) -> String {
        if !of.ids.is_empty() {
            let ids: Vec<String> = of.ids.iter().map(|id| json(id)).collect();
            return format!("{{\"enum\":[{}]}}", ids.join(","));
        }
        let mut parts = Vec::new();
        if !of.parents.is_empty() || self.rng.percent(50) {
            parts.push(format!("\"memberOfTypes\":{}", self.names_json(&of.parents, inside)));
        }
        if !of.attrs.is_empty() || self.rng.percent(50) {
            parts.push(format!("\"shape\":{}", self.record_json(&of.attrs, inside)));
        }
        if let Some(tags) = &of.tags {
            parts.push(format!("\"tags\":{}", self.ty_json(tags, inside)));
        }
        format!("{{{}}}", parts.join(","))
    }

    fn action_json(&mut self, of: &Action, inside: &str) -> String {
        let world = self.world;
        let mut parts = Vec::new();
        if !of.groups.is_empty() || self.rng.percent(30) {
            let groups: Vec<String> = of
                .groups
                .iter()
                .map(|&g| {
                    let group = &world.actions[g];
                    let (id, ty) = (json(&group.id), json(&group.ty));
                    if split(&group.ty).0 == inside && self.rng.percent(60) {
                        return format!("{{\"id\":{id}}}");
                    }
                    format!("{{\"id\":{id},\"type\":{ty}}}")
                })
                .collect();
            parts.push(format!("\"memberOf\":[{}]", groups.join(",")));
        }
        if self.applies(of) {
            let mut inner = vec![
                format!("\"principalTypes\":{}", self.names_json(&of.principals, inside)),
                format!("\"resourceTypes\":{}", self.names_json(&of.resources, inside)),
            ];
            if !of.context.is_empty() || self.rng.percent(30) {
                inner.push(format!("\"context\":{}", self.record_json(&of.context, inside)));
            }
            parts.push(format!("\"appliesTo\":{{{}}}", inner.join(",")));
        }
        format!("{{{}}}", parts.join(","))
    }

    fn json(&mut self) -> String {
        let world = self.world;
        let mut out: Vec<String> = Vec::new();
        let spaces: Vec<String> = self.spaces().into_iter().map(str::to_owned).collect();
        for space in &spaces {
            let mut types = Vec::new();
            for of in world.types.iter().filter(|t| split(&t.name).0 == space) {
                types.push(format!("{}:{}", json(split(&of.name).1), self.entity_json(of, space)));
            }
            let mut actions = Vec::new();
            for of in world.actions.iter().filter(|a| split(&a.ty).0 == space) {
                actions.push(format!("{}:{}", json(&of.id), self.action_json(of, space)));
            }
            let mut commons = Vec::new();
            for (name, ty) in world.commons.iter().filter(|c| split(&c.0).0 == space) {
                let hidden = World { commons: Vec::new(), ..empty(world) };
                let text = Writer { world: &hidden, rng: self.rng }.ty_json(ty, space);
                commons.push(format!("{}:{text}", json(split(name).1)));
            }
            let commons = if commons.is_empty() {
                String::new()
            } else {
                format!("\"commonTypes\":{{{}}},", commons.join(","))
            };
            out.push(format!(
                "{}:{{{commons}\"entityTypes\":{{{}}},\"actions\":{{{}}}}}",
                json(space),
                types.join(","),
                actions.join(",")
            ));
        }
        format!("{{{}}}", out.join(","))
    }
}

/// The same types without anything else.
fn empty(world: &World) -> World {
    let types = world
        .types
        .iter()
        .map(|t| EntityType { name: t.name.clone(), ..Default::default() })
        .collect();
    World {
        types,
        actions: Vec::new(),
        commons: Vec::new(),
        entities: Vec::new(),
        wrong: 0,
        fancy: world.fancy,
    }
}

pub fn human(rng: &mut Rng, world: &World) -> String {
    Writer { world, rng }.human()
}

pub fn as_json(rng: &mut Rng, world: &World) -> String {
    Writer { world, rng }.json()
}
