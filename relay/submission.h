// Submission: the product's one way in. A transaction of an authenticated principal becomes a durable message here, whoever
// speaks for the client: SMTP now (relay/smtp_submission), HTTP later. Verdicts come from the policies, content goes through
// the fix-ups into the spool, and the acceptance is the spool's commit.
#pragma once

#include "auth/authenticator.h"
#include "auth/principal.h"
#include "auth/usage_tracker.h"
#include "core/clock.h"
#include "core/random.h"
#include "net/awaitable.h"
#include "core/refusals.h"
#include "relay/content_signer.h"
#include "relay/header_scan.h"
#include "relay/operator_log.h"
#include "relay/quota.h"
#include "relay/recipient_policy.h"
#include "relay/route.h"
#include "smtp/session_types.h"
#include "store/store.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace postern::relay {

struct SubmissionSettings {
  std::string hostname;                        // in trace headers and made-up Message-IDs
  std::string simulator_domain = "simulator.postern.test";
  std::uint32_t max_received_fields = 50;      // RFC 5321 §6.3 suggests a large number; more is a loop
  Duration capture_retention = std::chrono::days(3);  // how long a test message's content is kept
};

// What every submission needs. All of it outlives every submission; every member may be used from any thread.
struct SubmissionContext {
  store::Store& store;
  const auth::Authenticator& authenticator;
  QuotaTable& quota;
  auth::UsageTracker& usage;
  std::function<std::shared_ptr<const RouteTable>()> routes;  // the table in force now
  std::function<void()> wake_queue;                           // a message was committed
  const Clock& clock;
  Random& random;
  SubmissionSettings settings;
  const MessageSigner* signer = nullptr;                      // nullptr: nothing is signed
};

// Who submits and how; fixed for a connection or an HTTP request.
struct Submitter {
  KeyId key;
  IpAddress address;
  std::uint16_t port = 0;
  std::string user_name;
};

// What the trace header says of the connection.
struct TraceFacts {
  std::string helo_name;
  std::string protocol;      // "ESMTPSA", "UTF8SMTPSA" …
  std::string tls;           // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in the clear
};

// One transaction, from MAIL to the reply to end-of-data. Used on one executor; destroying it before commit() keeps nothing.
// Order of calls: judge_sender, judge_recipient…, open, append…/drain, commit.
class Submission final : public smtp::ContentSink {
 public:
  Submission(const SubmissionContext& context, const Submitter& submitter);
  ~Submission() override;

  // Looks the key and its account up afresh: expiry, revocation and suspension bite here. Takes one message of the rate.
  Verdict judge_sender(const std::optional<Mailbox>& reverse_path);
  // Requires an accepted sender. An accepted recipient is reserved from the quotas until commit or destruction.
  Verdict judge_recipient(const Recipient& recipient);

  // Requires at least one accepted recipient. `envelope` must live until commit() is done. Refused: nothing is open.
  Verdict open(const Envelope& envelope, TraceFacts trace);
  // See ContentSink. A refusal found on the way (loop, sender, header too big) is kept for commit(); the rest is read and dropped.
  bool append(std::string_view content) override;
  net::Awaitable<void> drain();
  // 250 only after the spool's commit was synced.
  net::Awaitable<Verdict> commit();

  // From judge_sender on.
  const auth::Principal& principal() const { return principal_; }

 private:
  operator_log::Client client() const;
  Verdict judge_rate(const std::optional<Mailbox>& reverse_path, Instant now);
  Refusal live_refusal(const RecipientFacts& facts) const;
  void begin_content();
  void refuse_content(Refusal refusal);
  void begin_signing();
  std::string finish_signing();
  store::MessageRecord make_record(Instant now) const;
  store::DeliveryRecord make_delivery(const store::MessageRecord& record) const;

  const SubmissionContext& context_;
  const Submitter& submitter_;
  auth::Principal principal_;
  std::shared_ptr<const RouteTable> routes_;
  const Envelope* envelope_ = nullptr;
  TraceFacts trace_;
  Instant opened_at_;
  std::uint64_t reserved_ = 0;              // recipients held from the quotas
  HeaderScan header_;
  bool header_done_ = false;
  std::optional<Refusal> content_refusal_;
  std::unique_ptr<store::MessageWriter> writer_;
  std::unique_ptr<ContentSigner> signing_;  // nullptr: goes out unsigned
  std::uint32_t trace_octets_ = 0;
};

}  // namespace postern::relay
