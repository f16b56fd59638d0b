// What the store holds, as values. Encoded by store/codec, versioned and checksummed; enumerators are stored: never renumber.
#pragma once

#include "core/clock.h"
#include "core/envelope.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/message_id.h"
#include "core/status.h"
#include "store/actor.h"
#include "store/inbound_records.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::store {

// --- Directory -------------------------------------------------------------------------------------------------------

enum class AccountState : std::uint8_t { Active = 1, Suspended = 2 };
enum class Permission : std::uint8_t { FullAccess = 1, SendingAccess = 2 };
// Whether hard bounces and complaints suppress an address.
enum class AutoSuppression : std::uint8_t { On = 1, Off = 2 };

// nullopt is "unlimited"; zero is zero.
struct Plan {
  std::string name;                           // "starter", "growth", "scale" or "custom"
  std::optional<std::uint32_t> per_second;    // messages
  std::optional<std::uint64_t> per_day;       // recipients, UTC day
  std::optional<std::uint64_t> per_month;     // recipients, UTC month

  friend bool operator==(const Plan&, const Plan&) = default;
};

struct AccountRecord {
  AccountId id;
  std::string name;                       // unique, 1 to 64 printable characters
  AccountMode mode = AccountMode::Sandbox;
  AccountState state = AccountState::Active;
  Plan plan;
  std::vector<std::string> from_domains;  // normalised; a leading dot: every name below; empty: any
  Instant created;
  // Since record version 2:
  bool is_self_made = false;              // by signing up: it proves what an operator would know
  AutoSuppression auto_suppression = AutoSuppression::On;
  std::uint32_t suppression_days = 0;     // how long an address stays suppressed by itself; 0: for good
  // Since record version 3:
  std::string blind_copy_to = {};         // an address that gets each of its live messages, as an operator wants it; empty: none

  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

using KeyDigest = std::array<std::uint8_t, 32>;  // SHA-256 of the whole key

struct KeyRecord {
  KeyId id;
  AccountId account;
  std::string name;
  Environment environment = Environment::Live;
  Permission permission = Permission::SendingAccess;
  std::vector<std::string> from_domains;  // normalised; empty: all of the account's
  std::vector<IpNetwork> networks;        // empty: any
  std::optional<std::uint32_t> per_second;
  std::string prefix;                     // first 16 characters, for people
  KeyDigest digest{};
  Instant created;
  std::optional<Instant> expires_at;
  std::optional<Instant> revoked_at;      // for good
  std::optional<Instant> retires_at;      // end of the overlap after a rotation; as revoked from then on
  std::optional<KeyId> successor;

  friend bool operator==(const KeyRecord&, const KeyRecord&) = default;
};

// What the index of an account's keys says of each: enough to count them, and to put them in order.
struct KeyOutline {
  KeyId id;  // in the index's key
  Environment environment = Environment::Live;
  Instant created;
  std::optional<Instant> expires_at;
  std::optional<Instant> revoked_at;
  std::optional<Instant> retires_at;

  friend bool operator==(const KeyOutline&, const KeyOutline&) = default;
};

// Last use; kept apart from KeyRecord so that a busy key does not rewrite its policy.
struct KeyUsage {
  Instant at;
  IpAddress address;
  std::string helo_name;

  friend bool operator==(const KeyUsage&, const KeyUsage&) = default;
};

// The last time that somebody who had the key's text was refused.
struct KeyRefusal {
  KeyUsage use;
  std::string reason;  // the refusal's token

  friend bool operator==(const KeyRefusal&, const KeyRefusal&) = default;
};

struct WhitelistEntry {
  std::string address;  // normalised_mailbox()
  Instant added;

  friend bool operator==(const WhitelistEntry&, const WhitelistEntry&) = default;
};

enum class CounterPeriod : std::uint8_t {
  Day = 1,
  Month = 2,
  WhitelistDay = 3,  // whitelist entries asked for on the UTC day, those removed again included
};

// A session that was signed out before its token's end.
struct EndedSession {
  std::string token_id;
  Instant expires_at;  // of the token; forgotten then

  friend bool operator==(const EndedSession&, const EndedSession&) = default;
};

// A person who may manage an account over HTTP.
struct UserRecord {
  UserId id;
  AccountId account;
  std::string email;          // normalised_mailbox(); unique in the installation
  std::string password_hash;  // encoded argon2id, never shown
  Instant created;
  // Since record version 2:
  std::vector<EndedSession> ended_sessions = {};
  std::optional<Instant> sessions_from = {};  // those opened before are over
  // Since record version 3:
  bool is_operator = false;  // operates the installation: sees and changes all accounts over HTTP

