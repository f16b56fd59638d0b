// The schema: tables of both environments, their key layouts, the kinds and versions of records. Numbers and names here are
// on disk: never reuse one. docs/storage.md explains the layouts; all integers in keys are big endian so that keys sort.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::store {

// Raised when a table, a key layout or a record changes so that an earlier program would go wrong;
// store/migration brings a store of an earlier version over and refuses one of a later. 2: the due
// index has lanes.
inline constexpr std::uint32_t kSchemaVersion = 2;
inline constexpr std::uint32_t kOldestSchemaVersion = 1;

// The first octet of every record; the second is its version.
enum class RecordKind : std::uint8_t {
  Account = 1,
  Key = 2,
  KeyUsage = 3,
  WhitelistEntry = 4,
  Counter = 5,
  Message = 6,
  Delivery = 7,
  Event = 8,
  Chunk = 9,
  Totals = 10,
  Schema = 11,
  User = 12,
  Domain = 13,
  Webhook = 14,
  WebhookProgress = 15,
  PendingWebhookEvent = 16,
  Suppression = 17,
  ProductionRequest = 18,
  Usage = 19,
  Idempotency = 20,
  KeyRefusal = 21,
  Confirmation = 22,
  Session = 23,
  Audit = 24,
  Stats = 25,
  Order = 26,
  DestinationPause = 30,
  KeyOutline = 31,
  EventIdKey = 32,
  Run = 33,
  RunMemory = 34,
  SessionTranscript = 35,
  Inbound = 40,
};
inline constexpr std::uint8_t kRecordVersion = 1;
// 1: without is_own_word; 2: lanes are numbers, no schedule; 3: nobody is moved to another route.
inline constexpr std::uint8_t kDeliveryRecordVersion = 4;
inline constexpr std::uint8_t kAccountRecordVersion = 3;      // 1 ends before is_self_made, 2 before blind_copy_to
// 1 ends before is_receiving, 2 before its policy, 3 has no destinations, 4 no states of keys.
inline constexpr std::uint8_t kDomainRecordVersion = 5;
inline constexpr std::uint8_t kInboundRecordVersion = 2;      // 1 ends before verdicts
inline constexpr std::uint8_t kUserRecordVersion = 3;         // 1 ends before ended_sessions, 2 before is_operator
inline constexpr std::uint8_t kSuppressionRecordVersion = 3;  // 1 ends before until, 2 before stream
inline constexpr std::uint8_t kWebhookRecordVersion = 3;      // 1 ends before mail, 2 before received_form
inline constexpr std::uint8_t kWebhookProgressRecordVersion = 2;  // 1 ends before is_proven
inline constexpr std::uint8_t kPendingEventRecordVersion = 3;     // 1 ends before is_requested, 2 before has_own_clock
inline constexpr std::uint8_t kRunRecordVersion = 2;              // 1 ends before told_up_to
// 1 is still read: it ends before signature_fields; 2 ends before the summary's message_id, 3 before has_own_clock, 4 before
// forward_of.
inline constexpr std::uint8_t kMessageRecordVersion = 5;

