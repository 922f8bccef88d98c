// SPDX-License-Identifier: Apache-2.0
//! world.rs: what a case is about: types, actions, entities, and the JSON of entities and requests.
//! Most of it fits the schema that the same types make, some of it slightly does not.

use crate::dress::json;
use crate::literal;
use crate::rng::Rng;

#[derive(Clone, PartialEq)]
pub enum Ty {
    Bool,
    Long,
    Str,
    Entity(usize),
    Set(Box<Ty>),
    Record(Vec<Attr>),
    Ip,
    Decimal,
    Datetime,
    Duration,
}

#[derive(Clone, PartialEq)]
pub struct Attr {
    pub name: String,
    pub ty: Ty,
    pub required: bool,
}

#[derive(Default)]
pub struct EntityType {
    pub name: String,
    pub parents: Vec<usize>,
    pub attrs: Vec<Attr>,
    pub tags: Option<Ty>,
    pub ids: Vec<String>, // of an enumeration
}

pub struct Action {
    pub ty: String,
    pub id: String,
    pub groups: Vec<usize>,
    pub principals: Vec<usize>,
    pub resources: Vec<usize>,
    pub context: Vec<Attr>,
}

pub type Name = (String, String);

pub struct World {
    pub types: Vec<EntityType>,
    pub actions: Vec<Action>,
    pub commons: Vec<(String, Ty)>,
    pub entities: Vec<Name>, // those that are in the store
    pub wrong: u64,          // of 1000 choices, so many do not fit
    pub fancy: bool,         // with unusual names and escapes
}

const TYPES: &[&str] = &["User", "Group", "Doc", "NS::Photo", "NS::Album", "A::B::C"];
const ODD_TYPES: &[&str] = &[
    "Long",
    "NS::Long",
    "ipaddr",
    "NS::String",
    "String",
    "NS::Action::X",
    "_x1",
    "when::in2",
    "Bool",
    "NS::decimal",
    "NS::User",
    "NS::Group",
    "principal",
    "Set",
    "NS::Set",
    "permit",
    "Entity",
    "Record",
];
const ACTIONS: &[&str] = &["view", "edit", "all", "delete"];
const ATTRS: &[&str] = &["a", "b", "c", "n", "s", "flag", "owner", "list", "addr", "when"];
const ODD_ATTRS: &[&str] = &[
    "if",
    "true",
    "in",
    "has",
    "principal",
    "a b",
    "",
    "\u{e4}",
    "__cedar",
    "type",
    "id",
    "\"",
    "*",
    "_",
    "a1",
    "like",
    "permit",
    "1a",
    "isEmpty",
    "contains",
    "\0",
    "ip",
    "is",
    "a.b",
    "A",
];

pub fn attr_name(rng: &mut Rng, fancy: bool) -> &'static str {
    if fancy && rng.percent(25) {
        return rng.pick(ODD_ATTRS);
    }
    rng.pick(ATTRS)
}

pub fn ty(rng: &mut Rng, depth: u32, types: usize, fancy: bool) -> Ty {
    match rng.below(if depth == 0 { 16 } else { 20 }) {
        0..3 => Ty::Bool,
        3..6 => Ty::Long,
        6..8 => Ty::Str,
        8..12 => Ty::Entity(rng.below(types)),
        12 => Ty::Ip,
        13 => Ty::Decimal,
        14 => Ty::Datetime,
        15 => Ty::Duration,
        16 | 17 => Ty::Set(Box::new(ty(rng, depth - 1, types, fancy))),
        _ => Ty::Record(attrs(rng, depth - 1, types, fancy)),
    }
}

fn attrs(rng: &mut Rng, depth: u32, types: usize, fancy: bool) -> Vec<Attr> {
    let mut out: Vec<Attr> = Vec::new();
    for _ in 0..rng.below(5) {
        let name = attr_name(rng, fancy);
        if out.iter().all(|a| a.name != name) {
            let ty = ty(rng, depth, types, fancy);
            let required = rng.percent(60);
            out.push(Attr { name: name.to_owned(), ty, required });
        }
    }
    out
}