  friend bool operator==(const UserRecord&, const UserRecord&) = default;
};

// Of a session that was opened at a browser. Text: "ses_", then 16 characters of lower-case base32hex.
struct SessionId {
  std::array<std::uint8_t, 10> octets{};

  friend auto operator<=>(const SessionId&, const SessionId&) = default;
};
std::string format_id(const SessionId& id);
std::optional<SessionId> parse_session_id(std::string_view text);

// A user or a key that signed in at a browser; one of the two.
struct SessionRecord {
  SessionId id = {};
  AccountId account;
  std::optional<UserId> user;
  std::optional<KeyId> key;
  std::array<std::uint8_t, 32> digest{};  // SHA-256 of the cookie's secret
  Instant opened = {};
  Instant expires_at = {};
  std::string password_mark;  // of the user when it was opened: it ends with another password
  IpAddress address = {};
  std::string client = {};    // User-Agent, printable UTF-8

  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

// Who changed what of an account.
inline constexpr std::size_t kMaxAuditDetailOctets = 400;
struct AuditRecord {
  Instant at;
  AccountId account;
  ActorKind actor_kind = ActorKind::System;
  std::string actor_id;
  std::string actor_name;
  std::optional<IpAddress> address;
  std::string action;       // "key.created"
  std::string target_kind;  // "key"
  std::string target_id;
  std::string target_name;
  std::string detail;       // at most kMaxAuditDetailOctets

  friend bool operator==(const AuditRecord&, const AuditRecord&) = default;
};

// What happened in an hour or on a day (UTC) to an account's live or test mail (store/statistics.h). Messages: accepted, refused
// (whole ones, or one of their recipients). Recipients: the others, each as often as something happened.
enum class StatsWidth : std::uint8_t { Hour = 1, Day = 2 };
struct StatsCounts {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  std::uint64_t refused = 0;
  std::uint64_t suppressed = 0;
  std::uint64_t complained = 0;

  friend bool operator==(const StatsCounts&, const StatsCounts&) = default;
};
struct KeyStats {
  KeyId key;  // null: all others
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;

  friend bool operator==(const KeyStats&, const KeyStats&) = default;
};
struct DomainStats {
  std::string domain;  // of recipients; empty: all others
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;

  friend bool operator==(const DomainStats&, const DomainStats&) = default;
};
struct RefusalStats {
  std::string token;  // empty: all others
  std::uint64_t count = 0;

  friend bool operator==(const RefusalStats&, const RefusalStats&) = default;
};
struct StatsRow {
  Environment environment = Environment::Live;
  Instant start;
  StatsCounts totals;
  std::vector<KeyStats> keys;
  std::vector<DomainStats> domains;
  std::vector<RefusalStats> refusals;
  std::vector<std::uint64_t> delays;  // deliveries by the class of their time (kDelayBounds)

  friend bool operator==(const StatsRow&, const StatsRow&) = default;
};

// What an address is asked to agree to before it counts.
enum class ConfirmationKind : std::uint8_t { User = 1, Whitelist = 2 };

// A question that was mailed to an address and has no answer yet.
struct Confirmation {
  AccountId account;
  ConfirmationKind kind = ConfirmationKind::User;
  std::string address;                         // normalised_mailbox()
  std::array<std::uint8_t, 32> code_digest{};  // SHA-256 of the code in the mail
  Instant asked;
  Instant expires_at;

  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// What an account asked for when it wants to leave the sandbox; gone once an operator decided.
inline constexpr std::size_t kMaxUseCaseOctets = 2'000;
struct ProductionRequest {
  AccountId account;
  Instant at;
  std::string use_case;  // the account's own words, at most kMaxUseCaseOctets

  friend bool operator==(const ProductionRequest&, const ProductionRequest&) = default;
};

enum class DomainState : std::uint8_t { Pending = 1, Verified = 2, Failed = 3 };

// Waits: made or imported, and its record was not seen yet. Retired: it signs no more, what it signed is still under way.
enum class DkimKeyState : std::uint8_t { Signs = 1, Waits = 2, Retired = 3 };
inline constexpr std::size_t kMaxDkimKeys = 8;  // of a domain: two that sign, two that wait, and those of two changes before

// A signing key of a domain. The private half never leaves the machine: no API shows it.
struct DkimKey {
  std::string selector;
  std::string algorithm;     // "rsa-sha256" or "ed25519-sha256"
  std::string private_key;   // PEM, PKCS #8
  std::string public_record; // the TXT record's value: "v=DKIM1; k=rsa; p=…"
  // Since record version 5 of the domain:
  DkimKeyState state = DkimKeyState::Signs;
  std::optional<Instant> until = {};  // of Retired: its record is needed no longer than that