// Tables are opened in this order; the enumerators are indexes into the environment's handles, not stored.
enum class DirectoryTable : std::size_t {
  Meta,          // "schema" → Schema
  Accounts,      // account id (10) → Account
  AccountNames,  // name → account id
  Keys,          // key id (10) → Key
  KeyDigests,    // SHA-256 (32) → key id
  AccountKeys,   // account id, key id → KeyOutline; nothing where an earlier version wrote it
  KeyUsages,     // key id → KeyUsage
  Whitelist,     // account id, normalised address → WhitelistEntry
  Counters,      // period (1), start (8), account id → Counter
  Users,               // user id → User
  UserEmails,          // address → user id
  AccountUsers,        // account id, user id → nothing
  Domains,             // domain id → Domain
  DomainNames,         // account id, name → domain id; kVerifiedOwner, name → that of the account which has verified it
  Webhooks,            // webhook id → Webhook
  AccountWebhooks,     // account id, webhook id → nothing
  WebhookProgress,     // webhook id → WebhookProgress
  PendingEvents,       // webhook id, sequence (8) → PendingWebhookEvent
  Suppressions,        // account id, suppression_entry() in lower case → Suppression; account id alone → Counter of them
  ProductionRequests,  // account id → ProductionRequest
  Usage,               // account id, day (8), key id → Usage
  KeyRefusals,         // key id → KeyRefusal
  Confirmations,       // account id, kind (1), address → Confirmation
  Sessions,            // session id (10) → Session
  AccountSessions,     // account id, session id → nothing
  Audit,               // at in microseconds (8), number (2) → Audit
  AccountAudit,        // account id, at, number → nothing; account id alone → Counter of them
  Stats,               // account id, width (1), environment (1), start (8) → Stats
  Orders,              // order id → Order
  HeldFacts,           // name of a table, %x00, key in it → record that the cluster is to have (store/replica.h)
  HeldUndo,            // name of a table, %x00, key in it → %x01 and what stood there before held facts; empty: nothing
};
inline constexpr std::array<std::string_view, 31> kDirectoryTables = {
    "meta",         "accounts",         "account_names",  "keys",         "key_digests",         "account_keys", "key_usages",
    "whitelist",    "counters",         "users",          "user_emails",  "account_users",       "domains",      "domain_names",
    "webhooks",     "account_webhooks", "webhook_progress", "pending_events", "suppressions", "production_requests", "usage",
    "key_refusals", "confirmations", "sessions", "account_sessions", "audit", "account_audit", "stats",
    "orders", "held_facts", "held_undo"};

enum class SpoolTable : std::size_t {
  Meta,           // "schema" → Schema, "totals" → Totals, "delivered" (and an account id) → nothing,
                  // "event_ids" → EventIdKey
  Messages,       // message id (16) → Message
  Deliveries,     // message id → Delivery
  Content,        // message id, chunk index (4), number of the row (1; none: the first) → Chunk
  Open,           // message id → nothing: streamed chunks that no commit owns yet
  DueOfOld,       // due in microseconds (8), message id → lane (8); empty since schema version 2
  Settled,        // settled_at in microseconds (8), message id → account id, environment (1); nothing in old rows
  Captured,       // content_until in microseconds (8), message id → content octets (8), account id (not in old rows)
  Events,         // sequence (8) → Event
  MessageEvents,  // message id, sequence (8) → nothing
  AccountMessages,  // account id, message id → nothing
  AccountEvents,    // account id, sequence (8) → nothing
  Idempotency,      // account id, key digest (32) → Idempotency
  IdempotencyAges,  // at in microseconds (8), account id, key digest → nothing
  DestinationPauses,  // name of the route → DestinationPause
  Due,                // lane, %x00, due in microseconds (8), message id → nothing
  RunMessages,        // account id, hash of the run's name (8), message id → nothing
  Runs,               // account id, hash of its name (8) → Run
  RunEnds,            // expires_at in microseconds (8), account id, hash of the name → nothing
  Inbound,            // account id, message id → Inbound
  InboundUnread,      // message id → account id: what came back and was not read yet
  RunMemories,        // account id, hash of the run's name (8) → RunMemory
  Transcripts,        // message id → SessionTranscript
};
inline constexpr std::array<std::string_view, 23> kSpoolTables = {
    "meta",   "messages",       "deliveries",       "content",        "open",        "due", "settled", "captured",
    "events", "message_events", "account_messages", "account_events", "idempotency", "idempotency_ages",
    "destination_pauses", "due_by_lane", "run_messages", "runs", "run_ends", "inbound", "inbound_unread",
    "run_memories", "transcripts"};

inline constexpr std::string_view kSchemaKey = "schema";
inline constexpr std::string_view kTotalsKey = "totals";
inline constexpr std::string_view kRunsIndexedKey = "runs_indexed";  // of the spool: RunMessages has what was stored before it
// In the directory's Meta.
inline constexpr std::string_view kFoldedKey = "suppressions_folded";  // their keys are in lower case
inline constexpr std::string_view kLeftoverKey = "leftover ";  // and an id (10) → nothing: it is gone, rows of it may be left
inline constexpr std::string_view kMembershipKey = "cluster";  // → the cluster's id (16), the node's number (2); store/replica.h
inline constexpr std::string_view kReplicaCursorKey = "cluster_cursor";  // → version (8), change id (16)
inline constexpr std::string_view kClusterNodesKey = "cluster_nodes";    // → how many there were (2), as the database said last
inline constexpr std::string_view kEventIdsKey = "event_ids";

}  // namespace postern::store
