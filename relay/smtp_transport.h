// SMTP to one smarthost (RFC 5321 §3.3) or to the mail hosts of one domain (relay/mx_sessions): opens or reuses a connection,
// sends the content straight from the spool chunk by chunk (relay/spooled_content), turns the next hop's words into reports. One
// object per destination.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "dns/resolver.h"
#include "domains/content_signer.h"
#include "domains/return_path.h"
#include "net/awaitable.h"
#include "net/tls_context.h"
#include "relay/dialogue.h"
#include "relay/exits.h"
#include "relay/mx_sessions.h"
#include "relay/route.h"
#include "relay/spooled_content.h"
#include "relay/transport.h"
#include "smtp/client_connection.h"
#include "store/spool.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace postern::relay {

struct SmtpTransportOptions {
  std::string hostname;  // for EHLO
  smtp::ClientTimeouts timeouts;
  const domains::MessageSigner* signer = nullptr;  // of what is converted; outlives the transport
  dns::Resolver* resolver = nullptr;  // of the hop's name; outlives the transport. Null: the hop is an address
  const domains::ReturnPaths* return_paths = nullptr;  // under which accounts' mail leaves; outlives this. Null: its own
  std::shared_ptr<SourceBook> sources{};  // shared by all transports; null: no source is missing or bounded
  std::shared_ptr<MxCommon> mx{};     // shared by all such transports; null: the route has a smarthost
  DialogueBook* dialogues = nullptr;  // what was said is kept there; outlives the transport. Null: nowhere
};

class SmtpTransport final : public Transport {
 public:
  // `spool` outlives this; `routes` holds `route` and is kept.
  SmtpTransport(net::Executor executor, const store::Spool& spool, std::shared_ptr<const RouteTable> routes,
                const Route& route, SmtpTransportOptions options);
  ~SmtpTransport() override;

  net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) override;
  bool has_begun(const DeliveryRequest& request) const override { return begun_.contains(request.message); }
  void cancel() override;
  void retire() override;
  void refresh() override { options_.mx ? options_.mx->refresh() : load_tls(); }

 private:
  struct Opened {
    HopConnection hop;  // no connection: `failure` says why
    Status failure;
    std::string remote;  // the last address tried
    std::string said{};  // to addresses with which no session could be had
    bool is_surplus = false;  // it said 421, or other sessions stood or were being opened
    bool is_message_s = false;  // the failure says nothing on the next hop
    bool is_source_s = false;   // nothing was tried, for want of the source's address
    std::optional<Wait> wait{};  // as MxSession's
  };
  // A message as it goes to one hop.
  struct Outgoing {
    SpooledContent content;
    std::optional<Envelope> changed{};  // where not the record's own goes
    smtp::ClientTransaction transaction{};
  };
  // A connection on which a message's MAIL, RCPT and DATA have left already, behind the content of the one before.
  struct Begun {
    HopConnection hop;
    std::unique_ptr<Outgoing> outgoing;
  };
  struct Sent {
    std::vector<smtp::ClientRecipientStatus> statuses;
    // Nothing of the message is theirs, and another connection may do better: this one had died while it was idle, or takes no
    // more messages.
    bool is_stale = false;
    bool is_content_lost = false;
    // Another address of the same domain may take it: nobody was taken, and nothing of the content was sent.
    bool is_for_another = false;
    const store::StoredMessage* next = nullptr;  // begun behind it, where the connection says so
    std::unique_ptr<Outgoing> next_outgoing{};
  };

  // An attempt by one exit.
  struct Passage {
    std::vector<RecipientReport> reports;  // empty: `put_off` says why there is none
    std::optional<Wait> put_off{};         // another exit may do better
    bool was_begun = false;                // a session was had
  };

  net::Awaitable<std::vector<RecipientReport>> attempt(DeliveryRequest request);
  net::Awaitable<Passage> pass(Exit& exit, MxAttempt* walk, const DeliveryRequest& request);
  Passage not_opened(const Exit& exit, const Opened& opened, const DeliveryRequest& request, bool is_by_mx);
  std::unique_ptr<MxAttempt> begin_walk(const DeliveryRequest& request);
  net::Awaitable<void> find_provider(MxAttempt& walk);
  std::vector<RecipientReport> restrained(const DeliveryRequest& request, const Wait& wait);
  void note_words(ProviderShaper& shaper, const std::vector<smtp::ClientRecipientStatus>& statuses);
  net::Awaitable<Opened> open(Exit& exit, MxAttempt* walk);
  net::Awaitable<void> open_session(Exit& exit, Opened& opened);
  static net::Awaitable<void> open_by_mx(Opened& opened, MxAttempt& walk);
  void load_tls();
  Instant now() const { return options_.mx ? options_.mx->now() : SystemClock().now(); }
  bool may_give_up_tls() const;
  bool has_own_return_path(const store::MessageRecord& message) const;
  std::optional<Status> leave_from(const Exit& exit, const net::asio::ip::tcp::endpoint& endpoint,
                                   smtp::ClientConfig& config) const;
  void note_tls_failure(Exit& exit, const Status& failure);
  static bool is_session_spent(const HopConnection& hop, const Sent& sent);
  // `begun` null: nothing of it has left yet.
  net::Awaitable<Sent> send(HopConnection& hop, const DeliveryRequest& request, std::unique_ptr<Outgoing> begun = nullptr);
  net::Awaitable<Sent> send_content(HopConnection& hop, const DeliveryRequest& request, std::unique_ptr<Outgoing> outgoing);
  std::unique_ptr<Outgoing> outgoing(const DeliveryRequest& request) const;
  static void finish(Outgoing& outgoing, const DeliveryRequest& request);
  std::optional<smtp::ClientTransaction> look_ahead(const HopConnection& hop, const DeliveryRequest& request, Sent& sent) const;
  Begun take_begun(const DeliveryRequest& request);
  void note_dialogue(const DeliveryRequest& request, const std::string& remote, std::string said) const;
  smtp::ClientConfig client_config(const Exit& exit, const net::asio::ip::tcp::endpoint& endpoint) const;
  std::vector<RecipientReport> conclude(Exit& exit, HopConnection hop, Sent sent);
  void keep_or_quit(Exit& exit, HopConnection hop);

  net::Executor executor_;
  const store::Spool& spool_;
  std::shared_ptr<const RouteTable> routes_;  // shared: a reload replaces the table while this still delivers by the old one
  const Route& route_;
  SmtpTransportOptions options_;
  std::shared_ptr<const net::TlsClientContext> tls_;  // null: could not be made, see tls_failure_
  Status tls_failure_;
  Exits exits_;
  SystemRandom random_;
  unsigned restrained_ = 0;                 // times in a row
  std::set<smtp::ClientConnection*> sending_;
  std::map<const store::StoredMessage*, Begun> begun_;
  std::chrono::steady_clock::time_point alone_until_{};  // the hop lost what followed a content
  std::size_t opening_ = 0;    // sessions being opened
  bool is_cancelled_ = false;
  dns::Cancellation look_ups_;
  bool is_retired_ = false;
};

}  // namespace postern::relay