fn some(rng: &mut Rng, n: usize) -> Vec<usize> {
    let mut out: Vec<usize> = (0..n).filter(|_| rng.percent(40)).collect();
    if out.is_empty() && n > 0 && rng.percent(90) {
        out.push(rng.below(n));
    }
    out
}

impl World {
    pub fn new(rng: &mut Rng) -> Self {
        let fancy = rng.percent(30);
        let wrong = rng.pick(&[0, 0, 0, 8, 30, 120]);
        let mut names: Vec<&str> = TYPES.to_vec();
        rng.shuffle(&mut names);
        names.truncate([1, 2, 2, 3, 3, 4, 5][rng.below(7)]);
        if fancy && rng.percent(30) {
            names.push(rng.pick(ODD_TYPES));
        }
        let n = names.len();
        let mut world = Self {
            types: Vec::new(),
            actions: Vec::new(),
            commons: Vec::new(),
            entities: Vec::new(),
            wrong,
            fancy,
        };
        for (i, name) in names.iter().enumerate() {
            let mut made = EntityType { name: (*name).to_owned(), ..Default::default() };
            if rng.percent(8) {
                made.ids = vec!["a".into(), rng.pick(literal::IDS).to_owned()];
                made.ids.dedup();
            } else {
                made.attrs = attrs(rng, 2, n, fancy);
                if rng.percent(35) {
                    made.tags = Some(ty(rng, 1, n, fancy));
                }
                // Mostly upwards; a type may be in itself.
                made.parents = (0..n)
                    .filter(|&p| {
                        rng.percent(if p > i {
                            50
                        } else if p == i {
                            25
                        } else {
                            4
                        })
                    })
                    .collect();
            }
            world.types.push(made);
        }
        let space = rng.pick(&["Action", "Action", "NS::Action"]);
        let count = [1, 1, 2, 2, 3, 4][rng.below(6)];
        for i in 0..count {
            let id = if fancy && rng.percent(20) { rng.pick(literal::IDS) } else { ACTIONS[i] };
            world.actions.push(Action {
                ty: if rng.percent(95) { space } else { "A::B::Action" }.to_owned(),
                id: if world.actions.iter().any(|a| a.id == id) { ACTIONS[i] } else { id }
                    .to_owned(),
                groups: (i + 1..count).filter(|_| rng.percent(35)).collect(),
                principals: some(rng, n),
                resources: some(rng, n),
                context: attrs(rng, 2, n, fancy),
            });
        }
        for i in 0..rng.below(3) {
            let name = ["T0", "NS::T1", "T2"][i];
            let ty = match rng.below(3) {
                0 => Ty::Record(attrs(rng, 1, n, fancy)),
                1 => world.types[rng.below(n)].attrs.first().map_or(Ty::Long, |a| a.ty.clone()),
                _ => ty(rng, 1, n, fancy),
            };
            world.commons.push((name.to_owned(), ty));
        }
        world
    }

    pub fn wrong(&self, rng: &mut Rng) -> bool {
        rng.next() % 1000 < self.wrong
    }

    pub fn any_type(&self, rng: &mut Rng) -> Ty {
        ty(rng, 1, self.types.len(), self.fancy)
    }

    /// A name of this type, most often of an entity that exists.
    pub fn entity(&self, rng: &mut Rng, ty: usize) -> Name {
        let of = &self.types[ty];
        if !of.ids.is_empty() && !self.wrong(rng) {
            return (of.name.clone(), of.ids[rng.below(of.ids.len())].clone());
        }
        let known: Vec<&Name> = self.entities.iter().filter(|e| e.0 == of.name).collect();
        if !known.is_empty() && rng.percent(75) {
            return known[rng.below(known.len())].clone();
        }
        (of.name.clone(), literal::id(rng).to_owned())
    }

    pub fn any_entity(&self, rng: &mut Rng) -> Name {
        if self.fancy && rng.percent(3) {
            return (rng.pick(ODD_TYPES).to_owned(), literal::id(rng).to_owned());
        }
        let ty = rng.below(self.types.len());
        self.entity(rng, ty)
    }

    pub fn action(&self, rng: &mut Rng) -> Name {
        let of = &self.actions[rng.below(self.actions.len())];
        if self.wrong(rng) {
            return (of.ty.clone(), "nothing".to_owned());
        }
        (of.ty.clone(), of.id.clone())
    }
}

