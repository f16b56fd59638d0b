// Shell of the client side: one coroutine per call, one switch over the session's steps. Each step awaits one thing and hands
// its outcome back to the session, which turns every failure into statuses.
#include "smtp/client_connection.h"

#include "core/check.h"
#include "core/metrics.h"

#include <utility>

namespace postern::smtp {
namespace {

// The transaction is over when QUIT is said; nobody should wait long for the answer.
constexpr std::chrono::seconds kQuitTimeout{5};

metrics::Gauge hop_connections("postern_next_hop_connections", "Open SMTP connections to next hops.");
metrics::Counter hop_connects("postern_next_hop_connects_total",
                              "SMTP sessions begun with next hops, by whether they came to where mail may be sent.",
                              {{"outcome", {"succeeded", "failed"}}});

Status own_status(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text) {
  return Status{code, EnhancedCode{4, subject, detail}, std::move(text)};
}

net::asio::ip::address address_of(const IpAddress& address) {
  namespace ip = net::asio::ip;
  const ip::address_v6 six(address.octets);
  if (!address.is_v4()) return six;
  return ip::make_address_v4(ip::v4_mapped, six);
}

}  // namespace

class ClientConnection::Impl {
 public:
  Impl(std::unique_ptr<net::Stream> stream, net::TlsPeer peer, const net::TlsClientContext& tls, ClientTimeouts timeouts,
       ClientConfig config)
      : stream_(std::move(stream)),
        peer_(std::move(peer)),
        tls_(tls),
        timeouts_(timeouts),
        transcript_(config.transcript),
        session_(std::move(config)) {}

  // Performs steps until the session is ready or closed.
  net::Awaitable<void> run();
  net::Awaitable<std::vector<ClientRecipientStatus>> send(ClientTransaction transaction, ContentSource content,
                                                          LookAhead look_ahead);
  net::Awaitable<void> quit();
  void cancel();
  bool is_usable() const { return is_usable_; }
  const ClientSession& session() const { return session_; }
  net::TlsFault tls_fault() const { return stream_->tls_fault(); }

 private:
  // True: ask for the next step.
  net::Awaitable<bool> perform(ClientNeedInput);
  net::Awaitable<bool> perform(ClientStartTls);
  net::Awaitable<bool> perform(ClientNeedContent);
  net::Awaitable<bool> perform(ClientReady);
  net::Awaitable<bool> perform(ClientClosed);

  net::Awaitable<bool> flush(std::chrono::seconds timeout);
  void give_content();
  void give_last(std::string_view piece);
  void stream_failed(const Error& error);
  std::chrono::seconds reply_timeout() const;

