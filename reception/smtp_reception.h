// What the SMTP shell of an mx listener asks: whose each recipient is, where the content goes, and the commit behind the 250. No
// AUTH; nothing is relayed.
#pragma once

#include "core/ip_address.h"
#include "core/recent_map.h"
#include "core/token_bucket.h"
#include "reception/context.h"
#include "reception/greylist.h"
#include "smtp/submission_handler.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace postern::reception {

inline constexpr std::size_t kMaxPeersRemembered = 100'000;  // a bucket each; the longest quiet ones are forgotten
inline constexpr std::uint32_t kMaxRefusedRecipients = 20;   // in a session; who guesses addresses is hung up on

// Any thread opens conversations; each stays on its connection's thread. The context outlives them all.
class SmtpReception final : public smtp::SubmissionHandler {
 public:
  explicit SmtpReception(const ReceptionContext& context) : context_(context) {}

  std::unique_ptr<smtp::Conversation> open_conversation(const smtp::PeerFacts& peer) override;
  void refused(const IpAddress& peer, std::string_view token) override;
  // False: it has sent as many messages as it may for now.
  bool may_send(const IpAddress& peer);
  // Where greylisting is on: how long a newcomer has to wait before it tries again. nullopt: it may go on. Loopback is none.
  std::optional<std::chrono::seconds> wait_of(const Newcomer& newcomer);

 private:
  const ReceptionContext& context_;
  std::mutex mutex_;
  RecentMap<IpAddress, TokenBucket> peers_;
  Greylist greylist_;
};

}  // namespace postern::reception
