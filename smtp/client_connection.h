// Shell of the client side: drives a ClientSession over a net::Stream. One connection to one next hop, reused for many
// messages by its owner (relay/destination).
#pragma once

#include "core/result.h"
#include "net/awaitable.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "smtp/client_session.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::smtp {

// RFC 5321 §4.5.3.2.
struct ClientTimeouts {
  std::chrono::seconds connect{30};
  std::chrono::seconds greeting{300};
  std::chrono::seconds command{300};
  std::chrono::seconds data_block{180};     // a write of content
  std::chrono::seconds end_of_data{600};
};

// Gives content piece by piece: the next chunk, an empty string after the last one, or an error.
using ContentSource = std::function<Result<std::string>()>;

// Asked once, when the last piece of content is about to leave: the transaction that will be sent next, if there is one already.
using LookAhead = std::function<std::optional<ClientTransaction>()>;

class ClientConnection {
 public:
  struct Opened {
    std::unique_ptr<ClientConnection> connection;  // null if it failed
    Status failure;                                // then: a 4yz or 5yz that says why
    bool is_tls_failure = false;                   // it was STARTTLS that failed, not what came before
    net::TlsFault tls_fault = net::TlsFault::None;  // then, if it came to a handshake
    bool is_source_missing = false;                // this machine has not the address that the connection was to leave from
    bool was_connected = false;                    // something listens there, whatever it said
  };
  // Connects, greets, STARTTLS, AUTH as `config` says. `tls` must outlive the connection; `peer` is what the certificate
  // must be for.
  static net::Awaitable<Opened> open(net::asio::ip::tcp::endpoint endpoint, net::TlsPeer peer, ClientConfig config,
                                     const net::TlsClientContext& tls, ClientTimeouts timeouts);
  ~ClientConnection();

  // Never throws; on a broken connection the statuses say so and is_usable() turns false. Where `look_ahead` gives a transaction
  // and the peer offers PIPELINING, that one's commands leave behind this one's content (ClientSession::begin_behind()).
  net::Awaitable<std::vector<ClientRecipientStatus>> send(ClientTransaction transaction, ContentSource content,
                                                          LookAhead look_ahead = {});
  // The next send() must be that of the transaction that the last one's `look_ahead` gave; or nothing is sent any more.
  bool is_begun_behind() const;
  // QUIT, with a short deadline, then close.
  net::Awaitable<void> quit();

  bool is_usable() const;
  // False while it is fine, and after an end in order.
  bool is_broken() const;
  // Of the last transaction; see ClientSession.
  bool was_mail_refused() const;
  bool is_unfit() const;
  const ClientCapabilities& capabilities() const;
  bool is_tls() const;
  void cancel();

 private:
  class Impl;
  static net::Awaitable<Opened> connect(net::asio::ip::tcp::endpoint endpoint, net::TlsPeer peer, ClientConfig config,
                                        const net::TlsClientContext& tls, ClientTimeouts timeouts);
  explicit ClientConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::smtp