  const metrics::Counted counted_{hop_connections};
  std::unique_ptr<net::Stream> stream_;
  net::TlsPeer peer_;
  const net::TlsClientContext& tls_;
  ClientTimeouts timeouts_;
  std::function<void(Direction, std::string_view)> transcript_;
  ClientSession session_;
  ContentSource content_;                          // of the transaction under way
  LookAhead look_ahead_;                           // the same
  std::optional<Result<std::string>> next_piece_;  // read ahead, so that the last piece leaves together with the final dot
  std::optional<std::uint64_t> replies_at_deadline_;  // reply_count() when the deadline was set
  bool is_usable_ = false;
  bool is_cancelled_ = false;
};

ClientConnection::ClientConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientConnection::~ClientConnection() = default;

net::Awaitable<ClientConnection::Opened> ClientConnection::open(net::asio::ip::tcp::endpoint endpoint, net::TlsPeer peer,
                                                                ClientConfig config, const net::TlsClientContext& tls,
                                                                ClientTimeouts timeouts) {
  Opened opened = co_await connect(endpoint, std::move(peer), std::move(config), tls, timeouts);
  hop_connects.at(opened.connection == nullptr).add();
  co_return opened;
}

net::Awaitable<ClientConnection::Opened> ClientConnection::connect(net::asio::ip::tcp::endpoint endpoint,
                                                                   net::TlsPeer peer, ClientConfig config,
                                                                   const net::TlsClientContext& tls,
                                                                   ClientTimeouts timeouts) {
  Opened opened;
  const std::optional<net::asio::ip::address> source = config.source ? std::optional(address_of(*config.source)) : std::nullopt;
  Result<std::unique_ptr<net::Stream>> stream = co_await net::Stream::connect(endpoint, timeouts.connect, source);
  if (!stream) {
    opened.is_source_missing = stream.error().code() == ErrorCode::NotFound;
    opened.failure = own_status(451, 4, 1, "cannot connect: " + stream.error().message());
    co_return opened;
  }
  opened.was_connected = true;
  if (config.tls == ClientTls::Implicit) {
    (*stream)->expires_after(timeouts.greeting);
    const Result<void> started = co_await (*stream)->start_tls_client(tls, peer);
    if (!started) {
      opened.tls_fault = (*stream)->tls_fault();
      opened.failure = own_status(454, 7, 5, "TLS failed: " + started.error().message());
      co_return opened;
    }
  }
  auto impl = std::make_unique<Impl>(std::move(*stream), std::move(peer), tls, timeouts, std::move(config));
  co_await impl->run();
  if (impl->is_usable()) {
    opened.connection.reset(new ClientConnection(std::move(impl)));
    co_return opened;
  }
  opened.failure = *impl->session().failure();
  opened.is_tls_failure = impl->session().has_failed_at_tls();
  opened.tls_fault = impl->tls_fault();
  co_return opened;
}

net::Awaitable<std::vector<ClientRecipientStatus>> ClientConnection::send(ClientTransaction transaction, ContentSource content,
                                                                          LookAhead look_ahead) {
  return impl_->send(std::move(transaction), std::move(content), std::move(look_ahead));
}
bool ClientConnection::is_begun_behind() const { return impl_->session().is_begun_behind(); }
net::Awaitable<void> ClientConnection::quit() { return impl_->quit(); }
bool ClientConnection::is_usable() const { return impl_->is_usable(); }
bool ClientConnection::is_broken() const { return impl_->session().failure().has_value(); }
bool ClientConnection::was_mail_refused() const { return impl_->session().was_mail_refused(); }
bool ClientConnection::is_unfit() const { return impl_->session().was_unfit(); }
const ClientCapabilities& ClientConnection::capabilities() const { return impl_->session().capabilities(); }
bool ClientConnection::is_tls() const { return impl_->session().is_tls(); }
void ClientConnection::cancel() { impl_->cancel(); }

net::Awaitable<void> ClientConnection::Impl::run() {
  is_usable_ = false;
  for (;;) {
    const ClientStep step = session_.next();
    net::Awaitable<bool> performing = std::visit([this](auto what) { return perform(what); }, step);
    const bool goes_on = co_await std::move(performing);
    if (!goes_on) co_return;
  }
}

net::Awaitable<std::vector<ClientRecipientStatus>> ClientConnection::Impl::send(ClientTransaction transaction,
                                                                                ContentSource content, LookAhead look_ahead) {
  if (!is_usable_) {
    std::vector<ClientRecipientStatus> statuses;
    for (const std::uint32_t recipient : transaction.recipients) {
      statuses.push_back({recipient, own_status(451, 4, 2, "the connection is closed"), true});
    }
    co_return statuses;
  }
  content_ = std::move(content);
  look_ahead_ = std::move(look_ahead);
  next_piece_.reset();
  session_.begin(std::move(transaction));
  co_await run();
  content_ = nullptr;
  look_ahead_ = nullptr;
  co_return session_.take_results();
}

net::Awaitable<void> ClientConnection::Impl::quit() {
  if (!is_usable_) co_return;
  session_.quit();
  co_await run();
}

void ClientConnection::Impl::cancel() {
  is_cancelled_ = true;
  stream_->cancel();
}

net::Awaitable<bool> ClientConnection::Impl::perform(ClientNeedInput) {
  const bool is_flushed = co_await flush(reply_timeout());
  if (!is_flushed) co_return true;
  if (replies_at_deadline_ != session_.reply_count()) stream_->expires_after(reply_timeout());
  replies_at_deadline_ = session_.reply_count();
  const Result<std::size_t> count = co_await stream_->read_some(session_.input_space());
  if (!count) {
    stream_failed(count.error());
  } else {
    if (transcript_) transcript_(Direction::Received, {session_.input_space().data(), *count});
    session_.received(*count);
  }
  co_return true;
}

net::Awaitable<bool> ClientConnection::Impl::perform(ClientStartTls) {
  stream_->expires_after(timeouts_.command);
  const Result<void> started = co_await stream_->start_tls_client(tls_, peer_);
  if (!started) {
    session_.tls_failed(started.error().message());
  } else {
    session_.tls_started();
  }
  co_return true;
}

net::Awaitable<bool> ClientConnection::Impl::perform(ClientNeedContent) {
  const bool is_flushed = co_await flush(timeouts_.data_block);
  if (is_flushed) give_content();
  co_return true;
}

net::Awaitable<bool> ClientConnection::Impl::perform(ClientReady) {
  is_usable_ = !is_cancelled_;
  co_return false;
}

net::Awaitable<bool> ClientConnection::Impl::perform(ClientClosed) {
  co_await flush(kQuitTimeout);
  stream_->close();
  co_return false;
}

// True: all output is out. A failure has then been told to the session.
net::Awaitable<bool> ClientConnection::Impl::flush(std::chrono::seconds timeout) {
  if (is_cancelled_) {
    session_.peer_gone();
    co_return false;
  }
  if (session_.output().empty()) co_return true;
  stream_->expires_after(timeout);
  replies_at_deadline_.reset();
  if (transcript_) {
    const std::size_t own = session_.output().size() - session_.octets_begun_behind();
    transcript_(Direction::Sent, session_.output().substr(0, own));
    if (own < session_.output().size()) transcript_(Direction::SentAhead, session_.output().substr(own));
  }
  const Result<void> written = co_await stream_->write_all(session_.output());
  session_.output_sent();
  if (!written) stream_failed(written.error());
  co_return written.has_value();
}

void ClientConnection::Impl::give_content() {
  Result<std::string> piece = next_piece_ ? std::move(*next_piece_) : content_();
  next_piece_.reset();
  if (!piece) return session_.content_failed();
  if (piece->empty()) return give_last("");
  Result<std::string> following = content_();
  const bool is_last = following.has_value() && following->empty();
  if (is_last) return give_last(*piece);
  next_piece_ = std::move(following);
  session_.content(*piece, false);
}

void ClientConnection::Impl::give_last(std::string_view piece) {
  session_.content(piece, true);
  if (session_.failure() || !look_ahead_ || !session_.capabilities().pipelining) return;
  const std::optional<ClientTransaction> next = look_ahead_();
  if (next) session_.begin_behind(*next);
}

void ClientConnection::Impl::stream_failed(const Error& error) {
  if (error.code() == ErrorCode::ConnectionTimedOut) return session_.timed_out();
  session_.peer_gone();
}

std::chrono::seconds ClientConnection::Impl::reply_timeout() const {
  if (session_.stage() == "greeting") return timeouts_.greeting;
  if (session_.stage() == "end-of-data") return timeouts_.end_of_data;
  if (session_.stage() == "QUIT") return kQuitTimeout;
  return timeouts_.command;
}

}  // namespace postern::smtp
