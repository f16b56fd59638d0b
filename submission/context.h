// What every submission needs, and who submits: the words that the judge, the reservation and the
// intake share.
#pragma once

#include "auth/authenticator.h"
#include "auth/usage_tracker.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/random.h"
#include "domains/content_signer.h"
#include "domains/unsubscribe_link.h"
#include "relay/route.h"
#include "relay/run_book.h"
#include "store/claim_log.h"
#include "store/store.h"
#include "submission/counters.h"
#include "submission/quota.h"
#include "submission/refusal_book.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace postern::submission {

// What becomes of lines above 998 octets, which break on the way (RFC 5321 §4.5.3.1.6).
enum class LongLines { Encode, Pass, Refuse };

struct SubmissionSettings {
  std::string hostname;  // in trace headers and made-up Message-IDs
  std::string simulator_domain = "simulator.postern.test";
  std::uint32_t max_received_fields = 50;  // RFC 5321 §6.3 suggests a large number; more is a loop
  Duration capture_retention = std::chrono::days(3);  // how long a test message's content is kept
  bool shows_client = false;  // the trace header names the client's address and HELO name
  LongLines long_lines = LongLines::Encode;
  // What belongs to a test run before AUTH says so: local port → account's name and the run's.
  std::map<std::uint16_t, std::pair<std::string, std::string>> run_ports = {};
  Duration longest_hold = std::chrono::days(30);  // Resend's; what is queued for longer is forgotten by its senders
};

// All of it outlives every submission; every member may be used from any thread.
struct SubmissionContext {
  store::Store& store;
  const auth::Authenticator& authenticator;
  QuotaTable& quota;
  auth::UsageTracker& usage;
  std::function<std::shared_ptr<const relay::RouteTable>()> routes;  // the table in force now
  std::function<void(const store::DueEntry&)> wake_queue;  // a message was committed, or has another time
  const Clock& clock;
  Random& random;
  SubmissionSettings settings;
  const domains::MessageSigner* signer = nullptr;  // nullptr: nothing is signed
  store::ClaimLog* claims = nullptr;               // nullptr: one machine, whose store knows all idempotency keys
  relay::RunBook* runs = nullptr;                  // nullptr: runs have neither scripts nor clocks
  domains::UnsubscribeLinks unsubscribe_links{};
  RefusalBook* refusals = nullptr;                 // nullptr: nobody remembers them
};

// Who submits and how; fixed for a connection or an HTTP request.
struct Submitter {
  Door door = Door::Smtp;
  KeyId key;
  IpAddress address;
  std::uint16_t port = 0;
  std::string user_name;
  std::string helo_name = {};  // as it was at AUTH
};

// What the trace header says of the connection.
struct TraceFacts {
  std::string helo_name;  // empty over HTTP
  std::string protocol;   // "ESMTPSA", "UTF8SMTPSA" …
  std::string tls;        // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in the clear
};

}  // namespace postern::submission
