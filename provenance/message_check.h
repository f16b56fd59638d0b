// All checks of one message that arrives: fed with its content while it comes, judged when it is whole. What the door, the command
// line and whoever else wants to know asks.
#pragma once

#include "dns/resolver.h"
#include "mime/header_scan.h"
#include "net/awaitable.h"
#include "provenance/arc.h"
#include "provenance/canonical.h"
#include "provenance/dkim.h"
#include "provenance/dmarc.h"
#include "provenance/spf.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::provenance {

struct MessageVerdicts {
  SpfVerdict spf;
  std::vector<DkimVerdict> dkim;  // of each signature, the topmost first
  ArcVerdict arc;
  DmarcVerdict dmarc;
};

// Used on one thread at a time. Holds the header section, and of the body nothing.
class MessageCheck {
 public:
  MessageCheck() = default;
  MessageCheck(const MessageCheck&) = delete;
  MessageCheck& operator=(const MessageCheck&) = delete;

  // The content as it came, lines ending with CR LF, without what we add; in order and in any pieces. Returns how many octets of it
  // the header section took, as HeaderScan::feed() does.
  std::size_t append(std::string_view content);
  // The content is over: what was read of it is all of the header section there is.
  void finish_header();
  // Complete once the body has begun.
  const mime::HeaderScan& header() const { return header_; }
  // Once, after the content's end. On an executor of one thread; this and `resolver` outlive it. All keys are asked for at once.
  net::Awaitable<MessageVerdicts> judge(dns::Resolver& resolver, SpfVerdict spf, Instant now,
                                        dns::Cancellation* cancellation = nullptr);

 private:
  void begin_body();
  void append_body(std::string_view body);
  BodyHashes finish_body();

  mime::HeaderScan header_;
  bool has_begun_body_ = false;
  std::vector<Signature> signatures_;
  ArcChain chain_;
  std::optional<BodyHash> simple_;  // where a signature wants it
  std::optional<BodyHash> relaxed_;
};

}  // namespace postern::provenance
