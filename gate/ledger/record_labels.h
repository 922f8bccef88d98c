/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_labels.h: every name that stands in a record, in one place: the AIR draft's text is not
 * settled on the labels of the protected header, and whoever learns better changes them here.
 * Writer and reader use these and no literals. docs/ledger.cddl and docs/ledger.md say the same.
 */
#ifndef PAWL_LEDGER_RECORD_LABELS_H
#define PAWL_LEDGER_RECORD_LABELS_H

/* CWT claims (RFC 8392 3.1). */
#define CLAIM_ISS 1
#define CLAIM_SUB 2
#define CLAIM_IAT 6

/* The hash envelope (RFC 9995), in the protected header. */
#define LABEL_PAYLOAD_HASH_ALG 258
#define LABEL_PREIMAGE_TYPE 259
#define PREIMAGE_TYPE "application/cbor"
#define HASH_ALG_SHA256 (-16)

/* AIR's integrity envelope in the protected header: text labels, equal to the field names. */
#define LABEL_AGENT_ID "agent_id"
#define LABEL_CHAIN_HASH "chain_hash"
#define LABEL_CONTENT_HASH "content_hash"
#define LABEL_PREV_CHAIN_HASH "prev_chain_hash"
#define LABEL_SEQUENCE "sequence_number"
#define LABEL_ACTION_TIME "action_timestamp_ms"

/* AIR's payload. */
#define AIR_PAWL "pawl" /* the one member of pawl's own */
#define AIR_AGENT_ID "agent_id"
#define AIR_RECORD_ID "record_id"
#define AIR_INPUT_HASH "input_hash"
#define AIR_SESSION_ID "session_id"
#define AIR_TOOL_CALLS "tool_calls"
#define AIR_ACTION_TYPE "action_type"
#define AIR_OPERATOR_ID "operator_id"
#define AIR_POLICY_REFS "policy_refs"
#define AIR_JURISDICTION "jurisdiction"
#define AIR_OUTCOME_HASH "outcome_hash"
#define AIR_AGENT_VERSION "agent_version"
#define AIR_EXTERNAL_REFS "external_refs"
#define AIR_OUTCOME_STATE "outcome_state"
#define AIR_SCHEMA_VERSION "schema_version"
#define AIR_RETENTION "retention_class"
#define AIR_KEY_ID "operator_pubkey_id"
#define AIR_REDACTIONS "redaction_receipts"
#define AIR_ACTION_TIME "action_timestamp_ms"
#define AIR_WRITTEN_TIME "written_timestamp_ms"
#define AIR_CAPTURED_TIME "captured_timestamp_ms"

/* AIR's RedactionReceipt. */
#define AIR_REDACTION_POLICY "policy_id"
#define AIR_REDACTION_PATH "field_path"
#define AIR_REDACTION_TIME "timestamp_ms"
#define AIR_REDACTION_HASH "original_hash"

/* The member "pawl". */
#define OWN_ACTION "action"
#define OWN_ADMIN "admin"
#define OWN_ALIASES "aliases"
#define OWN_ATTEMPT "attempt"
#define OWN_BUNDLE "bundle"
#define OWN_BY "by"
#define OWN_CERTIFICATES "certificates"
#define OWN_CGROUP "cgroup"
#define OWN_CLAIMED "claimed"
#define OWN_CLASS "class"
#define OWN_CLEAN "clean"
#define OWN_DECISION "decision"
#define OWN_DETERMINING "determining"
#define OWN_EPOCH "epoch"
#define OWN_ERROR "error"
#define OWN_EVENT "event"
#define OWN_FIRMWARE "firmware"
#define OWN_FROM "from"
#define OWN_HARDWARE "hardware"
#define OWN_ID "id"
#define OWN_INPUT_TYPE "input_type"
#define OWN_KEY "key"
#define OWN_LAST_ROUND "last_round"
#define OWN_LAST_SIZE "last_size"
#define OWN_LOG "log"
#define OWN_MISSING "missing"
#define OWN_NAME "name"
#define OWN_OBJECT "object"
#define OWN_PARENT "parent"
#define OWN_POLICIES "policies"
#define OWN_REASON "reason"
#define OWN_RESOURCE "resource"
#define OWN_ROOT "root"
#define OWN_ROUND "round"
#define OWN_SIMULATED "simulated"
#define OWN_SINCE "since"
#define OWN_SNAPSHOT "snapshot"
#define OWN_SUBJECT "subject"
#define OWN_TYPE "type"
#define OWN_UID "uid"
#define OWN_UNTIL "until"
#define OWN_VERSION "version"
#define OWN_WHAT "what"
#define OWN_ZONE "zone"

/* A disclosure (gate/ledger/record_redact.h). */
#define DISCLOSURE_PATH "path"
#define DISCLOSURE_SALT "salt"
#define DISCLOSURE_VALUE "value"

#endif