// ---- JSON

fn name_json(name: &Name) -> String {
    format!("{{\"type\":{},\"id\":{}}}", json(&name.0), json(&name.1))
}

pub fn ref_json(rng: &mut Rng, name: &Name) -> String {
    match rng.below(10) {
        0..8 => name_json(name),
        _ => format!("{{\"__entity\":{}}}", name_json(name)),
    }
}

fn ext_json(rng: &mut Rng, function: &str, argument: &str) -> String {
    let argument = json(argument);
    match rng.below(12) {
        0 => format!("{{\"__extn\":{{\"fn\":\"{function}\",\"args\":[{argument}]}}}}"),
        1 => format!("{{\"__extn\":{{\"arg\":{argument},\"fn\":\"{function}\"}}}}"),
        _ => format!("{{\"__extn\":{{\"fn\":\"{function}\",\"arg\":{argument}}}}}"),
    }
}

impl World {
    pub fn value_json(&self, rng: &mut Rng, ty: &Ty) -> String {
        if self.wrong(rng) {
            let other = self.any_type(rng);
            return self.value_json(rng, &other);
        }
        let fails = self.wrong > 0 && rng.once_in(60);
        match ty {
            Ty::Bool => ["true", "false"][rng.below(2)].to_owned(),
            Ty::Long => literal::long(rng).to_string(),
            Ty::Str => json(&literal::string(rng)),
            Ty::Entity(ty) => format!("{{\"__entity\":{}}}", name_json(&self.entity(rng, *ty))),
            Ty::Set(of) => {
                let items: Vec<String> =
                    (0..rng.below(4)).map(|_| self.value_json(rng, of)).collect();
                format!("[{}]", items.join(","))
            }
            Ty::Record(attrs) => self.record_json(rng, attrs),
            Ty::Ip => {
                let text = literal::ip(rng, fails);
                ext_json(rng, "ip", &text)
            }
            Ty::Decimal => {
                let text = literal::decimal(rng, fails);
                ext_json(rng, "decimal", &text)
            }
            Ty::Datetime if rng.once_in(8) => {
                let day = ext_json(rng, "datetime", "2024-01-01");
                let more = ext_json(rng, "duration", &literal::duration(&mut Rng::new(7), false));
                format!("{{\"__extn\":{{\"fn\":\"offset\",\"args\":[{day},{more}]}}}}")
            }
            Ty::Datetime => {
                let text = literal::datetime(rng, fails);
                ext_json(rng, "datetime", &text)
            }
            Ty::Duration => {
                let text = literal::duration(rng, fails);
                ext_json(rng, "duration", &text)
            }
        }
    }

    pub fn record_json(&self, rng: &mut Rng, attrs: &[Attr]) -> String {
        let mut fields: Vec<String> = Vec::new();
        for attr in attrs {
            if if attr.required { self.wrong(rng) } else { rng.percent(50) } {
                continue;
            }
            fields.push(format!("{}:{}", json(&attr.name), self.value_json(rng, &attr.ty)));
        }
        if self.wrong(rng) {
            let other = self.any_type(rng);
            let value = self.value_json(rng, &other);
            fields.push(format!("{}:{value}", json(attr_name(rng, self.fancy))));
        }
        rng.shuffle(&mut fields);
        format!("{{{}}}", fields.join(","))
    }

    fn entity_json(&self, rng: &mut Rng, name: &Name, parents: &[Name]) -> String {
        let of = self.types.iter().find(|t| t.name == name.0);
        let attrs = of.map_or("{}".to_owned(), |t| self.record_json(rng, &t.attrs));
        let parents: Vec<String> = parents.iter().map(|p| ref_json(rng, p)).collect();
        let mut fields = vec![
            format!("\"uid\":{}", ref_json(rng, name)),
            format!("\"attrs\":{attrs}"),
            format!("\"parents\":[{}]", parents.join(",")),
        ];
        let tags = of.and_then(|t| t.tags.as_ref());
        if let Some(ty) = tags {
            let mut list: Vec<String> = Vec::new();
            for key in ["a", "b", "\u{e4}"] {
                if rng.percent(50) {
                    list.push(format!("{}:{}", json(key), self.value_json(rng, ty)));
                }
            }
            fields.push(format!("\"tags\":{{{}}}", list.join(",")));
        } else if self.wrong(rng) {
            fields.push("\"tags\":{\"a\":1}".to_owned());
        }
        if rng.percent(10) {
            rng.shuffle(&mut fields);
        }
        format!("{{{}}}", fields.join(","))
    }