  friend bool operator==(const DkimKey&, const DkimKey&) = default;
};

// What the last look at the DNS said of one record that is to be published.
struct DomainCheck {
  std::string name;      // "dkim-rsa", "ownership", "spf", "dmarc", "return-path"
  bool is_found = false;
  std::string finding;   // for people: what was found instead

  friend bool operator==(const DomainCheck&, const DomainCheck&) = default;
};

struct DomainRecord {
  DomainId id;
  AccountId account;
  std::string name;             // normalised
  DomainState state = DomainState::Pending;
  std::string ownership_token;  // what the ownership TXT record has to hold
  std::vector<DkimKey> dkim_keys;
  std::vector<DomainCheck> checks;
  Instant created;
  std::optional<Instant> checked_at;
  std::optional<Instant> verified_at;
  // Since record version 2:
  bool is_receiving = false;              // mail for it is taken in, once it is verified
  std::vector<InboundRoute> routes = {};  // at most kMaxRoutesOfDomain
  // Since record version 3:
  InboundPolicy inbound_policy = InboundPolicy::Observe;

  friend bool operator==(const DomainRecord&, const DomainRecord&) = default;
};

enum class SuppressionReason : std::uint8_t { Bounce = 1, Complaint = 2, Manual = 3, Unsubscribe = 4 };

// The name of the tag that says of which stream a message is: who unsubscribes from one still gets the others.
inline constexpr std::string_view kStreamTag = "stream";
inline constexpr std::size_t kMaxStreamOctets = 64;  // of letters, digits, "-" and "_"; with an address it fits a key

struct SuppressionRecord {
  std::string address;  // normalised_mailbox() in lower case: people mistype it
  SuppressionReason reason = SuppressionReason::Manual;
  Instant at;
  std::optional<MessageId> message;  // the one that bounced or was complained of
  // Since record version 2:
  std::optional<Instant> until = {};  // nullopt: for good
  // Since record version 3:
  std::string stream = {};  // only mail of that stream; empty: all

  friend bool operator==(const SuppressionRecord&, const SuppressionRecord&) = default;
};

// What an entry is called: "ann@example.net", or "ann@example.net newsletter" of one stream; in any case of letters. No domain has
// a blank.
std::string suppression_entry(std::string_view normalised_address, std::string_view stream);

// Under what accounts know their events: the key of the cipher, and up to which event they were shown the numbers themselves.
struct EventIdKey {
  std::array<std::uint8_t, 16> octets{};
  std::uint64_t last_numbered = 0;

  friend bool operator==(const EventIdKey&, const EventIdKey&) = default;
};

enum class WebhookState : std::uint8_t { Enabled = 1, Disabled = 2, Failed = 3 };  // Failed: disabled by lasting failure

// In whose words a webhook hears of mail that came in (events/received_form).
enum class ReceivedForm : std::uint8_t { Postern = 1, MailKite = 2, Resend = 3, Postmark = 4 };

// Whose events a webhook gets. Any: as all did before there was a choice.
enum class WebhookMail : std::uint8_t { Any = 1, Live = 2, Test = 3 };

struct WebhookRecord {
  WebhookId id;
  AccountId account;
  std::string url;
  std::vector<std::string> events;  // wire names, "email.delivered"; empty: all
  WebhookState state = WebhookState::Enabled;
  std::string secret;               // 24 to 64 random octets; the API shows it as "whsec_" + base64
  std::string previous_secret;      // still signs until previous_secret_until
  std::optional<Instant> previous_secret_until;
  Instant created;
  std::uint64_t first_sequence = 0; // events from here on are its
  // Since record version 2:
  WebhookMail mail = WebhookMail::Any;
  std::vector<std::string> from_domains;  // only mail from them; empty: all of the account's
  // Since record version 3:
  ReceivedForm received_form = ReceivedForm::Postern;
  std::vector<std::string> routes = {};  // of mail that came in, what these brought alone; empty: what any did

