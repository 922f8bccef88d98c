// SPDX-License-Identifier: Apache-2.0
//! expr.rs: random expressions of a wanted type, as text. Where the world allows, an attribute that
//! may be missing stands behind `has`, so that a good share passes the strict validator.

use crate::dress::quote;
use crate::literal;
use crate::rng::Rng;
use crate::world::{attr_name, Name, Ty, World};

/// What an expression is on its outside: how tightly it binds.
const IF: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;
const ADD: u8 = 4;
const MULT: u8 = 5;
const UNARY: u8 = 6;
const MEMBER: u8 = 7;

pub struct E {
    text: String,
    binds: u8,
}

fn made(text: String, binds: u8) -> E {
    E { text, binds }
}

/// Something that can be read from a variable, and what must hold before.
struct Path {
    text: String,
    ty: Ty,
    guards: Vec<String>,
}

pub struct Env {
    pub principal: usize,
    pub action: usize,
    pub resource: usize,
}

pub struct Gen<'a> {
    pub world: &'a World,
    pub rng: &'a mut Rng,
    paths: Vec<Path>,
    left: i32,
}

pub fn is_word(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

fn is_reserved(name: &str) -> bool {
    ["if", "true", "false", "then", "else", "in", "is", "like", "has", "__cedar"].contains(&name)
}

pub fn entity(rng: &mut Rng, name: &Name, fancy: bool) -> String {
    format!("{}::{}", name.0, quote(rng, &name.1, false, fancy))
}

impl<'a> Gen<'a> {
    pub fn new(world: &'a World, rng: &'a mut Rng, env: &Env) -> Self {
        let mut this = Self { world, rng, paths: Vec::new(), left: 40 };
        this.walk("principal".into(), Ty::Entity(env.principal), Vec::new(), 3);
        this.walk("resource".into(), Ty::Entity(env.resource), Vec::new(), 3);
        let context = Ty::Record(world.actions[env.action].context.clone());
        this.walk("context".into(), context, Vec::new(), 3);
        this
    }

    fn key(&mut self, name: &str) -> String {
        if is_word(name) && (!is_reserved(name) || self.rng.percent(10)) && self.rng.percent(85) {
            return name.to_owned();
        }
        quote(self.rng, name, false, self.world.fancy)
    }

    fn tag(&mut self) -> String {
        let name = self.rng.pick(&["a", "b", "c"]);
        quote(self.rng, name, false, false)
    }

    fn access(&mut self, name: &str) -> String {
        let key = self.key(name);
        if key.starts_with('"') {
            return format!("[{key}]");
        }
        format!(".{key}")
    }

    fn walk(&mut self, text: String, ty: Ty, guards: Vec<String>, depth: u32) {
        let world = self.world;
        let attrs = match &ty {
            Ty::Entity(at) => world.types[*at].attrs.clone(),
            Ty::Record(attrs) => attrs.clone(),
            _ => Vec::new(),
        };
        if let (Ty::Entity(at), true) = (&ty, depth > 0) {
            if let Some(of) = &world.types[*at].tags {
                let key = self.tag();
                let mut guards = guards.clone();
                guards.push(format!("{text}.hasTag({key})"));
                self.walk(format!("{text}.getTag({key})"), of.clone(), guards, 0);
            }
        }
        self.paths.push(Path { text: text.clone(), ty, guards: guards.clone() });
        if depth == 0 || self.paths.len() > 60 {
            return;
        }
        for attr in attrs {
            let mut guards = guards.clone();
            if !attr.required {
                let key = self.key(&attr.name);
                guards.push(format!("{text} has {key}"));
            }
            let access = self.access(&attr.name);
            self.walk(format!("{text}{access}"), attr.ty, guards, depth - 1);
        }
    }

    fn at(&mut self, e: E, level: u8) -> String {
        if e.binds < level || self.rng.percent(4) {
            return format!("({})", e.text);
        }
        e.text
    }

    fn infix(&mut self, a: E, left: u8, op: &str, right: u8, b: E, binds: u8) -> E {
        let a = self.at(a, left);
        let b = self.at(b, right);
        made(format!("{a} {op} {b}"), binds)
    }

    fn call(&mut self, receiver: E, method: &str, args: &[E]) -> E {
        let receiver = self.at(receiver, MEMBER);
        let args: Vec<&str> = args.iter().map(|e| e.text.as_str()).collect();
        made(format!("{receiver}.{method}({})", args.join(", ")), MEMBER)
    }

    // ---- leaves

    fn path(&mut self, ty: &Ty) -> Option<E> {
        let fitting: Vec<usize> =
            (0..self.paths.len()).filter(|&i| self.paths[i].ty == *ty).collect();
        if fitting.is_empty() {
            return None;
        }
        let at = fitting[self.rng.below(fitting.len())];
        let path = &self.paths[at];
        let (text, guards) = (path.text.clone(), path.guards.join(" && "));
        if guards.is_empty() || self.world.wrong > 0 && self.rng.percent(15) {
            return Some(made(text, MEMBER));
        }
        if *ty == Ty::Bool && self.rng.percent(70) {
            return Some(self.guarded(&guards, &text));
        }
        let other = self.literal(ty);
        if self.rng.percent(10) {
            return Some(made(format!("if !({guards}) then {} else {text}", other.text), IF));
        }
        Some(made(format!("if {guards} then {text} else {}", other.text), IF))
    }

    /// The many ways to look first: those that the validator sees through, and those it does not.
    fn guarded(&mut self, guards: &str, text: &str) -> E {
        let other = self.leaf_type();
        match self.rng.below(24) {
            0..12 => made(format!("{guards} && {text}"), AND),
            12 => made(format!("!({guards}) || {text}"), OR),
            13 => made(format!("({guards} || {guards}) && {text}"), AND),
            14 => made(format!("({guards} || false) && {text}"), AND),
            15 => made(format!("({guards} || {other}) && {text}"), AND),
            16 => made(format!("(true && {guards}) && ({other} || {text})"), AND),
            17 => made(format!("{guards} && !{text}"), AND),
            18 => made(format!("{guards} && ({text} == true && {other})"), AND),
            19 => made(format!("(if {guards} then true else false) && {text}"), AND),
            20 => made(format!("(if {other} then {guards} else false) && {text}"), AND),
            21 => made(format!("(if {other} then {guards} else {guards}) && {text}"), AND),
            22 => made(format!("false && {text}"), AND),
            _ => made(format!("({text} || true) && {guards}"), AND),
        }
    }

    /// Something short that is true or false.
    fn leaf_type(&mut self) -> String {
        let name = self.world.types[self.rng.below(self.world.types.len())].name.clone();
        match self.rng.below(6) {
            0 => "true".to_owned(),
            1 => "false".to_owned(),
            2 => format!("principal is {name}"),
            3 => format!("(resource is {name})"),
            4 => "principal == resource".to_owned(),
            _ => "(1 < 2)".to_owned(),
        }
    }

    fn string(&mut self) -> String {
        let value = literal::string(self.rng);
        quote(self.rng, &value, false, self.world.fancy)
    }

    fn constructor(&mut self, ty: &Ty) -> E {
        let fails = self.world.wrong > 0 && self.rng.once_in(25);
        let (name, text) = match ty {
            Ty::Ip => ("ip", literal::ip(self.rng, fails)),
            Ty::Decimal => ("decimal", literal::decimal(self.rng, fails)),
            Ty::Datetime => ("datetime", literal::datetime(self.rng, fails)),
            _ => ("duration", literal::duration(self.rng, fails)),
        };
        let fancy = self.world.fancy && self.rng.percent(20);
        let text = quote(self.rng, &text, false, fancy);
        made(format!("{name}({text})"), MEMBER)
    }

    fn literal(&mut self, ty: &Ty) -> E {
        match ty {
            Ty::Bool => made(["true", "false"][self.rng.below(2)].into(), MEMBER),
            Ty::Long => {
                let value = literal::long(self.rng);
                if self.world.wrong > 0 && self.rng.once_in(300) {
                    return made("9223372036854775808".into(), MEMBER);
                }
                made(value.to_string(), if value < 0 { UNARY } else { MEMBER })
            }
            Ty::Str => made(self.string(), MEMBER),
            Ty::Entity(ty) => {
                let name = self.world.entity(self.rng, *ty);
                made(entity(self.rng, &name, self.world.fancy), MEMBER)
            }
            Ty::Set(of) => {
                let item = self.literal(of);
                made(format!("[{}]", item.text), MEMBER)
            }
            Ty::Record(attrs) => {
                let mut list: Vec<String> = Vec::new();
                for attr in attrs {
                    if attr.required || self.rng.percent(50) {
                        let value = self.literal(&attr.ty);
                        list.push(format!("{}: {}", self.key(&attr.name), value.text));
                    }
                }
                made(format!("{{{}}}", list.join(", ")), MEMBER)
            }
            _ => self.constructor(ty),
        }
    }

    fn leaf(&mut self, ty: &Ty) -> E {
        if self.rng.percent(70) {
            if let Some(e) = self.path(ty) {
                return e;
            }
        }
        self.literal(ty)
    }

    // ---- expressions

    fn seen_type(&mut self) -> Ty {
        if self.rng.percent(75) {
            return self.paths[self.rng.below(self.paths.len())].ty.clone();
        }
        self.world.any_type(self.rng)
    }

    fn entity_type(&mut self) -> Ty {
        for _ in 0..4 {
            let ty = self.seen_type();
            if matches!(ty, Ty::Entity(_)) {
                return ty;
            }
        }
        Ty::Entity(self.rng.below(self.world.types.len()))
    }

    pub fn expr(&mut self, ty: &Ty, depth: u32) -> E {
        let other;
        let ty = if self.world.wrong(self.rng) {
            other = self.world.any_type(self.rng);
            &other
        } else {
            ty
        };
        self.left -= 1;
        if depth == 0 || self.left < 0 {
            return self.leaf(ty);
        }
        if self.rng.percent(8) {
            let condition = self.expr(&Ty::Bool, depth - 1);
            let a = self.expr(ty, depth - 1);
            let b = self.expr(ty, depth - 1);
            return made(format!("if {} then {} else {}", condition.text, a.text, b.text), IF);
        }
        match ty {
            Ty::Bool => self.boolean(depth - 1),
            Ty::Long => self.long(depth - 1),
            Ty::Set(of) if self.rng.percent(60) => self.set(of, depth - 1),
            Ty::Record(attrs) if self.rng.percent(50) => {
                let mut list: Vec<String> = Vec::new();
                for attr in attrs.clone() {
                    if attr.required || self.rng.percent(50) {
                        let value = self.expr(&attr.ty, depth - 1);
                        list.push(format!("{}: {}", self.key(&attr.name), value.text));
                    }
                }
                made(format!("{{{}}}", list.join(", ")), MEMBER)
            }
            Ty::Datetime if self.rng.percent(40) => {
                let receiver = self.expr(&Ty::Datetime, depth - 1);
                if self.rng.percent(30) {
                    return self.call(receiver, "toDate", &[]);
                }
                let by = self.expr(&Ty::Duration, depth - 1);
                self.call(receiver, "offset", &[by])
            }
            Ty::Duration if self.rng.percent(30) => {
                let receiver = self.expr(&Ty::Datetime, depth - 1);
                if self.rng.percent(40) {
                    return self.call(receiver, "toTime", &[]);
                }
                let from = self.expr(&Ty::Datetime, depth - 1);
                self.call(receiver, "durationSince", &[from])
            }
            _ => self.leaf(ty),
        }
    }

    fn set(&mut self, of: &Ty, depth: u32) -> E {
        let count = if self.rng.percent(if self.world.wrong > 0 { 3 } else { 1 }) {
            0
        } else {
            1 + self.rng.below(3)
        };
        let items: Vec<String> = (0..count).map(|_| self.expr(of, depth).text).collect();
        let comma = if count > 0 && self.rng.percent(10) { "," } else { "" };
        made(format!("[{}{comma}]", items.join(", ")), MEMBER)
    }

    fn long(&mut self, depth: u32) -> E {
        match self.rng.below(12) {
            0..3 => {
                let (a, b) = (self.expr(&Ty::Long, depth), self.expr(&Ty::Long, depth));
                let op = ["+", "-"][self.rng.below(2)];
                self.infix(a, ADD, op, MULT, b, ADD)
            }
            3 | 4 => {
                let (a, b) = (self.expr(&Ty::Long, depth), self.expr(&Ty::Long, depth));
                self.infix(a, MULT, "*", UNARY, b, MULT)
            }
            5 => {
                let a = self.expr(&Ty::Long, depth);
                let a = self.at(a, MEMBER);
                let most = if self.world.wrong > 0 { 5 } else { 4 };
                made(format!("{}{a}", "-".repeat(1 + self.rng.below(most))), UNARY)
            }
            6 => {
                let from = self.expr(&Ty::Duration, depth);
                let methods = ["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"];
                let method = self.rng.pick(&methods);
                self.call(from, method, &[])
            }
            _ => self.leaf(&Ty::Long),
        }
    }

    fn boolean(&mut self, depth: u32) -> E {
        match self.rng.below(30) {
            0..3 => {
                let (a, b) = (self.expr(&Ty::Bool, depth), self.expr(&Ty::Bool, depth));
                self.infix(a, AND, "&&", RELATION, b, AND)
            }
            3..6 => {
                let (a, b) = (self.expr(&Ty::Bool, depth), self.expr(&Ty::Bool, depth));
                self.infix(a, OR, "||", AND, b, OR)
            }
            6 | 7 => {
                let a = self.expr(&Ty::Bool, depth);
                let a = self.at(a, MEMBER);
                let most = if self.world.wrong > 0 && self.rng.percent(5) { 6 } else { 4 };
                made(format!("{}{a}", "!".repeat(1 + self.rng.below(most))), UNARY)
            }
            8..12 => {
                let ty = self.seen_type();
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                let op = ["==", "!="][self.rng.below(2)];
                self.infix(a, ADD, op, ADD, b, RELATION)
            }
            12..15 => {
                let ty =
                    [Ty::Long, Ty::Long, Ty::Datetime, Ty::Duration][self.rng.below(4)].clone();
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                let op = ["<", "<=", ">", ">="][self.rng.below(4)];
                self.infix(a, ADD, op, ADD, b, RELATION)
            }
            15..18 => self.membership(depth),
            18 => self.has(depth),
            19 => self.like(depth),
            20 => self.is(depth),
            21..24 => self.sets(depth),
            24 => {
                let of = self.entity_type();
                let e = self.expr(&of, depth);
                let key = if self.rng.percent(70) {
                    made(self.tag(), MEMBER)
                } else {
                    self.expr(&Ty::Str, depth)
                };
                self.call(e, "hasTag", &[key])
            }
            25 | 26 => self.extension(depth),
            27 if self.rng.once_in(40) => self.chain(),
            28 => {
                // What the type alone decides, and what must not be looked at after it.
                let test = self.leaf_type();
                let rest = self.expr(&Ty::Bool, depth);
                let rest = self.at(rest, RELATION);
                let op = ["&&", "||"][self.rng.below(2)];
                made(format!("{test} {op} {rest}"), if op == "&&" { AND } else { OR })
            }
            _ => self.leaf(&Ty::Bool),
        }
    }

    fn membership(&mut self, depth: u32) -> E {
        let of = self.entity_type();
        let mut a = self.expr(&of, depth);
        let above = match of {
            Ty::Entity(at) if !self.world.types[at].parents.is_empty() => {
                let parents = &self.world.types[at].parents;
                Ty::Entity(parents[self.rng.below(parents.len())])
            }
            _ => of,
        };
        let mut b = self.expr(&above, depth);
        if self.rng.percent(35) {
            b = self.expr(&Ty::Set(Box::new(above)), depth);
        } else if self.rng.percent(25) {
            let name = self.world.action(self.rng);
            a = made("action".into(), MEMBER);
            b = made(entity(self.rng, &name, self.world.fancy), MEMBER);
        }
        self.infix(a, ADD, "in", ADD, b, RELATION)
    }

    fn has(&mut self, _depth: u32) -> E {
        let at = self.rng.below(self.paths.len());
        let mut text = self.paths[at].text.clone();
        let guards = self.paths[at].guards.join(" && ");
        let world = self.world;
        let known: Vec<String> = match &self.paths[at].ty {
            Ty::Entity(at) => world.types[*at].attrs.iter().map(|a| a.name.clone()).collect(),
            Ty::Record(attrs) => attrs.iter().map(|a| a.name.clone()).collect(),
            _ if world.wrong == 0 => {
                text = "context".into();
                Vec::new()
            }
            _ => Vec::new(),
        };
        let name = if known.is_empty() || self.rng.percent(20) {
            attr_name(self.rng, world.fancy).to_owned()
        } else {
            known[self.rng.below(known.len())].clone()
        };
        let mut key = self.key(&name);
        while is_word(&key) && self.rng.percent(15) {
            let more = attr_name(self.rng, false);
            key.push_str(&format!(".{more}"));
        }
        if guards.is_empty() || text == "context" {
            return made(format!("{text} has {key}"), RELATION);
        }
        made(format!("{guards} && {text} has {key}"), AND)
    }

    fn like(&mut self, depth: u32) -> E {
        let a = self.expr(&Ty::Str, depth);
        let mut pattern = String::from("\"");
        for _ in 0..self.rng.below(4) {
            if self.rng.percent(60) {
                pattern.push('*');
            } else {
                let value = literal::string(self.rng);
                let text = quote(self.rng, &value, true, self.world.fancy);
                pattern.push_str(&text[1..text.len() - 1]);
            }
        }
        let a = self.at(a, ADD);
        made(format!("{a} like {pattern}\""), RELATION)
    }

    fn is(&mut self, depth: u32) -> E {
        let of = self.entity_type();
        let a = self.expr(&of, depth);
        let a = self.at(a, ADD);
        let wanted = match of {
            Ty::Entity(at) if self.rng.percent(60) => at,
            _ => self.rng.below(self.world.types.len()),
        };
        let name = &self.world.types[wanted].name;
        if self.rng.percent(60) {
            return made(format!("{a} is {name}"), RELATION);
        }
        let ty = self.entity_type();
        let b = if self.rng.percent(70) {
            self.expr(&ty, depth)
        } else {
            self.expr(&Ty::Set(Box::new(ty)), depth)
        };
        let b = self.at(b, ADD);
        made(format!("{a} is {name} in {b}"), RELATION)
    }

    fn sets(&mut self, depth: u32) -> E {
        let mut of = self.seen_type();
        for _ in 0..3 {
            if let Ty::Set(item) = of {
                of = *item;
                break;
            }
            of = self.seen_type();
        }
        let set = Ty::Set(Box::new(of.clone()));
        let a = self.expr(&set, depth);
        match self.rng.below(4) {
            0 => {
                let item = self.expr(&of, depth);
                self.call(a, "contains", &[item])
            }
            1 => {
                let b = self.expr(&set, depth);
                self.call(a, "containsAll", &[b])
            }
            2 => {
                let b = self.expr(&set, depth);
                self.call(a, "containsAny", &[b])
            }
            _ => self.call(a, "isEmpty", &[]),
        }
    }

    fn extension(&mut self, depth: u32) -> E {
        if self.rng.percent(50) {
            let methods = ["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"];
            let (a, b) = (self.expr(&Ty::Decimal, depth), self.expr(&Ty::Decimal, depth));
            let method = self.rng.pick(&methods);
            return self.call(a, method, &[b]);
        }
        let a = self.expr(&Ty::Ip, depth);
        match self.rng.below(6) {
            0 => self.call(a, "isIpv4", &[]),
            1 => self.call(a, "isIpv6", &[]),
            2 => self.call(a, "isLoopback", &[]),
            3 => self.call(a, "isMulticast", &[]),
            _ => {
                let b = self.expr(&Ty::Ip, depth);
                self.call(a, "isInRange", &[b])
            }
        }
    }

    /// Many operands in a row.
    fn chain(&mut self) -> E {
        let (ty, op, level, binds) = match self.rng.below(4) {
            0 => (Ty::Bool, " && ", RELATION, AND),
            1 => (Ty::Bool, " || ", AND, OR),
            2 => (Ty::Long, " + ", MULT, ADD),
            _ => (Ty::Long, " * ", UNARY, MULT),
        };
        let item = self.leaf(&ty);
        let item = self.at(item, level);
        let many = vec![item; 2 + self.rng.below(90)].join(op);
        if ty == Ty::Bool {
            return made(many, binds);
        }
        made(format!("{many} < 100"), RELATION)
    }

    pub fn condition(&mut self) -> String {
        let depth = 1 + self.rng.below(4) as u32;
        self.left = 40;
        self.expr(&Ty::Bool, depth).text
    }
}
