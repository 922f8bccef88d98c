// SPDX-License-Identifier: Apache-2.0
//! peer.rs: what Cedar's own implementation says of a case. One JSON object in, one out; the
//! fields are those of gate/cedar/cedar_filter.c.

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, EntityId, EntityTypeName,
    EntityUid, PolicyId, PolicySet, Request, Response, Schema, SlotId, ValidationMode, Validator,
};
use serde_json::{json, Map, Value};
use std::collections::HashMap;
use std::str::FromStr;

pub fn text<'a>(case: &'a Value, key: &str) -> Option<&'a str> {
    case.get(key).and_then(Value::as_str)
}

pub fn uid(value: Option<&Value>) -> Option<EntityUid> {
    let value = value?;
    let name = EntityTypeName::from_str(text(value, "type")?).ok()?;
    Some(EntityUid::from_type_name_and_id(name, EntityId::new(text(value, "id")?)))
}

fn link(policies: &mut PolicySet, wanted: &Value) -> bool {
    let mut slots = HashMap::new();
    for (key, slot) in [("principal", SlotId::principal()), ("resource", SlotId::resource())] {
        if let Some(uid) = uid(wanted.get(key)) {
            slots.insert(slot, uid);
        }
    }
    let id = |key| PolicyId::new(text(wanted, key).unwrap_or(""));
    policies.link(id("template"), id("id"), slots).is_ok()
}

/// The policies of a case with its links, if they parse.
pub fn policies(case: &Value) -> (Result<PolicySet, String>, Vec<bool>) {
    let source = text(case, "policies").unwrap_or("");
    let parsed = match text(case, "form") {
        Some("json") => PolicySet::from_json_str(source).map_err(|e| format!("{e:?}")),
        _ => PolicySet::from_str(source).map_err(|e| format!("{e:?}")),
    };
    let mut linked = Vec::new();
    let parsed = parsed.map(|mut set| {
        for wanted in case["links"].as_array().into_iter().flatten() {
            linked.push(link(&mut set, wanted));
        }
        set
    });
    (parsed, linked)
}

pub fn entities(case: &Value) -> Result<Entities, String> {
    let source = text(case, "entities").unwrap_or("[]");
    Entities::from_json_str(source, None).map_err(|e| format!("{e:?}"))
}

/// The JSON reader beneath has a limit of its own, which is no part of Cedar.
fn is_limit(text: &str) -> bool {
    text.contains("recursion limit exceeded")
}

fn schema(case: &Value) -> Option<Result<Schema, String>> {
    let source = text(case, "schema")?;
    Some(match text(case, "schema_form") {
        Some("json") => Schema::from_json_str(source).map_err(|e| format!("{e:?}")),
        _ => Schema::from_cedarschema_str(source)
            .map(|(schema, _)| schema)
            .map_err(|e| format!("{e:?}")),
    })
}

pub fn context(request: &Value) -> Result<Context, String> {
    Context::from_json_str(text(request, "context").unwrap_or("{}"), None)
        .map_err(|e| format!("{e:?}"))
}

/// The three names of a request, if they are names.
pub fn names(request: &Value) -> Option<[EntityUid; 3]> {
    Some([
        uid(request.get("principal"))?,
        uid(request.get("action"))?,
        uid(request.get("resource"))?,
    ])
}

fn decided(response: &Response, to: &mut Map<String, Value>, why: bool) {
    let diagnostics = response.diagnostics();
    let mut reasons: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
    let mut errors: Vec<String> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for error in diagnostics.errors() {
        let AuthorizationError::PolicyEvaluationError(inner) = error;
        errors.push(inner.policy_id().to_string());
        if why {
            texts.push(error.to_string());
        }
    }
    reasons.sort();
    errors.sort();
    let allowed = response.decision() == Decision::Allow;
    to.insert("decision".into(), json!(if allowed { "allow" } else { "deny" }));
    to.insert("reason".into(), json!(reasons));
    to.insert("errors".into(), json!(errors));
    if why {
        to.insert("why".into(), json!(texts));
    }
}

fn answer_request(
    request: &Value,
    set: &PolicySet,
    store: &Entities,
    schema: Option<&Schema>,
    why: bool,
) -> Value {
    let mut to = Map::new();
    let Some([principal, action, resource]) = names(request) else {
        return json!({"names": false});
    };
    let context = match context(request) {
        Ok(context) => context,
        Err(text) => {
            to.insert("context".into(), json!(false));
            if why {
                to.insert("why".into(), json!(text));
            }
            return Value::Object(to);
        }
    };
    to.insert("context".into(), json!(true));
    if let Some(schema) = schema {
        let checked = Request::new(
            principal.clone(),
            action.clone(),
            resource.clone(),
            context.clone(),
            Some(schema),
        );
        to.insert("valid".into(), json!(checked.is_ok()));
        if let (true, Err(error)) = (why, checked) {
            to.insert("why_valid".into(), json!(error.to_string()));
        }
    }
    match Request::new(principal, action, resource, context, None) {
        Ok(request) => {
            let response = Authorizer::new().is_authorized(&request, set, store);
            decided(&response, &mut to, why);
        }
        Err(_) => {
            to.insert("decision".into(), json!("none"));
        }
    }
    Value::Object(to)
}

/// With "explain" in the case, the reasons for refusals stand in fields that begin with "why".
pub fn answer(case: &Value) -> Value {
    let why = case["explain"].as_bool() == Some(true);
    let mut to = Map::new();
    let note = |to: &mut Map<String, Value>, key: &str, text: &str| {
        if why {
            to.insert(format!("why_{key}"), json!(text));
        }
    };
    let (set, linked) = policies(case);
    let store = entities(case);
    let schema = schema(case);
    to.insert("parse".into(), json!(set.is_ok()));
    to.insert("entities".into(), json!(store.is_ok()));
    for (key, text) in [("parse", set.as_ref().err()), ("entities", store.as_ref().err())] {
        if let Some(text) = text {
            note(&mut to, key, text);
            if is_limit(text) {
                to.insert("limit".into(), json!("JSON"));
            }
        }
    }
    if set.is_ok() {
        to.insert("links".into(), json!(linked));
    }
    if let Some(Err(text)) = &schema {
        to.insert("schema".into(), json!(false));
        note(&mut to, "schema", text);
    }
    let schema = schema.and_then(Result::ok);
    if let Some(schema) = &schema {
        to.insert("schema".into(), json!(true));
        if let Ok(set) = &set {
            let found = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
            to.insert("validate".into(), json!(found.validation_passed()));
            let texts: Vec<String> = found.validation_errors().map(ToString::to_string).collect();
            note(&mut to, "validate", &texts.join("; "));
        }
        if let Ok(store) = &store {
            let checked = Entities::from_entities(store.iter().cloned(), Some(schema));
            to.insert("valid_entities".into(), json!(checked.is_ok()));
            if let Err(error) = checked {
                note(&mut to, "valid_entities", &format!("{error:?}"));
            }
        }
    }
    if let (Ok(set), Ok(store)) = (&set, &store) {
        let answers: Vec<Value> = case["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|request| answer_request(request, set, store, schema.as_ref(), why))
            .collect();
        to.insert("answers".into(), json!(answers));
    }
    if case["print"].as_bool() == Some(true) {
        if let Ok(set) = set {
            if let Some(text) = set.to_cedar() {
                to.insert("text".into(), json!(text));
            }
            if let Ok(est) = set.to_json() {
                to.insert("json".into(), json!(est.to_string()));
            }
        }
    }
    Value::Object(to)
}
