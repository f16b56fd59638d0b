// Submission: the product's one way in. A transaction of an authenticated principal becomes a durable message here, whoever
// speaks for the client: SMTP (submission/smtp_submission) or HTTP (api/api_emails). Verdicts come from the policies, content goes
// through the fix-ups into the spool, and the acceptance is the spool's commit.
#pragma once

#include "auth/authenticator.h"
#include "auth/principal.h"
#include "auth/usage_tracker.h"
#include "core/clock.h"
#include "core/operator_log.h"
#include "core/random.h"
#include "core/refusals.h"
#include "domains/content_signer.h"
#include "mime/header_scan.h"
#include "mime/long_lines.h"
#include "net/awaitable.h"
#include "relay/route.h"
#include "smtp/session_types.h"
#include "store/store.h"
#include "submission/idempotency.h"
#include "submission/quota.h"
#include "submission/recipient_policy.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postern::submission {

// What becomes of lines above 998 octets, which break on the way (RFC 5321 §4.5.3.1.6).
enum class LongLines { Encode, Pass, Refuse };

struct SubmissionSettings {
  std::string hostname;                        // in trace headers and made-up Message-IDs
  std::string simulator_domain = "simulator.postern.test";
  std::uint32_t max_received_fields = 50;      // RFC 5321 §6.3 suggests a large number; more is a loop
  Duration capture_retention = std::chrono::days(3);  // how long a test message's content is kept
  bool shows_client = false;                   // the trace header names the client's address and HELO name
  LongLines long_lines = LongLines::Encode;
};

// What every submission needs. All of it outlives every submission; every member may be used from any thread.
struct SubmissionContext {
  store::Store& store;
  const auth::Authenticator& authenticator;
  QuotaTable& quota;
  auth::UsageTracker& usage;
  std::function<std::shared_ptr<const relay::RouteTable>()> routes;  // the table in force now
  std::function<void(const store::DueEntry&)> wake_queue;     // a message was committed
  const Clock& clock;
  Random& random;
  SubmissionSettings settings;
  const domains::MessageSigner* signer = nullptr;                      // nullptr: nothing is signed
};

// Who submits and how; fixed for a connection or an HTTP request.
struct Submitter {
  KeyId key;
  IpAddress address;
  std::uint16_t port = 0;
  std::string user_name;
  std::string helo_name = {};  // as it was at AUTH
};

// What the trace header says of the connection.
struct TraceFacts {
  std::string helo_name;
  std::string protocol;      // "ESMTPSA", "UTF8SMTPSA" …
  std::string tls;           // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in the clear
};

// Why the last verdict was a refusal. No `refusal` with a refused verdict: a simulated reply, which is in no table.
struct RefusalFacts {
  std::optional<Refusal> refusal;
  // RateLimited and QuotaExceeded: when it is worth a new attempt, and the rate or quota.
  std::chrono::seconds wait{0};
  std::optional<std::uint64_t> limit = {};
};

// What an accepted message became.
struct Acceptance {
  MessageId id;
  bool is_replay = false;  // the idempotency key's first message; nothing was stored now
};

// One transaction, from MAIL to the reply to end-of-data. Used on one executor; destroying it before commit() keeps nothing.
// Order of calls: judge_sender, judge_recipient…, open, append…/drain, commit.
class Submission final : public smtp::ContentSink {
 public:
  // Foresee: the same verdicts, but no rate is taken, no quota reserved and no line logged. open() may not be called then.
  enum class Purpose { Submit, Foresee };

  Submission(const SubmissionContext& context, const Submitter& submitter, Purpose purpose = Purpose::Submit);
  ~Submission() override;

  // Looks the key and its account up afresh: expiry, revocation and suspension bite here. Takes `messages` of the rate: the first
  // submission of a batch takes for all of it, the others 0.
  Verdict judge_sender(const std::optional<Mailbox>& reverse_path, std::uint32_t messages = 1);
  // Requires an accepted sender. An accepted recipient is reserved from the quotas until commit or destruction.
  Verdict judge_recipient(const Recipient& recipient);
  // A complete header section, by the same rules that append() goes by.
  Verdict judge_header(const mime::HeaderScan& header);

  // Before open(). A key that came beside the message (header_idempotency_key() of it) goes before one within it. `fingerprint`
  // says what has to be equal.
  void set_idempotency_key(std::string key, const auth::Sha256Digest& fingerprint);
  // Is there a message of that key already? Accepted and acceptance() set: yes, and nothing is left to do. Refused: another
  // content has the key, or the store failed. nullopt: no. Requires an accepted sender and a key with a fingerprint.
  std::optional<Verdict> find_replay();
  // What lists show of the message; without it, what the header section tells.
  void set_summary(store::MessageSummary summary) { summary_ = std::move(summary); }