  friend bool operator==(const WebhookRecord&, const WebhookRecord&) = default;
};

// How far a webhook's events were handed over; kept apart from WebhookRecord because it changes all the time.
struct WebhookProgress {
  std::uint64_t cursor = 0;                   // every event up to here was delivered or is among the pending ones
  std::optional<Instant> failing_since;       // of the first failure after the last success
  std::uint64_t delivered = 0;
  std::uint64_t given_up = 0;
  // Since record version 2:
  bool is_proven = false;  // its endpoint answered 2xx since it was named; of an older record: it delivered

  friend bool operator==(const WebhookProgress&, const WebhookProgress&) = default;
};

// An event that its webhook has not taken yet.
struct PendingWebhookEvent {
  std::uint64_t sequence = 0;
  MessageId message;
  Instant first_attempt;
  Instant due;
  std::uint16_t attempts = 0;
  // Since record version 2:
  bool is_requested = false;  // somebody asked for this one: it goes whatever types the webhook wants
  // Since record version 3:
  bool has_own_clock = false;  // of a run with a clock: its times are the run's (events/run_webhooks)

  friend bool operator==(const PendingWebhookEvent&, const PendingWebhookEvent&) = default;
};

// What an operator wants done with live mail that waits, and for how long. An order concerns a recipient to whom all of its scope
// applies; what is empty applies to all.
enum class OrderAction : std::uint8_t {
  Hold = 1,    // it is not attempted
  Bounce = 2,  // it is given up, and its sender told
  Move = 3,    // it goes by another route
};
struct OrderScope {
  std::optional<MessageId> message = {};
  std::string domain = {};  // of recipients; ".example.org" also matches below it, "*" all
  std::string route = {};   // that leads to the recipient's domain, by name
  std::optional<AccountId> account = {};
  std::optional<KeyId> key = {};
  std::string tag = {};  // a name, or "name=value"

  friend bool operator==(const OrderScope&, const OrderScope&) = default;
};
struct OrderRecord {
  OrderId id;
  OrderAction action = OrderAction::Hold;
  OrderScope scope;
  std::string to_route;  // Move: its name; or "@pool": the recipients' own routes, from that pool (relay/route.h)
  std::string reason;    // at most kMaxOrderReasonOctets
  std::string author;
  Instant created;
  Instant expires_at;  // nobody forgets one for good

  friend bool operator==(const OrderRecord&, const OrderRecord&) = default;
};
inline constexpr std::size_t kMaxOrderReasonOctets = 200;
inline constexpr Duration kLongestOrder = std::chrono::days(365);
// "hold", "bounce", "move".
std::string_view order_action_name(OrderAction action);
// For people: "domain example.org, key key_…".
std::string describe_scope(const OrderScope& scope);
// Of a move: "route backup", "pool bulk".
std::string describe_way(const OrderRecord& order);

// What one key sent on one UTC day; what HTTP shows, not what quotas go by.
struct UsageRow {
  Instant day;  // its midnight
  KeyId key;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;

  friend bool operator==(const UsageRow&, const UsageRow&) = default;
};

// --- Spool -----------------------------------------------------------------------------------------------------------

// Inbound: taken in for an account; its content is kept as a test message's is, and counts with it.
enum class MessageOrigin : std::uint8_t { Submission = 1, Notification = 2, Inbound = 3 };

// What lists show of a message after its content is gone. From SMTP `reply_to` is not known; `from` and `subject` are as they stand
// in the header section, at most kMaxSummaryOctets each.
inline constexpr std::size_t kMaxSummaryOctets = 998;
struct MessageSummary {
  std::string from;
  std::string subject;
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
  std::vector<std::string> reply_to;
  std::vector<std::pair<std::string, std::string>> tags;
  // Since record version 3:
  std::string message_id = {};  // of the header as it goes out, without angle brackets, at most kMaxSummaryOctets

  friend bool operator==(const MessageSummary&, const MessageSummary&) = default;
};

// Written once, in the commit that accepts the message; never changed.
struct MessageRecord {
  MessageId id;
  AccountId account;
  KeyId key;
  Environment environment = Environment::Live;
  MessageOrigin origin = MessageOrigin::Submission;
  std::string user_name;        // what AUTH gave: for a test key the name of the run
  Envelope envelope;
  Instant accepted_at;
  IpAddress client_address;
  std::string helo_name;
  std::uint64_t content_octets = 0;
  std::uint32_t chunk_count = 0;
  std::uint32_t trace_octets = 0;  // length of the trace header that Postern put on top
  // Since record version 2:
  // Fields with their CR LF for the top of the content: DKIM-Signature of what goes out, Authentication-Results of what came in.
  std::string signature_fields;
  MessageSummary summary;
  // Since record version 4:
  bool has_own_clock = false;  // a test message whose run's clock stands still until somebody advances it (store/runs.h)
  // Since record version 5:
  std::optional<MessageId> forward_of = {};  // a route sent on what came in as that; its sender hears nothing of it