    fn parents(&self, rng: &mut Rng, at: usize) -> Vec<Name> {
        let name = &self.entities[at];
        let mut out = Vec::new();
        let Some(of) = self.types.iter().find(|t| t.name == name.0) else { return out };
        for other in &self.entities[at + 1..] {
            let fits = of.parents.iter().any(|&p| self.types[p].name == other.0);
            if fits && rng.percent(45) || self.wrong(rng) {
                out.push(other.clone());
            }
        }
        if !of.parents.is_empty() && rng.percent(10) {
            // Perhaps one that is not in the store, perhaps a circle.
            let ty = of.parents[rng.below(of.parents.len())];
            let id = if rng.percent(85) { "missing" } else { literal::id(rng) };
            out.push((self.types[ty].name.clone(), id.to_owned()));
        }
        out
    }

    fn action_json(&self, rng: &mut Rng, at: usize) -> String {
        let of = &self.actions[at];
        let mut above: Vec<usize> = of.groups.clone();
        if rng.percent(30) {
            // The whole closure means the same as the direct groups.
            let mut i = 0;
            while i < above.len() {
                for &more in &self.actions[above[i]].groups {
                    if !above.contains(&more) {
                        above.push(more);
                    }
                }
                i += 1;
            }
        }
        let parents: Vec<String> = above
            .iter()
            .filter(|_| !rng.once_in(200))
            .map(|&g| name_json(&(self.actions[g].ty.clone(), self.actions[g].id.clone())))
            .collect();
        let uid = name_json(&(of.ty.clone(), of.id.clone()));
        format!("{{\"uid\":{uid},\"attrs\":{{}},\"parents\":[{}]}}", parents.join(","))
    }

    /// Chooses which entities there are, and writes them.
    pub fn entities_json(&mut self, rng: &mut Rng) -> String {
        for ty in 0..self.types.len() {
            for _ in 0..rng.below(4) {
                let name = self.entity(rng, ty);
                if !self.entities.contains(&name) {
                    self.entities.push(name);
                }
            }
        }
        let list: Vec<usize> = (0..self.entities.len()).collect();
        let mut out: Vec<String> = Vec::new();
        for at in list {
            let parents = self.parents(rng, at);
            let one = self.entity_json(rng, &self.entities[at].clone(), &parents);
            if rng.once_in(150) {
                out.push(one.clone());
            } else if rng.once_in(300) {
                out.push(self.entity_json(rng, &self.entities[at].clone(), &parents));
            }
            out.push(one);
        }
        if rng.percent(80) {
            for at in 0..self.actions.len() {
                out.push(self.action_json(rng, at));
            }
        }
        rng.shuffle(&mut out);
        format!("[{}]", out.join(","))
    }

    pub fn request_json(&self, rng: &mut Rng) -> String {
        let of = &self.actions[rng.below(self.actions.len())];
        let fits = rng.percent(85) && !of.principals.is_empty() && !of.resources.is_empty();
        let (principal, action, resource, context) = if fits {
            let principal = of.principals[rng.below(of.principals.len())];
            let resource = of.resources[rng.below(of.resources.len())];
            (
                self.entity(rng, principal),
                (of.ty.clone(), of.id.clone()),
                self.entity(rng, resource),
                self.record_json(rng, &of.context),
            )
        } else {
            let other = &self.actions[rng.below(self.actions.len())];
            (
                self.any_entity(rng),
                self.action(rng),
                self.any_entity(rng),
                self.record_json(rng, &other.context),
            )
        };
        format!(
            "{{\"principal\":{},\"action\":{},\"resource\":{},\"context\":{}}}",
            name_json(&principal),
            name_json(&action),
            name_json(&resource),
            json(&context)
        )
    }
}