  // Requires at least one accepted recipient. `envelope` must live until commit() is done. Refused: nothing is open.
  Verdict open(const Envelope& envelope, TraceFacts trace);
  // See ContentSink. A refusal found on the way (loop, sender, header too big) is kept for commit(); the rest is read and dropped.
  bool append(std::string_view content) override;
  net::Awaitable<void> drain();
  // 250 only after the spool's commit was synced. Where the idempotency key's message is there already: 250 with the id of that
  // one and nothing stored, or IdempotencyConflict.
  net::Awaitable<Verdict> commit();

  // From judge_sender on.
  const auth::Principal& principal() const { return principal_; }
  // Of the last verdict, if it was a refusal.
  const RefusalFacts& refusal_facts() const { return refusal_facts_; }
  // Set once the message is accepted.
  const std::optional<Acceptance>& acceptance() const { return acceptance_; }

 private:
  operator_log::Client client() const;
  bool is_submitting() const { return purpose_ == Purpose::Submit; }
  // A refusal found in the content, with its words (empty: those of the table).
  struct ContentRefusal {
    Refusal refusal;
    std::string detail;
  };
  Verdict refuse(Refusal refusal, std::string_view detail = {});
  Verdict refuse_wait(Refusal refusal, std::string_view what, const QuotaAnswer& answer);
  Verdict refuse_sender(Verdict verdict, const std::optional<Mailbox>& reverse_path);
  Verdict refuse_recipient(Verdict verdict, Refusal refusal, const Recipient& recipient);
  Verdict judge_rate(const std::optional<Mailbox>& reverse_path, std::uint32_t messages, Instant now);
  Verdict judge_quota(const Recipient& recipient);
  bool is_reverse_path_proven(const Mailbox& reverse_path) const;
  Refusal live_refusal(const Recipient& recipient, const RecipientFacts& facts) const;
  std::optional<ContentRefusal> header_refusal(const mime::HeaderScan& header) const;
  void begin_content();
  // Begins the stored message with its trace header; returns the header section that follows.
  std::string begin_writer();
  // Signs and stores. False: drain first.
  bool put(std::string_view content);
  // submission_lines.cc
  LongLines long_lines_mode() const;
  net::Awaitable<Result<void>> mend_long_lines();
  net::Awaitable<Result<void>> rewrite(const store::MessageWriter& as_it_came, std::size_t skip, mime::LineMender& mender);
  void refuse_content(ContentRefusal refusal);
  void watch_lines(std::string_view content);
  void begin_signing();
  std::string finish_signing();
  std::optional<store::IdempotencyClaim> claim();
  Verdict accept(const Acceptance& acceptance);
  Verdict answer_replay(const store::IdempotencyClaim& claim);
  void make_summary();
  Envelope outgoing_envelope() const;
  store::MessageRecord make_record(Instant now) const;
  store::DeliveryRecord make_delivery(const store::MessageRecord& record) const;
  store::NewMessage make_message(Instant now);

  const SubmissionContext& context_;
  const Submitter& submitter_;
  const Purpose purpose_;
  auth::Principal principal_;
  std::shared_ptr<const relay::RouteTable> routes_;
  const Envelope* envelope_ = nullptr;
  TraceFacts trace_;
  Instant opened_at_;
  std::uint64_t reserved_ = 0;              // recipients held from the quotas
  mime::HeaderScan header_;
  bool header_done_ = false;
  bool is_eight_bit_ = false;               // an octet above 127 was seen
  bool is_header_eight_bit_ = false;        // … in the header section
  std::optional<ContentRefusal> content_refusal_;
  std::unique_ptr<store::MessageWriter> writer_;
  std::unique_ptr<domains::ContentSigner> signing_;  // nullptr: goes out unsigned
  std::uint32_t trace_octets_ = 0;
  std::size_t header_octets_ = 0;           // as stored, behind the trace header
  mime::LongLineWatch long_lines_;                // of the body
  std::optional<store::MessageSummary> summary_;
  std::optional<std::string> idempotency_key_;
  bool is_keyed_by_envid_ = false;          // the key is known with the fingerprint only
  bool hides_reverse_path_ = false;         // a sandbox account's, which nobody has shown to be its own
  std::vector<std::string> warnings_;       // told to a test key
  std::optional<auth::Sha256Digest> given_fingerprint_;
  std::optional<SubmissionFingerprint> fingerprint_;
  RefusalFacts refusal_facts_;
  std::optional<Acceptance> acceptance_;
};

}  // namespace postern::submission