  friend bool operator==(const MessageRecord&, const MessageRecord&) = default;
};

enum class RecipientStage : std::uint8_t {
  Pending = 1,
  Delivered = 2,
  Bounced = 3,
  Expired = 4,
  Suppressed = 5,
  Cancelled = 6,
  Complained = 7,  // delivered, and then called spam
};

struct RecipientState {
  RecipientStage stage = RecipientStage::Pending;
  std::uint16_t attempts = 0;
  Instant next_attempt;          // while Pending
  Status last_status;            // code 0 before the first attempt
  std::string remote;            // "mx.example.net [192.0.2.1]:25" of the last attempt
  bool delay_notified = false;
  bool is_own_word = false;      // last_status is ours: no next hop said it. Since record version 2
  // By name, that an operator moved it by; "@pool": its domain's, from that pool; empty: its domain's. Since record version 4.
  std::string route = {};

  friend bool operator==(const RecipientState&, const RecipientState&) = default;
};

// The changing half of a message: one state per recipient, in the envelope's order.
struct DeliveryRecord {
  std::vector<RecipientState> recipients;
  std::optional<Instant> due;          // the earliest next attempt; nullopt: nothing is pending
  std::string lane;                    // store/lane.h: lane_of_pending()
  std::optional<Instant> settled_at;   // when the last recipient left Pending
  std::optional<Instant> content_until;  // content is kept until then (captured test messages); nullopt: gone

  // Since record version 3:
  std::optional<Instant> scheduled_at = {};  // the first attempt's time, where the client asked for one

  bool is_settled() const { return !due.has_value(); }
  // It waits for that time. An attempt, or a retry that somebody asked for, moves what is due.
  bool is_scheduled() const { return scheduled_at && due == scheduled_at; }
  friend bool operator==(const DeliveryRecord&, const DeliveryRecord&) = default;
};

// A submission's idempotency key: the same one again within kIdempotencyRetention is the same message, or a conflict.
inline constexpr Duration kIdempotencyRetention = std::chrono::hours(24);
struct IdempotencyClaim {
  std::array<std::uint8_t, 32> key_digest{};   // SHA-256 of the key as the client wrote it
  std::array<std::uint8_t, 32> fingerprint{};  // SHA-256 over what must be equal: envelope and content as they came

  friend bool operator==(const IdempotencyClaim&, const IdempotencyClaim&) = default;
};
struct IdempotencyRecord {
  std::array<std::uint8_t, 32> fingerprint{};
  MessageId message;
  Instant at;

  friend bool operator==(const IdempotencyRecord&, const IdempotencyRecord&) = default;
};

// Why and until when nothing goes to a destination that cannot be reached; written by the server's queue, read by the command line,
// which removes it to ask for a probe at once.
struct DestinationPause {
  std::string name;  // of the route
  Instant since;
  Instant until;     // the next probe
  Status why;

  friend bool operator==(const DestinationPause&, const DestinationPause&) = default;
};

struct StoredMessage {
  MessageRecord message;
  DeliveryRecord delivery;
  std::optional<InboundRecord> inbound = {};  // where it was asked for by its id
};

// From when on it could be delivered: what its lifetime in the queue is reckoned from.
inline Instant released_at(const StoredMessage& stored) {
  const Instant accepted = stored.message.accepted_at;
  return std::max(accepted, stored.delivery.scheduled_at.value_or(accepted));
}

// The place of an entry in its lane of the due index (store/lane.h): in the order in which the queue attempts.
struct DueKey {
  Instant due;
  MessageId id;

  friend auto operator<=>(const DueKey&, const DueKey&) = default;
};

// One entry of the due index; or, of a message that was just accepted or rescheduled, what is known of all its entries.
struct DueEntry {
  Instant due;
  MessageId id;
  std::string lane;        // empty of a message in several lanes
  AccountId account = {};  // not stored: known of a message that was just accepted, null of what the index says

  DueKey key() const { return {due, id}; }
  friend bool operator==(const DueEntry&, const DueEntry&) = default;
};

}  // namespace postern::store
